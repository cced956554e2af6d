//! From a folder of pictures, one subfolder for each class, to a trained network.
//!
//! ```text
//! cargo run --release --features images --example image_folder -- my-pictures
//! ```
//!
//! The same as `eoinas images`; `--help` lists the flags.

fn main() -> std::process::ExitCode {
    eoinas_cli::example("image_folder", eoinas_cli::images::run)
}
