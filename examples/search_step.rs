//! Time and memory of one search step.
//!
//! ```text
//! cargo run --release --example search_step -- --draw balanced --threads 2 --json
//! ```
//!
//! The same as `eoinas bench step`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("search_step", eoinas_cli::bench::step::run)
}
