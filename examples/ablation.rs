//! What pruning and the indicator bring (the paper's Table 3).
//!
//! ```text
//! cargo run --release --features report --example ablation
//! ```
//!
//! The same as `eoinas compare ablation`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("ablation", eoinas_cli::compare::ablation::run)
}
