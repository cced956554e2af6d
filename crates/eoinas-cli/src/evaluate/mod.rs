//! `eoinas evaluate`: how good a saved network is on pictures whose classes are known.

mod files;
mod keep;
mod predict;
mod samples;
mod text;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use eoinas_core::{TargetInfo, ValueKind, counted};
use eoinas_data::SourceKind;
use eoinas_nn::{Operations, saved::Description, task};
use eoinas_report::evaluation::Evaluation;
use eoinas_train::machine::parse_device;

use crate::{
    Error, Start, choices,
    data::PictureFlags,
    flags,
    host::HostArgs,
    out::{self, say},
    saved,
};
pub(crate) use keep::keep;
use samples::Samples;

/// Say how good a saved network is on pictures whose classes are known.
///
/// The accuracy with its interval, recall and precision of each class, what was taken for what; with --out a page with the most
/// certain mistakes as pictures, with --csv every prediction. Classes are matched by their names: the pictures may lack some
/// that the network knows, and must have no other.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas evaluate runs/folder/training/network my-pictures --out mistakes.html
  eoinas evaluate runs/folder/training/network new-pictures --part all --csv predictions.csv
  eoinas evaluate runs/train-embedded-v2-quick/network --dataset embedded-v2 --json")]
pub struct Args {
    /// Folder of the network: network.json and model.safetensors.
    model: PathBuf,
    /// Folder of the images, which is looked at where --dataset does not say what it holds; the embedded set needs none.
    #[arg(required_unless_present_any = ["dataset", "labels"], value_name = "DATA")]
    data: Option<PathBuf>,
    /// What the images are [default: what DATA holds]
    #[arg(long, help_heading = "Images", value_parser = choices::datasets())]
    dataset: Option<SourceKind>,
    /// Which of the images [default: test; of a folder without a test part all, or those that the training held out where the
    /// network learned from this very folder]
    #[arg(long, help_heading = "Images", value_enum)]
    part: Option<Which>,
    #[command(flatten, next_help_heading = "Images")]
    pictures: PictureFlags,
    /// Write a page to this file (.html) or folder; what is there already is not overwritten.
    #[arg(long, value_parser = crate::start::path(), help_heading = "Output", value_name = "PAGE")]
    out: Option<PathBuf>,
    /// Write every prediction to this file, which must not be there yet.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// The most ops of the network [default: 100000]
    #[arg(long, value_name = "N")]
    max_ops: Option<usize>,
    #[command(flatten)]
    host: HostArgs,
}

/// Which part of the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Those that trainings learn from.
    Train,
    /// Those that trainings never see: `test`, or every fifth of a folder that has no such part.
    Test,
    /// Both.
    All,
}

/// Which images are evaluated.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    /// The network's folder.
    model: &'a Path,
    data: Option<&'a Path>,
    dataset: Option<SourceKind>,
    part: Option<Which>,
    pictures: &'a PictureFlags,
}

impl Args {
    fn asked(&self) -> Asked<'_> {
        let Self { model, data, dataset, part, pictures, .. } = self;
        Asked { model, data: data.as_deref(), dataset: *dataset, part: *part, pictures }
    }
}

/// Evaluates the network.
///
/// # Errors
/// A network or images that cannot be read or do not fit each other; files that are there already or cannot be written.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    #[cfg(feature = "mlflow")]
    args.host.tracking.refuse()?;
    let device = parse_device(&args.host.device, out::note)?;
    let saved = saved::open(&args.model, args.max_ops, (predict::BATCH, &device))?;
    let classes = classes(&saved.description)?;
    // Before the work, not after it.
    let page = args.out.as_deref().map(files::page_path);
    page.iter().chain(&args.csv).try_for_each(|path| files::check_free(path))?;
    page.iter().zip(&args.csv).try_for_each(|(page, csv)| files::check_apart(page, csv))?;
    let asked = args.asked();
    let mut samples = Samples::open(&asked, &saved.description, &classes)?;
    let network = saved.build(&Operations::built_in(), &device)?;
    let predict =
        || predict::predict(&network, &saved.description, &samples, &device, (args.host.quiet, &args.pictures));
    let (kept, predictions, skipped) = args.host.run(predict)?;
    if !skipped.is_empty() {
        let images = counted(skipped.len(), "unreadable image", "unreadable images");
        samples.notes.push(format!("{images} left out: {}", skipped.join("; ")));
    }
    samples.notes.iter_mut().for_each(|note| *note = flags::in_note(note));
    if !args.host.quiet {
        samples.notes.iter().for_each(|note| out::note(note));
    }
    if predictions.is_empty() {
        return Err(format!("{}: none of its images can be read", samples.on).into());
    }
    let evaluation = Evaluation::new(classes, predictions);
    if let Some(path) = &args.csv {
        files::write_csv(path, &evaluation)?;
    }
    if let Some(path) = &page {
        files::write_page(path, &evaluation, &samples, &kept, (&saved.description, args))?;
    }
    if args.json {
        say!("{}", text::json(&evaluation, &samples, page.as_deref(), args));
    } else {
        text::print(&evaluation, &samples.on);
        for path in page.iter().chain(&args.csv) {
            say!("{}", path.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The classes of a network of pictures.
///
/// # Errors
/// A network of another task, or of signals: no images that this command reads have its answers.
fn classes(description: &Description) -> Result<Vec<String>, Error> {
    let elsewhere =
        "`eoinas_train::training::evaluate_network` evaluates it on a data set of your own (docs/TRAINING.md)";
    let refused = |what: &str| Err(format!("{what}; this command reads pictures with classes, and {elsewhere}").into());
    match (&description.target, description.normalisation.values) {
        (TargetInfo::Classes(classes), ValueKind::Bytes) => Ok(classes.clone()),
        (TargetInfo::Classes(_), ValueKind::Floats) => refused("the network learned from floats"),
        (target, _) => {
            let (kind, measure) = (target.kind(), task::of(target).measure());
            refused(&format!("the network says {kind}, whose score is the {}", measure.title()))
        }
    }
}
