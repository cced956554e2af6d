//! Gradients of gates, which a GPU keeps until somebody asks for all of them at once.

use std::collections::{HashMap, hash_map::Entry};

use candle_core::Tensor;

use crate::error::Result;

/// The gradient of a gate, `sum(dy * sample * y)` where `y = scale * z + shift`.
#[derive(Clone, Debug)]
pub enum GateGradient {
    /// A number.
    Known(f64),
    /// On a GPU: the sum over row `term` of `[terms, c]`. [`Self::values`] fetches it.
    Pending {
        /// What each channel adds, for several terms.
        parts: Tensor,
        /// Which of them.
        term: usize,
    },
}

impl GateGradient {
    /// The values of several, in one transfer for all that are on a GPU.
    ///
    /// # Errors
    /// candle's, when the transfer fails.
    pub fn values<'a>(gradients: impl IntoIterator<Item = &'a Self>) -> Result<Vec<f64>> {
        let gradients: Vec<&Self> = gradients.into_iter().collect();
        // Each tensor once, and where its values start among all that are fetched.
        let (mut starts, mut tensors, mut len) = (HashMap::new(), Vec::new(), 0);
        for gradient in &gradients {
            if let Self::Pending { parts, .. } = gradient
                && let Entry::Vacant(start) = starts.entry(parts.id())
            {
                start.insert(len);
                len += parts.elem_count();
                tensors.push(parts.flatten_all()?);
            }
        }
        let fetched = match tensors.as_slice() {
            [] => Vec::new(),
            tensors => Tensor::cat(tensors, 0)?.to_vec1::<f32>()?,
        };
        let mut values = Vec::with_capacity(gradients.len());
        for gradient in gradients {
            values.push(match gradient {
                Self::Known(value) => *value,
                Self::Pending { parts, term } => {
                    let width = parts.dim(1)?;
                    let first = starts.get(&parts.id()).map_or(len, |start| start + term * width);
                    fetched.iter().skip(first).take(width).map(|&part| f64::from(part)).sum()
                }
            });
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn pending_rows_are_added_up() {
        let parts = |values: &[f32], c: usize| Tensor::from_slice(values, (values.len() / c, c), &Device::Cpu).unwrap();
        let (a, b) = (parts(&[1.0, 2.0, 3.0, 4.0], 2), parts(&[5.0, 6.0, 7.0], 3));
        let of = |parts: &Tensor, term| GateGradient::Pending { parts: parts.clone(), term };
        let all = [of(&a, 0), GateGradient::Known(0.5), of(&a, 1), of(&b, 0)];
        assert_eq!(GateGradient::values(&all).unwrap(), [3.0, 0.5, 7.0, 18.0]);
        assert_eq!(GateGradient::values(&[]).unwrap(), [0.0; 0]);
    }
}
