//! What the studies have in common: runs of several methods and seeds that are stopped, gone on with and added to.
#![allow(dead_code, reason = "each study uses its part")]

pub mod evidence;
pub mod method;
pub mod scale;
pub mod table;

use std::{ops::ControlFlow, process::ExitCode};

use eoinas_train::StopReason;

use crate::common::{self, Error};

/// Ends a study: reports what came out, or says how to go on with one that was stopped.
///
/// # Errors
/// Those of `report`.
pub fn end<T>(
    outcome: ControlFlow<StopReason, T>,
    report: impl FnOnce(T) -> Result<(), Error>,
) -> Result<ExitCode, Error> {
    match outcome {
        ControlFlow::Continue(cases) => report(cases).map(|()| ExitCode::SUCCESS),
        ControlFlow::Break(reason) => {
            eprintln!("stopped: {reason}; the same command goes on with it");
            Ok(common::exit_code(&reason))
        }
    }
}
