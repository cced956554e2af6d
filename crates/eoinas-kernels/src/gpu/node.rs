//! A node of a cell on a GPU.

use candle_core::{DType, Tensor};

use super::arguments::{Argument, SumsArgument, TERMS, TermsArgument};
use super::device::Gpu;
use super::elementwise::set_zero;
use super::grid::Grid;
use super::operands::Operands;
use super::pieces::Pieces;
use super::scratch::Use;
use crate::error::Result;
use crate::gate::GateGradient;
use crate::results::{GradSums, TermGradient};
use crate::view::{GradCoefficients, Term};

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
        unsafe { gpu.launch("node_sum", Grid::channel_values([n, h, w, c]), &arguments)? };
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
    let pieces = Pieces::of_channels(pixels, c, count);
    let sums = Sums::new(gpu, pieces, count, c)?;
    let mut operands = Operands::new(gpu, kernel);
    let terms = terms_argument(&mut operands, terms)?;
    operands.int(dy.elem_count())?;
    let mut arguments = vec![Argument::Terms(&terms), Argument::Address(operands.read("dy", dy)?)];
    arguments.extend(operands.numbers([h * w, pixels, c, pieces.share])?);
    let to = sums.argument(&mut operands)?;
    arguments.push(Argument::Sums(&to));
    // SAFETY: the arguments of the kernel; every term has the shape of `dy`, and there is room for the sums.
    unsafe { gpu.launch("gradient_sums", Grid::channels(c, pieces.count, count), &arguments)? };
    let gates = sums.gates()?;
    let gate = |term: usize| match want_gates {
        true => GateGradient::Pending { parts: gates.clone(), term },
        false => GateGradient::Known(0.0),
    };
    (0..count).map(|term| Ok((sums.of(term)?, gate(term)))).collect()
}

/// Where a launch leaves what terms need of a gradient.
pub(super) struct Sums {
    /// `[terms, pieces, 2, channels]`.
    parts: Tensor,
    counters: Tensor,
    /// `[6, terms, channels]`: sums of `dy` and of `dy * xhat`, gates, and the map's a, b and d.
    out: Tensor,
    terms: usize,
    channels: usize,
}

impl Sums {
    pub(super) fn new(gpu: &Gpu, pieces: Pieces, terms: usize, channels: usize) -> Result<Self> {
        let parts = gpu.scratch(Use::Parts, terms * pieces.count * 2 * channels)?;
        let [blocks, ..] = Grid::channels(channels, 1, 1).blocks;
        let counters = gpu.scratch(Use::Counters, blocks * terms)?;
        Ok(Self { parts, counters, out: gpu.unwritten(6 * terms * channels)?, terms, channels })
    }

    /// As a kernel takes it.
    pub(super) fn argument(&self, operands: &mut Operands<'_>) -> Result<SumsArgument> {
        Ok(SumsArgument {
            parts: operands.write("parts", &self.parts)?,
            out: operands.write("sums", &self.out)?,
            counters: operands.write_as("counters", &self.counters, DType::U32)?,
        })
    }

    /// What the launch has left for a term.
    pub(super) fn of(&self, term: usize) -> Result<GradSums> {
        let of = |row: usize| self.out.narrow(0, (row * self.terms + term) * self.channels, self.channels);
        Ok(GradSums { dy: of(0)?, dy_xhat: of(1)?, map: GradCoefficients { a: of(3)?, b: of(4)?, d: of(5)? } })
    }

    /// What each channel adds to the gradients of the gates, `[terms, channels]`.
    fn gates(&self) -> Result<Tensor> {
        let values = self.terms * self.channels;
        Ok(self.out.narrow(0, 2 * values, values)?.reshape((self.terms, self.channels))?)
    }
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
