//! Counts of one op, and the building blocks of all others.

use super::Counts;
use crate::op::{Op, OpShape};

/// Counts of one op on one edge.
///
/// ```
/// use eoinas_core::{Op, OpShape, count};
/// let shape = OpShape { channels: 16, stride: 1, height: 32, width: 32, affine: true };
/// // Twice: 16 filters of 3x3, 16x16 pointwise weights, 16 scales and 16 shifts.
/// assert_eq!(count::op(&Op::SepConv3x3, shape).parameters, 2 * (16 * 9 + 16 * 16 + 32));
/// ```
pub fn op(op: &Op, shape: OpShape) -> Counts {
    let c = shape.channels;
    match op {
        Op::None | Op::MaxPool3x3 | Op::AvgPool3x3 => Counts::default(),
        Op::SkipConnect if shape.stride == 1 => Counts::default(),
        Op::SkipConnect => conv_norm(c, c, 1, shape.output_size(), shape.affine),
        Op::SepConv3x3 => depthwise_separable(shape, 3) + depthwise_separable(shape, 3),
        Op::SepConv5x5 => depthwise_separable(shape, 5) + depthwise_separable(shape, 5),
        Op::SepConv7x7 => depthwise_separable(shape, 7) + depthwise_separable(shape, 7),
        Op::DilConv3x3 => depthwise_separable(shape, 3),
        Op::DilConv5x5 => depthwise_separable(shape, 5),
        Op::Conv7x1_1x7 => {
            // The 1x7 convolution has the stride along the width, the 7x1 along the height.
            let (out_height, out_width) = shape.output_size();
            convolution(c, c, 7, (shape.height, out_width))
                + convolution(c, c, 7, (out_height, out_width))
                + norm(c, shape.affine)
        }
        Op::NorConv1x1 => conv_norm(c, c, 1, shape.output_size(), shape.affine),
        Op::NorConv3x3 => conv_norm(c, c, 9, shape.output_size(), shape.affine),
        Op::Custom(spec) => Counts { parameters: spec.parameters(shape), multiply_adds: spec.multiply_adds(shape) },
    }
}

/// ReLU, depthwise, pointwise, BatchNorm. Dilation costs nothing. The second half of a separable convolution works on
/// the first one's output, whose size is what is counted in both.
fn depthwise_separable(shape: OpShape, kernel: usize) -> Counts {
    let (c, size) = (shape.channels, shape.output_size());
    convolution(1, c, kernel * kernel, size) + conv_norm(c, c, 1, size, shape.affine)
}

/// A convolution without bias. `input` channels per group, `taps` weights per channel pair, `size` of the output.
pub(super) fn convolution(input: usize, output: usize, taps: usize, size: (usize, usize)) -> Counts {
    let parameters = product(&[input, output, taps]);
    Counts { parameters, multiply_adds: parameters.saturating_mul(product(&[size.0, size.1])) }
}

/// A convolution followed by BatchNorm.
pub(super) fn conv_norm(input: usize, output: usize, taps: usize, size: (usize, usize), affine: bool) -> Counts {
    convolution(input, output, taps, size) + norm(output, affine)
}

/// BatchNorm: a scale and a shift per channel where it is affine. Its running statistics are not trained.
pub(super) fn norm(channels: usize, affine: bool) -> Counts {
    Counts { parameters: if affine { product(&[2, channels]) } else { 0 }, multiply_adds: 0 }
}

/// A linear layer with bias, which counts as parameters only.
pub(super) fn linear(input: usize, output: usize) -> Counts {
    let weights = product(&[input, output]);
    Counts { parameters: weights.saturating_add(output as u64), multiply_adds: weights }
}

fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1u64, |all, &factor| all.saturating_mul(factor as u64))
}
