//! DenseNets that grow.

use eoinas_core::Setting;
use eoinas_core::models::{DenseBlock, DenseNet};

use super::{check_widths, space::Grows};

/// How far EAS lets DenseNets grow: the widths that layers may have, each its own.
///
/// What a wider or one more layer makes too narrow grows with it, to what is published for such layers
/// ([`DenseNet::with_wider_inputs`]), as in the authors' code, which does so once a network has all of its layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseGrowth {
    /// Growth rates, ascending. Default 4, 6, 8, ... 48, as in the authors' search (han-cai/EAS, `arch_search_densenet_net2net.py`).
    pub rates: Vec<usize>,
}

impl Default for DenseGrowth {
    fn default() -> Self {
        Self { rates: (4..=48).step_by(2).collect() }
    }
}

impl DenseGrowth {
    /// Where a token stands: the block and the layer in it; `None` for what a block reads.
    fn at(network: &DenseNet, token: usize) -> Option<(usize, usize)> {
        let mut left = token;
        for (at, block) in network.blocks.iter().enumerate() {
            if left <= block.layers.len() {
                return Some((at, left.checked_sub(1)?));
            }
            left -= block.layers.len() + 1;
        }
        None
    }
}

/// Kinds: 0 for the first convolution and for transitions, then layers by their growth rates. A layer that is added is like the one
/// before it.
impl Grows for DenseGrowth {
    type Candidate = DenseNet;

    fn validate(&self) -> Result<(), Setting> {
        check_widths("rates", &self.rates)
    }

    fn vocabulary(&self) -> usize {
        1 + self.rates.len()
    }

    fn tokens(&self, network: &DenseNet) -> Option<Vec<u32>> {
        let rate = |growth: usize| self.rates.iter().position(|rate| *rate == growth).map(|at| 1 + at as u32);
        let of_block = |block: &DenseBlock| {
            let layers = block.layers.iter().map(|layer| rate(layer.growth));
            std::iter::once(Some(0)).chain(layers).collect::<Option<Vec<u32>>>()
        };
        Some(network.blocks.iter().map(of_block).collect::<Option<Vec<_>>>()?.concat())
    }

    fn wider(&self, network: &DenseNet, at: usize) -> Option<DenseNet> {
        let (block, layer) = Self::at(network, at)?;
        let growth = network.blocks.get(block)?.layers.get(layer)?.growth;
        let next = self.rates.iter().copied().find(|rate| *rate > growth)?;
        Some(network.widened(block, layer, next)?.with_wider_inputs())
    }

    fn places(&self, network: &DenseNet) -> Vec<usize> {
        network.blocks.iter().map(|block| block.layers.len()).collect()
    }

    fn deeper(&self, network: &DenseNet, block: usize, place: usize, _filter: usize) -> Option<DenseNet> {
        Some(network.deepened(block, place)?.with_wider_inputs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_gets_the_next_growth_rate_and_what_reads_it_follows() {
        let growth = DenseGrowth::default();
        assert_eq!((growth.rates.len(), growth.rates.last()), (23, Some(&48)));
        let start: DenseNet = "densenet16 block8-48 transition36 block8".parse().unwrap();
        assert_eq!(growth.tokens(&start).unwrap(), [0, 3, 23, 0, 3]);
        let wider = |at| growth.wider(&start, at).map(|network| network.to_string());
        assert_eq!(wider(1).unwrap(), "densenet44 block10-48 transition51 block8");
        assert_eq!(wider(4).unwrap(), "densenet44 block8-48 transition50 block10");
        assert_eq!([0, 2, 3, 5].map(wider), [const { None }; 4]);
        let deeper = |block, place| growth.deeper(&start, block, place, 0).map(|network| network.to_string());
        assert_eq!(deeper(0, 0).unwrap(), "densenet36 block8x2-48 transition50 block8");
        assert_eq!([deeper(0, 2), deeper(2, 0)], [None, None]);
        let other: DenseNet = "densenet16 block7".parse().unwrap();
        assert_eq!(growth.tokens(&other), None);
    }
}
