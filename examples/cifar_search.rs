//! Searches for a cell: the paper's Algorithm 1 on the embedded images, on CIFAR, MNIST or a folder of images.
//!
//! ```text
//! cargo run --release --example cifar_search
//! cargo run --release --example cifar_search -- --data cifar-10-batches-bin --preset paper
//! cargo run --release --example cifar_search -- --then-train
//! ```
//!
//! The same as `eoinas search`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("cifar_search", eoinas_cli::search::run)
}
