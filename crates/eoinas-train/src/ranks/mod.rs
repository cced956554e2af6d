//! One run of several processes, its *ranks*: what they settle among themselves.
//!
//! Every rank runs the whole program on the same settings, and holds everything that learns; of each batch it computes its own
//! images ([`eoinas_kernels::share`]), and all of them make the same updates. Results are the same bytes with any number of
//! ranks, so that a run goes on with another number of them. Rank 0 writes the run's folder, the others one of their own that
//! nobody reads.
//!
//! Where there is one process alone ([`current`] is `None`), nothing of this costs anything.

mod alike;
mod folder;

pub use alike::{Facts, all_begin};
pub use eoinas_kernels::collective::{Collective, Threads, among, current};
pub use eoinas_kernels::share::PIECES as MOST;
pub use folder::copied;

use crate::{
    error::{Result, TrainError},
    stop::StopReason,
};

/// What all ranks do where each has its own reason to stop, or none: the reason of the first one that has any.
pub(crate) fn agreed(own: Option<StopReason>) -> Option<StopReason> {
    let Some(ranks) = current() else { return own };
    let settled = || -> Result<Option<StopReason>, String> {
        let mut has = vec![0u8; ranks.ranks()];
        ranks.gather(&[u8::from(own.is_some())], &vec![1; ranks.ranks()], &mut has)?;
        let Some(first) = has.iter().position(|has| *has != 0) else { return Ok(None) };
        let said = serde_json::to_vec(&own).map_err(|error| error.to_string())?;
        let all = ranks.gather_any(&said)?;
        let reason = all.get(first).ok_or("a rank is missing")?;
        serde_json::from_slice(reason).map_err(|error| error.to_string())
    };
    settled().unwrap_or_else(|reason| Some(StopReason::Other { message: lost(reason).to_string() }))
}

/// Whether all ranks have learned the same: `digest` is of everything that a checkpoint holds.
///
/// # Errors
/// A rank whose state is another one, by a fault of its machine or of this library.
pub(crate) fn check_same(digest: impl FnOnce() -> String) -> Result<()> {
    let Some(ranks) = current() else { return Ok(()) };
    let digests = ranks.gather_any(digest().as_bytes()).map_err(lost)?;
    match digests.iter().position(|other| Some(other) != digests.first()) {
        None => Ok(()),
        Some(rank) => Err(TrainError::Ranks {
            what: format!(
                "rank {rank} has learned something else than rank 0, which must never be: the memory of its machine may be \
                 faulty; the last checkpoint is from before that"
            ),
        }),
    }
}

fn lost(reason: String) -> TrainError {
    TrainError::Ranks { what: format!("the processes of this run cannot reach each other: {reason}") }
}
