//! A process's share of a batch: a run of its pieces.
//!
//! Work is cut into pieces that depend on the batch alone. Each rank has as many of them as the others, but for one, and what
//! pieces have summed up goes to all ranks before it is added, in the order of the batch.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use candle_core::{Device, Tensor};

use crate::collective::{self, Collective};
use crate::error::{KernelError, Result};

/// At most this many pieces. Fixed: the pieces decide in which order partial sums are added. No more ranks can share a batch.
pub const PIECES: usize = 32;

/// What a process has of a batch that several share.
#[derive(Debug)]
struct Share {
    collective: Arc<dyn Collective>,
    /// Images of the whole batch, and of a piece but the last.
    images: usize,
    piece: usize,
    /// Pieces of the whole batch.
    pieces: usize,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Share>>> = const { RefCell::new(None) };
}

/// Runs `pass` over a batch of so many images; it gets those that are this process's. Until it has ended, kernels on this thread
/// take sums over images with the other ranks, and their tensors have the process's own images alone. A batch of fewer pieces
/// than there are ranks is everybody's as a whole.
///
/// One pass at a time in the threads of a pool: a pass that another one's thread takes up while it waits would be shared, too.
pub fn shared<R>(images: usize, pass: impl FnOnce(Range<usize>) -> R) -> R {
    struct Ends;
    impl Drop for Ends {
        fn drop(&mut self) {
            CURRENT.set(None);
        }
    }
    let Some(share) = collective::current().and_then(|collective| Share::of(images, collective)) else {
        return pass(0..images);
    };
    let own = share.images_of(share.collective.rank());
    CURRENT.set(Some(Rc::new(share)));
    let _ends = Ends;
    pass(own)
}

/// Whether this thread is in a pass that has a part of its batch alone.
pub fn is_shared() -> bool {
    current().is_some()
}

/// Images of the whole batch in a pass that has so many.
pub(crate) fn whole(images: usize) -> usize {
    current().map_or(images, |share| share.images)
}

/// Where the values of this pass's images begin among those of the whole batch, and how many these are, where the pass has
/// `own` of them: the same for each image.
pub fn place(own: usize) -> (usize, usize) {
    let Some(share) = current() else { return (0, own) };
    let images = share.images_of(share.collective.rank());
    let each = own / images.len().max(1);
    (images.start * each, share.images * each)
}

/// Splits `0..n` in a way that depends on the whole batch alone.
pub(crate) fn pieces(n: usize) -> Vec<Range<usize>> {
    let len = current().map_or_else(|| n.div_ceil(PIECES).max(1), |share| share.piece);
    (0..n).step_by(len).map(|start| start..(start + len).min(n)).collect()
}

/// The most pieces that a rank has: the same number on all of them.
pub fn most_pieces() -> usize {
    current().map_or(PIECES, |share| share.pieces.div_ceil(share.collective.ranks()))
}

/// What a piece of the batch has summed up: the same number of values for each.
pub(crate) trait Sums: Sized {
    /// Adds the values to `to`.
    fn put(&self, to: &mut Vec<f64>);
    /// One of the same size with these values.
    fn with(&self, values: &[f64]) -> Self;
}

/// What all pieces of the batch have summed up, in order, from what this process's have.
pub(crate) fn of_all<S: Sums>(own: Vec<S>) -> Result<Vec<S>> {
    let (Some(share), Some(first)) = (current(), own.first()) else { return Ok(own) };
    share.check("sums", own.len())?;
    let mut values = Vec::new();
    own.iter().for_each(|sums| sums.put(&mut values));
    let each = values.len() / own.len();
    let all = share.gather(&values, each)?;
    Ok(if each == 0 { own } else { all.chunks_exact(each).map(|values| first.with(values)).collect() })
}

/// The rows `[n, k]` of all images of the batch, from those of this process's, which it has in pieces.
///
/// # Errors
/// A tensor that is not a f32 tensor of one row an image; processes that cannot reach each other.
pub fn all_rows(own: &Tensor) -> Result<Tensor> {
    let Some(share) = current() else { return Ok(own.clone()) };
    let (n, k) = own.dims2()?;
    let images = share.images_of(share.collective.rank());
    share.check("rows", pieces(n).len())?;
    if images.len() != n {
        return Err(KernelError::shape("all_rows", "own", own, format!("{} rows", images.len())));
    }
    let values = own.flatten_all()?.to_vec1::<f32>()?;
    let lens: Vec<usize> = share.ranks().map(|rank| share.images_of(rank).len() * k).collect();
    let all = share.gather_parts(&values, &lens)?;
    Ok(Tensor::from_vec(all, (share.images, k), &Device::Cpu)?)
}

/// The rows of this process's images, from those of all.
///
/// # Errors
/// Not as many rows as the batch has images.
pub fn own_rows(all: &Tensor) -> Result<Tensor> {
    let Some(share) = current() else { return Ok(all.clone()) };
    let own = share.images_of(share.collective.rank());
    Ok(all.narrow(0, own.start, own.len())?.copy()?)
}

/// The sum over all pieces of the batch, in order, of vectors of so many values, of which this process's pieces have `own`, one
/// after the other. Each rank adds up a part of the values, which the others get from it.
pub(crate) fn added(own: &[f32], values: usize, add: impl Fn(&[f32], &mut [f32])) -> Result<Vec<f32>> {
    let Some(share) = current() else {
        let mut total = vec![0.0; values];
        add(own, &mut total);
        return Ok(total);
    };
    let ranks = share.collective.ranks();
    let part = |rank: usize| rank * values / ranks..(rank + 1) * values / ranks;
    let pieces = own.len() / values.max(1);
    share.check("gradients", if values == 0 { share.own_pieces() } else { pieces })?;
    let mut sent = Vec::with_capacity(own.len());
    for rank in share.ranks() {
        own.chunks_exact(values.max(1)).for_each(|piece| sent.extend_from_slice(&piece[part(rank)]));
    }
    let mine = part(share.collective.rank()).len();
    let to: Vec<usize> = share.ranks().map(|rank| pieces * part(rank).len() * size_of::<f32>()).collect();
    let from: Vec<usize> = share.ranks().map(|rank| share.pieces_of(rank).len() * mine * size_of::<f32>()).collect();
    let mut received = vec![0f32; share.pieces * mine];
    let (sent, into) = (bytemuck::cast_slice(&sent), bytemuck::cast_slice_mut(&mut received));
    share.collective.exchange(sent, &to, &from, into).map_err(failed)?;
    let mut total = vec![0.0; mine];
    add(&received, &mut total);
    let lens: Vec<usize> = share.ranks().map(|rank| part(rank).len()).collect();
    share.gather_parts(&total, &lens)
}

fn current() -> Option<Rc<Share>> {
    CURRENT.with_borrow(Clone::clone)
}

fn failed(reason: String) -> KernelError {
    KernelError::Collective { reason }
}

impl Share {
    fn of(images: usize, collective: Arc<dyn Collective>) -> Option<Self> {
        let piece = images.div_ceil(PIECES).max(1);
        let pieces = images.div_ceil(piece);
        (pieces >= collective.ranks()).then_some(Self { collective, images, piece, pieces })
    }

    fn ranks(&self) -> Range<usize> {
        0..self.collective.ranks()
    }

    fn pieces_of(&self, rank: usize) -> Range<usize> {
        let ranks = self.collective.ranks();
        rank * self.pieces / ranks..(rank + 1) * self.pieces / ranks
    }

    fn own_pieces(&self) -> usize {
        self.pieces_of(self.collective.rank()).len()
    }

    fn images_of(&self, rank: usize) -> Range<usize> {
        let Range { start, end } = self.pieces_of(rank);
        start * self.piece..(end * self.piece).min(self.images)
    }

    /// Sums over anything else than the pass's images cannot be told apart from those that are to be exchanged.
    fn check(&self, what: &'static str, pieces: usize) -> Result<()> {
        if pieces == self.own_pieces() {
            return Ok(());
        }
        Err(KernelError::Argument {
            kernel: "share",
            argument: what,
            got: format!("of {pieces} pieces"),
            expected: format!("those of the pass's images, {} pieces", self.own_pieces()),
        })
    }

    /// What all pieces have, `each` values of each.
    fn gather(&self, own: &[f64], each: usize) -> Result<Vec<f64>> {
        let lens: Vec<usize> = self.ranks().map(|rank| self.pieces_of(rank).len() * each).collect();
        self.gather_parts(own, &lens)
    }

    fn gather_parts<T: bytemuck::Pod>(&self, own: &[T], lens: &[usize]) -> Result<Vec<T>> {
        let mut all = vec![T::zeroed(); lens.iter().sum()];
        let lens: Vec<usize> = lens.iter().map(|len| len * size_of::<T>()).collect();
        let into = bytemuck::cast_slice_mut(&mut all);
        self.collective.gather(bytemuck::cast_slice(own), &lens, into).map_err(failed)?;
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collective::{Threads, among};

    fn on_all<R: Send>(ranks: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
        std::thread::scope(|scope| {
            let all: Vec<_> =
                Threads::start(ranks).into_iter().map(|rank| scope.spawn(|| among(rank, &work))).collect();
            all.into_iter().map(|rank| rank.join().unwrap()).collect()
        })
    }

    /// Adds vectors one after the other.
    fn add(parts: &[f32], total: &mut [f32]) {
        for part in parts.chunks_exact(total.len().max(1)) {
            total.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
    }

    #[test]
    fn the_pieces_of_all_ranks_are_those_of_the_batch() {
        for (images, ranks) in [(64, 4), (33, 2), (70, 5), (13, 8), (3, 4), (1, 2)] {
            let whole: Vec<_> = pieces(images);
            let own = on_all(ranks, || {
                shared(images, |own| {
                    let pieces = pieces(own.len()).into_iter();
                    assert!(pieces.len() <= most_pieces());
                    (
                        pieces.map(|piece| own.start + piece.start..own.start + piece.end).collect::<Vec<_>>(),
                        is_shared(),
                    )
                })
            });
            let is_split = own[0].1;
            assert_eq!(is_split, whole.len() >= ranks, "{images} images on {ranks} ranks");
            let all: Vec<_> = own.into_iter().flat_map(|(pieces, _)| pieces).collect();
            let times = if is_split { 1 } else { ranks };
            assert_eq!(all, std::iter::repeat_n(whole, times).flatten().collect::<Vec<_>>());
        }
        assert!(!is_shared());
    }

    #[test]
    fn sums_are_those_of_the_whole_batch_to_the_bit() {
        // Values whose sum depends on the order.
        let value = |image: usize, at: usize| (image * 37 + at * 11) as f32 / 7.0 * 10f32.powi((image % 9) as i32 - 4);
        let of = |piece: &Range<usize>, at| piece.clone().map(|image| value(image, at)).sum::<f32>();
        let gradient = |first: usize, n: usize| -> Vec<f32> {
            let pieces = pieces(n).into_iter().map(|piece| first + piece.start..first + piece.end);
            pieces.flat_map(|piece| (0..5).map(move |at| of(&piece, at))).collect()
        };
        let images = 45;
        let expected = added(&gradient(0, images), 5, add).unwrap();
        let rows = |images: Range<usize>| {
            let values: Vec<f32> = images.clone().flat_map(|image| (0..2).map(move |at| value(image, at))).collect();
            Tensor::from_vec(values, (images.len(), 2), &Device::Cpu).unwrap()
        };
        for ranks in [2, 3, 8] {
            let found = on_all(ranks, || {
                shared(images, |own| {
                    let all = all_rows(&rows(own.clone())).unwrap();
                    assert_eq!(all.to_vec2::<f32>().unwrap(), rows(0..images).to_vec2::<f32>().unwrap());
                    let back = own_rows(&all).unwrap().to_vec2::<f32>().unwrap();
                    assert_eq!(back, rows(own.clone()).to_vec2::<f32>().unwrap());
                    assert_eq!((place(3 * own.len()), whole(own.len())), ((3 * own.start, 3 * images), images));
                    added(&gradient(own.start, own.len()), 5, add).unwrap()
                })
            });
            assert!(found.iter().all(|found| *found == expected), "{found:?} {expected:?}");
        }
    }

    #[test]
    fn sums_over_other_images_than_the_pass_has_are_refused() {
        let errors =
            on_all(2, || shared(8, |own| added(&vec![0.0; 5 * (own.len() + 1)], 5, add).unwrap_err().to_string()));
        assert!(errors.iter().all(|error| error.contains("`gradients` is of 5 pieces, expected")), "{errors:?}");
    }
}
