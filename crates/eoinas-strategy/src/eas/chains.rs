//! Chains that grow.

use eoinas_core::Setting;

use super::{NAME, check_widths, space::Grows};
use crate::chain::{Chain, ChainLayer, Growth};

/// Kinds: 0 for a pooling of any window, then convolutions, then fully connected layers.
impl Grows for Growth {
    type Candidate = Chain;

    fn validate(&self) -> Result<(), Setting> {
        check_widths("channels", &self.channels)?;
        check_widths("units", &self.units)?;
        let kernels = self.kernels.is_sorted_by(|one, next| one < next) && !self.kernels.is_empty();
        let kernels = kernels && self.kernels.iter().all(|kernel| kernel % 2 == 1);
        let expected = "odd numbers, ascending, at least one";
        Setting::check(kernels, format!("{NAME}.kernels"), format!("{:?}", self.kernels), expected)
    }

    fn vocabulary(&self) -> usize {
        1 + self.channels.len() * self.kernels.len() + self.units.len()
    }

    fn tokens(&self, chain: &Chain) -> Option<Vec<u32>> {
        let place = |all: &[usize], one: usize| all.iter().position(|other| *other == one);
        let kernels = self.kernels.len();
        let token = |layer: &ChainLayer| {
            let token = match *layer {
                ChainLayer::Pool { .. } => 0,
                ChainLayer::Conv { kernel, channels } => {
                    1 + place(&self.channels, channels)? * kernels + place(&self.kernels, kernel)?
                }
                ChainLayer::Dense { units } => 1 + self.channels.len() * kernels + place(&self.units, units)?,
            };
            u32::try_from(token).ok()
        };
        chain.layers.iter().map(token).collect()
    }

    fn wider(&self, chain: &Chain, at: usize) -> Option<Chain> {
        self.widened(chain, at)
    }

    fn places(&self, chain: &Chain) -> Vec<usize> {
        chain.blocks().iter().map(Vec::len).collect()
    }

    fn filters(&self) -> usize {
        self.kernels.len()
    }

    /// A fully connected layer has none.
    fn has_filter(&self, chain: &Chain, block: usize, place: usize) -> bool {
        at(chain, block, place).and_then(|at| chain.layers.get(at)).is_some_and(ChainLayer::is_convolution)
    }

    fn deeper(&self, chain: &Chain, block: usize, place: usize, filter: usize) -> Option<Chain> {
        chain.deepened(at(chain, block, place)?, self.kernels.get(filter).copied().unwrap_or(1))
    }
}

/// Where a layer of a block stands in the chain.
fn at(chain: &Chain, block: usize, place: usize) -> Option<usize> {
    chain.blocks().get(block)?.get(place).copied()
}
