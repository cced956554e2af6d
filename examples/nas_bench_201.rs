//! Searches in NAS-Bench-201's space, and looks the found cells up in the benchmark's table.
//!
//! ```text
//! cargo run --release --features report --example nas_bench_201 -- --table cifar10.csv --data cifar-10-batches-bin
//! ```
//!
//! The same as `eoinas compare nas-bench-201`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("nas_bench_201", eoinas_cli::compare::nas_bench_201::run)
}
