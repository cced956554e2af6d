//! The gradient of a convolution's input, whichever way it is asked for.

use candle_core::Tensor;

use super::arguments::{Argument, InputArgument, TargetArgument};
use super::device::Gpu;
use super::grid::Grid;
use super::node::Sums;
use super::operands::Operands;
use super::pieces::Pieces;
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
    let pieces = Pieces::of_channels(n * h * w, c, 1);
    let sums = Sums::new(gpu, pieces, 1, c)?;
    let mut operands = Operands::new(gpu, kernel);
    let dx = Argument::Address(operands.read("input gradient", dx)?);
    let share = Argument::Int(operands.int(pieces.share)?);
    let to = sums.argument(&mut operands)?;
    let arguments = [Argument::Input(x), dx, share, Argument::Sums(&to)];
    // SAFETY: the arguments of the kernel; `dx` has the input's shape, and there is room for the sums.
    unsafe { gpu.launch("input_gradient_sums", Grid::channels(c, pieces.count, 1), &arguments)? };
    sums.of(0)
}
