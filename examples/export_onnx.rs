//! Writes a saved network as an ONNX file.
//!
//! The file's input `images` is `[n, channels, height, width]`, its output `logits` is `[n, classes]`. The input are
//! pixels from 0 to 255, which the graph normalises itself, or with `--normalised` values that are normalised already.
//! The class names go along as the metadata entry `classes`, a JSON array.
//!
//! ```text
//! cargo run --release --example export_onnx -- runs/train-mine/model --out mine.onnx
//! ```

use std::{path::PathBuf, process::ExitCode};

use candle_core::Device;
use clap::Parser;
use eoinas_nn::{Operations, saved::SavedNetwork};
use eoinas_onnx::ExportOptions;

/// Write a saved network as an ONNX file.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder of the network: network.json and model.safetensors.
    model: PathBuf,
    /// File to write, which must not be there yet.
    #[arg(long, default_value = "model.onnx", value_name = "FILE")]
    out: PathBuf,
    /// Let the file take normalised values instead of pixels.
    #[arg(long)]
    normalised: bool,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    let saved = SavedNetwork::read(&args.model)?;
    let network = saved.build(&Operations::built_in(), &Device::Cpu)?.into_inference()?;
    let description = &saved.description;
    let options = ExportOptions {
        normalisation: (!args.normalised).then(|| description.normalisation.clone()),
        metadata: vec![("classes".to_owned(), serde_json::to_string(&description.classes)?)],
    };
    eoinas_onnx::write(&args.out, &network, &options)?;
    let skeleton = &description.skeleton;
    let input = if args.normalised { "normalised values" } else { "pixels from 0 to 255" };
    println!(
        "{}: images [n, {}, {}, {}] of {input} -> logits [n, {}]",
        args.out.display(),
        skeleton.image_channels,
        skeleton.height,
        skeleton.width,
        skeleton.classes
    );
    Ok(())
}
