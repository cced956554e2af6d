//! The end of a network on a GPU.

use candle_core::{DType, Tensor};

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::Grid;
use super::operands::Operands;
use crate::error::Result;
use crate::results::{LinearGradients, LossOutput};
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

/// Adds the gradient of each source to `add_to`; `d` is `[n, total]`.
pub(crate) fn global_average_pool_backward(
    gpu: &Gpu,
    kernel: &'static str,
    d: &Tensor,
    add_to: &[&Tensor],
) -> Result<()> {
    let mut first = 0;
    for target in add_to {
        let (_, h, w, c) = target.dims4()?;
        let values = target.elem_count();
        let mut operands = Operands::new(gpu, kernel);
        let mut arguments = vec![Argument::Address(operands.counted("d", d)?)];
        arguments.extend(operands.numbers([d.dim(1)?, first, c, h * w, values])?);
        arguments.push(Argument::Address(operands.write("add_to", target)?));
        // SAFETY: the arguments of the kernel; `d` was checked to hold the channels of all targets.
        unsafe { gpu.launch("global_average_pool_backward", Grid::values(values), &arguments)? };
        first += c;
    }
    Ok(())
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
        Argument::Address(operands.counted("x", x)?),
        Argument::Address(operands.counted("weight", weight)?),
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
    (x, weight, d): (&Tensor, &Tensor, &Tensor),
    [n, k, m]: [usize; 3],
    (want_input, want_weights): (bool, bool),
) -> Result<LinearGradients> {
    let mut gradients = LinearGradients::default();
    if want_input {
        let out = gpu.unwritten((n, k))?;
        let mut operands = Operands::new(gpu, kernel);
        let mut arguments =
            vec![Argument::Address(operands.counted("d", d)?), Argument::Address(operands.counted("weight", weight)?)];
        arguments.extend(operands.numbers([n, k, m])?);
        arguments.push(Argument::Address(operands.output(&out)?));
        // SAFETY: the arguments of the kernel, whose shapes were checked.
        unsafe { gpu.launch("linear_backward_input", Grid::each(n * k, 1), &arguments)? };
        gradients.input = Some(out);
    }
    if want_weights {
        let (dw, dbias) = (gpu.unwritten((k, m))?, gpu.unwritten(m)?);
        let mut operands = Operands::new(gpu, kernel);
        let mut arguments =
            vec![Argument::Address(operands.counted("d", d)?), Argument::Address(operands.counted("x", x)?)];
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
    (logits, [n, classes]): (&Tensor, [usize; 2]),
    labels: &[u32],
    smoothing: f32,
) -> Result<LossOutput> {
    let labels = Tensor::from_slice(labels, n, &gpu.device())?;
    let (losses, dlogits) = (gpu.unwritten((n, 2))?, gpu.unwritten((n, classes))?);
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [
        Argument::Address(operands.counted("logits", logits)?),
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
