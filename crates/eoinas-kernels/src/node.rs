//! A node of a cell: the sum of its edges' ops, each of which arrives as raw output with its BatchNorm pending.

use candle_core::Tensor;

use crate::Workspace;
use crate::error::Result;
use crate::norm::{GradSums, Norm, channels};
use crate::tensors::{Values, expect_dims, image_dims, read, write};

/// One summand of a node: `gate * sample[n] * (scale * z + shift)`.
#[derive(Clone, Copy, Debug)]
pub struct Term<'a> {
    /// The op's raw output, `[n, h, w, c]`.
    pub z: &'a Tensor,
    /// Its pending BatchNorm; `None`: `z` itself is summed (an identity).
    pub norm: Option<&'a Norm>,
    /// The op's weight on its edge.
    pub gate: f32,
    /// A factor for each image, `[n]` (drop-path); `None`: 1.
    pub sample: Option<&'a Tensor>,
}

/// Gradients of one summand that its backward pass starts from.
#[derive(Clone, Debug)]
pub struct TermGradient {
    /// BatchNorm's sums of `sample * dy` (the gate is not in them); only for a term with BatchNorm.
    pub sums: Option<GradSums>,
    /// Gradient of the gate, `sum(dy * sample * y)` where `y = scale * z + shift`. 0 for a term without BatchNorm whose
    /// gate's gradient is not wanted.
    pub gate: f64,
}

struct Coefficients {
    scale: Vec<f32>,
    shift: Vec<f32>,
    sample: Option<Vec<f32>>,
}

impl Coefficients {
    fn sample(&self, n: usize) -> f32 {
        self.sample.as_ref().and_then(|s| s.get(n)).copied().unwrap_or(1.0)
    }
}

fn coefficients(kernel: &'static str, term: &Term<'_>, n: usize, c: usize) -> Result<Coefficients> {
    let (scale, shift) = match term.norm {
        None => (vec![1.0; c], vec![0.0; c]),
        Some(norm) => {
            for tensor in [&norm.scale, &norm.shift, &norm.mean, &norm.rstd] {
                expect_dims(kernel, "norm", tensor, &[c])?;
            }
            (read(kernel, "scale", &norm.scale)?.to_vec(), read(kernel, "shift", &norm.shift)?.to_vec())
        }
    };
    let sample = match term.sample {
        None => None,
        Some(sample) => {
            expect_dims(kernel, "sample", sample, &[n])?;
            Some(read(kernel, "sample", sample)?.to_vec())
        }
    };
    Ok(Coefficients { scale, shift, sample })
}

/// The sum of the terms, `[n, h, w, c]`; zeros without terms.
///
/// # Errors
/// Tensors that are not contiguous f32 CPU tensors, or of another shape than `shape` says.
pub fn node_sum(ws: &Workspace, shape: (usize, usize, usize, usize), terms: &[Term<'_>]) -> Result<Tensor> {
    const KERNEL: &str = "node_sum";
    let (n, h, w, c) = shape;
    let mut out = ws.take(n * h * w * c);
    out.fill(0.0);
    for term in terms {
        expect_dims(KERNEL, "z", term.z, &[n, h, w, c])?;
        let z = read(KERNEL, "z", term.z)?;
        let k = coefficients(KERNEL, term, n, c)?;
        let image = (h * w * c).max(1);
        for (i, (out, z)) in out.chunks_exact_mut(image).zip(z.chunks_exact(image)).enumerate() {
            let factor = term.gate * k.sample(i);
            for (out, z) in out.chunks_exact_mut(c).zip(z.chunks_exact(c)) {
                for (((out, z), scale), shift) in out.iter_mut().zip(z).zip(&k.scale).zip(&k.shift) {
                    *out += factor * (scale * z + shift);
                }
            }
        }
    }
    ws.tensor(out, shape)
}

/// What each term needs of the gradient `dy` (`[n, h, w, c]`) of the node. A term without BatchNorm is read only if
/// `want_gates`.
///
/// # Errors
/// Tensors that are not contiguous f32 CPU tensors of `dy`'s shape.
pub fn node_sum_backward(
    _ws: &Workspace,
    dy: &Tensor,
    terms: &[Term<'_>],
    want_gates: bool,
) -> Result<Vec<TermGradient>> {
    const KERNEL: &str = "node_sum_backward";
    let (n, h, w, c) = image_dims(KERNEL, "dy", dy)?;
    let d = read(KERNEL, "dy", dy)?;
    let image = h * w * c;
    let mut gradients = Vec::with_capacity(terms.len());
    for term in terms {
        expect_dims(KERNEL, "z", term.z, dy.dims())?;
        let k = coefficients(KERNEL, term, n, c)?;
        if term.norm.is_none() && !want_gates {
            gradients.push(TermGradient { sums: None, gate: 0.0 });
            continue;
        }
        let z = read(KERNEL, "z", term.z)?;
        let (mean, rstd): (Vec<f32>, Vec<f32>) = match term.norm {
            None => (vec![0.0; c], vec![1.0; c]),
            Some(norm) => (read(KERNEL, "mean", &norm.mean)?.to_vec(), read(KERNEL, "rstd", &norm.rstd)?.to_vec()),
        };
        let (mut sum, mut sum_xhat, mut gate) = (vec![0.0f64; c], vec![0.0f64; c], 0.0f64);
        for (i, (d, z)) in d.chunks_exact(image).zip(z.chunks_exact(image)).enumerate() {
            for (d, z) in d.chunks_exact(c).zip(z.chunks_exact(c)) {
                for j in 0..c {
                    let d = f64::from(k.sample(i) * d[j]);
                    sum[j] += d;
                    sum_xhat[j] += d * f64::from(z[j] - mean[j]) * f64::from(rstd[j]);
                    gate += d * f64::from(k.scale[j] * z[j] + k.shift[j]);
                }
            }
        }
        let sums = match term.norm {
            None => None,
            Some(_) => Some(GradSums { dy: channels(sum)?, dy_xhat: channels(sum_xhat)? }),
        };
        gradients.push(TermGradient { sums, gate });
    }
    Ok(gradients)
}

/// `dst += gate * sample[n] * dy`, in place: the backward pass of an identity. Both `[n, h, w, c]`.
///
/// # Errors
/// Tensors that are not contiguous f32 CPU tensors of one shape, or share memory.
pub fn add_scaled(dst: &Tensor, dy: &Tensor, gate: f32, sample: Option<&Tensor>) -> Result<()> {
    const KERNEL: &str = "add_scaled";
    let (n, h, w, c) = image_dims(KERNEL, "dy", dy)?;
    expect_dims(KERNEL, "dst", dst, dy.dims())?;
    if let Some(sample) = sample {
        expect_dims(KERNEL, "sample", sample, &[n])?;
    }
    let d = read(KERNEL, "dy", dy)?;
    let sample: Option<Values<'_>> = sample.map(|s| read(KERNEL, "sample", s)).transpose()?;
    let image = h * w * c;
    write(KERNEL, "dst", &[dst], &[&d], |out| {
        for out in out {
            for (i, (out, d)) in out.chunks_exact_mut(image).zip(d.chunks_exact(image)).enumerate() {
                let factor = gate * sample.as_ref().and_then(|s| s.get(i)).copied().unwrap_or(1.0);
                for (out, d) in out.iter_mut().zip(d) {
                    *out += factor * d;
                }
            }
        }
        Ok(())
    })
}
