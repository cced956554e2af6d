//! Threads of one process as ranks: for tests, and to count what ranks exchange.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::ranks::Collective;

/// A rank that is a thread of this process.
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    table: Arc<Table>,
}

/// Where the threads meet.
#[derive(Debug)]
struct Table {
    ranks: usize,
    state: Mutex<State>,
    turned: Condvar,
}

/// What a rank lays down: its bytes, and how many of them are for each rank.
type Laid = (Vec<u8>, Vec<usize>);

#[derive(Debug, Default)]
struct State {
    round: u64,
    laid: Vec<Option<Laid>>,
    arrived: usize,
    /// What all have laid down in the round before.
    last: Arc<Vec<Laid>>,
    /// A rank has ended, and comes to no more rounds.
    gone: Option<usize>,
}

impl Threads {
    /// So many ranks, one for each thread.
    pub fn start(ranks: usize) -> Vec<Arc<dyn Collective>> {
        let state = Mutex::new(State { laid: vec![None; ranks], ..State::default() });
        let table = Arc::new(Table { ranks, state, turned: Condvar::new() });
        (0..ranks).map(|rank| Arc::new(Self { rank, table: table.clone() }) as Arc<dyn Collective>).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.table.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays down what this rank has, and takes what all have when the last one has come.
    fn meet(&self, own: Laid) -> Result<Arc<Vec<Laid>>, String> {
        let mut state = self.lock();
        if let Some(laid) = state.laid.get_mut(self.rank) {
            *laid = Some(own);
        }
        state.arrived += 1;
        if state.arrived == self.table.ranks {
            state.last = Arc::new(state.laid.iter_mut().filter_map(Option::take).collect());
            (state.arrived, state.round) = (0, state.round + 1);
            self.table.turned.notify_all();
            return Ok(state.last.clone());
        }
        let round = state.round;
        while state.round == round {
            if let Some(rank) = state.gone {
                return Err(format!("rank {rank} has ended"));
            }
            state = self.table.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(state.last.clone())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.lock().gone = Some(self.rank);
        self.table.turned.notify_all();
    }
}

impl Collective for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.table.ranks
    }

    fn gather(&self, own: &[u8], lens: &[usize], all: &mut [u8]) -> Result<(), String> {
        let laid = self.meet((own.to_vec(), Vec::new()))?;
        if laid.iter().map(|(bytes, _)| bytes.len()).ne(lens.iter().copied()) {
            return Err("the ranks do not gather the same values".to_owned());
        }
        fill(all, laid.iter().flat_map(|(bytes, _)| bytes))
    }

    fn exchange(&self, own: &[u8], to: &[usize], from: &[usize], all: &mut [u8]) -> Result<(), String> {
        let laid = self.meet((own.to_vec(), to.to_vec()))?;
        if laid.iter().map(|(_, to)| to.get(self.rank)).ne(from.iter().map(Some)) {
            return Err("the ranks do not exchange the same values".to_owned());
        }
        let for_this = laid.iter().flat_map(|(bytes, to)| {
            let before = to.iter().take(self.rank).sum();
            bytes.iter().skip(before).take(to.get(self.rank).copied().unwrap_or(0))
        });
        fill(all, for_this)
    }
}

fn fill<'a>(all: &mut [u8], from: impl Iterator<Item = &'a u8>) -> Result<(), String> {
    let mut filled = 0;
    for (to, from) in all.iter_mut().zip(from) {
        *to = *from;
        filled += 1;
    }
    if filled == all.len() { Ok(()) } else { Err(format!("{filled} bytes came for {}", all.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_all<R: Send>(ranks: usize, work: impl Fn(&dyn Collective) -> R + Sync) -> Vec<R> {
        std::thread::scope(|scope| {
            let threads = Threads::start(ranks).into_iter().map(|rank| scope.spawn(|| work(&*{ rank })));
            let threads: Vec<_> = threads.collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn all_have_what_each_has_in_the_order_of_the_ranks() {
        let gathered = on_all(3, |ranks| ranks.gather_any(&vec![ranks.rank() as u8; ranks.rank()]).unwrap());
        assert!(gathered.iter().all(|all| *all == [vec![], vec![1], vec![2, 2]]), "{gathered:?}");
        let exchanged = on_all(2, |ranks| {
            let (own, from): ([u8; 3], _) = if ranks.rank() == 0 { ([1, 2, 3], [1, 1]) } else { ([4, 5, 6], [2, 2]) };
            let mut all = vec![0; from.iter().sum()];
            ranks.exchange(&own, &[1, 2], &from, &mut all).unwrap();
            all
        });
        assert_eq!(exchanged, [vec![1, 4], vec![2, 3, 5, 6]]);
    }

    #[test]
    fn nobody_waits_for_a_rank_that_has_ended() {
        let found = on_all(2, |ranks| if ranks.rank() == 0 { Ok(Vec::new()) } else { ranks.gather_any(&[1]) });
        assert_eq!(found, [Ok(Vec::new()), Err("rank 0 has ended".to_owned())]);
    }
}
