//! The end of a network: global average pooling, the linear classifier and the losses.

use candle_core::{Device, Tensor};

use crate::check::input_shape;
use crate::device::Place;
use crate::error::{KernelError, Result};
use crate::results::{LinearGradients, LossOutput, OutputLoss};
use crate::tensors::{expect_dims, image_dims, len};
use crate::view::Input;
use crate::workspace::Workspace;
use crate::{cpu, gpu};

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
            return Err(KernelError::shape(KERNEL, "sources", source, format!("{batch:?} images")));
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
    match Place::of_input(input) {
        Place::Cpu => cpu::head::global_average_pool(KERNEL, ws, sources, [n, total]),
        Place::Gpu(gpu) => gpu::head::global_average_pool(&gpu, KERNEL, (input, input_shape(KERNEL, input)?)),
    }
}

/// Adds the gradient of each source of [`global_average_pool`] to `add_to`, in place; `d` is the gradient of its
/// result, `[n, sum of c_i]`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes, or share memory.
pub fn global_average_pool_backward(d: &Tensor, add_to: &[&Tensor]) -> Result<()> {
    const KERNEL: &str = "global_average_pool_backward";
    let mut total = 0;
    for target in add_to {
        let (n, _, _, c) = image_dims(KERNEL, "add_to", target)?;
        if d.dim(0)? != n {
            return Err(KernelError::shape(KERNEL, "add_to", target, format!("{} images", d.dim(0)?)));
        }
        total += c;
    }
    expect_dims(KERNEL, "d", d, &[d.dim(0)?, total])?;
    match Place::of(d) {
        Place::Cpu => cpu::head::global_average_pool_backward(KERNEL, d, add_to, total),
        Place::Gpu(gpu) => gpu::head::global_average_pool_backward(&gpu, KERNEL, d, add_to),
    }
}

/// `x W + b`: `x` is `[n, k]`, `weight` `[k, m]`, `bias` `[m]`, the result `[n, m]`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of these shapes.
pub fn linear_forward(ws: &Workspace, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    const KERNEL: &str = "linear_forward";
    let (n, k, m) = linear_dims(KERNEL, x, weight)?;
    expect_dims(KERNEL, "bias", bias, &[m])?;
    match Place::of(x) {
        Place::Cpu => cpu::head::linear(KERNEL, ws, x, weight, bias, [n, k, m]),
        Place::Gpu(gpu) => gpu::head::linear(&gpu, KERNEL, x, weight, bias, [n, k, m]),
    }
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
    let (tensors, sizes, wanted) = ((x, weight, d), [n, k, m], (want_input, want_weights));
    match Place::of(x) {
        Place::Cpu => cpu::head::linear_backward(KERNEL, ws, tensors, sizes, wanted),
        Place::Gpu(gpu) => gpu::head::linear_backward(&gpu, KERNEL, tensors, sizes, wanted),
    }
}

fn linear_dims(kernel: &'static str, x: &Tensor, weight: &Tensor) -> Result<(usize, usize, usize)> {
    match (x.dims(), weight.dims()) {
        (&[n, k], &[k2, m]) if k == k2 && n.min(k).min(m) > 0 && len(&[n, m]).is_some() => Ok((n, k, m)),
        (&[_, k], _) => Err(KernelError::shape(kernel, "weight", weight, format!("[{k}, m], none of them 0"))),
        _ => Err(KernelError::shape(kernel, "x", x, "[n, k], none of them 0")),
    }
}

/// Cross entropy of `logits` (`[n, classes]`) with label smoothing: the target is `1 - smoothing` on the label plus
/// `smoothing / classes` everywhere (PyTorch's rule). `smoothing` 0 is the plain loss.
///
/// # Errors
/// Logits that are not a contiguous f32 tensor, another number of labels, or a label that is not a class.
pub fn cross_entropy(ws: &Workspace, logits: &Tensor, labels: &[u32], smoothing: f32) -> Result<LossOutput> {
    const KERNEL: &str = "cross_entropy";
    let (n, classes) = check_labels(KERNEL, logits, labels)?;
    let logits = (logits, [n, classes]);
    match Place::of(logits.0) {
        Place::Cpu => cpu::head::cross_entropy(KERNEL, ws, logits, labels, smoothing, None),
        Place::Gpu(gpu) => gpu::head::cross_entropy(&gpu, KERNEL, logits, labels, smoothing),
    }
}

/// The same with a weight for each class: the mean over the images of `weights[label]` times the image's loss. It is not divided
/// by the sum of the weights, as PyTorch's is, so that batches add up to the loss over all images. On a GPU it runs on the CPU,
/// as the logits are few.
///
/// # Errors
/// As [`cross_entropy`], and another number of weights than of classes.
pub fn weighted_cross_entropy(
    ws: &Workspace,
    logits: &Tensor,
    labels: &[u32],
    smoothing: f32,
    weights: &[f32],
) -> Result<LossOutput> {
    const KERNEL: &str = "weighted_cross_entropy";
    let (n, classes) = check_labels(KERNEL, logits, labels)?;
    if weights.len() != classes {
        return Err(KernelError::Argument {
            kernel: KERNEL,
            argument: "weights",
            got: format!("{} of them", weights.len()),
            expected: format!("one for each of the {classes} classes"),
        });
    }
    let host = logits.to_device(&Device::Cpu)?;
    let found = cpu::head::cross_entropy(KERNEL, ws, (&host, [n, classes]), labels, smoothing, Some(weights))?;
    Ok(LossOutput { dlogits: found.dlogits.to_device(logits.device())?, ..found })
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
    cpu::head::top_k_correct(KERNEL, (&logits, classes), labels, k)
}

/// Mean squared error of `logits` (`[n, outputs]`) against `targets` (n x outputs values, image by image): the mean over
/// all outputs of all images. On a GPU it runs on the CPU, as the outputs are few.
///
/// # Errors
/// Logits that are not a contiguous f32 tensor, or not as many as targets.
pub fn mean_squared_error(ws: &Workspace, logits: &Tensor, targets: &[f32]) -> Result<OutputLoss> {
    output_loss("mean_squared_error", ws, logits, targets, |value, target| {
        let difference = value - target;
        (difference * difference, 2.0 * difference)
    })
}

/// Binary cross entropy of `logits` (`[n, labels]`) against `targets` (n x labels values from 0, not had, to 1, had): the
/// mean over all labels of all images, in nats. On a GPU it runs on the CPU, as the logits are few.
///
/// # Errors
/// As [`mean_squared_error`].
pub fn binary_cross_entropy(ws: &Workspace, logits: &Tensor, targets: &[f32]) -> Result<OutputLoss> {
    output_loss("binary_cross_entropy", ws, logits, targets, |value, target| {
        // ln(1 + e^v) without an e^v that overflows.
        let (small, rest) = ((-value.abs()).exp(), value.max(0.0));
        let probability = if value >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
        (rest + small.ln_1p() - target * value, probability - target)
    })
}

fn output_loss(
    kernel: &'static str,
    ws: &Workspace,
    logits: &Tensor,
    targets: &[f32],
    of: impl Fn(f64, f64) -> (f64, f64),
) -> Result<OutputLoss> {
    match *logits.dims() {
        [n, outputs] if n * outputs > 0 && n * outputs == targets.len() => {}
        _ => {
            let expected = format!("[n, outputs], one value for each of {} targets, above 0", targets.len());
            return Err(KernelError::shape(kernel, "logits", logits, expected));
        }
    }
    let found = cpu::head::output_loss(kernel, ws, &logits.to_device(&Device::Cpu)?, targets, of)?;
    Ok(OutputLoss { dlogits: found.dlogits.to_device(logits.device())?, ..found })
}

fn check_labels(kernel: &'static str, logits: &Tensor, labels: &[u32]) -> Result<(usize, usize)> {
    let (n, classes) = match *logits.dims() {
        [n, classes] if n * classes > 0 => (n, classes),
        _ => return Err(KernelError::shape(kernel, "logits", logits, "[n, classes], none of them 0")),
    };
    if labels.len() != n {
        return Err(KernelError::shape(
            kernel,
            "logits",
            logits,
            format!("[{}, classes], one row a label", labels.len()),
        ));
    }
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(index) => Err(KernelError::Argument {
            kernel,
            argument: "labels",
            got: format!("{} for image {index}", labels.get(index).copied().unwrap_or(0)),
            expected: format!("classes of the network, which has {classes} (0 to {})", classes - 1),
        }),
        None => Ok((n, classes)),
    }
}
