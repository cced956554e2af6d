//! The end of a network: global average pooling, the linear classifier and the cross-entropy loss.

use candle_core::{Device, Tensor};

use crate::Workspace;
use crate::access::input_shape;
use crate::channelwise::{Period, combine, sums};
use crate::error::{KernelError, Result};
use crate::gpu::{self, Gpu};
use crate::parallel::for_pieces;
use crate::simd::Level;
use crate::tensors::{expect_dims, image_dims, read, shape_error, write};
use crate::view::Input;

/// Mean over height and width of several tensors `[n, h, w, c_i]`, joined along the channels: `[n, sum of c_i]`.
///
/// # Errors
/// No tensor, or tensors that are not contiguous f32 tensors of fitting shapes.
pub fn global_average_pool(ws: &Workspace, sources: &[&Tensor]) -> Result<Tensor> {
    const KERNEL: &str = "global_average_pool";
    let mut total = 0;
    let mut batch = None;
    for source in sources {
        let (n, _, _, c) = image_dims(KERNEL, "sources", source)?;
        if *batch.get_or_insert(n) != n {
            return Err(shape_error(KERNEL, "sources", source, format!("{batch:?} images")));
        }
        total += c;
    }
    let n = batch.ok_or(KernelError::Argument {
        kernel: KERNEL,
        argument: "sources",
        got: "empty".into(),
        expected: "at least one tensor".into(),
    })?;
    let input = Input { sources, norm: None, relu: false };
    if let Some(gpu) = Gpu::of_input(input) {
        return gpu::head::global_average_pool(&gpu, KERNEL, (input, input_shape(KERNEL, input)?));
    }
    let values = sources.iter().map(|s| read(KERNEL, "sources", s)).collect::<Result<Vec<_>>>()?;
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

/// Adds the gradient of each source of [`global_average_pool`] to `add_to`, in place; `d` is the gradient of its
/// result, `[n, sum of c_i]`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes, or share memory.
pub fn global_average_pool_backward(_ws: &Workspace, d: &Tensor, add_to: &[&Tensor]) -> Result<()> {
    const KERNEL: &str = "global_average_pool_backward";
    let mut total = 0;
    for target in add_to {
        let (n, _, _, c) = image_dims(KERNEL, "add_to", target)?;
        if d.dim(0)? != n {
            return Err(shape_error(KERNEL, "add_to", target, format!("{} images", d.dim(0)?)));
        }
        total += c;
    }
    expect_dims(KERNEL, "d", d, &[d.dim(0)?, total])?;
    if let Some(gpu) = Gpu::of(d) {
        let mut first = 0;
        for target in add_to {
            gpu::head::global_average_pool_backward(&gpu, KERNEL, d, target, first)?;
            first += target.dim(3)?;
        }
        return Ok(());
    }
    let values = read(KERNEL, "d", d)?;
    let mut offset = 0;
    for target in add_to {
        let (_, h, w, c) = image_dims(KERNEL, "add_to", target)?;
        let (d, from, len): (&[f32], _, _) = (&values, offset, h * w * c);
        let level = Level::current();
        write(KERNEL, "add_to", &[target], &[&values], |out| {
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

/// `x W + b`: `x` is `[n, k]`, `weight` `[k, m]`, `bias` `[m]`, the result `[n, m]`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of these shapes.
pub fn linear_forward(ws: &Workspace, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    const KERNEL: &str = "linear_forward";
    let (n, k, m) = linear_dims(KERNEL, x, weight)?;
    expect_dims(KERNEL, "bias", bias, &[m])?;
    if let Some(gpu) = Gpu::of(x) {
        return gpu::head::linear(&gpu, KERNEL, x, weight, bias, [n, k, m]);
    }
    let (x, weight, bias) = (read(KERNEL, "x", x)?, read(KERNEL, "weight", weight)?, read(KERNEL, "bias", bias)?);
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

/// Gradients of [`linear_forward`]; those that were not wanted are `None`.
#[derive(Clone, Debug, Default)]
pub struct LinearGradients {
    /// Of `x`, `[n, k]`.
    pub input: Option<Tensor>,
    /// Of the weight, `[k, m]`.
    pub weight: Option<Tensor>,
    /// Of the bias, `[m]`.
    pub bias: Option<Tensor>,
}

/// Gradients of [`linear_forward`], of its result's gradient `d` (`[n, m]`). Computes only what is wanted.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes.
pub fn linear_backward(
    ws: &Workspace,
    x: &Tensor,
    weight: &Tensor,
    d: &Tensor,
    want_input: bool,
    want_weights: bool,
) -> Result<LinearGradients> {
    const KERNEL: &str = "linear_backward";
    let (n, k, m) = linear_dims(KERNEL, x, weight)?;
    expect_dims(KERNEL, "d", d, &[n, m])?;
    if let Some(gpu) = Gpu::of(x) {
        return gpu::head::linear_backward(&gpu, KERNEL, x, weight, d, (want_input, want_weights));
    }
    let d = read(KERNEL, "d", d)?;
    let mut gradients = LinearGradients::default();
    if want_input {
        let weight = read(KERNEL, "weight", weight)?;
        let mut out = ws.take(n * k);
        for (d, out) in d.chunks_exact(m).zip(out.chunks_exact_mut(k)) {
            for (out, row) in out.iter_mut().zip(weight.chunks_exact(m)) {
                *out = row.iter().zip(d).map(|(w, d)| w * d).sum();
            }
        }
        gradients.input = Some(ws.tensor(out, (n, k))?);
    }
    if want_weights {
        let x = read(KERNEL, "x", x)?;
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

fn linear_dims(kernel: &'static str, x: &Tensor, weight: &Tensor) -> Result<(usize, usize, usize)> {
    match (x.dims(), weight.dims()) {
        (&[n, k], &[k2, m]) if k == k2 && n * k * m > 0 => Ok((n, k, m)),
        (&[_, k], _) => Err(shape_error(kernel, "weight", weight, format!("[{k}, m], none of them 0"))),
        _ => Err(shape_error(kernel, "x", x, "[n, k], none of them 0")),
    }
}

/// What the loss of a batch gives.
#[derive(Clone, Debug)]
pub struct LossOutput {
    /// Mean over the batch. Not finite if the logits are not.
    pub loss: f64,
    /// Number of images whose largest logit (the first of several) is the label's.
    pub correct: usize,
    /// Gradient of the mean loss, `[n, classes]`.
    pub dlogits: Tensor,
}

/// Cross entropy of `logits` (`[n, classes]`) with label smoothing: the target is `1 - smoothing` on the label plus
/// `smoothing / classes` everywhere (PyTorch's rule). `smoothing` 0 is the plain loss.
///
/// # Errors
/// Logits that are not a contiguous f32 tensor, another number of labels, or a label that is not a class.
pub fn cross_entropy(ws: &Workspace, logits: &Tensor, labels: &[u32], smoothing: f32) -> Result<LossOutput> {
    const KERNEL: &str = "cross_entropy";
    let (n, classes) = check_labels(KERNEL, logits, labels)?;
    if let Some(gpu) = Gpu::of(logits) {
        return gpu::head::cross_entropy(&gpu, KERNEL, logits, labels, smoothing);
    }
    let values = read(KERNEL, "logits", logits)?;
    let mut gradient = ws.take(n * classes);
    let (mut loss, mut correct) = (0.0f64, 0);
    let smoothing = f64::from(smoothing);
    for ((row, out), &label) in values.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes)).zip(labels) {
        let label = label as usize;
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|&v| f64::from(v - max).exp()).sum();
        let log_sum = sum.ln() + f64::from(max);
        correct += usize::from(rank(row, label) == 0);
        for (class, (&v, out)) in row.iter().zip(out).enumerate() {
            let target = smoothing / classes as f64 + if class == label { 1.0 - smoothing } else { 0.0 };
            if target != 0.0 {
                loss += target * (log_sum - f64::from(v));
            }
            *out = (((f64::from(v - max).exp() / sum) - target) / n as f64) as f32;
        }
    }
    let dlogits = Tensor::from_vec(gradient, (n, classes), &Device::Cpu)?;
    Ok(LossOutput { loss: loss / n as f64, correct, dlogits })
}

/// Number of images whose label is among the `k` largest logits (`[n, classes]`).
///
/// # Errors
/// As [`cross_entropy`].
pub fn top_k_correct(logits: &Tensor, labels: &[u32], k: usize) -> Result<usize> {
    const KERNEL: &str = "top_k_correct";
    let (_, classes) = check_labels(KERNEL, logits, labels)?;
    // A few numbers: they are ranked on the CPU wherever they are.
    let logits = logits.to_device(&Device::Cpu)?;
    let values = read(KERNEL, "logits", &logits)?;
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

fn check_labels(kernel: &'static str, logits: &Tensor, labels: &[u32]) -> Result<(usize, usize)> {
    let (n, classes) = match *logits.dims() {
        [n, classes] if n * classes > 0 => (n, classes),
        _ => return Err(shape_error(kernel, "logits", logits, "[n, classes], none of them 0")),
    };
    if labels.len() != n {
        return Err(shape_error(kernel, "logits", logits, format!("[{}, classes], one row a label", labels.len())));
    }
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(index) => Err(KernelError::Label { index, label: labels.get(index).copied().unwrap_or(0), classes }),
        None => Ok((n, classes)),
    }
}
