//! A node of a cell on the CPU.

use candle_core::Tensor;

use super::access::NormView;
use super::channelwise::{Period, combine, sums};
use super::norm::grad_sums;
use super::parallel::for_pieces;
use super::simd::Level;
use super::values::{Values, read, write};
use crate::error::Result;
use crate::gate::GateGradient;
use crate::results::TermGradient;
use crate::share::{self, Sums};
use crate::view::Term;
use crate::workspace::Workspace;

/// A term, borrowed.
struct Summand<'a> {
    /// Not borrowed where nobody reads it.
    z: Option<Values<'a>>,
    norm: Option<NormValues>,
    gate: f32,
    sample: Option<Vec<f32>>,
}

struct NormValues {
    scale: Vec<f32>,
    shift: Vec<f32>,
    mean: Vec<f32>,
    rstd: Vec<f32>,
}

impl<'a> Summand<'a> {
    /// Of a term that was checked.
    fn new(kernel: &'static str, term: &Term<'a>, read_z: bool) -> Result<Self> {
        let z = read(kernel, "z", term.z)?;
        let channel = |name, tensor: &Tensor| -> Result<Vec<f32>> { Ok(read(kernel, name, tensor)?.to_vec()) };
        let norm = match term.norm {
            None => None,
            Some(norm) => Some(NormValues {
                scale: channel("scale", &norm.scale)?,
                shift: channel("shift", &norm.shift)?,
                mean: channel("mean", &norm.mean)?,
                rstd: channel("rstd", &norm.rstd)?,
            }),
        };
        let sample = match term.sample {
            None => None,
            Some(sample) => Some(read(kernel, "sample", sample)?.to_vec()),
        };
        Ok(Self { z: read_z.then_some(z), norm, gate: term.gate, sample })
    }
}

/// The sum of the terms, which were checked.
pub(crate) fn sum(
    kernel: &'static str,
    ws: &Workspace,
    [n, h, w, c]: [usize; 4],
    terms: &[Term<'_>],
) -> Result<Tensor> {
    let mut summands = Vec::with_capacity(terms.len());
    for term in terms {
        summands.push(Summand::new(kernel, term, true)?);
    }
    let mut out = ws.take(n * h * w * c);
    let inputs: Vec<View<'_>> = summands.iter().map(Summand::view).collect();
    sum_images(n, c, &inputs, &mut out);
    ws.tensor(out, (n, h, w, c))
}

/// A summand as slices, which threads can share.
#[derive(Clone, Copy)]
struct View<'a> {
    z: &'a [f32],
    norm: Option<&'a NormValues>,
    gate: f32,
    sample: Option<&'a [f32]>,
}

impl View<'_> {
    fn factor(&self, image: usize) -> f32 {
        self.gate * self.sample.and_then(|s| s.get(image)).copied().unwrap_or(1.0)
    }
}

impl Summand<'_> {
    fn view(&self) -> View<'_> {
        View {
            z: self.z.as_deref().unwrap_or(&[]),
            norm: self.norm.as_ref(),
            gate: self.gate,
            sample: self.sample.as_deref(),
        }
    }
}

fn sum_images(n: usize, c: usize, terms: &[View<'_>], out: &mut [f32]) {
    let level = Level::current();
    let len = out.len() / n.max(1);
    if len == 0 {
        return;
    }
    let period = Period::new(c, len);
    // Without factors for each image, all have the same coefficients.
    let shared = terms.iter().all(|term| term.sample.is_none()).then(|| Coefficients::new(terms, period, c, 0));
    for_pieces(n, &mut [out], |images, parts| {
        for (image, out) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(len))) {
            let own = if shared.is_none() { Some(Coefficients::new(terms, period, c, image)) } else { None };
            let Some(Coefficients { scales, shift }) = shared.as_ref().or(own.as_ref()) else { continue };
            let inputs: Vec<(&[f32], &[f32])> = terms
                .iter()
                .zip(scales)
                .map(|(term, scale)| (&term.z[image * len..][..len], scale.as_slice()))
                .collect();
            combine(level, out, false, shift, &inputs);
        }
    });
}

/// What an image of the node is: `shift + sum of scale * z`, each repeated to a period.
struct Coefficients {
    scales: Vec<Vec<f32>>,
    shift: Vec<f32>,
}

impl Coefficients {
    fn new(terms: &[View<'_>], period: Period, c: usize, image: usize) -> Self {
        let scale = |term: &View<'_>| {
            let factor = term.factor(image);
            term.norm.map_or_else(|| period.constant(factor), |norm| period.repeat(&norm.scale, |s| factor * s))
        };
        let mut shift = vec![0.0; c];
        for (norm, factor) in terms.iter().filter_map(|t| Some((t.norm?, t.factor(image)))) {
            shift.iter_mut().zip(&norm.shift).for_each(|(sum, s)| *sum += factor * s);
        }
        Self { scales: terms.iter().map(scale).collect(), shift: period.repeat(&shift, |s| s) }
    }
}

/// What each of the terms, which were checked, needs of the gradient `dy` of the node.
pub(crate) fn backward(
    kernel: &'static str,
    (dy, [n, h, w, c]): (&Tensor, [usize; 4]),
    terms: &[Term<'_>],
    want_gates: bool,
) -> Result<Vec<TermGradient>> {
    let mut summands = Vec::with_capacity(terms.len());
    for term in terms {
        summands.push(Summand::new(kernel, term, want_gates || term.norm.is_some())?);
    }
    let dy = read(kernel, "dy", dy)?;
    let views: Vec<View<'_>> = summands.iter().map(Summand::view).collect();
    let (totals, count) = (gradient_sums(n, c, &dy, &views)?, share::whole(n) * h * w);
    summands.iter().zip(totals).map(|(summand, totals)| summand.gradient(totals, count)).collect()
}

/// For each term the sums per channel of `sample * dy` and of `sample * dy * (z - mean)`.
type Totals = (Vec<f64>, Vec<f64>);

impl Sums for Vec<Totals> {
    fn put(&self, to: &mut Vec<f64>) {
        self.iter().for_each(|(dy, dy_z)| to.extend(dy.iter().chain(dy_z)));
    }

    fn with(&self, values: &[f64]) -> Self {
        let mut values = values.iter().copied();
        let mut next = |like: &[f64]| values.by_ref().take(like.len()).collect();
        self.iter().map(|(dy, dy_z)| (next(dy), next(dy_z))).collect()
    }
}

fn gradient_sums(n: usize, c: usize, dy: &[f32], terms: &[View<'_>]) -> Result<Vec<Totals>> {
    let level = Level::current();
    let len = dy.len() / n.max(1);
    let period = Period::new(c, len);
    let zero = || vec![(vec![0.0; c], vec![0.0; c]); terms.len()];
    let means: Vec<Vec<f32>> = terms
        .iter()
        .map(|term| term.norm.map_or_else(|| period.constant(0.0), |norm| period.repeat(&norm.mean, |m| m)))
        .collect();
    // Terms that nobody reads have no values.
    let read: Vec<usize> = (0..terms.len()).filter(|&t| !terms[t].z.is_empty()).collect();
    let pieces = for_pieces(n, &mut [], |images, _| {
        let mut totals = zero();
        for image in images {
            let d = &dy[image * len..][..len];
            let by: Vec<_> = read.iter().map(|&t| (&terms[t].z[image * len..][..len], &means[t][..])).collect();
            let (mut sum, mut products) = (vec![0.0; c], vec![vec![0.0; c]; by.len()]);
            sums(level, period, d, &by, &mut sum, &mut products);
            for (&t, product) in read.iter().zip(&products) {
                let (total, total_z) = &mut totals[t];
                let sample = f64::from(terms[t].sample.and_then(|s| s.get(image)).copied().unwrap_or(1.0));
                total.iter_mut().zip(&sum).for_each(|(total, s)| *total += sample * s);
                total_z.iter_mut().zip(product).for_each(|(total, s)| *total += sample * s);
            }
        }
        totals
    });
    let mut totals = zero();
    for piece in share::of_all(pieces)? {
        for (total, piece) in totals.iter_mut().zip(piece) {
            total.0.iter_mut().zip(piece.0).for_each(|(total, s)| *total += s);
            total.1.iter_mut().zip(piece.1).for_each(|(total, s)| *total += s);
        }
    }
    Ok(totals)
}

impl Summand<'_> {
    /// From sums over `count` values a channel.
    fn gradient(&self, (dy, dy_z): Totals, count: usize) -> Result<TermGradient> {
        let Some(norm) = &self.norm else {
            return Ok(TermGradient { sums: None, gate: GateGradient::Known(dy_z.iter().sum()) });
        };
        // y = scale * (z - mean) + (shift + scale * mean), whose second part is beta.
        let mut gate = 0.0;
        for (c, (dy, dy_z)) in dy.iter().zip(&dy_z).enumerate() {
            let (scale, mean) = (f64::from(norm.scale[c]), f64::from(norm.mean[c]));
            gate += scale * dy_z + (f64::from(norm.shift[c]) + scale * mean) * dy;
        }
        let dy_xhat = dy_z.iter().zip(&norm.rstd).map(|(s, &rstd)| s * f64::from(rstd)).collect();
        let view = NormView { mean: &norm.mean, rstd: &norm.rstd, scale: &norm.scale, shift: &norm.shift };
        let sums = Some(grad_sums(view, [dy, dy_xhat], count, self.gate)?);
        Ok(TermGradient { sums, gate: GateGradient::Known(gate) })
    }
}

/// `dst = gate * sample[n] * dy`, or that added to it.
pub(crate) fn scaled(
    kernel: &'static str,
    dst: &Tensor,
    (dy, [n, h, w, c]): (&Tensor, [usize; 4]),
    gate: f32,
    sample: Option<&Tensor>,
    add: bool,
) -> Result<()> {
    let sample = sample.map(|sample| read(kernel, "sample", sample)).transpose()?;
    let d = read(kernel, "dy", dy)?;
    let reads: Vec<&Values<'_>> = std::iter::once(&d).chain(&sample).collect();
    let (d, sample): (&[f32], Option<&[f32]>) = (&d, sample.as_deref());
    let (level, len) = (Level::current(), h * w * c);
    write(kernel, "dst", &[dst], &reads, |out| {
        // One number for all channels: as if there were only one.
        let period = Period::new(1, len);
        let zero = period.constant(0.0);
        for_pieces(n, out, |images, parts| {
            for (image, out) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(len))) {
                let factor = gate * sample.and_then(|s| s.get(image)).copied().unwrap_or(1.0);
                combine(level, out, add, &zero, &[(&d[image * len..][..len], &period.constant(factor))]);
            }
        });
        Ok(())
    })
}
