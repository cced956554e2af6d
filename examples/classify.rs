//! Tells what is on pictures, with a network that was trained and saved.
//!
//! ```text
//! cargo run --release --features images --example classify -- runs/folder/training/network cat.jpg dog.png --top 3
//! ```
//!
//! The same as `eoinas classify`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("classify", eoinas_cli::classify::run)
}
