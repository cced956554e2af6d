//! How far EAS lets chains grow (Cai et al., "Efficient Architecture Search by Network Transformation", AAAI 2018).

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

    /// The chain with one layer wider (Net2Wider); `None` where that cannot be.
    pub fn widened(&self, chain: &Chain, at: usize) -> Option<Chain> {
        let (ChainLayer::Conv { channels: width, .. } | ChainLayer::Dense { units: width }) =
            self.wider(*chain.layers.get(at)?)?
        else {
            return None;
        };
        chain.widened(at, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_gets_the_next_width() {
        let growth = Growth::default();
        let chain: Chain = "conv3-16 pool2/2 conv5-640 dense64 dense1280".parse().unwrap();
        let wider = |at| growth.widened(&chain, at).map(|chain| chain.to_string());
        assert_eq!(wider(0).unwrap(), "conv3-32 pool2/2 conv5-640 dense64 dense1280");
        assert_eq!(wider(3).unwrap(), "conv3-16 pool2/2 conv5-640 dense128 dense1280");
        assert_eq!([wider(1), wider(2), wider(4), wider(5)], [None, None, None, None]);
        assert_eq!(growth.units.last(), Some(&1_280));
    }
}
