//! Scratch memory that threads keep.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::aligned::Aligned;

/// Memory that a thread keeps.
type Kept = LocalKey<RefCell<Aligned>>;

thread_local! {
    static SCRATCH: RefCell<Aligned> = const { RefCell::new(Aligned::new()) };
    static PARTIAL_SUMS: RefCell<Aligned> = const { RefCell::new(Aligned::new()) };
}

/// Gives `f` one slice of each length out of memory that the thread keeps. Their content is whatever was there before.
pub(crate) fn with_scratch<const N: usize, R>(lens: [usize; N], f: impl FnOnce([&mut [f32]; N]) -> R) -> R {
    with(&SCRATCH, lens, f)
}

/// The same for sums of which every thread has a part, while the threads have scratch memory of their own.
pub(crate) fn with_partial_sums<R>(len: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    with(&PARTIAL_SUMS, [len], |[sums]| f(sums))
}

fn with<const N: usize, R>(kept: &'static Kept, lens: [usize; N], f: impl FnOnce([&mut [f32]; N]) -> R) -> R {
    let len: usize = lens.iter().map(|len| len.next_multiple_of(16)).sum();
    // Taken out, not borrowed, so that a nested call would only cost an allocation.
    let mut memory = kept.take();
    if memory.len() < len {
        memory = Aligned::zeros(len);
    }
    let mut rest: &mut [f32] = &mut memory;
    let slices = lens.map(|len| {
        let (slice, tail) = std::mem::take(&mut rest).split_at_mut(len.next_multiple_of(16));
        rest = tail;
        &mut slice[..len]
    });
    let result = f(slices);
    kept.set(memory);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_is_aligned_and_kept() {
        let first = with_scratch([10, 100], |[a, b]| {
            assert_eq!((a.len(), b.len()), (10, 100));
            assert!(a.as_ptr().align_offset(64) == 0 && b.as_ptr().align_offset(64) == 0);
            a.as_ptr() as usize
        });
        assert_eq!(first, with_scratch([64], |[a]| a.as_ptr() as usize));
    }
}
