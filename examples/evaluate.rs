//! Says how good a saved network is on pictures whose classes are known.
//!
//! ```text
//! cargo run --release --features images,report --example evaluate -- runs/folder/training/network my-pictures
//! ```
//!
//! The same as `eoinas evaluate`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("evaluate", eoinas_cli::evaluate::run)
}
