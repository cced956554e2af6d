//! Images a second of a cell's network.
//!
//! ```text
//! cargo run --release --example inference_speed -- darts-v2 --threads 2 --onnx darts-v2.onnx
//! ```
//!
//! The same as `eoinas bench inference`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("inference_speed", eoinas_cli::bench::inference::run)
}
