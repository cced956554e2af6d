//! Candidate operations: the half of an op that needs no tensor (its name, its counts, whether it is zero).

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Serialize, Serializer};

/// Where an op stands: what its parameter and multiply-add counts depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpShape {
    /// Channels in and out.
    pub channels: usize,
    /// 1 or 2; the output is `ceil(size / stride)` pixels high and wide.
    pub stride: usize,
    /// Height of the input in pixels.
    pub height: usize,
    /// Width of the input in pixels.
    pub width: usize,
    /// Whether BatchNorm has a scale and a shift (retraining) or not (search).
    pub affine: bool,
}

impl OpShape {
    /// Height and width of the output: `ceil(size / stride)`.
    pub fn output_size(&self) -> (usize, usize) {
        (self.height.div_ceil(self.stride), self.width.div_ceil(self.stride))
    }
}

/// A user's own op, as far as the search space is concerned. Its tensor half is registered with eoinas-nn under the
/// same name.
pub trait OpSpec: fmt::Debug + Send + Sync {
    /// Name in genotypes, files and tables: letters, digits and underscores, not one of the built-in names.
    fn name(&self) -> &str;
    /// Number of trained parameters.
    fn parameters(&self, shape: OpShape) -> u64;
    /// Multiply-adds of convolutions and linear layers for one image in evaluation mode.
    fn multiply_adds(&self, shape: OpShape) -> u64;
    /// Whether the op outputs zeros whatever its input, as `none` does; such an op is never derived. Default: false.
    fn is_zero(&self) -> bool {
        false
    }
    /// Whether the op is a skip connection as the collapse guard counts them. Default: false.
    fn is_skip(&self) -> bool {
        false
    }
}

/// A candidate operation. Two ops are equal when their names are.
#[derive(Clone, Debug)]
pub enum Op {
    /// `none`: zeros.
    None,
    /// `max_pool_3x3` (followed by BatchNorm in the search).
    MaxPool3x3,
    /// `avg_pool_3x3`, borders divided by the number of real pixels.
    AvgPool3x3,
    /// `skip_connect`: identity, or a factorised reduce at stride 2.
    SkipConnect,
    /// `sep_conv_3x3`: twice ReLU, depthwise, pointwise, BatchNorm.
    SepConv3x3,
    /// `sep_conv_5x5`.
    SepConv5x5,
    /// `sep_conv_7x7`.
    SepConv7x7,
    /// `dil_conv_3x3`: once ReLU, depthwise with dilation 2, pointwise, BatchNorm.
    DilConv3x3,
    /// `dil_conv_5x5`.
    DilConv5x5,
    /// `conv_7x1_1x7`: ReLU, 1x7, 7x1, BatchNorm.
    Conv7x1_1x7,
    /// `nor_conv_1x1` of NAS-Bench-201: ReLU, convolution, BatchNorm.
    NorConv1x1,
    /// `nor_conv_3x3` of NAS-Bench-201: ReLU, convolution, BatchNorm.
    NorConv3x3,
    /// A user's own.
    Custom(Arc<dyn OpSpec>),
}

/// Every built-in op, in the order of the DARTS files where that has it.
pub const BUILT_IN: [Op; 12] = [
    Op::None,
    Op::MaxPool3x3,
    Op::AvgPool3x3,
    Op::SkipConnect,
    Op::SepConv3x3,
    Op::SepConv5x5,
    Op::DilConv3x3,
    Op::DilConv5x5,
    Op::SepConv7x7,
    Op::Conv7x1_1x7,
    Op::NorConv1x1,
    Op::NorConv3x3,
];

impl Op {
    /// A user's own op.
    pub fn custom(spec: impl OpSpec + 'static) -> Self {
        Self::Custom(Arc::new(spec))
    }

    /// The name in genotypes, files and tables.
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::MaxPool3x3 => "max_pool_3x3",
            Self::AvgPool3x3 => "avg_pool_3x3",
            Self::SkipConnect => "skip_connect",
            Self::SepConv3x3 => "sep_conv_3x3",
            Self::SepConv5x5 => "sep_conv_5x5",
            Self::SepConv7x7 => "sep_conv_7x7",
            Self::DilConv3x3 => "dil_conv_3x3",
            Self::DilConv5x5 => "dil_conv_5x5",
            Self::Conv7x1_1x7 => "conv_7x1_1x7",
            Self::NorConv1x1 => "nor_conv_1x1",
            Self::NorConv3x3 => "nor_conv_3x3",
            Self::Custom(spec) => spec.name(),
        }
    }

    /// Whether the output is zero whatever the input.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::None => true,
            Self::Custom(spec) => spec.is_zero(),
            _ => false,
        }
    }

    /// Whether it is a skip connection as the collapse guard counts them.
    pub fn is_skip(&self) -> bool {
        match self {
            Self::SkipConnect => true,
            Self::Custom(spec) => spec.is_skip(),
            _ => false,
        }
    }
}

impl PartialEq for Op {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Op {}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Op {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// No built-in op has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown op `{name}`; known are {}", BUILT_IN.map(|op| op.name().to_owned()).join(", "))]
pub struct UnknownOp {
    /// The name as it was given, cut to 64 characters.
    pub name: String,
}

impl FromStr for Op {
    type Err = UnknownOp;

    fn from_str(text: &str) -> Result<Self, UnknownOp> {
        BUILT_IN
            .into_iter()
            .find(|op| op.name() == text)
            .ok_or_else(|| UnknownOp { name: text.chars().take(64).collect() })
    }
}
