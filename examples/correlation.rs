//! Whether weights and indicator say how good an op is (the paper's Figure 1).
//!
//! ```text
//! cargo run --release --features report --example correlation
//! ```
//!
//! The same as `eoinas compare correlation`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("correlation", eoinas_cli::compare::correlation::run)
}
