//! Means, deviations, ranks and densities.

/// Mean and sample standard deviation; the deviation of fewer than two values is 0. `None` for no value.
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = if values.len() < 2 { 0.0 } else { (squares / (values.len() - 1) as f64).sqrt() };
    Some((mean, deviation))
}

/// Rank of each value, 1 for the largest; equal values share the mean of their ranks.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let above = values.iter().filter(|other| *other > value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        above as f64 + (equal as f64 + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

/// Pearson's correlation; `None` for fewer than two points or a constant side. Of [`ranks`], it is Spearman's.
pub fn correlation(points: &[(f64, f64)]) -> Option<f64> {
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    let ((mx, sx), (my, sy)) = (mean_and_deviation(&x)?, mean_and_deviation(&y)?);
    let products: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    let spread = sx * sy * (points.len() as f64 - 1.0);
    (spread > 0.0).then(|| products / spread)
}

/// Kendall's tau-b, which takes ties into account; `None` for fewer than two points or a constant side.
pub fn kendall(points: &[(f64, f64)]) -> Option<f64> {
    let (mut concordant, mut x_pairs, mut y_pairs) = (0.0, 0.0, 0.0);
    for (index, a) in points.iter().enumerate() {
        for b in points.iter().skip(index + 1) {
            let sign = |d: f64| if d == 0.0 { 0.0 } else { d.signum() };
            let (x, y) = (sign(a.0 - b.0), sign(a.1 - b.1));
            concordant += x * y;
            x_pairs += x * x;
            y_pairs += y * y;
        }
    }
    let pairs = f64::sqrt(x_pairs * y_pairs);
    (pairs > 0.0).then(|| concordant / pairs)
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
        assert_eq!(mean_and_deviation(&[1.0, 2.0, 3.0]), Some((2.0, 1.0)));
        assert_eq!(ranks(&[0.1, 0.3, 0.3, 0.2]), [4.0, 1.5, 1.5, 3.0]);
        assert_eq!(correlation(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]), Some(1.0));
        assert_eq!(correlation(&[(1.0, 2.0), (1.0, 4.0)]), None);
        // One of three pairs is discordant.
        assert_eq!(kendall(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0)]), Some(1.0 / 3.0));
        let density = density(&[0.0, 1.0, 2.0, 5.0], 400);
        let step = density[1].0 - density[0].0;
        let area: f64 = density.iter().map(|(_, y)| y * step).sum();
        assert!((area - 1.0).abs() < 0.01, "{area}");
    }
}
