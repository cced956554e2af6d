//! The weights' optimiser on a GPU: many tensors a launch.

use candle_core::{DType, Tensor};

use super::arguments::{Argument, TENSORS, TensorsArgument};
use super::device::Gpu;
use super::grid::Grid;
use super::operands::Operands;
use crate::error::Result;
use crate::view::{SgdStep, Update};

/// Blocks that share a tensor.
const BLOCKS: usize = 8;

fn grid(tensors: usize) -> Grid {
    Grid::tiles([BLOCKS, tensors, 1])
}

/// Sum of the squares of all values of all tensors, in a fixed order.
pub(crate) fn sum_of_squares(gpu: &Gpu, kernel: &'static str, tensors: &[&Tensor]) -> Result<f64> {
    let parts = gpu.unwritten_as((tensors.len(), BLOCKS), DType::F64)?;
    for (index, tensors) in tensors.chunks(TENSORS).enumerate() {
        let mut operands = Operands::new(gpu, kernel);
        let mut argument = TensorsArgument::default();
        let places = argument.gradient.iter_mut().zip(&mut argument.values);
        for ((gradient, values), tensor) in places.zip(tensors) {
            *gradient = operands.read("tensors", tensor)?;
            *values = operands.int(tensor.elem_count())?;
        }
        let part = parts.narrow(0, index * TENSORS, tensors.len())?;
        let arguments =
            [Argument::Tensors(&argument), Argument::Address(operands.write_as("parts", &part, DType::F64)?)];
        // SAFETY: the arguments of the kernel; there is a number for each tensor and block.
        unsafe { gpu.launch("sum_of_squares", grid(tensors.len()), &arguments)? };
    }
    Ok(parts.to_vec2::<f64>()?.iter().flatten().sum())
}

/// Updates values and momenta in place; each update's tensors were checked to have one shape.
pub(crate) fn sgd_update(gpu: &Gpu, kernel: &'static str, updates: &[Update<'_>], step: &SgdStep) -> Result<()> {
    for updates in updates.chunks(TENSORS) {
        let mut operands = Operands::new(gpu, kernel);
        let mut argument = TensorsArgument::default();
        for (gradient, update) in argument.gradient.iter_mut().zip(updates) {
            *gradient = operands.read("gradient", update.gradient)?;
        }
        let places = argument.value.iter_mut().zip(&mut argument.momentum).zip(&mut argument.values);
        for (((value, momentum), values), update) in places.zip(updates) {
            *value = operands.write("value", update.value)?;
            *momentum = operands.write("momentum", update.momentum)?;
            *values = operands.int(update.value.elem_count())?;
        }
        let numbers = [step.lr, step.momentum, step.weight_decay, step.gradient_scale];
        let mut arguments = vec![Argument::Tensors(&argument)];
        arguments.extend(numbers.map(|number| Argument::Float(number as f32)));
        // SAFETY: the arguments of the kernel; the three tensors of an update have one length.
        unsafe { gpu.launch("sgd_update", grid(updates.len()), &arguments)? };
    }
    Ok(())
}
