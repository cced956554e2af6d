//! All processes that the launcher has started, by MPI's own functions.

use std::fmt;
use std::sync::Arc;

use eoinas_kernels::collective::Collective;
use mpi::Count;
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives};
use mpi::{Threading, initialize_with_threading};

use crate::MpiError;

/// The library, as long as it runs.
pub struct World(Universe);

impl World {
    pub fn join() -> Result<Self, MpiError> {
        // A pass runs on a thread of the pool, and only there are calls made meanwhile.
        let (universe, threading) = initialize_with_threading(Threading::Serialized)
            .ok_or(MpiError::Start { reason: "it runs in this process already" })?;
        if threading < Threading::Serialized {
            return Err(MpiError::Start {
                reason: "it takes calls of its first thread alone (MPI_THREAD_SERIALIZED is needed)",
            });
        }
        Ok(Self(universe))
    }

    pub fn collective(&self) -> Arc<dyn Collective> {
        let world = self.0.world();
        let number = |count: Count| usize::try_from(count).unwrap_or(0);
        Arc::new(Mpi { rank: number(world.rank()), ranks: number(world.size()) })
    }

    pub fn abort(&self, code: u8) -> ! {
        self.0.world().abort(code.into())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The library's own end waits for the others, and they wait for this one.
        if std::thread::panicking() {
            self.abort(101);
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("World").field(&self.collective()).finish()
    }
}

/// Which of the processes this is. The library ends all of them where one cannot be reached.
#[derive(Debug)]
struct Mpi {
    rank: usize,
    ranks: usize,
}

impl Collective for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.ranks
    }

    fn gather(&self, own: &[u8], lens: &[usize], all: &mut [u8]) -> Result<(), String> {
        check(own.len(), lens.get(self.rank).copied())?;
        check(all.len(), Some(lens.iter().sum()))?;
        let (counts, places) = parts(lens)?;
        let mut all = PartitionMut::new(all, counts, places);
        SimpleCommunicator::world().all_gather_varcount_into(own, &mut all);
        Ok(())
    }

    fn exchange(&self, own: &[u8], to: &[usize], from: &[usize], all: &mut [u8]) -> Result<(), String> {
        check(own.len(), Some(to.iter().sum()))?;
        check(all.len(), Some(from.iter().sum()))?;
        let ((to, to_places), (from, from_places)) = (parts(to)?, parts(from)?);
        let own = Partition::new(own, to, to_places);
        let mut all = PartitionMut::new(all, from, from_places);
        SimpleCommunicator::world().all_to_all_varcount_into(&own, &mut all);
        Ok(())
    }
}

fn check(got: usize, expected: Option<usize>) -> Result<(), String> {
    match expected {
        Some(expected) if expected == got => Ok(()),
        _ => Err(format!("{got} bytes, where {expected:?} were to be exchanged")),
    }
}

/// How many bytes each rank's part has, and where it begins, as the library counts.
fn parts(lens: &[usize]) -> Result<(Vec<Count>, Vec<Count>), String> {
    let (mut counts, mut places, mut end) = (Vec::new(), Vec::new(), 0usize);
    let count = |bytes: usize| Count::try_from(bytes).map_err(|_| format!("{bytes} bytes are more than MPI counts"));
    for &len in lens {
        counts.push(count(len)?);
        places.push(count(end)?);
        end += len;
    }
    count(end)?;
    Ok((counts, places))
}
