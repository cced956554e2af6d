//! Exact parameter and multiply-add counts, without building any tensor.
//!
//! The convention: parameters without the auxiliary head ([`auxiliary`] counts that); multiply-adds of convolutions and
//! linear layers only, for one image in evaluation mode. Sums saturate, so that an absurdly large network counts as
//! `u64::MAX` and not as little.
//!
//! ```
//! use eoinas_core::{Genotype, SearchSpace, Skeleton, count};
//! let darts = Genotype::parse(
//!     "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
//!      ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), \
//!      reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), \
//!      ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))",
//! )?;
//! let counts = count::network(&darts, &Skeleton::cifar(), &SearchSpace::darts())?;
//! assert_eq!((counts.parameters, counts.multiply_adds), (3_349_342, 528_359_040));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod extreme;
mod limits;
mod network;
mod op;
mod width;

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

pub use limits::{LatencyLimit, Limits, MeasuredWith};
pub use network::{auxiliary, network, supernet_path};
pub use op::op;
pub use width::channels_for;

/// What a part of a network costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Trained parameters: weights, biases, scales and shifts.
    pub parameters: u64,
    /// Multiply-adds of convolutions and linear layers for one image in evaluation mode.
    pub multiply_adds: u64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            parameters: self.parameters.saturating_add(other.parameters),
            multiply_adds: self.multiply_adds.saturating_add(other.multiply_adds),
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}
