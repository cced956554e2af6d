//! Parameters and multiply-adds of cells and human-designed networks, as published tables have them.
//!
//! ```text
//! cargo run --release --example count
//! cargo run --release --example count -- darts-v2 runs/search-embedded-v2-recommended/genotype.txt --json
//! ```
//!
//! The same as `eoinas count`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("count", eoinas_cli::count::run)
}
