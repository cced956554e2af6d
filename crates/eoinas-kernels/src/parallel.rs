//! Work split over images.

use std::ops::Range;

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::Yield;
use rayon::prelude::*;

/// At most this many pieces. Fixed: the pieces decide in which order partial sums are added.
const PIECES: usize = 32;

/// Splits `0..n` in a way that depends on `n` alone.
pub(crate) fn pieces(n: usize) -> Vec<Range<usize>> {
    let len = n.div_ceil(PIECES).max(1);
    (0..n).step_by(len).map(|start| start..(start + len).min(n)).collect()
}

/// Runs `f` for every piece of `0..n` in rayon's current pool. `outputs` are split with it: `f` gets, of each, the part
/// that belongs to its images. Results come in the order of the pieces, whatever the number of threads.
pub(crate) fn for_pieces<R: Send>(
    n: usize,
    outputs: &mut [&mut [f32]],
    f: impl Fn(Range<usize>, &mut [&mut [f32]]) -> R + Sync,
) -> Vec<R> {
    let ranges = pieces(n);
    let mut tasks: Vec<(Range<usize>, Vec<&mut [f32]>)> = ranges.into_iter().map(|r| (r, Vec::new())).collect();
    for output in outputs {
        let per_image = output.len() / n.max(1);
        let mut rest: &mut [f32] = output;
        for (range, parts) in &mut tasks {
            let (part, tail) = rest.split_at_mut(range.len() * per_image);
            parts.push(part);
            rest = tail;
        }
    }
    tasks.into_par_iter().map(|(range, mut parts)| f(range, &mut parts)).collect()
}

/// Runs `f` while the other threads of rayon's current pool stay awake.
///
/// A pass through a network is hundreds of short parallel regions. A thread that went to sleep in the serial code
/// between two of them would join the next one some 50 to 100 microseconds late, a tenth of a region.
///
/// One call at a time in a process does so; another one that comes meanwhile just runs its `f`. With two, a thread that
/// waits for a piece of the one could be kept awake by the other on top of that wait, and the other way round on the next
/// thread: neither would ever end.
pub fn awake<R>(f: impl FnOnce() -> R) -> R {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    struct Turn;
    impl Drop for Turn {
        fn drop(&mut self) {
            TAKEN.store(false, Ordering::Release);
        }
    }
    if rayon::current_num_threads() == 1 || TAKEN.swap(true, Ordering::AcqRel) {
        return f();
    }
    // Given back when all threads have left the scope, not before.
    let _turn = Turn;
    let done = AtomicBool::new(false);
    let own = rayon::current_thread_index();
    rayon::in_place_scope(|scope| {
        // Dropped also when `f` panics, or the others would wait for ever.
        let _done = Done(&done);
        let done = &done;
        scope.spawn_broadcast(move |_, context| {
            // The thread that runs `f` gets this, too, whenever it looks for work.
            while own != Some(context.index()) && !done.load(Ordering::Acquire) {
                if rayon::yield_now() != Some(Yield::Executed) {
                    std::thread::yield_now();
                }
            }
        });
        f()
    })
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use super::*;

    #[test]
    fn pieces_cover_everything_once() {
        for n in [0, 1, 2, 31, 32, 33, 64, 100] {
            let all: Vec<usize> = pieces(n).into_iter().flatten().collect();
            assert_eq!(all, (0..n).collect::<Vec<_>>());
            assert!(pieces(n).len() <= PIECES);
        }
    }

    #[test]
    fn work_is_shared_while_all_are_awake() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let sum = || {
            awake(|| (0..200).map(|i| for_pieces(64, &mut [], |r, _| r.len() * i).iter().sum::<usize>()).sum::<usize>())
        };
        assert_eq!(pool.install(sum), 64 * 199 * 100);
        // From outside of the pool, and nested.
        assert_eq!(sum(), 64 * 199 * 100);
        assert_eq!(pool.install(|| awake(sum)), 64 * 199 * 100);
        let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| pool.install(|| awake(|| panic!("on purpose")))));
        assert!(panicked.is_err());
    }

    #[test]
    fn several_at_once_in_one_pool_do_not_wait_for_each_other() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        // Long enough that threads wait for each other's pieces.
        let work = |piece: Range<usize>| (0..2000 * piece.len()).fold(1.0f32, |x, _| std::hint::black_box(x * 0.999));
        let pass = || awake(|| (0..3).map(|_| for_pieces(64, &mut [], |piece, _| work(piece)).len()).sum::<usize>());
        std::thread::scope(|scope| {
            for caller in 0..4 {
                let pool = &pool;
                // In a pool and, in the global one, from outside of it.
                scope.spawn(move || {
                    for _ in 0..1000 {
                        assert_eq!(if caller < 1 { pool.install(pass) } else { pass() }, 3 * PIECES);
                    }
                });
            }
        });
    }

    #[test]
    fn outputs_are_split_by_image() {
        let (mut a, mut b) = (vec![0.0; 70], vec![0.0; 210]);
        let order = for_pieces(70, &mut [&mut a, &mut b], |images, parts| {
            for (i, image) in images.clone().enumerate() {
                parts[0][i] = image as f32;
                parts[1][3 * i..3 * i + 3].fill(image as f32);
            }
            images.start
        });
        assert!(order.is_sorted());
        assert!(a.iter().enumerate().all(|(i, &x)| x == i as f32));
        assert!(b.iter().enumerate().all(|(i, &x)| x == (i / 3) as f32));
    }
}
