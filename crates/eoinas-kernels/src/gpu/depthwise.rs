//! Depthwise convolution on a GPU.

use candle_core::Tensor;

use super::arguments::{Address, Argument, GradientArgument, InputArgument};
use super::device::Gpu;
use super::grid::Grid;
use super::input::input_gradient;
use super::operands::Operands;
use super::pieces::{Pieces, parts_over_pixels};
use crate::error::{KernelError, Result};
use crate::geometry::Geometry;
use crate::results::{ConvGradients, ReturnedGradient, WeightGradient};
use crate::view::{Gradient, Input, InputGradient};

/// Rows of a filter, at most; `TAPS` in `depthwise.cu`.
const TAPS: usize = 11;

pub(super) fn geometry_arguments(operands: &Operands<'_>, geometry: Geometry) -> Result<[Argument<'static>; 3]> {
    operands.numbers([geometry.kernel(), geometry.stride(), geometry.dilation()])
}

/// The kernel of this name for a filter: those of 3 and 5 columns have their own.
pub(super) fn filter_name(name: &str, geometry: Geometry) -> String {
    match geometry.kernel() {
        size @ (3 | 5) => format!("{name}_{size}"),
        _ => format!("{name}_n"),
    }
}

/// Checks what a kernel on a GPU holds in registers.
pub(super) fn check_size(kernel: &'static str, geometry: Geometry) -> Result<()> {
    if geometry.kernel() <= TAPS {
        return Ok(());
    }
    Err(KernelError::Argument {
        kernel,
        argument: "kernel size",
        got: geometry.kernel().to_string(),
        expected: format!("at most {TAPS} on a GPU"),
    })
}

/// The output, of the shape `out`.
pub(super) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    (weight, geometry): (&Tensor, Geometry),
    out: [usize; 4],
) -> Result<Tensor> {
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let mut arguments = vec![Argument::Input(&x), Argument::Address(operands.counted("weight", weight)?)];
    arguments.extend(geometry_arguments(&operands, geometry)?);
    arguments.extend(operands.numbers([out[1], out[2]])?);
    arguments.push(Argument::Address(operands.output(&z)?));
    // SAFETY: the arguments of the kernel; the weight was checked, `z` has the output's shape.
    unsafe { gpu.launch(&filter_name("depthwise_forward", geometry), Grid::channel_values(out), &arguments)? };
    Ok(z)
}

/// Gradients of [`forward`]; `out` is the shape of its output.
pub(super) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    (weight, geometry): (&Tensor, Geometry),
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    check_size(kernel, geometry)?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let address = operands.counted("weight", weight)?;
    let both = Both { x: &x, shape, grad: &grad, out, geometry };
    let input = both.input(gpu, kernel, &mut operands, address, request)?;
    let weights = if want_weights { vec![both.weight(gpu, kernel)?] } else { Vec::new() };
    Ok(ConvGradients { input, weights })
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
    ) -> Result<ReturnedGradient> {
        let geometry = geometry_arguments(operands, self.geometry)?;
        input_gradient(gpu, kernel, operands, (self.x, self.shape), request, |target| {
            let mut arguments = vec![Argument::Input(self.x), Argument::Gradient(self.grad), Argument::Address(weight)];
            arguments.extend(geometry);
            arguments.push(Argument::Target(target));
            let name = filter_name("depthwise_backward_input", self.geometry);
            // SAFETY: the arguments of the kernel; the target has the input's shape.
            unsafe { gpu.launch(&name, Grid::channel_values(self.shape), &arguments) }
        })
    }

    /// The gradient of the weight, `[k, k, c]`.
    pub(super) fn weight(&self, gpu: &Gpu, kernel: &'static str) -> Result<WeightGradient> {
        let ([n, oh, ow, c], size) = (self.out, self.geometry.kernel());
        let pieces = Pieces::of_channels(n * oh * ow, c, size);
        let mut arguments = vec![Argument::Input(self.x), Argument::Gradient(self.grad)];
        arguments.extend(geometry_arguments(&Operands::new(gpu, kernel), self.geometry)?);
        let name = filter_name("depthwise_backward_weight", self.geometry);
        let launch = (&*name, Grid::channels(c, pieces.count, size));
        let shape = (size, size, c).into();
        // SAFETY: the arguments of the kernel; input and gradient were checked.
        unsafe { parts_over_pixels(gpu, kernel, launch, pieces, &shape, arguments) }
    }
}
