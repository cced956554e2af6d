//! Batch normalisation by its definition, and the weighted sum of a node.

use super::{Array, Real};

/// `gamma * (x - mean) / sqrt(variance + eps) + beta` with the statistics of `x` itself (biased variance), in f64.
pub fn batch_norm(x: &Array<f64>, affine: Option<(&[f64], &[f64])>, eps: f64) -> Array<f64> {
    let channels = x.shape[3].max(1);
    let count = (x.data.len() / channels) as f64;
    let mut y = x.clone();
    for c in 0..channels {
        let values = || x.data.iter().skip(c).step_by(channels);
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let (gamma, beta) = affine.map_or((1.0, 0.0), |(gamma, beta)| (gamma[c], beta[c]));
        for value in y.data.iter_mut().skip(c).step_by(channels) {
            *value = gamma * (*value - mean) / (variance + eps).sqrt() + beta;
        }
    }
    y
}

/// A term `(y, gate, sample)` of a node.
pub type Weighted<T> = (Array<T>, T, Option<Vec<T>>);

/// The sum of `gate * sample[n] * y` over the terms.
pub fn weighted_sum<T: Real>(shape: [usize; 4], terms: &[Weighted<T>]) -> Array<T> {
    let mut out = Array::zeros(shape);
    let image = out.data.len() / shape[0].max(1);
    for (y, gate, sample) in terms {
        for (i, (out, &y)) in out.data.iter_mut().zip(&y.data).enumerate() {
            *out += *gate * sample.as_ref().map_or(T::from_f32(1.0), |s| s[i / image]) * y;
        }
    }
    out
}
