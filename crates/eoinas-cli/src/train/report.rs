//! What a training, or several, came to.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use eoinas_core::{
    counted,
    models::DesignText,
    run_folder::{self, names},
};
use eoinas_train::{Outcome, Trained, batch};
use serde_json::{Value, json};

use super::Args;
use crate::{
    Error, Start, end, latency,
    limits::{self, in_words},
    out::say,
};

/// How one training or several ended.
pub(super) struct Ended {
    /// Where the files are.
    pub folder: PathBuf,
    pub outcome: Outcome<Vec<Trained>>,
    /// Whether they are folds of a cross-validation.
    pub folds: bool,
}

/// Prints it.
///
/// # Errors
/// A training's folder that cannot be read.
pub(super) fn report(args: &Args, ended: &Ended, start: &Start) -> Result<ExitCode, Error> {
    let (folder, shown) = (&ended.folder, ended.folder.display());
    let (code, json) = match &ended.outcome {
        Outcome::Done(all) => {
            let (mean, deviation) = batch::accuracy(all).unwrap_or_default();
            let folds = batch::pooled_accuracy(all).filter(|_| ended.folds).map(|(accuracy, interval)| Folds {
                accuracy,
                interval,
                images: all.iter().map(|trained| trained.test_images).sum(),
                command: command_of_all(folder, all.first().map(|trained| &trained.design), start),
            });
            if !args.json {
                all.iter().for_each(print_trained);
                match &folds {
                    Some(folds) => folds.print(deviation, all.len()),
                    None if all.len() > 1 || args.random.is_some() => {
                        let (mean, deviation) = (100.0 * mean, 100.0 * deviation);
                        say!(
                            "test accuracy {mean:.2} +- {deviation:.2} % over {}",
                            counted(all.len(), "training", "trainings")
                        );
                    }
                    None => {}
                }
                say!("files: {shown}");
                if let [trained] = all.as_slice()
                    && let Some(got) = latency::of_training(folder, trained.latency_ms)?
                {
                    say!("{}", got.line());
                }
                if all.len() == 1 {
                    let network = folder.join(names::NETWORK);
                    say!("the network to use: {}", network.display());
                }
            }
            let mut json = json!({ "mean": mean, "deviation": deviation, "trained": all, "run": shown.to_string() });
            if let (Some(folds), Some(object)) = (&folds, json.as_object_mut()) {
                object.insert("folds".to_owned(), json!(folds));
            }
            (ExitCode::SUCCESS, json)
        }
        Outcome::Stopped(reason) => end::stopped(reason, "train", folder, start),
    };
    if args.json {
        say!("{json}");
    }
    Ok(code)
}

/// What a cross-validation found.
#[derive(Debug, serde::Serialize)]
struct Folds {
    /// Share of all images that were right, each tested once.
    accuracy: f64,
    /// Its interval (95 %).
    interval: (f64, f64),
    images: u64,
    /// The command that trains the network to use.
    command: String,
}

impl Folds {
    fn print(&self, deviation: f64, folds: usize) {
        let (accuracy, low, high) = (100.0 * self.accuracy, 100.0 * self.interval.0, 100.0 * self.interval.1);
        say!(
            "cross-validation: {accuracy:.1} % of {} images, each tested once by a network that had not seen it; {low:.1} to \
             {high:.1} % in 95 of 100 cases; the {folds} folds deviate by {:.1}",
            self.images,
            100.0 * deviation
        );
        say!(
            "none of these networks is the one to use: each lacks a fold. Train one with the same settings: {}",
            self.command
        );
    }
}

/// The command that trains one network with the settings that the folds in `folder` share.
fn command_of_all(folder: &Path, design: Option<&DesignText>, start: &Start) -> String {
    let config = folder.join(names::CONFIG);
    let mut words: Vec<OsString> = match design {
        Some(DesignText::Model(model)) => {
            // Where the settings have a cost, it chooses the width.
            let settings = fs::read(&config).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
            let fitted = settings.is_some_and(|settings| !settings["multiply_adds"].is_null());
            let width = (model.width != 1.0 && !fitted).then(|| ["--width".into(), model.width.to_string().into()]);
            let depth = model.depth.map(|depth| ["--depth".into(), depth.to_string().into()]);
            let words = ["--network".into(), model.called().into()].into_iter();
            words.chain(width.into_iter().flatten()).chain(depth.into_iter().flatten()).collect()
        }
        _ => {
            let genotype = folder.join(run_folder::fold(0)).join(names::GENOTYPE_TEXT);
            vec!["--genotype".into(), genotype.into()]
        }
    };
    words.extend(["--config".into(), config.into()]);
    start.line("train", words.iter().map(OsString::as_os_str))
}

fn print_trained(trained: &Trained) {
    say!("{}", trained.design);
    say!(
        "{}{} parameters, {} multiply-adds; {}, {}, seed {}, {:.0} s",
        limits::size(trained.channels, trained.cells),
        in_words(trained.parameters),
        in_words(trained.multiply_adds),
        counted(trained.train_images, "image", "images"),
        counted(trained.epochs, "epoch", "epochs"),
        trained.seed,
        trained.seconds
    );
    let averaged = trained.averaged_accuracy.map(|value| format!(", averaged weights {:.2} %", 100.0 * value));
    say!(
        "test accuracy {:.2} % (top-5 {:.2} %{}; best epoch {}: {:.2} %{}) over {}",
        100.0 * trained.accuracy,
        100.0 * trained.top5,
        averaged.unwrap_or_default(),
        trained.best_epoch + 1,
        100.0 * trained.best_accuracy,
        trained.held_out_images.map(|images| format!(" of {images} held out")).unwrap_or_default(),
        counted(trained.test_images, "image", "images")
    );
}
