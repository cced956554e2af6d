//! `eoinas export`: a network as an ONNX file.

use std::{path::PathBuf, process::ExitCode};

use candle_core::Device;
use eoinas_core::{NumberInfo, TargetInfo, ValueKind};
use eoinas_nn::{
    Architecture, InferenceNetwork, Operations,
    saved::{Description, Framing, SavedNetwork},
};
use eoinas_onnx::ExportOptions;
use serde_json::json;

use crate::{Error, Start, out::say, saved};

/// Write a saved network as an ONNX file.
///
/// The file's input `images` is [n, channels, height, width], its output `logits` is [n, classes]. The input are pixels
/// from 0 to 255 (for a network that learned from floats, those floats), which the graph normalises itself, or with
/// --normalised values that are normalised already.
///
/// With --any-size the input is `pixels` [n, height, width, 3], bytes of red, green and blue of pictures of any size, which the
/// graph cuts and resizes as `eoinas classify` does, and the output is `probabilities`.
///
/// A network of numbers has the output `numbers`, in their own units; one of several labels has the output `labels`, a probability
/// each. The file carries along what the outputs are called and how pictures are prepared: docs/ONNX.md has the entries, and programs
/// that use the file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas export runs/folder/training/network --out mine.onnx
  eoinas export runs/folder/training/network --out any.onnx --any-size
  eoinas export runs/train-embedded-v2-quick/network --normalised")]
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
    /// Let the file take pictures of any size, and give probabilities.
    #[arg(long, conflicts_with = "normalised")]
    any_size: bool,
    /// Let the file give the classes' probabilities instead of logits, as it does with --any-size.
    #[arg(long)]
    probabilities: bool,
}

/// What a file takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Images of the network's size, as they are.
    AsIs,
    /// The same, normalised already.
    Normalised,
    /// Pictures of any size.
    AnySize,
}

/// Writes the file.
///
/// # Errors
/// A network that cannot be read, a file that is there already or cannot be written.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    // No image goes through it.
    let saved = saved::open(&args.model, args.max_ops, (0, &Device::Cpu))?;
    let input = match (args.any_size, args.normalised) {
        (true, _) => Input::AnySize,
        (_, true) => Input::Normalised,
        _ => Input::AsIs,
    };
    let description = &saved.description;
    if args.probabilities && description.target.classes().is_none() {
        let kind = description.target.kind();
        return Err(
            format!("--probabilities: the network says {kind}, and not which class it is; leave the flag out").into()
        );
    }
    let (network, options) = prepared(&saved, input, args.probabilities)?;
    eoinas_onnx::write(&args.out, &network, &options)?;
    let [height, width, channels] = description.architecture.images();
    let shape = match input {
        Input::AnySize => "height, width, 3".to_owned(),
        _ => format!("{channels}, {height}, {width}"),
    };
    let values = match (input, description.normalisation.values) {
        (Input::Normalised, _) => "normalised values",
        (Input::AnySize, _) => "pictures of any size",
        (_, ValueKind::Bytes) => "pixels from 0 to 255",
        (_, ValueKind::Floats) => "floats as the data has them",
    };
    let (out, classes) = (args.out.display(), description.architecture.classes());
    say!("{out}: {} [n, {shape}] of {values} -> {} [n, {classes}]", options.input(), options.output());
    Ok(ExitCode::SUCCESS)
}

/// A network and how it is written, so that the file says all that one needs to use it.
///
/// # Errors
/// Weights that are another network's.
pub(crate) fn prepared(
    saved: &SavedNetwork,
    input: Input,
    probabilities: bool,
) -> Result<(InferenceNetwork, ExportOptions), Error> {
    let network = saved.build(&Operations::built_in(), &Device::Cpu)?.into_inference()?;
    let description = &saved.description;
    let options = ExportOptions {
        normalisation: (input != Input::Normalised).then(|| description.normalisation.clone()),
        target: Some(description.target.clone()),
        probabilities: probabilities || input == Input::AnySize,
        picture: (input == Input::AnySize).then_some(description.framing),
        metadata: metadata(description, input)?,
    };
    Ok((network, options))
}

/// What the file carries along: docs/ONNX.md lists it.
fn metadata(description: &Description, input: Input) -> Result<Vec<(String, String)>, Error> {
    let Description { architecture, target, normalisation, framing } = description;
    let [height, width, channels] = architecture.images();
    let input = match (input, normalisation.values) {
        (Input::AnySize, _) => "any-size",
        (Input::Normalised, _) => "normalised",
        (Input::AsIs, ValueKind::Bytes) => "pixels",
        (Input::AsIs, ValueKind::Floats) => "floats",
    };
    let mut entries = vec![
        (target.kind().to_string(), names(target)?),
        ("input".to_owned(), input.to_owned()),
        ("height".to_owned(), height.to_string()),
        ("width".to_owned(), width.to_string()),
        ("channels".to_owned(), channels.to_string()),
        ("mean".to_owned(), serde_json::to_string(&normalisation.mean)?),
        ("std".to_owned(), serde_json::to_string(&normalisation.std)?),
        ("made_by".to_owned(), concat!("eoinas ", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    match architecture {
        Architecture::Cell { genotype, skeleton } => {
            entries.push(("genotype".to_owned(), genotype.to_string()));
            entries.push(("skeleton".to_owned(), serde_json::to_string(skeleton)?));
        }
        other => {
            let model = other.model().map(serde_json::to_string).transpose()?;
            entries.push(("model".to_owned(), model.unwrap_or_default()));
        }
    }
    if normalisation.values == ValueKind::Bytes {
        let framing = match framing {
            Framing::Stretch => "stretch",
            Framing::Centre => "centre",
        };
        entries.push(("framing".to_owned(), framing.to_owned()));
    }
    Ok(entries)
}

/// What the outputs are called, as JSON.
fn names(target: &TargetInfo) -> Result<String, Error> {
    let TargetInfo::Numbers(numbers) = target else { return Ok(serde_json::to_string(&target.names())?) };
    let number = |info: &NumberInfo| json!({ "name": info.name, "unit": info.unit });
    Ok(serde_json::to_string(&numbers.iter().map(number).collect::<Vec<_>>())?)
}
