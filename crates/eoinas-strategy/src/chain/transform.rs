//! Chains made wider and deeper so that the network's function can stay (Chen, Goodfellow, Shlens, "Net2Net", ICLR 2016; Cai et
//! al., "Efficient Architecture Search by Network Transformation", AAAI 2018): the architectures alone, no weights.

use super::{Chain, ChainLayer};

/// The widths that layers may grow to, and the filters that new convolutions may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Channels of convolutions, ascending. Default 16, 32, 64, 96, 128, 192, 256, 320, 384, 448, 512, 576, 640.
    pub channels: Vec<usize>,
    /// Units of fully connected layers, ascending. Default 64, 128 and every 128 more up to 1,280.
    pub units: Vec<usize>,
    /// Filters of new convolutions; odd. Default 1, 3, 5.
    pub kernels: Vec<usize>,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            channels: vec![16, 32, 64, 96, 128, 192, 256, 320, 384, 448, 512, 576, 640],
            units: [64].into_iter().chain((1..=10).map(|step| 128 * step)).collect(),
            kernels: vec![1, 3, 5],
        }
    }
}

impl Growth {
    /// The layer with the next larger width; `None` for a pooling, and where there is no larger one.
    pub fn wider(&self, layer: ChainLayer) -> Option<ChainLayer> {
        let next = |all: &[usize], than: usize| all.iter().copied().filter(|width| *width > than).min();
        match layer {
            ChainLayer::Conv { kernel, channels } => {
                Some(ChainLayer::Conv { kernel, channels: next(&self.channels, channels)? })
            }
            ChainLayer::Dense { units } => Some(ChainLayer::Dense { units: next(&self.units, units)? }),
            ChainLayer::Pool { .. } => None,
        }
    }
}

impl Chain {
    /// The same with one layer wider (Net2Wider); `None` where that cannot be.
    pub fn widened(&self, at: usize, growth: &Growth) -> Option<Self> {
        let mut chain = self.clone();
        let layer = chain.layers.get_mut(at)?;
        *layer = growth.wider(*layer)?;
        Some(chain)
    }

    /// The same with one more layer after a convolution or fully connected layer, as wide as that, so that it can begin as the
    /// identity (Net2Deeper); a convolution has this `kernel`. `None` after a pooling.
    pub fn deepened(&self, after: usize, kernel: usize) -> Option<Self> {
        let new = match *self.layers.get(after)? {
            ChainLayer::Conv { channels, .. } => ChainLayer::Conv { kernel, channels },
            ChainLayer::Dense { units } => ChainLayer::Dense { units },
            ChainLayer::Pool { .. } => return None,
        };
        let mut chain = self.clone();
        chain.layers.insert(after + 1, new);
        Some(chain)
    }

    /// The layers between poolings, block by block: places of convolutions and fully connected layers.
    pub fn blocks(&self) -> Vec<Vec<usize>> {
        let mut blocks = vec![Vec::new()];
        for (at, layer) in self.layers.iter().enumerate() {
            match (layer, blocks.last_mut()) {
                (ChainLayer::Pool { .. }, _) => blocks.push(Vec::new()),
                (_, Some(block)) => block.push(at),
                _ => {}
            }
        }
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_layer_changes_and_the_others_stay() {
        let growth = Growth::default();
        let chain: Chain = "conv3-16 pool2/2 conv5-640 dense64 dense1280".parse().unwrap();
        let text = |chain: Option<Chain>| chain.map(|chain| chain.to_string());
        let wider = |at| text(chain.widened(at, &growth));
        assert_eq!(wider(0).unwrap(), "conv3-32 pool2/2 conv5-640 dense64 dense1280");
        assert_eq!(wider(3).unwrap(), "conv3-16 pool2/2 conv5-640 dense128 dense1280");
        assert_eq!([wider(1), wider(2), wider(4), wider(5)], [None, None, None, None]);
        let deeper = |at| text(chain.deepened(at, 1));
        assert_eq!(deeper(0).unwrap(), "conv3-16 conv1-16 pool2/2 conv5-640 dense64 dense1280");
        assert_eq!(deeper(3).unwrap(), "conv3-16 pool2/2 conv5-640 dense64 dense64 dense1280");
        assert_eq!([deeper(1), deeper(5)], [None, None]);
        assert_eq!(chain.blocks(), [vec![0], vec![2, 3, 4]]);
        assert_eq!(growth.units.last(), Some(&1_280));
    }
}
