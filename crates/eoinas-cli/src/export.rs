//! `eoinas export`: a network as an ONNX file.

use std::{path::PathBuf, process::ExitCode};

use candle_core::Device;
use eoinas_nn::{Operations, saved::SavedNetwork};
use eoinas_onnx::ExportOptions;

use crate::{Error, Start, out::say};

/// Write a saved network as an ONNX file.
///
/// The file's input `images` is [n, channels, height, width], its output `logits` is [n, classes]. The input are pixels
/// from 0 to 255, which the graph normalises itself, or with --normalised values that are normalised already. The class
/// names go along as the metadata entry `classes`, a JSON array.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas export runs/folder/training/network --out mine.onnx
  eoinas export runs/train-embedded-quick/network --normalised")]
pub struct Args {
    /// Folder of the network: network.json and model.safetensors.
    model: PathBuf,
    /// File to write, which must not be there yet.
    #[arg(long, default_value = "model.onnx", value_name = "FILE")]
    out: PathBuf,
    /// Let the file take normalised values instead of pixels.
    #[arg(long)]
    normalised: bool,
}

/// Writes the file.
///
/// # Errors
/// A network that cannot be read, a file that is there already or cannot be written.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
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
    say!(
        "{}: images [n, {}, {}, {}] of {input} -> logits [n, {}]",
        args.out.display(),
        skeleton.image_channels,
        skeleton.height,
        skeleton.width,
        skeleton.classes
    );
    Ok(ExitCode::SUCCESS)
}
