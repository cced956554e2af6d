//! What the examples that run for long have in common.
#![allow(dead_code, reason = "each example uses its part")]

pub mod host;

use std::process::ExitCode;

use eoinas_train::StopReason;

/// An error of an example.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Ends a program with its code, or says what went wrong.
pub fn end(result: Result<ExitCode, Error>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// Says something that the user should know.
pub fn note(line: &str) {
    eprintln!("note: {line}");
}

/// What a program that was stopped ends with: 130 at Ctrl-C as shells have it, 0 at a limit that was asked for.
pub fn exit_code(reason: &StopReason) -> ExitCode {
    ExitCode::from(match reason {
        StopReason::Interrupted => 130,
        StopReason::MaxSteps { .. } | StopReason::TimeLimit { .. } => 0,
        _ => 1,
    })
}
