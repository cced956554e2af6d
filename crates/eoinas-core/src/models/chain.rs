//! Networks that are chains of plain layers, as MetaQNN and EAS search for: one layer after the other, no cells.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::setting::Setting;

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
/// use eoinas_core::models::Chain;
/// let chain: Chain = "conv3-64 pool2/2 conv5-128 dense128".parse()?;
/// assert_eq!(chain.to_string(), "conv3-64 pool2/2 conv5-128 dense128");
/// let network = chain.graph([32, 32, 3], 10)?;
/// assert_eq!(network.classes(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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

/// A word that is none of them is an error that names it.
impl FromStr for Chain {
    type Err = Setting;

    fn from_str(text: &str) -> Result<Self, Setting> {
        let mut chain = Self::default();
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let last = words.peek().is_none();
            match word {
                "classifier" if last && chain.layers.is_empty() => {}
                "average" if last => chain.average = true,
                _ => chain.layers.push(layer(word).ok_or_else(|| {
                    let (text, word): (String, String) =
                        (text.chars().take(200).collect(), word.chars().take(64).collect());
                    let expected = "layers like conv3-64 (odd filters), pool2/2 and dense128, with numbers up to 65536, and \
                                    average as the last";
                    Setting::new("chain", text, format!("{expected}: `{word}` is no layer of a chain"))
                })?),
            }
        }
        Ok(chain)
    }
}

super::written_as_text!(Chain);

impl Chain {
    /// The same with one layer of another width (Net2Wider, where it is larger); `None` where there is no such layer, or none
    /// with a width.
    pub fn widened(&self, at: usize, width: usize) -> Option<Self> {
        let mut chain = self.clone();
        match chain.layers.get_mut(at)? {
            ChainLayer::Conv { channels, .. } => *channels = width,
            ChainLayer::Dense { units } => *units = width,
            ChainLayer::Pool { .. } => return None,
        }
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

    /// The same with all widths times `factor`, rounded, at least 1.
    ///
    /// # Errors
    /// A factor that is not positive, or leaves more than 65,536 channels or units.
    pub fn scaled(&self, factor: f64) -> Result<Self, Setting> {
        let mut chain = self.clone();
        for layer in &mut chain.layers {
            if let ChainLayer::Conv { channels: width, .. } | ChainLayer::Dense { units: width } = layer {
                *width = scaled(*width, factor)?;
            }
        }
        Ok(chain)
    }
}

/// A width times `factor`, rounded, at least 1.
///
/// # Errors
/// A factor that is not positive, or leaves more than 65,536 channels.
pub(super) fn scaled(width: usize, factor: f64) -> Result<usize, Setting> {
    let scaled = width as f64 * factor;
    let expected = "a positive number that leaves at most 65536 channels";
    Setting::check(factor > 0.0 && scaled <= 65_536.0, "network.width", factor, expected)?;
    Ok((scaled.round() as usize).max(1))
}

/// A number from 1 to 65,536.
pub(super) fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| (1..=65_536).contains(number))
}

fn layer(word: &str) -> Option<ChainLayer> {
    if let Some(pair) = word.strip_prefix("conv") {
        let (kernel, channels) = pair.split_once('-')?;
        let kernel = number(kernel).filter(|kernel| kernel % 2 == 1)?;
        return Some(ChainLayer::Conv { kernel, channels: number(channels)? });
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

    #[test]
    fn one_layer_changes_and_the_others_stay() {
        let chain: Chain = "conv3-16 pool2/2 conv5-640 dense64 dense1280".parse().unwrap();
        let text = |chain: Option<Chain>| chain.map(|chain| chain.to_string());
        let wider = |at| text(chain.widened(at, 700));
        assert_eq!(wider(0).unwrap(), "conv3-700 pool2/2 conv5-640 dense64 dense1280");
        assert_eq!(wider(3).unwrap(), "conv3-16 pool2/2 conv5-640 dense700 dense1280");
        assert_eq!([wider(1), wider(5)], [None, None]);
        let deeper = |at| text(chain.deepened(at, 1));
        assert_eq!(deeper(0).unwrap(), "conv3-16 conv1-16 pool2/2 conv5-640 dense64 dense1280");
        assert_eq!(deeper(3).unwrap(), "conv3-16 pool2/2 conv5-640 dense64 dense64 dense1280");
        assert_eq!([deeper(1), deeper(5)], [None, None]);
        assert_eq!(chain.blocks(), [vec![0], vec![2, 3, 4]]);
        assert_eq!(chain.scaled(0.1).unwrap().to_string(), "conv3-2 pool2/2 conv5-64 dense6 dense128");
        assert!(chain.scaled(0.0).is_err() && chain.scaled(1e9).is_err());
    }
}
