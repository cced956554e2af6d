//! A node of a cell: the sum of its edges' ops, each of which arrives as raw output with its BatchNorm pending.

use candle_core::Tensor;

use crate::check::check_term;
use crate::device::Place;
use crate::error::{KernelError, Result};
use crate::results::TermGradient;
use crate::tensors::{expect_dims, image_dims, len};
use crate::view::Term;
use crate::workspace::Workspace;
use crate::{cpu, gpu};

/// The sum of the terms, `[n, h, w, c]`; zeros without terms.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors, or of another shape than `shape` says.
pub fn node_sum(ws: &Workspace, shape: (usize, usize, usize, usize), terms: &[Term<'_>]) -> Result<Tensor> {
    const KERNEL: &str = "node_sum";
    let (n, h, w, c) = shape;
    let shape = [n, h, w, c];
    if len(&shape).is_none() {
        let expected = "fewer values than memory can hold".to_owned();
        return Err(KernelError::Argument { kernel: KERNEL, argument: "shape", got: format!("{shape:?}"), expected });
    }
    terms.iter().try_for_each(|term| check_term(KERNEL, term, shape))?;
    match terms.first().map_or(Place::Cpu, |term| Place::of(term.z)) {
        Place::Cpu => cpu::node::sum(KERNEL, ws, shape, terms),
        Place::Gpu(gpu) => gpu::node::sum(&gpu, KERNEL, shape, terms),
    }
}

/// What each term needs of the gradient `dy` (`[n, h, w, c]`) of the node. A term without BatchNorm is read only if
/// `want_gates`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of `dy`'s shape.
pub fn node_sum_backward(dy: &Tensor, terms: &[Term<'_>], want_gates: bool) -> Result<Vec<TermGradient>> {
    const KERNEL: &str = "node_sum_backward";
    let (n, h, w, c) = image_dims(KERNEL, "dy", dy)?;
    let shape = [n, h, w, c];
    terms.iter().try_for_each(|term| check_term(KERNEL, term, shape))?;
    match Place::of(dy) {
        Place::Cpu => cpu::node::backward(KERNEL, (dy, shape), terms, want_gates),
        Place::Gpu(gpu) => gpu::node::backward(&gpu, KERNEL, (dy, shape), terms, want_gates),
    }
}

/// `dst += gate * sample[n] * dy`, in place: the backward pass of an identity. Both `[n, h, w, c]`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of one shape, or share memory.
pub fn add_scaled(dst: &Tensor, dy: &Tensor, gate: f32, sample: Option<&Tensor>) -> Result<()> {
    scaled("add_scaled", dst, dy, gate, sample, true)
}

/// `dst = gate * sample[n] * dy`, in place. Both `[n, h, w, c]`.
///
/// # Errors
/// As [`add_scaled`].
pub fn write_scaled(dst: &Tensor, dy: &Tensor, gate: f32, sample: Option<&Tensor>) -> Result<()> {
    scaled("write_scaled", dst, dy, gate, sample, false)
}

fn scaled(
    kernel: &'static str,
    dst: &Tensor,
    dy: &Tensor,
    gate: f32,
    sample: Option<&Tensor>,
    add: bool,
) -> Result<()> {
    let (n, h, w, c) = image_dims(kernel, "dy", dy)?;
    expect_dims(kernel, "dst", dst, dy.dims())?;
    sample.map_or(Ok(()), |sample| expect_dims(kernel, "sample", sample, &[n]))?;
    match Place::of(dy) {
        Place::Cpu => cpu::node::scaled(kernel, dst, (dy, [n, h, w, c]), gate, sample, add),
        Place::Gpu(gpu) => gpu::node::scaled(&gpu, kernel, dst, dy, gate, sample, add),
    }
}
