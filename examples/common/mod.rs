//! What the examples that run for long have in common.
#![allow(dead_code, reason = "each example uses its part")]

use std::process::ExitCode;

use eoinas_train::{SearchOptions, StopReason, TrainOptions, observer::progress_display, stop::Interrupt};

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

/// A rule that stops a run at Ctrl-C, which lets it save its state. A second Ctrl-C ends the program at once.
///
/// # Errors
/// The system takes no handler.
pub fn interrupt() -> Result<Interrupt, ctrlc::Error> {
    let interrupt = Interrupt::default();
    let raised = interrupt.clone();
    ctrlc::set_handler(move || {
        if raised.is_raised() {
            std::process::exit(130);
        }
        raised.raise();
    })?;
    Ok(interrupt)
}

/// What a search needs beside its settings: Ctrl-C, and a progress display unless it shall be `quiet`.
pub fn search_options(interrupt: &Interrupt, quiet: bool) -> SearchOptions {
    let mut options = SearchOptions { command: std::env::args().collect(), ..SearchOptions::default() };
    options.rules.push(Box::new(interrupt.clone()));
    options.observers.extend((!quiet).then(progress_display));
    options
}

/// The same for a training.
pub fn train_options(interrupt: &Interrupt, quiet: bool) -> TrainOptions {
    let mut options = TrainOptions { command: std::env::args().collect(), ..TrainOptions::default() };
    options.rules.push(Box::new(interrupt.clone()));
    options.observers.extend((!quiet).then(progress_display));
    options
}

/// What a program that was stopped ends with: 130 at Ctrl-C as shells have it, 0 at a limit that was asked for.
pub fn exit_code(reason: &StopReason) -> ExitCode {
    ExitCode::from(match reason {
        StopReason::Interrupted => 130,
        StopReason::MaxSteps { .. } | StopReason::TimeLimit { .. } => 0,
        _ => 1,
    })
}
