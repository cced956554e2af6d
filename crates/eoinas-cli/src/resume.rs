//! The folder of a run: a new one, or one that is gone on with. That has to be the command's own; another one's is named with the
//! command for it.

use std::{ffi::OsStr, path::Path};

use eoinas_core::{
    Event,
    event::{RecordReader, Task},
    run_folder::names,
};

use eoinas_train::{RunWriter, TrainError};

use crate::{Error, Start};

/// The folder of a new run: the one that was asked for, or one of this name in `runs`.
///
/// # Errors
/// A folder that is there already, or cannot be made.
pub(crate) fn new_folder(asked: Option<&Path>, name: &str) -> Result<RunWriter, TrainError> {
    match asked {
        Some(path) => RunWriter::create(path),
        None => RunWriter::create_unique("runs".as_ref(), name),
    }
}

/// Refuses the folder of another command than `command`. What cannot be told is left to whoever reads the folder.
///
/// # Errors
/// Whose folder it is, and how to go on with it.
pub(crate) fn check(path: &Path, command: &str, start: &Start) -> Result<(), Error> {
    match command_of(path) {
        Some(other) if other != command => {
            let resume = start.line(other, [OsStr::new("--resume"), path.as_os_str()]);
            Err(format!("{} is a folder of the command `{other}`; go on with it: {resume}", path.display()).into())
        }
        _ => Ok(()),
    }
}

/// Refuses a flag that says how a run is gone on with where none is. What the flag needs is in conflict with flags of new runs, and
/// then the parser of arguments does not ask for it.
///
/// # Errors
/// The flag without a folder.
pub(crate) fn check_replan(replan: bool, resume: Option<&Path>) -> Result<(), Error> {
    match replan && resume.is_none() {
        true => Err("--replan is of a run that is gone on with; give its folder: --resume DIR".into()),
        false => Ok(()),
    }
}

/// The command that made the folder.
fn command_of(path: &Path) -> Option<&'static str> {
    let files = [(names::SEARCH_PLAN, "images"), (names::SEEDS, "search"), (names::TRIALS, "train")];
    let by_file = files.into_iter().find_map(|(file, command)| path.join(file).is_file().then_some(command));
    // The plan of a training alone: what searches has a record beside it, or settings.
    let nothing_searched = || {
        let alone = ![names::EVENTS, names::CONFIG].iter().any(|file| path.join(file).exists());
        (alone && path.join(names::TRAINING_PLAN).is_file()).then_some("images")
    };
    by_file.or_else(nothing_searched).or_else(|| of_record(&path.join(names::EVENTS)))
}

fn of_record(path: &Path) -> Option<&'static str> {
    match RecordReader::open(path).ok()?.next_line().ok()??.record.ok()?.event {
        Event::RunStarted(started) if started.task == Task::Search => Some("search"),
        Event::RunStarted(started) if started.task == Task::Train => Some("train"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_another_command_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let check = |command| check(dir.path(), command, &Start::program(None));
        // Whoever reads it says what is missing.
        check("train").unwrap();
        std::fs::write(dir.path().join(names::SEEDS), "{}").unwrap();
        check("search").unwrap();
        let error = check("train").unwrap_err().to_string();
        assert!(
            error.contains("is a folder of the command `search`; go on with it: eoinas search --resume "),
            "{error}"
        );
        std::fs::write(dir.path().join(names::SEARCH_PLAN), "{}").unwrap();
        assert!(check("search").unwrap_err().to_string().contains("eoinas images --resume "));
    }
}
