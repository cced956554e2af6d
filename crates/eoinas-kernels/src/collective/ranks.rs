//! The ranks of a run, and how a thread's passes get to know of them.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// What several processes exchange. All of them call the same functions in the same order.
pub trait Collective: fmt::Debug + Send + Sync {
    /// Which of them this is, from 0.
    fn rank(&self) -> usize;

    /// How many they are.
    fn ranks(&self) -> usize;

    /// Fills `all` with what each rank has, in the order of the ranks; `own` is what this one has, and `lens` has the number of
    /// bytes of each.
    ///
    /// # Errors
    /// What keeps the processes from reaching each other, as text.
    fn gather(&self, own: &[u8], lens: &[usize], all: &mut [u8]) -> Result<(), String>;

    /// Sends each rank its part of `own`, which has `to` bytes for each, one after the other, and fills `all` with what each
    /// has sent here, which are `from` bytes each.
    ///
    /// # Errors
    /// As [`Self::gather`].
    fn exchange(&self, own: &[u8], to: &[usize], from: &[usize], all: &mut [u8]) -> Result<(), String>;

    /// What each rank has, in the order of the ranks, where only it knows how much that is.
    ///
    /// # Errors
    /// As [`Self::gather`].
    fn gather_any(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let mut lens = vec![0u64; self.ranks()];
        let own_len = [own.len() as u64];
        let eight = vec![size_of::<u64>(); self.ranks()];
        self.gather(bytemuck::cast_slice(&own_len), &eight, bytemuck::cast_slice_mut(&mut lens))?;
        let lens: Vec<usize> = lens.into_iter().map(|len| usize::try_from(len).unwrap_or(usize::MAX)).collect();
        let mut all = vec![0; lens.iter().sum()];
        self.gather(own, &lens, &mut all)?;
        let mut rest = all.as_slice();
        let parts = lens.into_iter().map_while(|len| {
            let (part, tail) = rest.split_at_checked(len)?;
            rest = tail;
            Some(part.to_vec())
        });
        Ok(parts.collect())
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn Collective>>> = const { RefCell::new(None) };
}

/// Runs `work`, whose passes on this thread are shared among the ranks of `collective`.
pub fn among<R>(collective: Arc<dyn Collective>, work: impl FnOnce() -> R) -> R {
    struct Before(Option<Arc<dyn Collective>>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _before = Before(CURRENT.replace(Some(collective)));
    work()
}

/// The processes that this thread's passes are shared among; `None` where there is one alone.
pub fn current() -> Option<Arc<dyn Collective>> {
    CURRENT.with_borrow(|current| current.clone()).filter(|collective| collective.ranks() > 1)
}
