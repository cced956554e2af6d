//! Writes a saved network as an ONNX file.
//!
//! ```text
//! cargo run --release --example export_onnx -- runs/train-embedded-v2-quick/network --out mine.onnx
//! ```
//!
//! The same as `eoinas export`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("export_onnx", eoinas_cli::export::run)
}
