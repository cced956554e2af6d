//! The end of a network.

use super::Array;

/// Mean over height and width of arrays joined along the channels, `[n][channels]`.
pub fn global_average_pool(sources: &[Array<f64>]) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for source in sources {
        let [n, h, w, c] = source.shape;
        rows.resize(n, Vec::new());
        for (row, image) in rows.iter_mut().zip(source.data.chunks(h * w * c)) {
            row.extend((0..c).map(|c0| image.iter().skip(c0).step_by(c).sum::<f64>() / (h * w) as f64));
        }
    }
    rows
}

/// Mean cross entropy of logits `[n, classes]` with label smoothing.
pub fn cross_entropy(logits: &[f64], labels: &[u32], smoothing: f64) -> f64 {
    let classes = logits.len() / labels.len().max(1);
    let mut loss = 0.0;
    for (row, &label) in logits.chunks(classes.max(1)).zip(labels) {
        let log_sum = row.iter().map(|v| v.exp()).sum::<f64>().ln();
        for (class, v) in row.iter().enumerate() {
            let target = smoothing / classes as f64 + if class == label as usize { 1.0 - smoothing } else { 0.0 };
            loss += target * (log_sum - v);
        }
    }
    loss / labels.len() as f64
}

/// Mean of the squared differences between `outputs` and `targets`.
pub fn mean_squared_error(outputs: &[f64], targets: &[f64]) -> f64 {
    let sum: f64 = outputs.iter().zip(targets).map(|(x, t)| (x - t) * (x - t)).sum();
    sum / outputs.len() as f64
}

/// Mean binary cross entropy of `logits` against `targets`, each 0 to 1.
pub fn binary_cross_entropy(logits: &[f64], targets: &[f64]) -> f64 {
    let sum: f64 = logits.iter().zip(targets).map(|(x, t)| (1.0 + x.exp()).ln() - t * x).sum();
    sum / logits.len() as f64
}
