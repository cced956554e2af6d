//! `eoinas classify`: what is on pictures.

use std::{path::Path, path::PathBuf, process::ExitCode};

use candle_core::{Device, Tensor};
use eoinas_data::{FolderConfig, ImageFolder};
use eoinas_nn::saved::{Description, Framing, SavedNetwork};
use eoinas_nn::{InferenceNetwork, Operations};
use serde_json::json;

use crate::{
    Error, Start,
    out::{self, say, tell},
};

/// Tell what is on pictures, with a network that was trained and saved.
///
/// A picture that cannot be read is named, the others are classified, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas classify runs/folder/training/network cat.jpg dog.png --top 3
  eoinas classify runs/folder/training/network *.jpg --json")]
pub struct Args {
    /// Folder of the network: network.json and model.safetensors.
    model: PathBuf,
    /// Pictures, PNG or JPEG.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// How many classes to print for each picture.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// Print one JSON object for each picture, on a line of its own.
    #[arg(long)]
    json: bool,
}

/// Classifies pictures.
///
/// # Errors
/// A network that cannot be read.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let saved = SavedNetwork::read(&args.model)?;
    let network = saved.build(&Operations::built_in(), &Device::Cpu)?.into_inference()?;
    let mut code = ExitCode::SUCCESS;
    for path in &args.images {
        // One picture that cannot be read does not keep the others from being classified.
        match classify(&network, &saved.description, path) {
            Ok(mut classes) => {
                classes.truncate(usize::from(args.top));
                print(path, &classes, args.json);
            }
            Err(error) => {
                tell!("error: {error}");
                code = ExitCode::FAILURE;
            }
        }
        if !out::is_read() {
            break;
        }
    }
    Ok(code)
}

/// Classes and their probabilities, the most probable first.
fn classify<'a>(
    network: &InferenceNetwork,
    description: &'a Description,
    path: &Path,
) -> Result<Vec<(&'a str, f32)>, Error> {
    let skeleton = &description.skeleton;
    let (height, width, channels) = (skeleton.height, skeleton.width, skeleton.image_channels);
    let config = FolderConfig { height, width, ..FolderConfig::default() };
    let rgb = match description.framing {
        Framing::Stretch => ImageFolder::read_image(path, &config)?,
        Framing::Centre => ImageFolder::read_centre(path, &config)?,
    };
    let pixels = match channels {
        3 => rgb,
        1 => rgb.chunks_exact(3).map(luma).collect(),
        _ => return Err(format!("the network reads images of {channels} channels, pictures have 3").into()),
    };
    let values = description.normalisation.apply(&pixels);
    let images = Tensor::from_vec(values, (1, height, width, channels), &Device::Cpu)?;
    let probabilities = softmax(&network.logits(&images)?.flatten_all()?.to_vec1()?);
    let mut classes: Vec<_> = description.classes.iter().map(String::as_str).zip(probabilities).collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(classes)
}

/// Brightness of a pixel (ITU-R 601).
fn luma(rgb: &[u8]) -> u8 {
    let sum: f32 = rgb.iter().zip([0.299, 0.587, 0.114]).map(|(&value, share)| f32::from(value) * share).sum();
    sum.round() as u8
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn print(path: &Path, classes: &[(&str, f32)], as_json: bool) {
    if as_json {
        let classes: Vec<_> = classes.iter().map(|(class, p)| json!({ "class": class, "probability": p })).collect();
        say!("{}", json!({ "image": path.display().to_string(), "classes": classes }));
        return;
    }
    say!("{}", path.display());
    for (class, probability) in classes {
        say!("  {:5.1} %  {class}", 100.0 * probability);
    }
}
