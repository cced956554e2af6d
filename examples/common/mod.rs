//! What the examples that run for long have in common.

#![allow(dead_code, reason = "each example uses its part")]

pub mod evidence;
pub mod method;
pub mod scale;
pub mod table;

use std::process::ExitCode;

use eoinas_train::{StopReason, stop::Interrupt};

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

/// What a program that was stopped ends with: 130 at Ctrl-C as shells have it, 0 at a limit that was asked for.
pub fn exit_code(reason: &StopReason) -> ExitCode {
    ExitCode::from(match reason {
        StopReason::Interrupted => 130,
        StopReason::MaxSteps { .. } | StopReason::TimeLimit { .. } => 0,
        _ => 1,
    })
}
