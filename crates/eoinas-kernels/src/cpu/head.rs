//! The end of a network on the CPU.

use candle_core::{Device, Tensor};

use super::channelwise::{Period, combine, sums};
use super::parallel::for_pieces;
use super::simd::Level;
use super::values::{read, write};
use crate::error::Result;
use crate::results::{LinearGradients, LossOutput, OutputLoss};
use crate::tensors::image_dims;
use crate::workspace::Workspace;

/// The mean over height and width of the joined sources, `[n, total]`.
pub(crate) fn global_average_pool(
    kernel: &'static str,
    ws: &Workspace,
    sources: &[&Tensor],
    [n, total]: [usize; 2],
) -> Result<Tensor> {
    let values = sources.iter().map(|s| read(kernel, "sources", s)).collect::<Result<Vec<_>>>()?;
    let parts: Vec<(&[f32], usize)> = values.iter().map(|v| &**v).zip(sources.iter().map(|s| s.dims()[3])).collect();
    let level = Level::current();
    let mut out = ws.take(n * total);
    for_pieces(n, &mut [&mut out], |images, rows| {
        for (image, mut row) in images.zip(rows.iter_mut().flat_map(|rows| rows.chunks_exact_mut(total))) {
            for &(x, c) in &parts {
                let len = x.len() / n;
                let (own, rest) = row.split_at_mut(c);
                let mut totals = vec![0.0; c];
                sums(level, Period::new(c, len), &x[image * len..][..len], &[], &mut totals, &mut []);
                let pixels = (len / c) as f64;
                own.iter_mut().zip(totals).for_each(|(mean, total)| *mean = (total / pixels) as f32);
                row = rest;
            }
        }
    });
    ws.tensor(out, (n, total))
}

/// Adds the gradient of each source to `add_to`; `d` is `[n, total]`.
pub(crate) fn global_average_pool_backward(
    kernel: &'static str,
    d: &Tensor,
    add_to: &[&Tensor],
    total: usize,
) -> Result<()> {
    let values = read(kernel, "d", d)?;
    let mut offset = 0;
    for target in add_to {
        let (_, h, w, c) = image_dims(kernel, "add_to", target)?;
        let (d, from, len): (&[f32], _, _) = (&values, offset, h * w * c);
        let level = Level::current();
        write(kernel, "add_to", &[target], &[&values], |out| {
            let (period, share) = (Period::new(c, len), 1.0 / (h * w) as f32);
            for_pieces(d.len() / total, out, |images, parts| {
                for (image, out) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(len))) {
                    let own = &d[image * total + from..][..c];
                    combine(level, out, true, &period.repeat(own, |d| share * d), &[]);
                }
            });
            Ok(())
        })?;
        offset += c;
    }
    Ok(())
}

/// `x W + b`.
pub(crate) fn linear(
    kernel: &'static str,
    ws: &Workspace,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    [n, k, m]: [usize; 3],
) -> Result<Tensor> {
    let (x, weight, bias) = (read(kernel, "x", x)?, read(kernel, "weight", weight)?, read(kernel, "bias", bias)?);
    let mut out = ws.take(n * m);
    for (x, out) in x.chunks_exact(k).zip(out.chunks_exact_mut(m)) {
        out.copy_from_slice(&bias);
        for (&x, row) in x.iter().zip(weight.chunks_exact(m)) {
            for (out, &w) in out.iter_mut().zip(row) {
                *out += x * w;
            }
        }
    }
    ws.tensor(out, (n, m))
}

/// Gradients of [`linear`], those that are wanted.
pub(crate) fn linear_backward(
    kernel: &'static str,
    ws: &Workspace,
    (x, weight, d): (&Tensor, &Tensor, &Tensor),
    [n, k, m]: [usize; 3],
    (want_input, want_weights): (bool, bool),
) -> Result<LinearGradients> {
    let d = read(kernel, "d", d)?;
    let mut gradients = LinearGradients::default();
    if want_input {
        let weight = read(kernel, "weight", weight)?;
        let mut out = ws.take(n * k);
        for (d, out) in d.chunks_exact(m).zip(out.chunks_exact_mut(k)) {
            for (out, row) in out.iter_mut().zip(weight.chunks_exact(m)) {
                *out = row.iter().zip(d).map(|(w, d)| w * d).sum();
            }
        }
        gradients.input = Some(ws.tensor(out, (n, k))?);
    }
    if want_weights {
        let x = read(kernel, "x", x)?;
        let mut out = ws.take(k * m);
        let mut bias = ws.take(m);
        out.fill(0.0);
        bias.fill(0.0);
        for (d, x) in d.chunks_exact(m).zip(x.chunks_exact(k)) {
            bias.iter_mut().zip(d).for_each(|(bias, d)| *bias += d);
            for (&x, row) in x.iter().zip(out.chunks_exact_mut(m)) {
                row.iter_mut().zip(d).for_each(|(out, d)| *out += x * d);
            }
        }
        gradients.weight = Some(ws.tensor(out, (k, m))?);
        gradients.bias = Some(ws.tensor(bias, m)?);
    }
    Ok(gradients)
}

/// Mean loss, number of right answers, gradient of the logits. Labels were checked, and weights are one a class.
pub(crate) fn cross_entropy(
    kernel: &'static str,
    ws: &Workspace,
    (logits, [n, classes]): (&Tensor, [usize; 2]),
    labels: &[u32],
    smoothing: f32,
    weights: Option<&[f32]>,
) -> Result<LossOutput> {
    let values = read(kernel, "logits", logits)?;
    let mut gradient = ws.take(n * classes);
    let (mut loss, mut correct) = (0.0f64, 0);
    let smoothing = f64::from(smoothing);
    for ((row, out), &label) in values.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes)).zip(labels) {
        let label = label as usize;
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|&v| f64::from(v - max).exp()).sum();
        let log_sum = sum.ln() + f64::from(max);
        correct += usize::from(rank(row, label) == 0);
        let weight = weights.and_then(|weights| weights.get(label)).map_or(1.0, |weight| f64::from(*weight));
        for (class, (&v, out)) in row.iter().zip(out).enumerate() {
            let target = smoothing / classes as f64 + if class == label { 1.0 - smoothing } else { 0.0 };
            if target != 0.0 {
                loss += weight * target * (log_sum - f64::from(v));
            }
            *out = (weight * ((f64::from(v - max).exp() / sum) - target) / n as f64) as f32;
        }
    }
    let dlogits = Tensor::from_vec(gradient, (n, classes), &Device::Cpu)?;
    Ok(LossOutput { loss: loss / n as f64, correct, dlogits })
}

/// A mean over outputs that stand for themselves, with its gradient: `of` gives an output's loss and slope from the output
/// and its target.
pub(crate) fn output_loss(
    kernel: &'static str,
    ws: &Workspace,
    logits: &Tensor,
    targets: &[f32],
    of: impl Fn(f64, f64) -> (f64, f64),
) -> Result<OutputLoss> {
    let values = read(kernel, "logits", logits)?;
    let (mut loss, count) = (0.0f64, targets.len() as f64);
    let mut gradient = ws.take(targets.len());
    for ((&value, &target), out) in values.iter().zip(targets).zip(&mut gradient[..]) {
        let (own, slope) = of(f64::from(value), f64::from(target));
        loss += own;
        *out = (slope / count) as f32;
    }
    let dlogits = Tensor::from_vec(gradient, logits.shape(), &Device::Cpu)?;
    Ok(OutputLoss { loss: loss / count, dlogits })
}

/// Number of images whose label, which was checked, is among the `k` largest logits.
pub(crate) fn top_k_correct(
    kernel: &'static str,
    (logits, classes): (&Tensor, usize),
    labels: &[u32],
    k: usize,
) -> Result<usize> {
    let values = read(kernel, "logits", logits)?;
    Ok(values.chunks_exact(classes).zip(labels).filter(|(row, label)| rank(row, **label as usize) < k).count())
}

/// How many logits come before the label's: larger ones, and equal ones of a smaller class. A label whose logit is
/// NaN comes last.
fn rank(row: &[f32], label: usize) -> usize {
    let own = row.get(label).copied().unwrap_or(f32::NAN);
    if own.is_nan() {
        return row.len();
    }
    row.iter().enumerate().filter(|&(class, &v)| v > own || v.is_nan() || (v == own && class < label)).count()
}
