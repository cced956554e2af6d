//! Networks that are chains of plain layers, as MetaQNN and EAS search for: one layer after the other, no cells.

mod graph;
mod space;
mod transform;

use std::fmt;
use std::str::FromStr;

use crate::StrategyError;
pub use space::{ChainSpace, ChainState, ChainStep};
pub use transform::Growth;

/// A layer of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChainLayer {
    /// A convolution with stride 1, padded to keep its size, and ReLU. Text: `conv3-64`.
    Conv {
        /// Rows and columns of the filter.
        kernel: usize,
        /// Channels of the output.
        channels: usize,
    },
    /// The largest value of a window, without padding. Text: `pool3/2`.
    Pool {
        /// Rows and columns of the window.
        kernel: usize,
        /// Step between windows.
        stride: usize,
    },
    /// A fully connected layer and ReLU. Text: `dense128`.
    Dense {
        /// Length of the output.
        units: usize,
    },
}

/// Layers in the order in which they run, and what comes before the classifier.
///
/// The classifier, a fully connected layer, is no part of the list: it follows the last layer.
///
/// ```
/// use eoinas_strategy::chain::Chain;
/// let chain: Chain = "conv3-64 pool2/2 conv5-128 dense128".parse()?;
/// assert_eq!(chain.to_string(), "conv3-64 pool2/2 conv5-128 dense128");
/// let network = chain.graph([32, 32, 3], 10)?;
/// assert_eq!(network.classes(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chain {
    /// The layers.
    pub layers: Vec<ChainLayer>,
    /// Whether the classifier reads the mean over the image, not all of its pixels. Text: `average` at the end.
    pub average: bool,
}

impl ChainLayer {
    /// Whether it is a convolution.
    pub fn is_convolution(&self) -> bool {
        matches!(self, Self::Conv { .. })
    }
}

impl fmt::Display for ChainLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conv { kernel, channels } => write!(f, "conv{kernel}-{channels}"),
            Self::Pool { kernel, stride } => write!(f, "pool{kernel}/{stride}"),
            Self::Dense { units } => write!(f, "dense{units}"),
        }
    }
}

/// Words with spaces between them; `classifier` where there is no layer at all.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = self.layers.iter().map(ToString::to_string);
        let words: Vec<String> = layers.chain(self.average.then(|| "average".to_owned())).collect();
        if words.is_empty() { f.write_str("classifier") } else { f.write_str(&words.join(" ")) }
    }
}

impl FromStr for Chain {
    type Err = StrategyError;

    fn from_str(text: &str) -> Result<Self, StrategyError> {
        let mut chain = Self::default();
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let last = words.peek().is_none();
            match word {
                "classifier" if last && chain.layers.is_empty() => {}
                "average" if last => chain.average = true,
                _ => chain.layers.push(layer(word).ok_or_else(|| StrategyError::Candidate {
                    text: text.chars().take(200).collect(),
                    problem: format!(
                        "`{word}` is no layer of a chain; expected conv3-64, pool2/2, dense128, and average as the last"
                    ),
                })?),
            }
        }
        Ok(chain)
    }
}

fn layer(word: &str) -> Option<ChainLayer> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| (1..=65_536).contains(number));
    if let Some(pair) = word.strip_prefix("conv") {
        let (kernel, channels) = pair.split_once('-')?;
        return Some(ChainLayer::Conv { kernel: number(kernel)?, channels: number(channels)? });
    }
    if let Some(pair) = word.strip_prefix("pool") {
        let (kernel, stride) = pair.split_once('/')?;
        return Some(ChainLayer::Pool { kernel: number(kernel)?, stride: number(stride)? });
    }
    Some(ChainLayer::Dense { units: number(word.strip_prefix("dense")?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        for text in ["classifier", "average", "conv1-64 pool5/3 conv5-512 average", "conv3-8 dense512 dense128"] {
            assert_eq!(text.parse::<Chain>().unwrap().to_string(), text);
        }
        for text in ["average conv3-8", "conv3", "conv0-8", "pool2-2", "dense", "dense-1", "gap", "conv3-8 classifier"]
        {
            let error = text.parse::<Chain>().unwrap_err().to_string();
            assert!(error.contains("is no layer of a chain"), "{error}");
        }
    }
}
