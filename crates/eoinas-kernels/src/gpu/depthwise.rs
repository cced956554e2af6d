//! Depthwise convolution on a GPU.

use candle_core::Tensor;

use super::Gpu;
use super::arguments::{Address, Argument, GradientArgument, InputArgument};
use super::input::input_gradient;
use super::launch::{Grid, Pieces};
use super::norm::sum_pieces;
use super::operands::Operands;
use crate::depthwise::{ConvGradients, Geometry};
use crate::error::{KernelError, Result};
use crate::norm::GradSums;
use crate::view::{Gradient, Input, InputGradient};

/// Rows of a filter, at most; `TAPS` in `depthwise.cu`.
const TAPS: usize = 11;

pub(super) fn geometry_arguments(operands: &Operands<'_>, geometry: Geometry) -> Result<[Argument<'static>; 3]> {
    Ok([
        Argument::Int(operands.int(geometry.kernel)?),
        Argument::Int(operands.int(geometry.stride)?),
        Argument::Int(operands.int(geometry.dilation)?),
    ])
}

/// Checks what a kernel on a GPU holds in registers.
pub(super) fn check_size(kernel: &'static str, geometry: Geometry) -> Result<()> {
    if geometry.kernel <= TAPS {
        return Ok(());
    }
    Err(KernelError::Argument {
        kernel,
        argument: "kernel size",
        got: geometry.kernel.to_string(),
        expected: format!("at most {TAPS} on a GPU"),
    })
}

/// The output.
pub(crate) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weight: &Tensor,
    geometry: Geometry,
) -> Result<Tensor> {
    let [n, h, w, c] = shape;
    let (oh, ow) = (h.div_ceil(geometry.stride), w.div_ceil(geometry.stride));
    let z = gpu.unwritten((n, oh, ow, c))?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let mut arguments = vec![Argument::Input(&x), Argument::Address(operands.read("weight", weight)?)];
    arguments.extend(geometry_arguments(&operands, geometry)?);
    arguments.extend([Argument::Int(operands.int(oh)?), Argument::Int(operands.int(ow)?)]);
    arguments.push(Argument::Address(operands.output(&z)?));
    // SAFETY: the arguments of the kernel; the weight was checked, `z` has the output's shape.
    unsafe { gpu.launch("depthwise_forward", Grid::values(n * oh * ow * c), &arguments)? };
    Ok(z)
}

/// Gradients of [`forward`]; `out` is the shape of its output.
#[expect(clippy::too_many_arguments, reason = "those of the function that this is for a GPU")]
pub(crate) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weight: &Tensor,
    geometry: Geometry,
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    check_size(kernel, geometry)?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let address = operands.read("weight", weight)?;
    let both = Both { x: &x, shape, grad: &grad, out, geometry };
    let input = both.input(gpu, kernel, &mut operands, address, request)?;
    let weight = want_weights.then(|| both.weight(gpu, kernel)).transpose()?;
    Ok(ConvGradients { input, weight })
}

/// What both gradients are made of.
pub(super) struct Both<'a> {
    pub(super) x: &'a InputArgument,
    pub(super) shape: [usize; 4],
    pub(super) grad: &'a GradientArgument,
    pub(super) out: [usize; 4],
    pub(super) geometry: Geometry,
}

impl Both<'_> {
    /// The gradient of the input.
    pub(super) fn input(
        &self,
        gpu: &Gpu,
        kernel: &'static str,
        operands: &mut Operands<'_>,
        weight: Address,
        request: InputGradient<'_>,
    ) -> Result<Option<(Tensor, Option<GradSums>)>> {
        let geometry = geometry_arguments(operands, self.geometry)?;
        input_gradient(gpu, kernel, operands, (self.x, self.shape), request, |target| {
            let mut arguments = vec![Argument::Input(self.x), Argument::Gradient(self.grad), Argument::Address(weight)];
            arguments.extend(geometry);
            arguments.push(Argument::Target(target));
            let grid = Grid::values(self.shape.iter().product());
            // SAFETY: the arguments of the kernel; the target has the input's shape.
            unsafe { gpu.launch("depthwise_backward_input", grid, &arguments) }
        })
    }

    /// The gradient of the weight, `[k, k, c]`.
    pub(super) fn weight(&self, gpu: &Gpu, kernel: &'static str) -> Result<Tensor> {
        let ([n, oh, ow, c], size) = (self.out, self.geometry.kernel);
        let pieces = Pieces::new(n * oh * ow, 256, 64);
        let values = size * size * c;
        let parts = gpu.unwritten((pieces.count, values))?;
        let mut operands = Operands::new(gpu, kernel);
        let mut arguments = vec![Argument::Input(self.x), Argument::Gradient(self.grad)];
        arguments.extend(geometry_arguments(&operands, self.geometry)?);
        arguments.push(Argument::Int(operands.int(pieces.share)?));
        arguments.push(Argument::Address(operands.write("parts", &parts)?));
        // SAFETY: the arguments of the kernel; `parts` holds a weight's gradient for each piece.
        unsafe { gpu.launch("depthwise_backward_weight", Grid::channels(c, pieces.count, size), &arguments)? };
        Ok(sum_pieces(gpu, kernel, &parts, pieces.count, values)?.reshape((size, size, c))?)
    }
}
