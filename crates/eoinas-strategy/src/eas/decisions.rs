//! What the actors decide, and layers as tokens.

use eoinas_core::Setting;

use super::NAME;
use crate::chain::{Chain, ChainLayer, Growth};

/// One decision about a chain.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decision {
    /// For each layer that can be wider, whether it becomes so.
    Wider { chain: Chain, layers: Vec<(usize, bool)> },
    /// The block, the place in it of the layer that gets another behind it, and that one's filter by its place in the list.
    Deeper { chain: Chain, block: usize, place: usize, kernel: usize },
}

impl Decision {
    /// The chain after it.
    pub fn applied(&self, growth: &Growth) -> Chain {
        match self {
            Self::Wider { chain, layers } => {
                let wide = layers.iter().filter(|(_, wider)| *wider);
                wide.fold(chain.clone(), |chain, (at, _)| growth.widened(&chain, *at).unwrap_or(chain))
            }
            Self::Deeper { chain, block, place, kernel } => {
                let after = chain.blocks().get(*block).and_then(|block| block.get(*place).copied());
                let kernel = growth.kernels.get(*kernel).copied().unwrap_or(1);
                after.and_then(|after| chain.deepened(after, kernel)).unwrap_or_else(|| chain.clone())
            }
        }
    }
}

/// Layers as numbers: 0 for a pooling of any window, then convolutions, then fully connected layers.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    growth: Growth,
}

impl Tokens {
    pub fn new(growth: &Growth) -> Result<Self, Setting> {
        let ascending =
            |all: &[usize]| !all.is_empty() && all.iter().zip(all.iter().skip(1)).all(|(one, next)| one < next);
        for (field, all) in [("channels", &growth.channels), ("units", &growth.units)] {
            let numbers = ascending(all) && all.iter().all(|one| (1..=65_536).contains(one));
            let expected = "numbers from 1 to 65536, ascending, at least one";
            Setting::check(numbers, format!("{NAME}.{field}"), format!("{all:?}"), expected)?;
        }
        let kernels = ascending(&growth.kernels) && growth.kernels.iter().all(|kernel| kernel % 2 == 1);
        let expected = "odd numbers, ascending, at least one";
        Setting::check(kernels, format!("{NAME}.kernels"), format!("{:?}", growth.kernels), expected)?;
        Ok(Self { growth: growth.clone() })
    }

    pub fn vocabulary(&self) -> usize {
        1 + self.growth.channels.len() * self.growth.kernels.len() + self.growth.units.len()
    }

    /// The tokens of a chain; `None` for one with another width or filter.
    pub fn of(&self, chain: &Chain) -> Option<Vec<u32>> {
        let place = |all: &[usize], one: usize| all.iter().position(|other| *other == one);
        let kernels = self.growth.kernels.len();
        let token = |layer: &ChainLayer| {
            let token = match *layer {
                ChainLayer::Pool { .. } => 0,
                ChainLayer::Conv { kernel, channels } => {
                    1 + place(&self.growth.channels, channels)? * kernels + place(&self.growth.kernels, kernel)?
                }
                ChainLayer::Dense { units } => {
                    1 + self.growth.channels.len() * kernels + place(&self.growth.units, units)?
                }
            };
            u32::try_from(token).ok()
        };
        chain.layers.iter().map(token).collect()
    }
}
