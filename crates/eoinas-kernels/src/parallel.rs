//! Work split over images.

use std::ops::Range;

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

#[cfg(test)]
mod tests {
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
