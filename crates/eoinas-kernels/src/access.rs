//! From tensors to slices: the inputs and gradients of a convolution, checked and borrowed.

use candle_core::{Device, Tensor};

use crate::error::{KernelError, Result};
use crate::tensors::{Values, expect_dims, image_dims, read, shape_error};
use crate::view::{Gradient, Input, InputGradient};

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

/// The shape `[n, h, w, c]` of an input's joined sources.
///
/// # Errors
/// No sources, or tensors that do not fit each other.
pub(crate) fn input_shape(kernel: &'static str, input: Input<'_>) -> Result<[usize; 4]> {
    let Some(first) = input.sources.first() else {
        let (got, expected) = ("no sources".to_owned(), "at least one".to_owned());
        return Err(KernelError::Argument { kernel, argument: "input", got, expected });
    };
    let (n, h, w, _) = image_dims(kernel, "input", first)?;
    let mut channels = 0;
    for source in input.sources {
        match *source.dims() {
            [n2, h2, w2, c] if [n2, h2, w2] == [n, h, w] && c > 0 => channels += c,
            _ => {
                let expected = format!("[{n}, {h}, {w}, c] as the first source");
                return Err(shape_error(kernel, "input", source, expected));
            }
        }
    }
    if let Some(norm) = input.norm {
        expect_dims(kernel, "input norm mean", &norm.mean, &[channels])?;
        expect_dims(kernel, "input norm rstd", &norm.rstd, &[channels])?;
        expect_dims(kernel, "input norm scale", &norm.scale, &[channels])?;
        expect_dims(kernel, "input norm shift", &norm.shift, &[channels])?;
    }
    Ok([n, h, w, channels])
}

impl<'a> InputGuard<'a> {
    /// `shape` is that of [`input_shape`].
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

/// Checks a gradient's tensors; `shape` is that of the kernel's output.
///
/// # Errors
/// A tensor of another shape.
pub(crate) fn check_gradient(kernel: &'static str, gradient: Gradient<'_>, shape: [usize; 4]) -> Result<()> {
    let channels = [shape[3]];
    expect_dims(kernel, "dy", gradient.dy, &shape)?;
    if let Some((z, map)) = gradient.norm {
        expect_dims(kernel, "z", z, &shape)?;
        expect_dims(kernel, "gradient coefficient a", &map.a, &channels)?;
        expect_dims(kernel, "gradient coefficient b", &map.b, &channels)?;
        expect_dims(kernel, "gradient coefficient d", &map.d, &channels)?;
    }
    gradient.sample.map_or(Ok(()), |sample| expect_dims(kernel, "sample", sample, &[shape[0]]))
}

impl<'a> GradientGuard<'a> {
    /// Of a gradient that [`check_gradient`] has checked.
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

/// Checks an [`InputGradient`] against the input that it belongs to: shapes, and no pending BatchNorm.
pub(crate) fn check_input_gradient(kernel: &'static str, request: InputGradient<'_>, input: Input<'_>) -> Result<()> {
    const NAME: &str = "input gradient";
    let (InputGradient::AddTo(targets) | InputGradient::WriteTo(targets)) = request else { return Ok(()) };
    let argument = |got: String, expected: &str| KernelError::Argument {
        kernel,
        argument: NAME,
        got,
        expected: expected.to_owned(),
    };
    if targets.len() != input.sources.len() {
        return Err(argument(format!("{} tensors", targets.len()), "one tensor for each source of the input"));
    }
    if input.norm.is_some() {
        return Err(argument("`AddTo` or `WriteTo`".to_owned(), "`Return`, as the input has a pending BatchNorm"));
    }
    targets.iter().zip(input.sources).try_for_each(|(target, source)| expect_dims(kernel, NAME, target, source.dims()))
}

/// A CPU tensor of per-channel numbers.
pub(crate) fn channel_tensor(values: Vec<f32>) -> Result<Tensor> {
    let len = values.len();
    Ok(Tensor::from_vec(values, len, &Device::Cpu)?)
}
