//! Gradients by finite differences.

/// Central differences of `f` at `x`, in f64.
pub fn gradient(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut x = x.to_vec();
    (0..x.len())
        .map(|i| {
            let value = x[i];
            x[i] = value + STEP;
            let above = f(&x);
            x[i] = value - STEP;
            let below = f(&x);
            x[i] = value;
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
