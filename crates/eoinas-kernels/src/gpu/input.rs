//! The gradient of a convolution's input, whichever way it is asked for.

use candle_core::Tensor;

use super::arguments::{Argument, InputArgument, TargetArgument};
use super::device::Gpu;
use super::grid::Grid;
use super::operands::Operands;
use super::pieces::{Pieces, sum_over_pixels};
use crate::error::Result;
use crate::results::{GradSums, ReturnedGradient};
use crate::view::InputGradient;

/// Has `launch` write the gradient of `x`, `[n, h, w, c]`, where the request says.
pub(super) fn input_gradient(
    gpu: &Gpu,
    kernel: &'static str,
    operands: &mut Operands<'_>,
    (x, shape): (&InputArgument, [usize; 4]),
    request: InputGradient<'_>,
    launch: impl FnOnce(&TargetArgument) -> Result<()>,
) -> Result<ReturnedGradient> {
    match request {
        InputGradient::Skip => Ok(None),
        InputGradient::AddTo(tensors) => launch(&operands.target(tensors, true)?).map(|()| None),
        InputGradient::WriteTo(tensors) => launch(&operands.target(tensors, false)?).map(|()| None),
        InputGradient::Return => {
            let dx = gpu.unwritten(shape.to_vec())?;
            launch(&operands.target(&[&dx], false)?)?;
            let has_norm = x.norm.iter().all(|&address| address != 0);
            let sums = if has_norm { Some(sums(gpu, kernel, (x, shape), &dx)?) } else { None };
            Ok(Some((dx, sums)))
        }
    }
}

/// The sums that the pending BatchNorm of `x` needs.
fn sums(
    gpu: &Gpu,
    kernel: &'static str,
    (x, [n, h, w, c]): (&InputArgument, [usize; 4]),
    dx: &Tensor,
) -> Result<GradSums> {
    let pieces = Pieces::of_channels(n * h * w);
    let dx = Operands::new(gpu, kernel).read("input gradient", dx)?;
    let launch = ("input_gradient_sums", Grid::channels(c, pieces.count, 1));
    let arguments = vec![Argument::Input(x), Argument::Address(dx)];
    // SAFETY: the arguments of the kernel; `dx` has the input's shape, and there are two numbers a channel.
    let sums = unsafe { sum_over_pixels(gpu, kernel, launch, (pieces, 2 * c), arguments)? };
    Ok(GradSums { dy: sums.narrow(0, 0, c)?, dy_xhat: sums.narrow(0, c, c)? })
}
