//! The parts of a study as commands, and as tasks of a job array.

use std::{env, ffi::OsString};

use eoinas_core::event::shell_word;

use crate::Error;

/// Where Slurm says which task of a job array this is.
const TASK: &str = "SLURM_ARRAY_TASK_ID";

/// The command of this process for one part alone.
pub(super) fn command(part: usize) -> String {
    let of_part = ["--part".to_owned(), part.to_string()].map(OsString::from);
    let words = env::args_os().filter(|word| word != "--plan").chain(of_part);
    words.map(shell_word).collect::<Vec<_>>().join(" ")
}

/// The part that the job array names.
///
/// # Errors
/// There is no job array, or no such part.
pub(super) fn of_array(parts: usize) -> Result<usize, Error> {
    let task = env::var(TASK).map_err(|_| {
        format!("--array: {TASK} is not set, so this is no task of a job array; submit it with sbatch --array=0-{}, or give --part K", parts.saturating_sub(1))
    })?;
    let part = task.parse().map_err(|_| format!("--array: {TASK} is {task}; expected a number"))?;
    check(TASK, part, parts)
}

/// Whether there is such a part.
///
/// # Errors
/// What there is.
pub(super) fn check(what: &str, part: usize, parts: usize) -> Result<usize, Error> {
    match part < parts {
        true => Ok(part),
        false => Err(format!("{what} is {part}; the study has {parts} parts, 0 to {}", parts.saturating_sub(1)).into()),
    }
}
