//! What an op does, without its numbers: sizes and steps of filters, bounded where they are made, and which convolution or
//! pooling they belong to.

use std::iter;

use crate::error::{KernelError, Result};

/// Rows or columns of a filter, at most.
const KERNEL: usize = 63;
/// Step between the taps of a filter, at most.
const DILATION: usize = 64;

/// A square filter's size and steps. The padding is `dilation * (kernel - 1) / 2` on every side, so that an output has
/// `ceil(size / stride)` rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    kernel: usize,
    stride: usize,
    dilation: usize,
}

impl Geometry {
    /// A filter of `kernel` rows and columns (odd, at most 63), `stride` (1 or 2) between outputs, `dilation` (1 to 64)
    /// between taps.
    ///
    /// # Errors
    /// Another number.
    pub fn new(kernel: usize, stride: usize, dilation: usize) -> Result<Self> {
        check_kernel("kernel size", kernel)?;
        check_stride("Geometry", stride)?;
        let expected = format!("at least 1 and at most {DILATION}");
        check("Geometry", "dilation", dilation, (1..=DILATION).contains(&dilation), &expected)?;
        Ok(Self { kernel, stride, dilation })
    }

    /// Rows and columns of the filter.
    pub fn kernel(self) -> usize {
        self.kernel
    }

    /// Step between outputs.
    pub fn stride(self) -> usize {
        self.stride
    }

    /// Step between taps.
    pub fn dilation(self) -> usize {
        self.dilation
    }

    /// Padding on every side.
    pub fn padding(self) -> usize {
        self.dilation * (self.kernel - 1) / 2
    }
}

/// A dense filter's size and step. The padding is half of the size, so that an output has `ceil(size / stride)` rows
/// and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    kernel: (usize, usize),
    stride: usize,
}

impl ConvGeometry {
    /// A 1x1 convolution.
    pub const POINTWISE: Self = Self { kernel: (1, 1), stride: 1 };

    /// A filter of `kernel` rows and columns (odd, at most 63) and `stride` (1 or 2) between outputs.
    ///
    /// # Errors
    /// Another number.
    pub fn new(kernel: (usize, usize), stride: usize) -> Result<Self> {
        check_kernel("kernel rows", kernel.0)?;
        check_kernel("kernel columns", kernel.1)?;
        check_stride("Geometry", stride)?;
        Ok(Self { kernel, stride })
    }

    /// Rows and columns of the filter.
    pub fn kernel(self) -> (usize, usize) {
        self.kernel
    }

    /// Step between outputs.
    pub fn stride(self) -> usize {
        self.stride
    }

    /// Padding above and below, left and right.
    pub fn padding(self) -> (usize, usize) {
        (self.kernel.0 / 2, self.kernel.1 / 2)
    }
}

fn check(kernel: &'static str, argument: &'static str, got: usize, ok: bool, expected: &str) -> Result<()> {
    if ok {
        return Ok(());
    }
    Err(KernelError::Argument { kernel, argument, got: got.to_string(), expected: expected.to_owned() })
}

fn check_kernel(argument: &'static str, got: usize) -> Result<()> {
    check("Geometry", argument, got, got % 2 == 1 && got <= KERNEL, &format!("an odd number, at most {KERNEL}"))
}

pub(crate) fn check_stride(kernel: &'static str, got: usize) -> Result<()> {
    check(kernel, "stride", got, got == 1 || got == 2, "1 or 2")
}

/// A convolution with its weights: tensors where it runs, whatever stands for them where it is kept. `x` is
/// `[n, h, w, ci]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convolution<W> {
    /// Each channel has its own filter.
    Depthwise {
        /// `[k, k, ci]`.
        weight: W,
        /// Of the filters.
        geometry: Geometry,
    },
    /// Every output channel reads every input channel.
    Dense {
        /// `[kh, kw, ci, co]`, or `[ci, co]` for a 1x1 convolution.
        weight: W,
        /// Of the filter.
        geometry: ConvGeometry,
    },
    /// Depthwise, then 1x1, as one kernel: what lies between is never written.
    Separable {
        /// `[k, k, ci]`.
        depthwise: W,
        /// `[ci, co]`.
        pointwise: W,
        /// Of the depthwise filters.
        geometry: Geometry,
    },
    /// Halves height and width: channels `..c1` are pixels `(2i, 2j)` times the first weight, the others pixels
    /// `(2i + 1, 2j + 1)` (0 beyond the border) times the second. A side of one pixel stays one, and both read it
    /// ([`reduce_offset`]).
    FactorizedReduce {
        /// `[ci, c1]` and `[ci, c2]`.
        weights: [W; 2],
    },
}

impl<W> Convolution<W> {
    /// Its weights; gradients come in the same order.
    pub fn weights(&self) -> impl Iterator<Item = &W> {
        let (first, second) = match self {
            Self::Depthwise { weight, .. } | Self::Dense { weight, .. } => (weight, None),
            Self::Separable { depthwise, pointwise, .. } => (depthwise, Some(pointwise)),
            Self::FactorizedReduce { weights: [first, second] } => (first, Some(second)),
        };
        iter::once(first).chain(second)
    }

    /// The same convolution with what `f` makes of its weights.
    ///
    /// # Errors
    /// The first one of `f`.
    pub fn try_map<U, E>(self, mut f: impl FnMut(W) -> Result<U, E>) -> Result<Convolution<U>, E> {
        Ok(match self {
            Self::Depthwise { weight, geometry } => Convolution::Depthwise { weight: f(weight)?, geometry },
            Self::Dense { weight, geometry } => Convolution::Dense { weight: f(weight)?, geometry },
            Self::Separable { depthwise, pointwise, geometry } => {
                Convolution::Separable { depthwise: f(depthwise)?, pointwise: f(pointwise)?, geometry }
            }
            Self::FactorizedReduce { weights: [first, second] } => {
                Convolution::FactorizedReduce { weights: [f(first)?, f(second)?] }
            }
        })
    }

    /// Its name in errors.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Depthwise { .. } => "depthwise convolution",
            Self::Dense { .. } => "dense convolution",
            Self::Separable { .. } => "separable convolution",
            Self::FactorizedReduce { .. } => "factorized reduce",
        }
    }

    /// Step between outputs, and the border that the input is read with.
    pub(crate) fn stride_and_border(&self) -> (usize, (usize, usize)) {
        match self {
            Self::Depthwise { geometry, .. } | Self::Separable { geometry, .. } => {
                (geometry.stride(), (geometry.padding(), geometry.padding()))
            }
            Self::Dense { geometry, .. } => (geometry.stride(), geometry.padding()),
            Self::FactorizedReduce { .. } => (2, (1, 1)),
        }
    }
}

/// How many rows and columns further the second weight of a [`Convolution::FactorizedReduce`] reads, of an image of this
/// height and width: one, but none along a side of one pixel, where that would be the border.
pub fn reduce_offset(height: usize, width: usize) -> (usize, usize) {
    (usize::from(height > 1), usize::from(width > 1))
}

/// Which value of its 3x3 window a pooling takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest, or NaN where there is one. In backward the first of several (row by row), as in PyTorch; a window
    /// with a NaN passes no gradient on.
    Max,
    /// The mean of the window's pixels that lie inside the image (padding is not counted).
    Average,
}

/// A function of each value other than ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
    /// `x` times the hard sigmoid of `x`.
    HardSwish,
}

impl Curve {
    /// Whether [`crate::curve::curve_backward`] is given the function's value; else it is given `x`.
    pub fn goes_back_by_value(self) -> bool {
        self != Self::HardSwish
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bounded_geometry_is_made() {
        for (kernel, stride, dilation) in [(3, 1, usize::MAX), (usize::MAX, 1, 1), (4, 1, 1), (3, 0, 1), (3, 1, 0)] {
            let error = Geometry::new(kernel, stride, dilation).unwrap_err();
            assert!(matches!(error, KernelError::Argument { .. }), "{error}");
        }
        assert!(ConvGeometry::new((1, usize::MAX), 1).is_err() && ConvGeometry::new((1, 1), 3).is_err());
        assert_eq!(Geometry::new(63, 2, 64).unwrap().padding(), 31 * 64);
    }
}
