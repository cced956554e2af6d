//! What ends a loop before its last step.

use eoinas_nn::NnError;

use crate::{error::TrainError, stop::StopReason};

/// Why a step, an epoch or a run goes no further. Both travel by `?`; the loop alone tells them apart: a stop saves the
/// state and is an outcome, an error is one.
#[derive(Debug)]
pub enum Halt {
    /// There is a reason to stop.
    Stop(StopReason),
    /// Something went wrong. Boxed, as it is far larger than a stop.
    Failed(Box<TrainError>),
}

/// The result of something that may also stop.
pub type Flow<T> = Result<T, Halt>;

impl<E: Into<TrainError>> From<E> for Halt {
    fn from(error: E) -> Self {
        match error.into() {
            TrainError::Network(NnError::Stopped) => Self::Stop(StopReason::Interrupted),
            error => Self::Failed(Box::new(error)),
        }
    }
}

impl From<StopReason> for Halt {
    fn from(reason: StopReason) -> Self {
        Self::Stop(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(stops: bool) -> Flow<u32> {
        if stops {
            Err(StopReason::Interrupted)?;
        }
        Ok("7".parse().map_err(|_| TrainError::Observer(String::new()))?)
    }

    #[test]
    fn stops_and_errors_travel_together() {
        let epoch = |stops| -> Flow<u32> { Ok(step(stops)? + 1) };
        assert!(matches!(epoch(false), Ok(8)));
        assert!(matches!(epoch(true), Err(Halt::Stop(StopReason::Interrupted))));
    }
}
