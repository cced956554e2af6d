//! How a run ends.

use crate::{halt::Flow, stop::StopReason};

/// How a run ended that had no error.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    /// With its result: all that was to be done is done.
    Done(T),
    /// Before its end; what is saved can be resumed.
    Stopped(StopReason),
}

impl<T> Outcome<T> {
    /// The result, to go on with where a stop is passed on by `?`.
    ///
    /// # Errors
    /// The stop.
    pub fn flow(self) -> Flow<T> {
        match self {
            Self::Done(result) => Ok(result),
            Self::Stopped(reason) => Err(reason.into()),
        }
    }

    /// The result, if there is one.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(result) => Some(result),
            Self::Stopped(_) => None,
        }
    }

    /// The same with what `then` makes of the result.
    pub fn map<U>(self, then: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(result) => Outcome::Done(then(result)),
            Self::Stopped(reason) => Outcome::Stopped(reason),
        }
    }
}
