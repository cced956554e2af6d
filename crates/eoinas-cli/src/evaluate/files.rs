//! The files of an evaluation: predictions as CSV, and the page. Nothing that is there is overwritten.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use eoinas_core::event::shell_word;
use eoinas_nn::{Architecture, saved::Description};
use eoinas_report::{
    evaluation::{Evaluation, EvaluationPage},
    png,
    table::no_formula,
};

use super::{
    Args,
    samples::{Entry, Samples},
};
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

/// Whether page and predictions can both be made: neither is the other, nor a folder that the other needs.
///
/// # Errors
/// They cannot.
pub(super) fn check_apart(page: &Path, csv: &Path) -> Result<(), Error> {
    // The folder that is there, whatever it is called, and the names that will be made in it.
    let place = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let there = path.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
        there.and_then(|(folder, real)| Some(real.join(path.strip_prefix(folder).ok()?))).unwrap_or(path)
    };
    let (one, other) = (place(page), place(csv));
    if one.starts_with(&other) || other.starts_with(&one) {
        let (page, csv) = (page.display(), csv.display());
        return Err(
            format!("--out would write {page} and --csv {csv}, which cannot both be; choose another name").into()
        );
    }
    Ok(())
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
    let [height, width, channels] = description.architecture.images();
    let mut mistakes = Vec::new();
    for index in evaluation.certain_mistakes(MISTAKES) {
        let Some(entry) = kept.get(index).and_then(|place| samples.entries.get(*place)) else { continue };
        mistakes.push((index, picture(samples, entry, [height, width, channels])?));
    }
    let facts = [
        ("network", args.model.display().to_string()),
        ("pictures", samples.on.clone()),
        ("seen as", format!("{height} x {width} pixels")),
        (what(&description.architecture), description.architecture.to_string()),
        ("command", host::command().iter().map(shell_word).collect::<Vec<_>>().join(" ")),
        ("program", format!("eoinas {}", env!("CARGO_PKG_VERSION"))),
    ];
    let page = EvaluationPage {
        evaluation,
        on: samples.on.clone(),
        notes: samples.notes.clone(),
        size: (height, width),
        mistakes,
        facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    create(path, |mut file| file.write_all(page.to_html().as_bytes()))
}

/// A sample as the network sees it, as PNG.
///
/// # Errors
/// An image that cannot be read.
pub(super) fn picture(
    samples: &Samples,
    entry: &Entry,
    [height, width, channels]: [usize; 3],
) -> Result<Vec<u8>, Error> {
    let pixels = samples.pixels(entry)?;
    let rgb = match channels {
        1 => pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
        _ => pixels,
    };
    Ok(png::of_pixels((height, width), &rgb)?)
}

/// What the text of an architecture is.
fn what(architecture: &Architecture) -> &'static str {
    if architecture.genotype().is_some() { "genotype" } else { "architecture" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_and_predictions_have_places_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let apart =
            |page: &str, csv: &str| check_apart(&page_path(&dir.path().join(page)), &dir.path().join(csv)).is_ok();
        assert!(apart("a.html", "a.csv") && apart("a", "b") && apart("a", "a/b.csv"));
        // The same file; the folder of the page as a file; a file as the folder of the predictions.
        for (page, csv) in [("a.html", "./a.html"), ("a", "a"), ("a", "a/evaluation.html"), ("a.html", "a.html/b.csv")]
        {
            assert!(!apart(page, csv), "{page} {csv}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(".", dir.path().join("here")).unwrap();
            assert!(!apart("here/a", "a"));
        }
    }
}
