//! What one runs first on a new GPU: checks every op against the CPU, and times it.
//!
//! ```text
//! cargo run --release --features cuda --example gpu_check -- --json gpu.json
//! ```
//!
//! The same as `eoinas bench gpu`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("gpu_check", eoinas_cli::bench::gpu::run)
}
