//! Networks of densely connected layers with bottlenecks (DenseNet-BC; Huang, Liu, van der Maaten, Weinberger, "Densely connected
//! convolutional networks", CVPR 2017), each layer with a growth rate of its own, as EAS grows them (Cai et al., AAAI 2018).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::chain::{number, scaled};
use crate::setting::Setting;

/// Most blocks: each but the first halves the image.
const MOST_BLOCKS: usize = 16;
/// Most dense layers of a network.
const MOST_LAYERS: usize = 1_000;
/// Channels of the bottleneck for each channel that a layer adds, as published.
const RATIO: usize = 4;

/// A layer that adds channels to those that it reads: a bottleneck of 1x1 filters, then 3x3 filters, BatchNorm and ReLU before
/// both. Text: `12`; with a bottleneck of other than four times as many channels, `12:60`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DenseLayer {
    /// Its growth rate: the channels that it adds.
    pub growth: usize,
    /// Channels between its convolutions.
    pub bottleneck: usize,
}

/// Layers that read all that was made before them in the block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DenseBlock {
    /// Channels that the first layer reads: of the first convolution, or of the transition before the block.
    pub input: usize,
    /// The layers.
    pub layers: Vec<DenseLayer>,
}

/// Blocks in the order in which they run, with transitions between them.
///
/// Text: `densenet` with the channels of the first convolution, then `block` with the growth rates of the layers (`12x3` for three
/// that are alike) and `transition` with its channels, by turns.
///
/// ```
/// use eoinas_core::models::DenseNet;
/// let text = "densenet24 block12x3-14 transition37 block14:60-12x2";
/// let network: DenseNet = text.parse()?;
/// assert_eq!(network.to_string(), text);
/// assert_eq!(network.blocks[1].layers.len(), 3);
/// assert_eq!(network.graph(eoinas_core::models::ModelForm::Cifar, [32, 32, 3], 10)?.classes(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DenseNet {
    /// The blocks, up to 16.
    pub blocks: Vec<DenseBlock>,
}

impl DenseLayer {
    /// A layer with a bottleneck of four times its growth rate.
    pub fn new(growth: usize) -> Self {
        Self { growth, bottleneck: growth.saturating_mul(RATIO) }
    }
}

impl DenseBlock {
    /// Channels of all that the block makes and has read.
    pub fn outputs(&self) -> usize {
        self.layers.iter().fold(self.input, |sum, layer| sum.saturating_add(layer.growth))
    }
}

impl fmt::Display for DenseLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self == Self::new(self.growth) {
            true => write!(f, "{}", self.growth),
            false => write!(f, "{}:{}", self.growth, self.bottleneck),
        }
    }
}

impl fmt::Display for DenseBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, alike) in self.layers.chunk_by(|one, next| one == next).enumerate() {
            f.write_str(if at == 0 { "block" } else { "-" })?;
            alike.first().map_or(Ok(()), |layer| layer.fmt(f))?;
            if alike.len() > 1 {
                write!(f, "x{}", alike.len())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for DenseNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, block) in self.blocks.iter().enumerate() {
            let input = if at == 0 { "densenet" } else { " transition" };
            write!(f, "{input}{} {block}", block.input)?;
        }
        Ok(())
    }
}

/// A word that is none of them, and a network that cannot be, is an error that names it.
impl FromStr for DenseNet {
    type Err = Setting;

    fn from_str(text: &str) -> Result<Self, Setting> {
        read(text).map_err(|problem| wrong(text, &problem))
    }
}

super::written_as_text!(DenseNet);

fn wrong(text: &str, problem: &str) -> Setting {
    let expected = "dense blocks like densenet24 block12x3-14 transition37 block12x3, with numbers up to 65536";
    Setting::new("densenet", text.chars().take(200).collect::<String>(), format!("{expected}: {problem}"))
}

fn read(text: &str) -> Result<DenseNet, String> {
    let mut words = text.split_whitespace();
    let (mut blocks, mut before) = (Vec::new(), "densenet");
    while let Some(word) = words.next() {
        let shown: String = word.chars().take(64).collect();
        let input = word.strip_prefix(before).and_then(number);
        let input = input.ok_or_else(|| format!("`{shown}` is not {before} with its channels"))?;
        let layers = words.next().and_then(|block| block.strip_prefix("block"));
        let layers = layers.ok_or_else(|| format!("no block follows `{shown}`"))?;
        blocks.push(DenseBlock { input, layers: self::layers(layers)? });
        before = "transition";
    }
    let network = DenseNet { blocks };
    network.problem().map_or(Ok(network), Err)
}

fn layers(text: &str) -> Result<Vec<DenseLayer>, String> {
    let mut layers = Vec::new();
    for part in text.split('-') {
        let read = || {
            let (layer, count) = part.split_once('x').unwrap_or((part, "1"));
            let layer = match layer.split_once(':') {
                Some((growth, bottleneck)) => DenseLayer { growth: number(growth)?, bottleneck: number(bottleneck)? },
                None => DenseLayer::new(number(layer)?),
            };
            Some((layer, number(count).filter(|count| *count <= MOST_LAYERS)?))
        };
        let shown: String = part.chars().take(64).collect();
        let (layer, count) = read().ok_or_else(|| format!("`{shown}` is no growth rate of a layer, nor of several"))?;
        layers.resize(layers.len() + count, layer);
        if layers.len() > MOST_LAYERS {
            return Err(format!("there are more than {MOST_LAYERS} layers"));
        }
    }
    Ok(layers)
}

impl DenseNet {
    /// The same with one layer of another growth rate, and a bottleneck of four times that, unless it has a wider one
    /// (Net2Wider, where both are larger). `None` where there is no such layer.
    pub fn widened(&self, block: usize, layer: usize, growth: usize) -> Option<Self> {
        let mut network = self.clone();
        let layer = network.blocks.get_mut(block)?.layers.get_mut(layer)?;
        let usual = DenseLayer::new(growth);
        *layer = DenseLayer { bottleneck: usual.bottleneck.max(layer.bottleneck), ..usual };
        Some(network)
    }

    /// The same with one more layer after another of a block, alike, so that it can begin as its copy (Net2Deeper). `None` where
    /// there is no such layer.
    pub fn deepened(&self, block: usize, after: usize) -> Option<Self> {
        let mut network = self.clone();
        let layers = &mut network.blocks.get_mut(block)?.layers;
        let layer = *layers.get(after)?;
        layers.insert(after + 1, layer);
        Some(network)
    }

    /// The same with what the blocks read as wide as published for their growth rates, and nothing narrower than it is: the first
    /// convolution twice the mean growth rate, a transition half of the channels that it reads.
    #[must_use]
    pub fn with_wider_inputs(&self) -> Self {
        let mut network = self.clone();
        let rates = || self.blocks.iter().flat_map(|block| &block.layers).map(|layer| layer.growth);
        let mut usual = 2 * rates().sum::<usize>() / rates().count().max(1);
        for block in &mut network.blocks {
            block.input = block.input.max(usual);
            usual = block.outputs() / 2;
        }
        network
    }

    /// The same with all widths times `factor`, rounded, at least 1; bottlenecks of four times the growth rate stay such.
    ///
    /// # Errors
    /// A factor that is not positive, or leaves more than 65,536 channels.
    pub fn scaled(&self, factor: f64) -> Result<Self, Setting> {
        let mut network = self.clone();
        for block in &mut network.blocks {
            block.input = scaled(block.input, factor)?;
            for layer in &mut block.layers {
                let usual = DenseLayer::new(scaled(layer.growth, factor)?);
                *layer = match *layer == DenseLayer::new(layer.growth) {
                    true => usual,
                    false => DenseLayer { bottleneck: scaled(layer.bottleneck, factor)?, ..usual },
                };
            }
        }
        Ok(network)
    }

    /// # Errors
    /// What cannot be.
    pub(super) fn check(&self) -> Result<(), Setting> {
        self.problem().map_or(Ok(()), |problem| Err(wrong(&self.to_string(), &problem)))
    }

    fn problem(&self) -> Option<String> {
        let sizes = 1..=65_536;
        if !(1..=MOST_BLOCKS).contains(&self.blocks.len()) {
            return Some(format!("there are {} blocks, not 1 to {MOST_BLOCKS}", self.blocks.len()));
        }
        if self.blocks.iter().map(|block| block.layers.len()).sum::<usize>() > MOST_LAYERS {
            return Some(format!("there are more than {MOST_LAYERS} layers"));
        }
        let of_block = |(at, block): (usize, &DenseBlock)| {
            let fits = |layer: &DenseLayer| sizes.contains(&layer.growth) && sizes.contains(&layer.bottleneck);
            match block.layers.iter().find(|layer| !fits(layer)) {
                Some(layer) => {
                    Some(format!("a layer has {} channels and a bottleneck of {}", layer.growth, layer.bottleneck))
                }
                None if block.layers.is_empty() => Some(format!("block {} has no layers", at + 1)),
                None if !sizes.contains(&block.input) || !sizes.contains(&block.outputs()) => {
                    Some(format!("block {} has {} channels in the end", at + 1, block.outputs()))
                }
                None => None,
            }
        };
        self.blocks.iter().enumerate().find_map(of_block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        for text in ["densenet1 block1", "densenet24 block12x3-14 transition37 block14:60x2-12:7 transition9 block1x99"]
        {
            let network: DenseNet = text.parse().unwrap();
            assert_eq!(network.to_string(), text);
            assert_eq!(serde_json::to_string(&network).unwrap(), format!("\"{text}\""));
        }
        let network: DenseNet = "densenet24 block12-12:48-12-14 transition37 block9".parse().unwrap();
        assert_eq!(network.to_string(), "densenet24 block12x3-14 transition37 block9");
    }

    #[test]
    fn one_layer_changes_and_the_others_stay() {
        let network: DenseNet = "densenet24 block12x3 transition30 block8:99-8".parse().unwrap();
        let text = |network: Option<DenseNet>| network.map(|network| network.to_string());
        let wider = |block, layer| text(network.widened(block, layer, 20));
        assert_eq!(wider(0, 1).unwrap(), "densenet24 block12-20-12 transition30 block8:99-8");
        assert_eq!(wider(1, 0).unwrap(), "densenet24 block12x3 transition30 block20:99-8");
        assert_eq!([wider(0, 3), wider(2, 0)], [None, None]);
        let deeper = |block, after| text(network.deepened(block, after));
        assert_eq!(deeper(1, 0).unwrap(), "densenet24 block12x3 transition30 block8:99x2-8");
        assert_eq!([deeper(1, 2), deeper(2, 0)], [None, None]);
        // Growth rates of 10.4 on average; 60 channels are read by the transition.
        assert_eq!(network.with_wider_inputs(), network);
        let wide = network.widened(0, 0, 30).unwrap().with_wider_inputs();
        assert_eq!(wide.to_string(), "densenet28 block30-12x2 transition41 block8:99-8");
        assert_eq!(network.scaled(0.5).unwrap().to_string(), "densenet12 block6x3 transition15 block4:50-4");
        assert!(network.scaled(0.0).is_err() && network.scaled(1e9).is_err() && network.scaled(f64::NAN).is_err());
    }

    #[test]
    fn what_is_no_network_of_dense_blocks_is_named() {
        let many = format!("densenet1 block1{}", " transition1 block1".repeat(16));
        for (text, problem) in [
            ("", "there are 0 blocks, not 1 to 16"),
            (many.as_str(), "there are 17 blocks, not 1 to 16"),
            ("densenet", "`densenet` is not densenet with its channels"),
            ("densenet24", "no block follows `densenet24`"),
            ("densenet24 block", "`` is no growth rate"),
            ("densenet24 block12 block12", "`block12` is not transition with its channels"),
            ("densenet24 block12 transition9", "no block follows `transition9`"),
            ("densenet24 block12x0", "`12x0` is no growth rate of a layer, nor of several"),
            ("densenet24 block12:0", "`12:0` is no growth rate"),
            ("densenet24 block1x1001", "`1x1001` is no growth rate"),
            ("densenet24 block1x600-1x600", "there are more than 1000 layers"),
            ("densenet24 block1x600 transition9 block1x600", "there are more than 1000 layers"),
            ("densenet24 block20000", "a layer has 20000 channels and a bottleneck of 80000"),
            ("densenet24 block9000x9", "block 1 has 81024 channels in the end"),
        ] {
            let error = text.parse::<DenseNet>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("expected dense blocks like"), "{text}: {error}");
        }
    }
}
