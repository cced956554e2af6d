//! Which ReLUs are on for which image: what scores of untrained networks are made of.

use std::collections::HashMap;

use candle_core::{Device, Tensor, TensorId};

use crate::check::input_shape;
use crate::cpu;
use crate::error::{KernelError, Result};
use crate::view::Input;

/// What the ReLUs of one pass say of its images: for each pair of images, at how many values ReLUs are on for both or off
/// for both.
///
/// With a binary vector `x` an image (1 where a ReLU's input is above 0) this is `K = x x^T + (1 - x)(1 - x)^T`, the kernel
/// of NASWOT (Mellor et al., 2021): the more two images agree, the harder a network finds it to tell them apart.
#[derive(Clone, Debug)]
pub struct ReluPatterns {
    images: usize,
    agreements: Vec<u64>,
    values: u64,
    /// What was found for an input that several ops read.
    seen: HashMap<TensorId, Vec<u64>>,
}

impl ReluPatterns {
    /// Nothing seen yet, for a batch of so many images.
    pub fn new(images: usize) -> Self {
        Self { images, agreements: vec![0; images * images], values: 0, seen: HashMap::new() }
    }

    /// Adds a ReLU that reads `input`: every op that reads it counts, also one that reads what another one has read.
    /// Tensors on a GPU are fetched.
    ///
    /// # Errors
    /// Another number of images; tensors that are not contiguous f32 tensors of fitting shapes.
    pub fn add(&mut self, input: Input<'_>) -> Result<()> {
        const KERNEL: &str = "relu_patterns";
        let shape = input_shape(KERNEL, input)?;
        let [n, h, w, c] = shape;
        if n != self.images {
            let (got, expected) = (format!("{n} images"), format!("{} images", self.images));
            return Err(KernelError::Argument { kernel: KERNEL, argument: "input", got, expected });
        }
        let key = match (input.sources, input.norm) {
            ([source], None) => Some(source.id()),
            _ => None,
        };
        let found = match key.and_then(|key| self.seen.get(&key)) {
            Some(found) => found.clone(),
            None => {
                let found = on_cpu(KERNEL, input, shape)?;
                if let Some(key) = key {
                    self.seen.insert(key, found.clone());
                }
                found
            }
        };
        self.agreements.iter_mut().zip(&found).for_each(|(sum, own)| *sum += own);
        self.values += (h * w * c) as u64;
        Ok(())
    }

    /// Images of the batch.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Values that ReLUs read for one image, all together.
    pub fn values(&self) -> u64 {
        self.values
    }

    /// `K`: `[images, images]`, row by row.
    pub fn agreements(&self) -> &[u64] {
        &self.agreements
    }

    /// The natural logarithm of the determinant of `K`, each entry divided by the number of values, so that networks with
    /// more and with fewer ReLUs can be compared. Higher is better; minus infinity where two images have the same pattern,
    /// or nothing was read.
    pub fn log_det(&self) -> f64 {
        let values = self.values as f64;
        log_det(self.images, self.agreements.iter().map(|&agreements| agreements as f64 / values).collect())
    }
}

fn on_cpu(kernel: &'static str, input: Input<'_>, shape: [usize; 4]) -> Result<Vec<u64>> {
    if input.sources.iter().all(|source| source.device().is_cpu()) {
        return cpu::pattern::agreements(kernel, input, shape);
    }
    let fetch = |tensor: &Tensor| tensor.to_device(&Device::Cpu);
    let sources = input.sources.iter().map(|source| fetch(source)).collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<&Tensor> = sources.iter().collect();
    let norm = input.norm.map(|norm| norm.try_map(fetch)).transpose()?;
    cpu::pattern::agreements(kernel, Input { sources: &sources, norm: norm.as_ref(), relu: input.relu }, shape)
}

/// Of a symmetric matrix `[n, n]`, by its Cholesky factor; minus infinity where it is not positive definite.
fn log_det(n: usize, mut matrix: Vec<f64>) -> f64 {
    let mut sum = 0.0;
    for column in 0..n {
        let (above, rest) = matrix.split_at_mut((column + 1) * n);
        let pivot_row = above.get(column * n + column..).unwrap_or(&[]);
        let pivot = pivot_row.first().copied().unwrap_or(0.0);
        if pivot.is_nan() || pivot <= f64::EPSILON {
            return f64::NEG_INFINITY;
        }
        sum += pivot.ln();
        for row in rest.chunks_exact_mut(n) {
            let (_, row) = row.split_at_mut(column);
            let factor = row.first().copied().unwrap_or(0.0) / pivot;
            row.iter_mut().zip(pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn determinants() {
        assert_eq!(log_det(1, vec![2.0]), 2f64.ln());
        // 4 * 3 - 1, and a 3 x 3 by hand: 2 (6 - 1) - 1 (3 - 0) = 7.
        assert!((log_det(2, vec![4.0, 1.0, 1.0, 3.0]) - 11f64.ln()).abs() < 1e-12);
        assert!((log_det(3, vec![2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 3.0]) - 7f64.ln()).abs() < 1e-12);
        assert_eq!(log_det(2, vec![1.0, 1.0, 1.0, 1.0]), f64::NEG_INFINITY);
        assert_eq!(log_det(1, vec![f64::NAN]), f64::NEG_INFINITY);
        assert_eq!(ReluPatterns::new(2).log_det(), f64::NEG_INFINITY);
    }
}
