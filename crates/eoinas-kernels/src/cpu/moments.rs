//! Mean and variance of each channel, taken image by image while the output is in cache.

use super::simd::{Kernel, Level, Simd};
use super::values::channels;
use crate::error::Result;
use crate::results::BatchStats;
use crate::share::{self, Sums};

/// Count, mean and sum of squared deviations, merged in f64.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    count: usize,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    pub(crate) fn new(channels: usize) -> Self {
        Self { count: 0, mean: vec![0.0; channels], squares: vec![0.0; channels] }
    }

    /// The statistics of the whole batch, of which these are the pieces.
    ///
    /// # Errors
    /// Processes that share the batch and cannot reach each other.
    pub(crate) fn stats_of(channels: usize, pieces: Vec<Self>) -> Result<BatchStats> {
        let mut moments = Self::new(channels);
        share::of_all(pieces)?.iter().for_each(|piece| moments.merge(piece));
        moments.batch_stats()
    }

    /// Adds the pixels of an image `[pixels, channels]`.
    pub(crate) fn add_image(&mut self, level: Level, z: &[f32]) {
        let channels = self.mean.len();
        let count = z.len() / channels.max(1);
        if count == 0 {
            return;
        }
        level.run(AddImage { z, count, moments: self });
    }

    /// Adds the moments of other images.
    pub(crate) fn merge(&mut self, other: &Self) {
        let (n1, n2) = (self.count as f64, other.count as f64);
        if other.count == 0 {
            return;
        }
        for c in 0..self.mean.len() {
            self.merge_channel(c, n1, n2, other.mean[c], other.squares[c]);
        }
        self.count += other.count;
    }

    fn merge_channel(&mut self, c: usize, n1: f64, n2: f64, mean: f64, squares: f64) {
        let delta = mean - self.mean[c];
        self.mean[c] += delta * n2 / (n1 + n2);
        self.squares[c] += squares + delta * delta * n1 * n2 / (n1 + n2);
    }

    fn batch_stats(&self) -> Result<BatchStats> {
        let count = self.count.max(1) as f64;
        let variance = channels(self.squares.iter().map(|s| s / count))?;
        Ok(BatchStats::new(channels(self.mean.iter().copied())?, variance, self.count))
    }
}

impl Sums for Moments {
    fn put(&self, to: &mut Vec<f64>) {
        to.push(self.count as f64);
        to.extend(self.mean.iter().chain(&self.squares));
    }

    fn with(&self, values: &[f64]) -> Self {
        let channels = self.mean.len();
        let count = values.first().map_or(0, |count| *count as usize);
        let of = |first: usize| values.iter().skip(first).take(channels).copied().collect();
        Self { count, mean: of(1), squares: of(1 + channels) }
    }
}

struct AddImage<'a> {
    z: &'a [f32],
    count: usize,
    moments: &'a mut Moments,
}

impl Kernel for AddImage<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let channels = self.moments.mean.len();
        for channel in (0..channels).step_by(S::LANES) {
            let lanes = (channels - channel).min(S::LANES);
            // Sums around the first pixel, so that a mean far from zero costs no digits of the variance.
            let first = s.load(&self.z[channel..channel + lanes]);
            let (mut sums, mut squares) = ([s.zero(); 4], [s.zero(); 4]);
            let mut pixels = self.z[channel..].chunks(channels);
            'all: loop {
                for u in 0..4 {
                    let Some(pixel) = pixels.next() else { break 'all };
                    let d = s.sub(s.load(&pixel[..lanes]), first);
                    sums[u] = s.add(sums[u], d);
                    squares[u] = s.fma(d, d, squares[u]);
                }
            }
            let (sums, squares) = (total(s, sums), total(s, squares));
            let mut shift = [0.0f32; 16];
            s.store(&mut shift, first);
            let (n1, n2) = (self.moments.count as f64, self.count as f64);
            for lane in 0..lanes {
                let (sum, square) = (f64::from(sums[lane]), f64::from(squares[lane]));
                let mean = f64::from(shift[lane]) + sum / n2;
                let deviation = (square - sum * sum / n2).max(0.0);
                // `max` would turn a NaN into 0.
                let deviation = if square.is_nan() { f64::NAN } else { deviation };
                self.moments.merge_channel(channel + lane, n1, n2, mean, deviation);
            }
        }
        self.moments.count += self.count;
    }
}

#[inline(always)]
fn total<S: Simd>(s: S, v: [S::V; 4]) -> [f32; 16] {
    let mut lanes = [0.0f32; 16];
    s.store(&mut lanes, s.add(s.add(v[0], v[1]), s.add(v[2], v[3])));
    lanes
}
