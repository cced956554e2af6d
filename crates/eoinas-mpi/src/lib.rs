//! The processes that a launcher of MPI has started, as the ranks of one run.
//!
//! The feature `mpi` binds the system's MPI. Without it [`launched`] still tells how many processes there are, so that a program
//! can refuse to be several that know nothing of each other.
#![forbid(unsafe_code)]

#[cfg(not(feature = "mpi"))]
mod nobody;
#[cfg(feature = "mpi")]
mod world;

use std::sync::Arc;

use eoinas_kernels::collective::Collective;

#[cfg(not(feature = "mpi"))]
use nobody::World;
#[cfg(feature = "mpi")]
use world::World;

/// Whether this build can join others.
pub const BUILT: bool = cfg!(feature = "mpi");

/// Why processes cannot work together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MpiError {
    /// Built without the feature `mpi`.
    #[error(
        "{ranks} processes were started by a launcher of MPI, and this program was built without it: they would be {ranks} equal runs; build it with `--features mpi`, or start one process"
    )]
    NotBuilt {
        /// How many there are.
        ranks: usize,
    },
    /// The launcher is of another MPI than the library.
    #[error(
        "{launched} processes were started by a launcher that is of another MPI than this program's, which sees {joined}: start them by the launcher of the library that it was built with"
    )]
    OtherLauncher {
        /// How many processes the launcher says there are.
        launched: usize,
        /// How many the library has joined.
        joined: usize,
    },
    /// The library does not start.
    #[error("MPI does not start: {reason}")]
    Start {
        /// What is in the way.
        reason: &'static str,
    },
}

/// How many processes a launcher has started with this one, as it says in the environment (Open MPI, MPICH and those made of it,
/// Slurm). `None`: no launcher has started it.
pub fn launched() -> Option<usize> {
    launched_by(|name| std::env::var(name).ok())
}

fn launched_by(variable: impl Fn(&str) -> Option<String>) -> Option<usize> {
    let number = |name| variable(name)?.parse().ok();
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"].into_iter().find_map(number).or_else(|| {
        // `srun --mpi=pmix` says which rank this is, and elsewhere how many there are.
        variable("PMIX_RANK").and_then(|_| number("SLURM_STEP_NUM_TASKS").or_else(|| number("SLURM_NTASKS")))
    })
}

/// Joins the processes that a launcher has started with this one; `None` where there is none but this. Once a process, by the
/// thread that ends it, and all of the others do it, too.
///
/// # Errors
/// A build without the feature `mpi`; a library that does not start, or that takes calls of one thread alone.
pub fn join() -> Result<Option<Ranks>, MpiError> {
    match launched() {
        None | Some(0 | 1) => Ok(None),
        #[cfg(feature = "mpi")]
        Some(launched) => {
            let ranks = Ranks(World::join()?);
            match ranks.collective().ranks() {
                joined if joined == launched => Ok(Some(ranks)),
                joined => Err(MpiError::OtherLauncher { launched, joined }),
            }
        }
        #[cfg(not(feature = "mpi"))]
        Some(ranks) => Err(MpiError::NotBuilt { ranks }),
    }
}

/// The processes that have joined. The last thing to be dropped: they end together.
#[derive(Debug)]
pub struct Ranks(World);

impl Ranks {
    /// What they exchange by.
    pub fn collective(&self) -> Arc<dyn Collective> {
        self.0.collective()
    }

    /// Ends all processes with this exit code, whatever they do.
    pub fn abort(&self, code: u8) -> ! {
        self.0.abort(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_known_by_their_variables() {
        let of = |set: &'static [(&str, &str)]| {
            launched_by(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("OMPI_COMM_WORLD_SIZE", "4")]), Some(4));
        assert_eq!(of(&[("PMI_SIZE", "2")]), Some(2));
        // A batch script of Slurm that has started no step.
        assert_eq!(of(&[("SLURM_NTASKS", "8")]), None);
        assert_eq!(of(&[("PMIX_RANK", "0"), ("SLURM_NTASKS", "8")]), Some(8));
    }
}
