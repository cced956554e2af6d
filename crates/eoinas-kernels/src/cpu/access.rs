//! From tensors to slices: the inputs and gradients of a convolution, checked and borrowed.

use super::values::{Values, read};
use crate::error::Result;
use crate::view::{Gradient, Input};

/// The tensors of an [`Input`], borrowed.
pub(crate) struct InputGuard<'a> {
    sources: Vec<(Values<'a>, usize)>,
    /// mean, rstd, scale, shift.
    norm: Option<[Values<'a>; 4]>,
    relu: bool,
    pub(crate) shape: [usize; 4],
}

/// A BatchNorm's numbers, `[c]` each.
#[derive(Clone, Copy)]
pub(crate) struct NormView<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) rstd: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
}

/// An [`Input`] as slices.
#[derive(Clone)]
pub(crate) struct InputView<'a> {
    /// Values and number of channels of each source.
    pub(crate) sources: Vec<(&'a [f32], usize)>,
    pub(crate) norm: Option<NormView<'a>>,
    pub(crate) relu: bool,
    /// Of all sources joined.
    pub(crate) shape: [usize; 4],
}

impl<'a> InputGuard<'a> {
    /// `shape` is that of [`crate::check::input_shape`].
    pub(crate) fn new(kernel: &'static str, input: Input<'a>, shape: [usize; 4]) -> Result<Self> {
        let mut sources = Vec::with_capacity(input.sources.len());
        for source in input.sources {
            sources.push((read(kernel, "input", source)?, source.dim(3)?));
        }
        let norm = match input.norm {
            None => None,
            Some(norm) => Some([
                read(kernel, "input norm mean", &norm.mean)?,
                read(kernel, "input norm rstd", &norm.rstd)?,
                read(kernel, "input norm scale", &norm.scale)?,
                read(kernel, "input norm shift", &norm.shift)?,
            ]),
        };
        Ok(Self { sources, norm, relu: input.relu, shape })
    }

    /// All that is borrowed.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &Values<'a>> {
        self.sources.iter().map(|s| &s.0).chain(self.norm.iter().flatten())
    }

    pub(crate) fn view(&self) -> InputView<'_> {
        InputView {
            sources: self.sources.iter().map(|(read, c)| (&**read, *c)).collect(),
            norm: self.norm.as_ref().map(|[mean, rstd, scale, shift]| NormView { mean, rstd, scale, shift }),
            relu: self.relu,
            shape: self.shape,
        }
    }
}

/// The tensors of a [`Gradient`], borrowed.
pub(crate) struct GradientGuard<'a> {
    dy: Values<'a>,
    /// z, a, b, d.
    norm: Option<[Values<'a>; 4]>,
    gate: f32,
    sample: Option<Values<'a>>,
}

/// A [`Gradient`] as slices.
#[derive(Clone, Copy)]
pub(crate) struct GradientView<'a> {
    pub(crate) dy: &'a [f32],
    /// `z`, and the coefficients `a`, `b`, `d`.
    pub(crate) norm: Option<(&'a [f32], [&'a [f32]; 3])>,
    pub(crate) gate: f32,
    pub(crate) sample: Option<&'a [f32]>,
}

impl<'a> GradientGuard<'a> {
    /// Of a gradient that [`crate::check::check_gradient`] has checked.
    pub(crate) fn new(kernel: &'static str, gradient: Gradient<'a>) -> Result<Self> {
        let dy = read(kernel, "dy", gradient.dy)?;
        let norm = match gradient.norm {
            None => None,
            Some((z, map)) => Some([
                read(kernel, "z", z)?,
                read(kernel, "gradient coefficient a", &map.a)?,
                read(kernel, "gradient coefficient b", &map.b)?,
                read(kernel, "gradient coefficient d", &map.d)?,
            ]),
        };
        let sample = gradient.sample.map(|sample| read(kernel, "sample", sample)).transpose()?;
        Ok(Self { dy, norm, gate: gradient.gate, sample })
    }

    /// All that is borrowed.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &Values<'a>> {
        std::iter::once(&self.dy).chain(self.norm.iter().flatten()).chain(&self.sample)
    }

    pub(crate) fn view(&self) -> GradientView<'_> {
        GradientView {
            dy: &self.dy,
            norm: self.norm.as_ref().map(|[z, a, b, d]| (&**z, [&**a, &**b, &**d])),
            gate: self.gate,
            sample: self.sample.as_deref(),
        }
    }
}
