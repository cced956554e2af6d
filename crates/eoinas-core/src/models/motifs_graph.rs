//! Motifs as a network.

use super::graph::{Activation, ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use super::motifs::{MOST_OPS, Motifs};
use crate::error::CoreError;

/// Most channels of a value: joined nodes may double them again and again.
const MOST_CHANNELS: usize = 65_536;

impl Motifs {
    /// The small network of the paper's search (Liu et al., Section 4.1) for images of this height, width and number of
    /// channels: a convolution, and three times the cell, each followed by a separable convolution; the first two of those halve
    /// the image and double the channels. Then the mean over the image and the classifier. Convolutions are followed by
    /// BatchNorm and ReLU, nodes join their inputs along the channels, and what is on no path to the output is left out. Every
    /// motif below the cell is followed by a 1x1 convolution to as many channels as it reads.
    ///
    /// # Errors
    /// Motifs that cannot be, whose output does not depend on the input, or which are more than 1,000 primitives in a cell or
    /// have more than 65,536 channels somewhere.
    pub fn graph(&self, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        self.check()?;
        let sizes = self.sizes();
        let ops = sizes.last().and_then(|top| top.first().copied()).unwrap_or(0);
        if !(1..=MOST_OPS).contains(&ops) {
            let problem = match ops {
                0 => "its last node does not depend on its first; give the edges between them ops".to_owned(),
                _ => format!("it has {ops} primitives, more than {MOST_OPS}; use fewer motifs within motifs"),
            };
            return Err(CoreError::Space { problem: format!("the cell of `{self}`: {problem}") });
        }
        let (graph, x) = LayerGraph::new(images);
        let mut network = Network { motifs: self, sizes, graph, channels: self.channels };
        let top = self.levels.len();
        let mut x = network.convolution("stem", ConvSpec::new(self.channels, 3, 1), x)?;
        for cell in 1..=3 {
            x = network.op(&format!("cell{cell}"), top, 1, x)?;
            let stride = if cell < 3 { 2 } else { 1 };
            network.channels *= stride;
            x = network.separable(&format!("between{cell}"), stride, x)?;
        }
        let x = network.graph.push("average", Layer::GlobalAverage, &[x])?;
        network.graph.push("classifier", Layer::Linear { features: classes }, &[x])?;
        Ok(network.graph)
    }
}

struct Network<'a> {
    motifs: &'a Motifs,
    /// Of each motif, as [`Motifs::sizes`] has them.
    sizes: Vec<Vec<usize>>,
    graph: LayerGraph,
    /// Channels of the cell.
    channels: usize,
}

impl Network<'_> {
    /// An op of a level, from 0 for the primitives; ops are counted from 1.
    fn op(&mut self, name: &str, level: usize, op: usize, x: LayerId) -> Result<LayerId, CoreError> {
        let Some(below) = level.checked_sub(1) else { return self.primitive(name, op, x) };
        let motifs = self.motifs;
        let missing = || CoreError::Space {
            problem: format!("`{motifs}` has no motif {op} on level {level} that reaches its output"),
        };
        let motif = op.checked_sub(1).and_then(|at| motifs.levels.get(below)?.get(at)).ok_or_else(missing)?;
        let lower = below.checked_sub(1).and_then(|lower| self.sizes.get(lower)).cloned();
        let works = |op: usize| {
            op > 0 && lower.as_ref().is_none_or(|lower| lower.get(op - 1).is_some_and(|primitives| *primitives > 0))
        };
        let used = motif.used(works);
        let mut values: Vec<Option<LayerId>> = vec![Some(x)];
        for to in 1..motif.nodes() {
            let mut inputs = Vec::new();
            for (from, value) in values.iter().enumerate() {
                let op = motif.op(from, to);
                let (Some(value), true) = (*value, works(op) && used.get(to) == Some(&true)) else { continue };
                inputs.push(self.op(&format!("{name}.{from}-{to}"), below, op, value)?);
            }
            values.push(match inputs.as_slice() {
                [] => None,
                [one] => Some(*one),
                many => Some(self.joined(&format!("{name}.{to}"), many)?),
            });
        }
        let output = values.last().copied().flatten().ok_or_else(missing)?;
        // The cell is followed by a convolution already.
        if level == motifs.levels.len() {
            return Ok(output);
        }
        let [.., channels] = self.graph.shape(x);
        self.convolution(&format!("{name}.out"), ConvSpec::new(channels, 1, 1), output)
    }

    fn joined(&mut self, name: &str, inputs: &[LayerId]) -> Result<LayerId, CoreError> {
        let channels = inputs.iter().fold(0, |sum: usize, &input| sum.saturating_add(self.graph.shape(input)[2]));
        if channels > MOST_CHANNELS {
            let problem = format!("layer `{name}` would join {channels} channels, more than {MOST_CHANNELS}");
            return Err(CoreError::Space {
                problem: format!("{problem}; use fewer channels or fewer edges to a node"),
            });
        }
        self.graph.push(name, Layer::Concat, inputs)
    }

    fn primitive(&mut self, name: &str, op: usize, x: LayerId) -> Result<LayerId, CoreError> {
        let pool = |kind| Layer::Pool(PoolSpec { kind, kernel: 3, stride: 1, padding: 1, ceil: false });
        match op {
            1 => self.convolution(name, ConvSpec::new(self.channels, 1, 1), x),
            2 => {
                let [.., channels] = self.graph.shape(x);
                self.convolution(name, ConvSpec::new(channels, 3, 1).with_groups(channels), x)
            }
            3 => self.separable(name, 1, x),
            4 => self.graph.push(name, pool(PoolKind::Max), &[x]),
            5 => self.graph.push(name, pool(PoolKind::Average), &[x]),
            6 => Ok(x),
            _ => Err(CoreError::Space { problem: format!("there is no primitive {op}; expected 1 to 6") }),
        }
    }

    /// A depthwise 3x3 convolution and a pointwise one to the cell's channels.
    fn separable(&mut self, name: &str, stride: usize, x: LayerId) -> Result<LayerId, CoreError> {
        let [.., channels] = self.graph.shape(x);
        let depthwise = Layer::Conv(ConvSpec::new(channels, 3, stride).with_groups(channels));
        let x = self.graph.push(format!("{name}.depthwise"), depthwise, &[x])?;
        self.convolution(name, ConvSpec::new(self.channels, 1, 1), x)
    }

    /// With BatchNorm and ReLU.
    fn convolution(&mut self, name: &str, spec: ConvSpec, x: LayerId) -> Result<LayerId, CoreError> {
        let x = self.graph.push(name, Layer::Conv(spec), &[x])?;
        let x = self.graph.push(format!("{name}.bn"), Layer::BatchNorm { epsilon: 1e-5, momentum: 0.1 }, &[x])?;
        self.graph.push(format!("{name}.relu"), Layer::Activation(Activation::Relu), &[x])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> u64 {
        let network = text.parse::<Motifs>().unwrap().graph([32, 32, 3], 10).unwrap();
        assert_eq!(network.classes(), 10);
        network.counts().parameters
    }

    /// By hand: stem, what is between the cells, classifier; and the motif's convolution in each cell.
    #[test]
    fn counts_are_those_of_the_layers() {
        let conv = |from: u64, to: u64| from * to + 2 * to;
        let separable = |from: u64, to: u64| 9 * from + conv(from, to);
        let around = 27 * 8 + 16 + separable(8, 16) + separable(16, 32) + separable(32, 32) + 32 * 10 + 10;
        let each = |f: &dyn Fn(u64) -> u64| [8, 16, 32].map(f).iter().sum::<u64>();
        assert_eq!(parameters("motifs8 6 | 1"), around + each(&|c| conv(c, c)));
        assert_eq!(parameters("motifs8 1 | 1"), around + each(&|c| 2 * conv(c, c)));
        assert_eq!(parameters("motifs8 2 | 1"), around + each(&|c| 9 * c + 2 * c + conv(c, c)));
        assert_eq!(parameters("motifs8 3 | 1"), around + each(&|c| separable(c, c) + conv(c, c)));
        // Flat, two paths joined: what follows reads twice the channels. The third path ends nowhere.
        let wide = 27 * 8 + 16 + separable(16, 16) + separable(32, 32) + separable(64, 32) + 32 * 10 + 10;
        assert_eq!(parameters("motifs8 1.1.0.6.6.0"), wide + each(&|c| conv(c, c)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let problem = |text: &str| text.parse::<Motifs>().unwrap().graph([32, 32, 3], 10).unwrap_err().to_string();
        let error = problem("motifs8 6.0.0 | 1");
        assert!(error.contains("does not depend on its first"), "{error}");
        let deep = ["1.1.1.1.1.1"; 8].join(" | ");
        assert!(problem(&format!("motifs8 {deep}")).contains("more than 1000"));
        // Each node joins all before it, which doubles the channels.
        let doubling = vec!["6"; 40 * 39 / 2].join(".");
        let error = problem(&format!("motifs16 {doubling}"));
        assert!(error.contains("would join 131072 channels, more than 65536"), "{error}");
        let none = Motifs { channels: 8, levels: vec![] }.graph([8, 8, 3], 10).unwrap_err().to_string();
        assert!(none.contains("there are 0 levels"), "{none}");
    }
}
