//! Trains the network of a cell from scratch and measures it: of a found or a published cell, or of random ones.
//!
//! ```text
//! cargo run --release --example train_cell -- --genotype runs/search-embedded-v2-recommended/genotype.txt
//! cargo run --release --example train_cell -- --random 5
//! ```
//!
//! The same as `eoinas train`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("train_cell", eoinas_cli::train::run)
}
