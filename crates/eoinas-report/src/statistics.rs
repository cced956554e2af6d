//! Ranks and densities.

use eoinas_core::statistics::{self, mean_and_deviation};

/// Rank of each value, 1 for the largest; equal values share the mean of their ranks.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    statistics::ranks(&values.iter().map(|value| -value).collect::<Vec<_>>())
}

/// Gaussian kernel density estimate at `points` places over the values' range, with Silverman's bandwidth
/// (B. W. Silverman, Density Estimation for Statistics and Data Analysis, 1986, Eq. 3.31), as in the paper's Figure 5.
pub fn density(values: &[f64], points: usize) -> Vec<(f64, f64)> {
    let Some((_, deviation)) = mean_and_deviation(values) else { return Vec::new() };
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| sorted.get(((sorted.len() - 1) as f64 * q).round() as usize).copied().unwrap_or(0.0);
    let spread = (quantile(0.75) - quantile(0.25)) / 1.34;
    let scale = if spread > 0.0 { deviation.min(spread) } else { deviation };
    let width = (0.9 * scale * (values.len() as f64).powf(-0.2)).max(1e-4);
    let (low, high) = (quantile(0.0) - 3.0 * width, quantile(1.0) + 3.0 * width);
    let norm = values.len() as f64 * width * std::f64::consts::TAU.sqrt();
    let at = |x: f64| values.iter().map(|v| (-0.5 * ((x - v) / width).powi(2)).exp()).sum::<f64>() / norm;
    (0..points).map(|i| low + (high - low) * i as f64 / (points.max(2) - 1) as f64).map(|x| (x, at(x))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        assert_eq!(ranks(&[0.1, 0.3, 0.3, 0.2]), [4.0, 1.5, 1.5, 3.0]);
        let density = density(&[0.0, 1.0, 2.0, 5.0], 400);
        let step = density[1].0 - density[0].0;
        let area: f64 = density.iter().map(|(_, y)| y * step).sum();
        assert!((area - 1.0).abs() < 0.01, "{area}");
    }
}
