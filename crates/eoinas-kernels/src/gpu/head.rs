//! The end of a network on a GPU.

use candle_core::{DType, Tensor};

use super::Gpu;
use super::arguments::Argument;
use super::launch::Grid;
use super::operands::Operands;
use crate::error::Result;
use crate::head::{LinearGradients, LossOutput};
use crate::view::Input;

/// The mean over height and width of the joined sources, `[n, c]`.
pub(crate) fn global_average_pool(
    gpu: &Gpu,
    kernel: &'static str,
    (x, [n, h, w, c]): (Input<'_>, [usize; 4]),
) -> Result<Tensor> {
    let out = gpu.unwritten((n, c))?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, [n, h, w, c])?;
    let arguments = [Argument::Input(&x), Argument::Address(operands.output(&out)?)];
    // SAFETY: the arguments of the kernel; `out` has a value for each image and channel.
    unsafe { gpu.launch("global_average_pool", Grid::each(n * c, 1), &arguments)? };
    Ok(out)
}

/// Adds the gradient to `target`, whose channels start at `first` in `d`, `[n, total]`.
pub(crate) fn global_average_pool_backward(
    gpu: &Gpu,
    kernel: &'static str,
    d: &Tensor,
    target: &Tensor,
    first: usize,
) -> Result<()> {
    let (_, h, w, c) = target.dims4()?;
    let values = target.elem_count();
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![Argument::Address(operands.read("d", d)?)];
    arguments.extend(operands.numbers([d.dim(1)?, first, c, h * w, values])?);
    arguments.push(Argument::Address(operands.write("add_to", target)?));
    // SAFETY: the arguments of the kernel; `d` was checked to hold the target's channels.
    unsafe { gpu.launch("global_average_pool_backward", Grid::values(values), &arguments) }
}

/// `x W + b`.
pub(crate) fn linear(
    gpu: &Gpu,
    kernel: &'static str,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    [n, k, m]: [usize; 3],
) -> Result<Tensor> {
    let out = gpu.unwritten((n, m))?;
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![
        Argument::Address(operands.read("x", x)?),
        Argument::Address(operands.read("weight", weight)?),
        Argument::Address(operands.read("bias", bias)?),
    ];
    arguments.extend(operands.numbers([n, k, m])?);
    arguments.push(Argument::Address(operands.output(&out)?));
    // SAFETY: the arguments of the kernel, whose shapes were checked.
    unsafe { gpu.launch("linear_forward", Grid::each(n * m, 1), &arguments)? };
    Ok(out)
}

/// Gradients of [`linear`], those that are wanted.
pub(crate) fn linear_backward(
    gpu: &Gpu,
    kernel: &'static str,
    x: &Tensor,
    weight: &Tensor,
    d: &Tensor,
    (want_input, want_weights): (bool, bool),
) -> Result<LinearGradients> {
    let (n, k) = x.dims2()?;
    let m = d.dim(1)?;
    let mut gradients = LinearGradients::default();
    if want_input {
        let out = gpu.unwritten((n, k))?;
        let mut operands = Operands::new(gpu, kernel);
        let mut arguments =
            vec![Argument::Address(operands.read("d", d)?), Argument::Address(operands.read("weight", weight)?)];
        arguments.extend(operands.numbers([n, k, m])?);
        arguments.push(Argument::Address(operands.output(&out)?));
        // SAFETY: the arguments of the kernel, whose shapes were checked.
        unsafe { gpu.launch("linear_backward_input", Grid::each(n * k, 1), &arguments)? };
        gradients.input = Some(out);
    }
    if want_weights {
        let (dw, dbias) = (gpu.unwritten((k, m))?, gpu.unwritten(m)?);
        let mut operands = Operands::new(gpu, kernel);
        let mut arguments = vec![Argument::Address(operands.read("d", d)?), Argument::Address(operands.read("x", x)?)];
        arguments.extend(operands.numbers([n, k, m])?);
        arguments.push(Argument::Address(operands.write("weight gradient", &dw)?));
        arguments.push(Argument::Address(operands.write("bias gradient", &dbias)?));
        // SAFETY: the arguments of the kernel, whose shapes were checked.
        unsafe { gpu.launch("linear_backward_weight", Grid::each((k + 1) * m, 1), &arguments)? };
        gradients.weight = Some(dw);
        gradients.bias = Some(dbias);
    }
    Ok(gradients)
}

/// Mean loss, number of right answers, gradient of the logits. Labels were checked.
pub(crate) fn cross_entropy(
    gpu: &Gpu,
    kernel: &'static str,
    logits: &Tensor,
    labels: &[u32],
    smoothing: f32,
) -> Result<LossOutput> {
    let (n, classes) = logits.dims2()?;
    let labels = Tensor::from_slice(labels, n, &gpu.device())?;
    let (losses, dlogits) = (gpu.unwritten((n, 2))?, gpu.unwritten((n, classes))?);
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [
        Argument::Address(operands.read("logits", logits)?),
        Argument::Address(operands.read_as("labels", &labels, DType::U32)?),
        Argument::Float(smoothing),
        Argument::Int(operands.int(n)?),
        Argument::Int(operands.int(classes)?),
        Argument::Address(operands.write("losses", &losses)?),
        Argument::Address(operands.write("dlogits", &dlogits)?),
    ];
    // SAFETY: the arguments of the kernel; there is a label and a pair of results for each row of the logits.
    unsafe { gpu.launch("cross_entropy", Grid::each(n, 1), &arguments)? };
    // One download for both.
    let rows = losses.to_vec2::<f32>()?;
    let sum = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|&v| f64::from(v)).sum::<f64>();
    Ok(LossOutput { loss: sum(0) / n as f64, correct: sum(1) as usize, dlogits })
}
