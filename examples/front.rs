//! Searches for cells that are accurate and fast, by NAS-Bench-201's table and one of latencies.
//!
//! ```text
//! cargo run --release --features report --example front -- --table cifar10.csv --latency-table latencies.csv
//! ```
//!
//! The same as `eoinas compare front`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("front", eoinas_cli::compare::front::run)
}
