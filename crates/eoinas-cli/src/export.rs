//! `eoinas export`: a network as an ONNX file.

use std::{path::PathBuf, process::ExitCode};

use candle_core::Device;
use eoinas_core::{NumberInfo, TargetInfo, ValueKind};
use eoinas_nn::{Operations, saved::SavedNetwork};
use eoinas_onnx::ExportOptions;
use serde_json::json;

use crate::{Error, Start, out::say};

/// Write a saved network as an ONNX file.
///
/// The file's input `images` is [n, channels, height, width], its output `logits` is [n, classes]. The input are pixels
/// from 0 to 255 (for a network that learned from floats, those floats), which the graph normalises itself, or with
/// --normalised values that are normalised already. The class names go along as the metadata entry `classes`, a JSON array.
///
/// A network of numbers has the output `numbers`, in their own units, and the entry `numbers` with their names and units; one
/// of several labels has the output `labels`, a probability each, and the entry `labels`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas export runs/folder/training/network --out mine.onnx
  eoinas export runs/train-embedded-quick/network --normalised")]
pub struct Args {
    /// Folder of the network: network.json and model.safetensors.
    model: PathBuf,
    /// File to write, which must not be there yet.
    #[arg(long, value_parser = crate::start::path(), default_value = "model.onnx", value_name = "FILE")]
    out: PathBuf,
    /// The most ops of the network [default: 100000]
    #[arg(long, value_name = "N")]
    max_ops: Option<usize>,
    /// Let the file take normalised values instead of pixels.
    #[arg(long)]
    normalised: bool,
}

/// Writes the file.
///
/// # Errors
/// A network that cannot be read, a file that is there already or cannot be written.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let mut saved = SavedNetwork::read(&args.model)?;
    saved.description.skeleton.max_ops = args.max_ops;
    let network = saved.build(&Operations::built_in(), &Device::Cpu)?.into_inference()?;
    let description = &saved.description;
    let options = ExportOptions {
        normalisation: (!args.normalised).then(|| description.normalisation.clone()),
        metadata: vec![(description.target.kind().to_string(), names(&description.target)?)],
        target: Some(description.target.clone()),
    };
    eoinas_onnx::write(&args.out, &network, &options)?;
    let skeleton = &description.skeleton;
    let input = match (args.normalised, description.normalisation.values) {
        (true, _) => "normalised values",
        (false, ValueKind::Bytes) => "pixels from 0 to 255",
        (false, ValueKind::Floats) => "floats as the data has them",
    };
    say!(
        "{}: images [n, {}, {}, {}] of {input} -> {} [n, {}]",
        args.out.display(),
        skeleton.image_channels,
        skeleton.height,
        skeleton.width,
        eoinas_onnx::output(Some(&description.target)),
        skeleton.classes
    );
    Ok(ExitCode::SUCCESS)
}

/// What the outputs are called, as JSON.
fn names(target: &TargetInfo) -> Result<String, Error> {
    let TargetInfo::Numbers(numbers) = target else { return Ok(serde_json::to_string(&target.names())?) };
    let number = |info: &NumberInfo| json!({ "name": info.name, "unit": info.unit });
    Ok(serde_json::to_string(&numbers.iter().map(number).collect::<Vec<_>>())?)
}
