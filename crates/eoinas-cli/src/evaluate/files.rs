//! The files of an evaluation: predictions as CSV, and the page. Nothing that is there is overwritten.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use eoinas_core::event::shell_word;
use eoinas_nn::saved::Description;
use eoinas_report::{
    evaluation::{Evaluation, EvaluationPage},
    png,
    table::no_formula,
};

use super::{Args, samples::Samples};
use crate::{Error, host};

/// Name of the page in a folder.
const PAGE: &str = "evaluation.html";
/// Mistakes that the page shows.
const MISTAKES: usize = 24;

/// The file that is meant: itself, or one in the folder.
pub(super) fn page_path(out: &Path) -> PathBuf {
    let is_page = |end: &std::ffi::OsStr| end.eq_ignore_ascii_case("html") || end.eq_ignore_ascii_case("htm");
    if out.extension().is_some_and(is_page) && !out.is_dir() { out.to_owned() } else { out.join(PAGE) }
}

/// Whether a file can be made there.
///
/// # Errors
/// Something is there already.
pub(super) fn check_free(path: &Path) -> Result<(), Error> {
    // A link to nothing is something, too.
    if path.symlink_metadata().is_ok() { Err(taken(path).into()) } else { Ok(()) }
}

fn taken(path: &Path) -> String {
    format!("{}: is there already and is not overwritten; choose another name, or move it away", path.display())
}

/// Makes a file, and where need be its folder; one that was cut short does not stay.
fn create(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| File::create_new(path));
    let written = made.and_then(|file| {
        let written = write(&file).and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(path);
        }
        written
    });
    Ok(written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path),
        _ => format!("{}: cannot be written: {error}; see to the folder and the space that is left", path.display()),
    })?)
}

/// A line for each prediction: image, class, predicted class and its probability, and the probability of each class. Names that a
/// spreadsheet would take for formulas have an apostrophe before them.
pub(super) fn write_csv(path: &Path, evaluation: &Evaluation) -> Result<(), Error> {
    create(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        let names = ["image", "class", "predicted", "probability"].map(str::to_owned);
        csv.write_record(names.into_iter().chain(evaluation.classes().iter().map(|class| format!("p_{class}"))))?;
        for prediction in evaluation.predictions() {
            let [class, said] =
                [prediction.class, prediction.predicted].map(|index| no_formula(evaluation.class(index)));
            let first = [no_formula(&prediction.name), class, said, prediction.probability().to_string()];
            csv.write_record(first.into_iter().chain(prediction.probabilities.iter().map(f32::to_string)))?;
        }
        csv.flush()
    })
}

/// The page; `kept` are the indices of the predictions' samples.
pub(super) fn write_page(
    path: &Path,
    evaluation: &Evaluation,
    samples: &Samples,
    kept: &[usize],
    (description, args): (&Description, &Args),
) -> Result<(), Error> {
    let skeleton = &description.skeleton;
    let mut mistakes = Vec::new();
    for index in evaluation.certain_mistakes(MISTAKES) {
        let Some(entry) = kept.get(index).and_then(|place| samples.entries.get(*place)) else { continue };
        let pixels = samples.pixels(entry)?;
        let rgb = match skeleton.image_channels {
            1 => pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
            _ => pixels,
        };
        mistakes.push((index, png::of_pixels((skeleton.height, skeleton.width), &rgb)?));
    }
    let facts = [
        ("network", args.model.display().to_string()),
        ("pictures", samples.on.clone()),
        ("seen as", format!("{} x {} pixels", skeleton.height, skeleton.width)),
        ("genotype", description.genotype.to_string()),
        ("command", host::command().iter().map(shell_word).collect::<Vec<_>>().join(" ")),
        ("program", format!("eoinas {}", env!("CARGO_PKG_VERSION"))),
    ];
    let page = EvaluationPage {
        evaluation,
        on: samples.on.clone(),
        notes: samples.notes.clone(),
        size: (skeleton.height, skeleton.width),
        mistakes,
        facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    create(path, |mut file| file.write_all(page.to_html().as_bytes()))
}
