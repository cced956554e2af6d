//! Work split over images.

use std::iter;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;
use rayon::prelude::*;

use crate::share::pieces;

/// Runs `f` for every piece of `0..n` in rayon's current pool. `outputs` are split with it: `f` gets, of each, the part
/// that belongs to its images. Results come in the order of the pieces, whatever the number of threads.
pub(crate) fn for_pieces<R: Send>(
    n: usize,
    outputs: &mut [&mut [f32]],
    f: impl Fn(Range<usize>, &mut [&mut [f32]]) -> R + Sync,
) -> Vec<R> {
    for_pieces_with(n, outputs, iter::repeat(()), |range, parts, ()| f(range, parts))
}

/// The same; every piece also gets one of `extras`, of which there have to be as many as [`pieces`] of `n`.
pub(crate) fn for_pieces_with<E: Send, R: Send>(
    n: usize,
    outputs: &mut [&mut [f32]],
    extras: impl IntoIterator<Item = E>,
    f: impl Fn(Range<usize>, &mut [&mut [f32]], E) -> R + Sync,
) -> Vec<R> {
    let ranges = pieces(n).into_iter();
    let mut tasks: Vec<_> = ranges.zip(extras).map(|(range, extra)| (range, Vec::new(), extra)).collect();
    for output in outputs {
        let per_image = output.len() / n.max(1);
        let mut rest: &mut [f32] = output;
        for (range, parts, _) in &mut tasks {
            let (part, tail) = rest.split_at_mut(range.len() * per_image);
            parts.push(part);
            rest = tail;
        }
    }
    tasks.into_par_iter().map(|(range, mut parts, extra)| f(range, &mut parts, extra)).collect()
}

/// Adds as many vectors as lie one after the other in `parts` to `total`, always in this order.
pub(crate) fn add_all(parts: &[f32], total: &mut [f32]) {
    /// As many values stay in a core's first cache while all parts are added to them.
    const CHUNK: usize = 1024;
    /// From here on it pays to wake a thread.
    const LARGE: usize = 1 << 15;
    let len = total.len().max(1);
    let add = |(index, chunk): (usize, &mut [f32])| {
        for part in parts.chunks_exact(len) {
            chunk.iter_mut().zip(&part[index * CHUNK..]).for_each(|(sum, value)| *sum += value);
        }
    };
    if parts.len() < LARGE {
        total.chunks_mut(CHUNK).enumerate().for_each(add);
    } else {
        total.par_chunks_mut(CHUNK).enumerate().for_each(add);
    }
}

/// Runs `f` while the other threads of rayon's current pool stay awake.
///
/// A pass through a network is hundreds of short parallel regions. A thread that went to sleep in the serial code
/// between two of them would join the next one some 50 to 100 microseconds late, a tenth of a region.
///
/// Other work may go on in the same pool, other passes too; nobody is held up by it for longer than a millisecond.
pub fn awake<R>(f: impl FnOnce() -> R) -> R {
    struct Ends(Arc<Wakeful>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.done.store(true, Ordering::Release);
        }
    }
    if rayon::current_num_threads() == 1 {
        return f();
    }
    let wakeful = Arc::new(Wakeful { own: rayon::current_thread_index(), ..Wakeful::default() });
    // Ends it also when `f` panics, or the threads would never sleep again.
    let _ends = Ends(wakeful.clone());
    wakeful.watch(0);
    f()
}

/// For so long a thread stays in a watch; then the next one is called.
///
/// A watch has to end by itself. A thread can take a piece of the pass before it takes its watch, and begin the watch while
/// it waits for a part of that piece: a watch until the end of the pass would keep it from ever finishing the piece, and
/// the pass from ever ending.
const WATCH: Duration = Duration::from_millis(1);

/// Threads that are kept awake for one call of [`awake`].
#[derive(Default)]
struct Wakeful {
    /// The thread that runs the call, where it is one of the pool: it gets watches, too, whenever it looks for work.
    own: Option<usize>,
    /// Number of the watch that is on. The first thread to end it calls the next one.
    watch: AtomicUsize,
    done: AtomicBool,
}

impl Wakeful {
    fn watch(self: &Arc<Self>, number: usize) {
        let this = self.clone();
        rayon::spawn_broadcast(move |context| {
            let begin = Instant::now();
            while this.own != Some(context.index())
                && !this.done.load(Ordering::Acquire)
                && this.watch.load(Ordering::Acquire) == number
            {
                if begin.elapsed() > WATCH {
                    let next = this.watch.compare_exchange(number, number + 1, Ordering::AcqRel, Ordering::Acquire);
                    if next.is_ok() {
                        this.watch(number + 1);
                    }
                    return;
                }
                if rayon::yield_now() != Some(Yield::Executed) {
                    std::thread::yield_now();
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use super::*;
    use crate::share::PIECES;

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
    fn a_watch_on_top_of_a_piece_that_the_pass_waits_for_ends() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let [begun, taken, finished] = [const { AtomicBool::new(false) }; 3];
        let set = |flag: &AtomicBool| flag.store(true, Ordering::Release);
        let until = |flag: &AtomicBool| {
            while !flag.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        };
        pool.in_place_scope(|scope| {
            // One thread has this piece while the pass begins, then waits for the half that the other one takes.
            scope.spawn(|_| {
                until(&begun);
                let slow = || {
                    set(&taken);
                    std::thread::sleep(20 * WATCH);
                };
                rayon::join(|| until(&taken), slow);
                set(&finished);
            });
            let pass = || {
                set(&begun);
                while !finished.load(Ordering::Acquire) {
                    rayon::yield_now();
                }
            };
            pool.install(|| awake(pass));
        });
    }

    #[test]
    fn several_at_once_in_one_pool_do_not_wait_for_each_other() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        // Long enough that threads wait for each other's pieces.
        let work = |piece: Range<usize>| (0..2000 * piece.len()).fold(1.0f32, |x, _| std::hint::black_box(x * 0.999));
        let regions = || (0..3).map(|_| for_pieces(64, &mut [], |piece, _| work(piece)).len()).sum::<usize>();
        std::thread::scope(|scope| {
            for caller in 0..6 {
                let pool = &pool;
                // In a pool and, in the global one, from outside of it; passes beside work that is none.
                scope.spawn(move || {
                    for _ in 0..1000 {
                        let pieces = match caller {
                            0 => pool.install(|| awake(regions)),
                            1 => pool.install(regions),
                            2 | 3 => awake(regions),
                            _ => regions(),
                        };
                        assert_eq!(pieces, 3 * PIECES);
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
