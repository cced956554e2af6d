//! Settings and the flags that set them: the library's errors name the former, the user typed the latter.

use std::{fmt, path::Path, sync::OnceLock};

use eoinas_core::{
    CoreError, Event, Setting,
    event::{Record, shell_word},
};
use eoinas_data::DataError;
use eoinas_nn::NnError;
use eoinas_train::{TrainError, observer::Observer, stop::Progress};

use crate::{Error, Start};

/// Settings by their names in `config.json`, and their flags.
const FLAGS: [(&str, &str); 46] = [
    ("accumulate", "accumulate"),
    ("arch.learning_rate", "arch-learning-rate"),
    ("augment.cutout", "cutout"),
    ("auxiliary", "auxiliary"),
    ("average", "ema"),
    ("batch_size", "batch-size"),
    ("class_weights", "class-weights"),
    ("data.dataset", "dataset"),
    ("data.dir", "data"),
    ("data.fold.of", "folds"),
    ("data.image_size", "image-size"),
    ("data.labels", "labels"),
    ("data.max_pixels", "max-pixels"),
    ("data.skip_unreadable", "skip-unreadable"),
    ("data.test_images", "test-images"),
    ("data.train_images", "train-images"),
    ("device", "device"),
    ("drop_path", "drop-path"),
    ("early_stopping.epochs", "early-stopping"),
    ("early_stopping.held_out", "held-out"),
    ("edges", "edges"),
    ("epochs", "epochs"),
    ("finalists.candidates", "finalists"),
    ("init", "init"),
    ("init.rate", "init-rate"),
    ("label_smoothing", "label-smoothing"),
    ("limits.latency.milliseconds", "max-latency"),
    ("limits.multiply_adds", "max-multiply-adds"),
    ("limits.parameters", "max-parameters"),
    ("method", "method"),
    ("multiply_adds", "multiply-adds"),
    ("network", "network"),
    ("network.cells", "cells"),
    ("network.channels", "channels"),
    ("network.depth", "depth"),
    ("network.max_ops", "max-ops"),
    ("network.width", "width"),
    ("partial_channels", "partial-channels"),
    ("path", "path"),
    ("paths_per_step", "paths-per-step"),
    ("preset", "preset"),
    ("seed", "seed"),
    ("seeds", "seeds"),
    ("threads", "threads"),
    ("time", "time"),
    ("warm_up", "warm-up"),
];

/// The settings that notes about pictures name.
const OF_PICTURES: [(&str, &str); 2] = [("data.max_pixels", "max-pixels"), ("data.skip_unreadable", "skip-unreadable")];

/// The command that runs, for notes, which come from anywhere.
static RUNS: OnceLock<Start> = OnceLock::new();

/// The same for the search of a command that trains, too, and whose other flags are the training's.
#[cfg(any(feature = "images", feature = "report"))]
const SEARCH_FLAGS: [(&str, &str); 17] = [
    ("data.dataset", "dataset"),
    ("data.dir", "data"),
    ("data.labels", "labels"),
    ("data.max_pixels", "max-pixels"),
    ("data.skip_unreadable", "skip-unreadable"),
    ("data.train_images", "search-images"),
    ("device", "device"),
    ("epochs", "search-epochs"),
    ("limits.latency.milliseconds", "max-latency"),
    ("limits.multiply_adds", "max-multiply-adds"),
    ("limits.parameters", "max-parameters"),
    ("network.cells", "search-cells"),
    ("network.channels", "search-channels"),
    ("network.max_ops", "max-ops"),
    ("seed", "seed"),
    ("threads", "threads"),
    ("time", "time"),
];

/// The same for the training of a command whose other flags are the search's.
const TRAINING_FLAGS: [(&str, &str); 13] = [
    ("data.dataset", "dataset"),
    ("data.dir", "data"),
    ("data.labels", "labels"),
    ("data.max_pixels", "max-pixels"),
    ("data.skip_unreadable", "skip-unreadable"),
    ("device", "device"),
    ("epochs", "train-epochs"),
    ("limits.latency.milliseconds", "max-latency"),
    ("limits.multiply_adds", "max-multiply-adds"),
    ("limits.parameters", "max-parameters"),
    ("network.max_ops", "max-ops"),
    ("seed", "seed"),
    ("time", "time"),
];

/// An error of one part of a command that searches and trains, and the flags of that part.
#[derive(Debug)]
struct OfPart {
    error: Error,
    flags: &'static [(&'static str, &'static str)],
}

impl fmt::Display for OfPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for OfPart {}

/// From here on notes name the flags of this command.
pub(crate) fn speak_as(start: &Start) {
    let _ = RUNS.set(start.clone());
}

/// A note with the flags of the command that runs in the place of settings of pictures.
pub(crate) fn in_note(text: &str) -> String {
    RUNS.get().map_or_else(|| text.to_owned(), |start| in_flags(text.to_owned(), &OF_PICTURES, start, "data."))
}

/// A display whose notes name flags.
#[derive(Debug)]
pub(crate) struct InFlags(pub Box<dyn Observer>);

impl Observer for InFlags {
    fn opened(&mut self, run: &Path) {
        self.0.opened(run);
    }

    fn observe(&mut self, record: &Record) -> Result<(), TrainError> {
        let Event::Warning { text } = &record.event else { return self.0.observe(record) };
        self.0.observe(&Record { event: Event::Warning { text: in_note(text) }, ..record.clone() })
    }

    fn progress(&mut self, progress: &Progress, elapsed_seconds: f64) {
        self.0.progress(progress, elapsed_seconds);
    }
}

/// Marks an error of the search in a command that trains, too.
#[cfg(any(feature = "images", feature = "report"))]
pub(crate) fn of_search(error: impl Into<Error>) -> Error {
    Box::new(OfPart { error: error.into(), flags: &SEARCH_FLAGS })
}

/// Marks an error of the training that follows in a command that is a search.
pub(crate) fn of_training(error: impl Into<Error>) -> Error {
    Box::new(OfPart { error: error.into(), flags: &TRAINING_FLAGS })
}

/// What an error says to the user of the command that runs.
pub(crate) fn explain(error: &Error, start: &Start) -> String {
    let (error, flags) = match error.downcast_ref() {
        Some(OfPart { error, flags }) => (error, *flags),
        None => (error, FLAGS.as_slice()),
    };
    if let Some(TrainError::Exists { path }) = error.downcast_ref()
        && start.has_flag("out")
    {
        let there = format!("{} exists already and is not overwritten; choose another --out", path.display());
        let resume = format!("{there}, or go on with it: --resume {}", shell_word(path));
        return if start.has_flag("resume") { resume } else { there };
    }
    // Who names single pictures needs no advice on how to leave them out.
    if let Some(DataError::Image { path, reason }) = error.downcast_ref()
        && !start.has_flag("skip-unreadable")
    {
        return of_data(format!("{}: unreadable image: {reason}", path.display()), flags, start);
    }
    match setting(error.as_ref()) {
        Some(Setting { name: setting, got, expected }) => {
            let text = format!("{} is {got}; expected {expected}", name(setting, flags, start));
            in_flags(text, flags, start, "")
        }
        None => of_data(error.to_string(), flags, start),
    }
}

/// Advice about images, which names settings in the words of the library, in flags; and what the command can do besides.
fn of_data(text: String, flags: &[(&str, &str)], start: &Start) -> String {
    let mut text = in_flags(text, flags, start, "data.");
    if text.contains(": no CIFAR-") && start.has_flag("download") {
        text += ", or let it be fetched: --download";
    }
    text
}

/// The text with the flags of the command that runs in the place of settings in backquotes, whose names it has without
/// `prefix`.
fn in_flags(mut text: String, flags: &[(&str, &str)], start: &Start, prefix: &str) -> String {
    for (setting, flag) in flags {
        if let Some(setting) = setting.strip_prefix(prefix)
            && start.has_flag(flag)
        {
            text = text.replace(&format!("`{setting}`"), &format!("--{flag}"));
        }
    }
    text
}

/// The setting that an error is about.
fn setting<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Setting> {
    if let Some(setting) = error.downcast_ref() {
        return Some(setting);
    }
    // Errors that only pass others on do not name them as their source.
    if let Some(DataError::Setting(setting)) = error.downcast_ref() {
        return Some(setting);
    }
    match (error.downcast_ref(), error.downcast_ref(), error.downcast_ref()) {
        (Some(TrainError::Setting(setting)), ..)
        | (_, Some(NnError::Setting(setting)), _)
        | (.., Some(CoreError::Setting(setting))) => Some(setting),
        (Some(TrainError::Network(error)), ..) => setting(error),
        (Some(TrainError::Data(error)), ..) => setting(error.as_ref()),
        (Some(TrainError::Core(error)), ..) | (_, Some(NnError::Core(error)), _) => setting(error),
        _ => error.source().and_then(setting),
    }
}

/// How the user of the command that runs, a study, sets what is noted as `setting`: by its flag where it has one. What is noted has
/// the search's settings below `search`, the training's below `training`, or is called as the flag.
#[cfg(feature = "report")]
pub(crate) fn of_study(setting: &str, start: &Start) -> String {
    let own = setting.replace('_', "-");
    if start.has_flag(&own) {
        return format!("--{own}");
    }
    let (searches, trains) = (setting.strip_prefix("search."), setting.strip_prefix("training."));
    let first = searches.map_or(&FLAGS[..], |_| &SEARCH_FLAGS);
    let name = searches.or(trains).unwrap_or(setting);
    let known = first.iter().chain(&FLAGS).find(|(known, flag)| *known == name && start.has_flag(flag));
    known.map_or_else(|| setting.to_owned(), |(_, flag)| format!("--{flag}"))
}

/// How the user of the command that runs sets `setting`: by its flag where it has one.
fn name(setting: &str, flags: &[(&str, &str)], start: &Start) -> String {
    match flags.iter().find(|(name, _)| *name == setting) {
        Some((_, flag)) if start.has_flag(flag) => format!("--{flag}"),
        _ => setting.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// The long flags of all commands.
    fn flags(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned));
        own.chain(command.get_subcommands().flat_map(flags)).collect()
    }

    #[test]
    #[cfg(feature = "report")]
    fn every_flag_is_one() {
        let known = flags(&crate::Program::command());
        for (setting, flag) in FLAGS.into_iter().chain(SEARCH_FLAGS).chain(TRAINING_FLAGS) {
            assert!(known.iter().any(|known| known == flag), "{setting}: --{flag}");
        }
    }

    #[test]
    #[cfg(feature = "images")]
    fn only_flags_that_the_command_has_are_named() {
        let program = crate::Program::command();
        let says = |command: &str, error: Error| {
            let command = program.find_subcommand(command).unwrap();
            explain(&error, &Start::example().with_flags_of(command))
        };
        let of = |setting: &str| TrainError::from(Setting::new(setting, 0, "more"));
        assert_eq!(says("search", of("network.channels").into()), "--channels is 0; expected more");
        assert_eq!(says("search", of("augment.cutout").into()), "augment.cutout is 0; expected more");
        assert_eq!(says("train", of("augment.cutout").into()), "--cutout is 0; expected more");
        assert_eq!(says("train", of("multiply_adds").into()), "--multiply-adds is 0; expected more");
        let limit = || TrainError::from(Setting::new("ops", 9, "at most 8; raise `network.max_ops`"));
        assert_eq!(says("export", limit().into()), "ops is 9; expected at most 8; raise --max-ops");
        assert_eq!(says("search", limit().into()), "ops is 9; expected at most 8; raise --max-ops");
        assert_eq!(says("count", limit().into()), "ops is 9; expected at most 8; raise `network.max_ops`");
        let image = || DataError::Image { path: "a.png".into(), reason: "no such file".to_owned() };
        assert_eq!(says("classify", image().into()), "a.png: unreadable image: no such file");
        let train = says("train", image().into());
        assert_eq!(train, "a.png: unreadable image: no such file; repair or remove it, or set --skip-unreadable");
        let core = CoreError::from(Setting::new("epochs", 0, "more"));
        let wrapped = TrainError::from(NnError::from(core));
        assert_eq!(says("train", wrapped.into()), "--epochs is 0; expected more");
        assert_eq!(says("images", of_search(of("epochs"))), "--search-epochs is 0; expected more");
        assert_eq!(says("images", of_search(of("network.cells"))), "network.cells is 0; expected more");
        assert_eq!(says("search", of_training(of("epochs"))), "--train-epochs is 0; expected more");
        assert_eq!(says("search", of_training(of("network.channels"))), "network.channels is 0; expected more");
    }
}
