//! What ops check of their tensors before a device sees them.

use candle_core::Tensor;

use crate::error::{KernelError, Result};
use crate::geometry::Convolution;
use crate::tensors::{expect_dims, image_dims, len};
use crate::view::{Gradient, Input, InputGradient, Norm, Term};

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
    let mut channels: usize = 0;
    for source in input.sources {
        let (n2, h2, w2, c) = image_dims(kernel, "input", source)?;
        let joined = channels.checked_add(c).filter(|&c| len(&[n, h, w, c]).is_some());
        match joined {
            Some(joined) if [n2, h2, w2] == [n, h, w] => channels = joined,
            _ => {
                let expected = format!("[{n}, {h}, {w}, c] as the first source");
                return Err(KernelError::shape(kernel, "input", source, expected));
            }
        }
    }
    input.norm.map_or(Ok(()), |norm| check_norm(kernel, norm, channels))?;
    Ok([n, h, w, channels])
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

/// Checks a summand's tensors; `shape` is the node's.
///
/// # Errors
/// A tensor of another shape.
pub(crate) fn check_term(kernel: &'static str, term: &Term<'_>, shape: [usize; 4]) -> Result<()> {
    let [n, _, _, c] = shape;
    expect_dims(kernel, "z", term.z, &shape)?;
    term.norm.map_or(Ok(()), |norm| check_norm(kernel, norm, c))?;
    term.sample.map_or(Ok(()), |sample| expect_dims(kernel, "sample", sample, &[n]))
}

fn check_norm(kernel: &'static str, norm: &Norm, channels: usize) -> Result<()> {
    let Norm { mean, rstd, scale, shift } = norm;
    [("norm mean", mean), ("norm rstd", rstd), ("norm scale", scale), ("norm shift", shift)]
        .into_iter()
        .try_for_each(|(name, tensor)| expect_dims(kernel, name, tensor, &[channels]))
}

/// Shapes of a convolution's input and output. Every offset inside of them, border included, can be counted.
///
/// # Errors
/// Tensors that do not fit each other or the geometry, or are too large.
pub(crate) fn convolution_shapes(x: Input<'_>, conv: Convolution<&Tensor>) -> Result<([usize; 4], [usize; 4])> {
    let kernel = conv.name();
    let shape = input_shape(kernel, x)?;
    let [n, h, w, ci] = shape;
    let pointwise = |name, weight: &Tensor| match *weight.dims() {
        [i, co] if i == ci && co > 0 => Ok(co),
        _ => Err(KernelError::shape(kernel, name, weight, format!("[{ci}, co]"))),
    };
    let co = match conv {
        Convolution::Depthwise { weight, geometry } => {
            expect_dims(kernel, "weight", weight, &[geometry.kernel(), geometry.kernel(), ci])?;
            ci
        }
        Convolution::Dense { weight, geometry } => {
            let (kh, kw) = geometry.kernel();
            match *weight.dims() {
                [a, b, i, co] if (a, b, i) == (kh, kw, ci) && co > 0 => co,
                [i, co] if (kh, kw, i) == (1, 1, ci) && co > 0 => co,
                _ => {
                    let expected = format!("[{kh}, {kw}, {ci}, co] (or [ci, co] for a 1x1 kernel)");
                    return Err(KernelError::shape(kernel, "weight", weight, expected));
                }
            }
        }
        Convolution::Separable { depthwise, pointwise: weight, geometry } => {
            expect_dims(kernel, "depthwise", depthwise, &[geometry.kernel(), geometry.kernel(), ci])?;
            pointwise("pointwise", weight)?
        }
        Convolution::FactorizedReduce { weights: [first, second] } => {
            pointwise("weight_1", first)? + pointwise("weight_2", second)?
        }
    };
    let (stride, border) = conv.stride_and_border();
    let out = [n, h.div_ceil(stride), w.div_ceil(stride), co];
    if bordered_len(shape, border, co).is_none() || len(&out).is_none() {
        return Err(KernelError::Argument {
            kernel,
            argument: "input",
            got: format!("of shape {shape:?} with {co} output channels"),
            expected: "fewer values than memory can hold".to_owned(),
        });
    }
    Ok((shape, out))
}

/// Values of an image in scratch memory, with a border and channels that fill whole vectors.
fn bordered_len([_, h, w, ci]: [usize; 4], border: (usize, usize), co: usize) -> Option<usize> {
    let pixel = ci.max(co).checked_add(32)?;
    len(&[h.checked_add(2 * border.0)?, w.checked_add(2 * border.1)?.checked_add(1)?, pixel])
}
