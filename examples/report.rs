//! What a run shows, as one page.
//!
//! ```text
//! cargo run --release --features report --example report -- runs/search-embedded-v2-recommended --open
//! ```
//!
//! The same as `eoinas report`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("report", eoinas_cli::report::run)
}
