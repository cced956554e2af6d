//! The weights' optimiser on a GPU: many tensors a launch.

use candle_core::{DType, Tensor};

use super::arguments::{Address, Argument, PartsArgument, TENSORS, TensorsArgument};
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

/// Blocks that share the sums of a tensor.
const SUM_BLOCKS: usize = 16;

/// The sum over the rows of each of the tensors `[pieces, values]`, in a fixed order; `[values]`.
pub(crate) fn sum_parts(gpu: &Gpu, kernel: &'static str, parts: &[&Tensor]) -> Result<Vec<Tensor>> {
    let mut sums = Vec::with_capacity(parts.len());
    for parts in parts.chunks(TENSORS) {
        let sizes = parts.iter().map(|parts| Ok(parts.dims2()?)).collect::<Result<Vec<_>>>()?;
        // Each sum starts at a whole vector, as a tensor of its own would.
        let out = gpu.unwritten(sizes.iter().map(|(_, values)| values.next_multiple_of(4)).sum::<usize>())?;
        let (mut operands, mut argument, mut first) = (Operands::new(gpu, kernel), PartsArgument::default(), 0);
        let places = argument.parts.iter_mut().zip(&mut argument.values).zip(&mut argument.pieces);
        for (((address, values), pieces), (parts, size)) in places.zip(parts.iter().zip(&sizes)) {
            *address = operands.counted("parts", parts)?;
            (*pieces, *values) = (operands.int(size.0)?, operands.int(size.1)?);
        }
        let start = operands.output(&out)?;
        for (address, &(_, values)) in argument.out.iter_mut().zip(&sizes) {
            *address = start + (first * size_of::<f32>()) as Address;
            sums.push(out.narrow(0, first, values)?);
            first += values.next_multiple_of(4);
        }
        let arguments = [Argument::Parts(&argument)];
        // SAFETY: the argument of the kernel; there is room for the sums of each tensor from its place on.
        unsafe { gpu.launch("sum_parts", Grid::tiles([SUM_BLOCKS, parts.len(), 1]), &arguments)? };
    }
    Ok(sums)
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
