//! `eoinas import`: a network that PyTorch trained, as one of this program's.

use std::{path::PathBuf, process::ExitCode};

use eoinas_core::{TargetInfo, file};
use eoinas_nn::saved::{self, Framing, Imported, Normalisation};

use crate::{Error, Start, cell, out::say};

/// Read the weights of a network that DARTS' PyTorch code trained, and save it as one of this program's.
///
/// The file has the tensors of a `NetworkCIFAR` under the names of the published code, as safetensors; docs/ONNX.md has the few
/// lines that make one of a `.pt` file. Channels, cells and classes are those of the tensors. All of them are used but for the
/// auxiliary head's and BatchNorm's counters. What no tensor says is given here: the genotype, the names of the classes, and how
/// the training normalised its images.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas import weights.safetensors --genotype darts-v2 --mean 0.4914,0.4822,0.4465 --std 0.2470,0.2435,0.2616 \\
    --classes airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck --out cifar10
  eoinas evaluate cifar10 --dataset cifar10 --data data")]
pub struct Args {
    /// File of weights, as safetensors.
    weights: PathBuf,
    /// Folder to write, which must not be there yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The cells that the network was made of: the name of a published cell, a file, or a genotype.
    #[arg(long, value_name = "CELL|FILE")]
    genotype: PathBuf,
    /// Names of the classes, in the order of the outputs, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required_unless_present = "classes_from")]
    classes: Vec<String>,
    /// The same from a file, one name a line.
    #[arg(long, value_name = "FILE", conflicts_with = "classes")]
    classes_from: Option<PathBuf>,
    /// Mean of each channel of the pixels, scaled to 0 to 1, with commas between them.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', required = true)]
    mean: Vec<f32>,
    /// Standard deviation of each channel, likewise.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', required = true)]
    std: Vec<f32>,
    /// Height and width of the images that the network was trained with.
    #[arg(long, value_name = "N", default_value_t = 32)]
    image_size: usize,
    /// Show the network the middle of a picture, seven eighths of the largest square, and not the whole.
    #[arg(long)]
    centre: bool,
    /// The most ops of the network [default: 100000]
    #[arg(long, value_name = "N")]
    max_ops: Option<usize>,
}

/// Reads the weights and writes the folder.
///
/// # Errors
/// A file that is no such network's, a number of classes or channels that is not its own, a folder that is there already.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let genotype = cell::read(&args.genotype)?;
    let classes = match &args.classes_from {
        None => args.classes.clone(),
        Some(path) => {
            let text = file::read_text(path, file::TEXT).map_err(|error| format!("{}: {error}", path.display()))?;
            text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        }
    };
    let size = (args.image_size, args.image_size);
    let Imported { network, left_out } = saved::read_darts(&args.weights, &genotype, size, args.max_ops)?;
    let (named, outputs) = (classes.len(), network.classes());
    if named != outputs {
        return Err(format!("{named} classes are named, and the network has {outputs}; name them in its order").into());
    }
    let normalisation = Normalisation { mean: args.mean.clone(), std: args.std.clone(), ..Normalisation::default() };
    let framing = if args.centre { Framing::Centre } else { Framing::Stretch };
    saved::save(&args.out, &network, &TargetInfo::Classes(classes), &normalisation, framing)?;
    let (skeleton, [height, width, channels]) = (network.skeleton(), network.images());
    say!(
        "{}: {} cells, {} channels, {outputs} classes, images {channels} x {height} x {width}, {} parameters",
        args.out.display(),
        skeleton.map_or(0, |skeleton| skeleton.cells),
        skeleton.map_or(0, |skeleton| skeleton.channels),
        network.parameters().count()
    );
    let (heads, counters): (Vec<&String>, Vec<&String>) =
        left_out.iter().partition(|name| name.starts_with("auxiliary_head."));
    if !left_out.is_empty() {
        say!("left out: {} tensors of the auxiliary head, {} counters of batches", heads.len(), counters.len());
    }
    Ok(ExitCode::SUCCESS)
}
