//! A node of a cell on a GPU.

use candle_core::Tensor;

use super::arguments::{Argument, TERMS, TermsArgument};
use super::device::Gpu;
use super::elementwise::set_zero;
use super::grid::Grid;
use super::operands::Operands;
use super::pieces::Pieces;
use crate::error::Result;
use crate::gate::GateGradient;
use crate::results::{GradSums, TermGradient};
use crate::view::Term;

fn terms_argument(operands: &mut Operands<'_>, terms: &[Term<'_>]) -> Result<TermsArgument> {
    let mut argument = TermsArgument { terms: operands.int(terms.len())?, ..TermsArgument::default() };
    let TermsArgument { z, mean, rstd, scale, shift, sample, gate, .. } = &mut argument;
    let places = z.iter_mut().zip(mean).zip(rstd).zip(scale).zip(shift).zip(sample).zip(gate);
    for (term, ((((((z, mean), rstd), scale), shift), sample), gate)) in terms.iter().zip(places) {
        *z = operands.read("z", term.z)?;
        if let Some(norm) = term.norm {
            *mean = operands.read("mean", &norm.mean)?;
            *rstd = operands.read("rstd", &norm.rstd)?;
            *scale = operands.read("scale", &norm.scale)?;
            *shift = operands.read("shift", &norm.shift)?;
        }
        *sample = operands.optional("sample", term.sample)?;
        *gate = term.gate;
    }
    Ok(argument)
}

/// The sum of the terms, which were checked.
pub(crate) fn sum(gpu: &Gpu, kernel: &'static str, [n, h, w, c]: [usize; 4], terms: &[Term<'_>]) -> Result<Tensor> {
    let values = n * h * w * c;
    let out = gpu.unwritten((n, h, w, c))?;
    if terms.is_empty() {
        set_zero(gpu, kernel, &out)?;
    }
    for (index, terms) in terms.chunks(TERMS).enumerate() {
        let mut operands = Operands::new(gpu, kernel);
        let terms = terms_argument(&mut operands, terms)?;
        let [image, channels, all] = operands.numbers([h * w * c, c, values])?;
        let add = Argument::Int(i32::from(index > 0));
        let out = Argument::Address(operands.output(&out)?);
        let arguments = [Argument::Terms(&terms), image, channels, all, add, out];
        // SAFETY: the arguments of the kernel; every term has the output's shape.
        unsafe { gpu.launch("node_sum", Grid::values(values), &arguments)? };
    }
    Ok(out)
}

/// What each of the terms, which were checked, needs of the gradient `dy` of the node.
pub(crate) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (dy, shape): (&Tensor, [usize; 4]),
    terms: &[Term<'_>],
    want_gates: bool,
) -> Result<Vec<TermGradient>> {
    let mut gradients = Vec::with_capacity(terms.len());
    // Terms without BatchNorm are read for their gates' gradients alone.
    let read = |term: &Term<'_>| want_gates || term.norm.is_some();
    let wanted: Vec<Term<'_>> = terms.iter().filter(|term| read(term)).copied().collect();
    let mut sums = Vec::with_capacity(wanted.len());
    for terms in wanted.chunks(TERMS) {
        sums.extend(gradient_sums(gpu, kernel, (dy, shape), terms, want_gates)?);
    }
    let mut sums = sums.into_iter();
    for term in terms {
        let found = if read(term) { sums.next() } else { None };
        let (sums, gate) = found.map_or((None, GateGradient::Known(0.0)), |(sums, gate)| (Some(sums), gate));
        gradients.push(TermGradient { sums: sums.filter(|_| term.norm.is_some()), gate });
    }
    Ok(gradients)
}

fn gradient_sums(
    gpu: &Gpu,
    kernel: &'static str,
    (dy, [n, h, w, c]): (&Tensor, [usize; 4]),
    terms: &[Term<'_>],
    want_gates: bool,
) -> Result<Vec<(GradSums, GateGradient)>> {
    let (pixels, count) = (n * h * w, terms.len());
    let pieces = Pieces::of_channels(pixels);
    let parts = gpu.unwritten((count, pieces.count, 2, c))?;
    let (sums, gates) = (gpu.unwritten((count, 2, c))?, gpu.unwritten((count, c))?);
    let mut operands = Operands::new(gpu, kernel);
    let terms = terms_argument(&mut operands, terms)?;
    operands.int(dy.elem_count())?;
    let mut arguments = vec![Argument::Terms(&terms), Argument::Address(operands.read("dy", dy)?)];
    arguments.extend(operands.numbers([h * w, pixels, c, pieces.share])?);
    let parts = Argument::Address(operands.write("parts", &parts)?);
    arguments.push(parts);
    // SAFETY: the arguments of the kernel; every term has the shape of `dy`, `parts` two numbers a channel and piece.
    unsafe { gpu.launch("gradient_sums", Grid::channels(c, pieces.count, count), &arguments)? };
    let [piece_count, channels] = operands.numbers([pieces.count, c])?;
    let results =
        [Argument::Address(operands.write("sums", &sums)?), Argument::Address(operands.write("gates", &gates)?)];
    let arguments = [Argument::Terms(&terms), parts, piece_count, channels, results[0], results[1]];
    // SAFETY: the arguments of the kernel, after the launch that writes `parts`.
    unsafe { gpu.launch("finish_gradient_sums", Grid::each(c, count), &arguments)? };
    let mut found = Vec::with_capacity(count);
    for term in 0..count {
        let sums = sums.get(term)?;
        let sums = GradSums { dy: sums.get(0)?, dy_xhat: sums.get(1)? };
        let gate =
            if want_gates { GateGradient::Pending { parts: gates.clone(), term } } else { GateGradient::Known(0.0) };
        found.push((sums, gate));
    }
    Ok(found)
}

/// `dst = gate * sample[n] * dy`, or that added to it.
pub(crate) fn scaled(
    gpu: &Gpu,
    kernel: &'static str,
    dst: &Tensor,
    dy: &Tensor,
    gate: f32,
    sample: Option<&Tensor>,
    add: bool,
) -> Result<()> {
    let values = dy.elem_count();
    let mut operands = Operands::new(gpu, kernel);
    let (dy_at, sample) = (operands.read("dy", dy)?, operands.optional("sample", sample)?);
    let arguments = [
        Argument::Address(operands.write("dst", dst)?),
        Argument::Address(dy_at),
        Argument::Address(sample),
        Argument::Float(gate),
        Argument::Int(operands.int(values / dy.dim(0)?.max(1))?),
        Argument::Int(operands.int(values)?),
        Argument::Int(i32::from(add)),
    ];
    // SAFETY: the arguments of the kernel; both tensors have one shape.
    unsafe { gpu.launch("scaled", Grid::values(values), &arguments) }
}
