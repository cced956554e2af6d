//! How the program ends: its exit code, its last words, and how to go on with what was stopped.

use std::{ffi::OsStr, path::Path, process::ExitCode};

use eoinas_core::run_folder::names;
use eoinas_train::StopReason;
use serde_json::{Value, json};

use crate::{
    Error, Start, flags,
    out::{self, tell},
    signals,
};

/// Ends with the command's code, or says what went wrong.
pub(crate) fn end(result: Result<ExitCode, Error>, start: &Start) -> ExitCode {
    out::end(result.unwrap_or_else(|error| {
        tell!("error: {}", flags::explain(&error, start));
        ExitCode::FAILURE
    }))
}

/// Ends with the help that was asked for, or says what is wrong with the arguments.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        tell!("{}", text.to_string().trim_end());
        return ExitCode::from(2);
    }
    out::text(&text.to_string());
    out::end(ExitCode::SUCCESS)
}

/// What a program that was stopped ends with: 130 at Ctrl-C, 143 at SIGTERM, 129 at SIGHUP as shells have it, 0 at a limit that was asked for.
pub(crate) fn exit_code(reason: &StopReason) -> ExitCode {
    ExitCode::from(match reason {
        StopReason::Interrupted => signals::exit_code(),
        StopReason::MaxSteps { .. } | StopReason::TimeLimit { .. } => 0,
        _ => 1,
    })
}

/// Says that the run in `folder` stopped, and how the command `name` goes on with it; the same as JSON. One that diverged would
/// do so again.
pub(crate) fn stopped(reason: &StopReason, name: &str, folder: &Path, start: &Start) -> (ExitCode, Value) {
    tell!("stopped: {reason}");
    let resume = start.line(name, [OsStr::new("--resume"), folder.as_os_str()]);
    let diverged = matches!(reason, StopReason::NonFinite { .. });
    match diverged {
        false => tell!("go on with: {resume}"),
        true => tell!("{}", anew(folder, start)),
    }
    let resume = (!diverged).then_some(resume);
    (exit_code(reason), json!({ "stopped": reason.name(), "run": folder.display().to_string(), "resume": resume }))
}

/// What to do instead of going on to the same end.
fn anew(folder: &Path, start: &Start) -> String {
    let settings = folder.join(names::CONFIG);
    let instead = match start.has_flag("config") && settings.exists() {
        true => format!("--config takes a copy of {} with another", settings.display()),
        false => {
            let [search, train] =
                ["search", "train"].map(|name| start.line(name, ["--config", "FILE"].map(OsStr::new)));
            format!("another stands in a file of settings: {search} or {train}")
        }
    };
    format!("the run would end the same way again with this `learning_rate` and `weight_decay`; {instead}")
}
