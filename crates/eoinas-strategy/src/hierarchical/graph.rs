//! Motifs as a network.

use eoinas_core::CoreError;
use eoinas_core::models::{Activation, ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};

use super::motifs::{MotifSpace, Motifs};

impl MotifSpace {
    /// The small network of the paper's search (Section 4.1): a convolution, and three times the cell, each followed by a
    /// separable convolution; the first two of those halve the image and double the channels. Then the mean over the image and
    /// the classifier. Convolutions are followed by BatchNorm and ReLU, nodes join their inputs along the channels, and what is
    /// on no path to the output is left out. Every motif below the cell is followed by a 1x1 convolution to as many channels as
    /// it reads.
    ///
    /// # Errors
    /// Motifs that are not of this space, or whose output does not depend on the input.
    pub fn graph(&self, motifs: &Motifs, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        let (graph, x) = LayerGraph::new(images);
        let working = self.working(motifs);
        let mut network = Network { space: self, motifs, working, graph, channels: self.channels };
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
    space: &'a MotifSpace,
    motifs: &'a Motifs,
    working: Vec<Vec<bool>>,
    graph: LayerGraph,
    /// Channels of the cell.
    channels: usize,
}

impl Network<'_> {
    /// An op of a level, from 0 for the primitives; ops are counted from 1.
    fn op(&mut self, name: &str, level: usize, op: usize, x: LayerId) -> Result<LayerId, CoreError> {
        let Some(below) = level.checked_sub(1) else { return self.primitive(name, op, x) };
        let missing = || CoreError::Space {
            problem: format!("`{}` has no motif {op} on level {level} that reaches its output", self.motifs),
        };
        let motif = op.checked_sub(1).and_then(|at| self.motifs.levels.get(below)?.get(at)).ok_or_else(missing)?;
        let nodes = self.space.levels.get(below).map_or(0, |(_, nodes)| *nodes);
        let lower = below.checked_sub(1).and_then(|lower| self.working.get(lower)).cloned();
        let works = |op: usize| lower.as_ref().is_none_or(|lower| op > 0 && lower.get(op - 1) == Some(&true));
        let used = motif.used(nodes, works);
        let mut values: Vec<Option<LayerId>> = vec![Some(x)];
        for to in 1..nodes {
            let mut inputs = Vec::new();
            for (from, value) in values.iter().enumerate() {
                let op = motif.op(from, to);
                let (Some(value), true) = (*value, op > 0 && works(op) && used.get(to) == Some(&true)) else {
                    continue;
                };
                inputs.push(self.op(&format!("{name}.{from}-{to}"), below, op, value)?);
            }
            values.push(match inputs.as_slice() {
                [] => None,
                [one] => Some(*one),
                many => Some(self.graph.push(format!("{name}.{to}"), Layer::Concat, many)?),
            });
        }
        let output = values.last().copied().flatten().ok_or_else(|| CoreError::Space {
            problem: format!("`{}`: motif {op} of level {level} has no path to its output", self.motifs),
        })?;
        // The cell is followed by a convolution already.
        if level == self.space.levels.len() {
            return Ok(output);
        }
        let [.., channels] = self.graph.shape(x);
        self.convolution(&format!("{name}.out"), ConvSpec::new(channels, 1, 1), output)
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
    use crate::hierarchical::Mutable;
    use eoinas_core::{SeedStream, Streams};

    fn parameters(space: &MotifSpace, text: &str) -> u64 {
        let network = space.graph(&space.parse(text).unwrap(), [32, 32, 3], 10).unwrap();
        assert_eq!(network.classes(), 10);
        network.counts().parameters
    }

    /// By hand: stem, what is between the cells, classifier; and the motif's convolution in each cell.
    #[test]
    fn counts_are_those_of_the_layers() {
        let space = MotifSpace { levels: vec![(1, 2), (1, 2)], channels: 8 };
        let conv = |from: u64, to: u64| from * to + 2 * to;
        let separable = |from: u64, to: u64| 9 * from + conv(from, to);
        let around = 27 * 8 + 16 + separable(8, 16) + separable(16, 32) + separable(32, 32) + 32 * 10 + 10;
        let each = |f: &dyn Fn(u64) -> u64| [8, 16, 32].map(f).iter().sum::<u64>();
        assert_eq!(parameters(&space, "6 | 1"), around + each(&|c| conv(c, c)));
        assert_eq!(parameters(&space, "1 | 1"), around + each(&|c| 2 * conv(c, c)));
        assert_eq!(parameters(&space, "2 | 1"), around + each(&|c| 9 * c + 2 * c + conv(c, c)));
        assert_eq!(parameters(&space, "3 | 1"), around + each(&|c| separable(c, c) + conv(c, c)));
        // Flat, two paths joined: what follows reads twice the channels. The third path ends nowhere.
        let flat = MotifSpace { levels: vec![(1, 4)], channels: 8 };
        let wide = 27 * 8 + 16 + separable(16, 16) + separable(32, 32) + separable(64, 32) + 32 * 10 + 10;
        assert_eq!(parameters(&flat, "1.1.0.6.6.0"), wide + each(&|c| conv(c, c)));
    }

    #[test]
    fn every_motif_that_works_is_a_network() {
        let space = MotifSpace::default();
        let mut rng = Streams::new(2).rng(SeedStream::Named("motifs"), 0, 0);
        let mut motifs = space.identity();
        let mut worked = 0;
        for _ in 0..400 {
            motifs = space.mutate(motifs, &mut rng);
            let network = space.graph(&motifs, [32, 32, 3], 10);
            assert_eq!(network.is_ok(), space.works(&motifs), "{motifs}");
            let Ok(network) = network else { continue };
            worked += 1;
            let mut names: Vec<&str> = network.nodes().iter().map(|node| node.name.as_str()).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{motifs}");
            // Nothing is made that nobody reads.
            let last = network.nodes().len() - 1;
            let read: Vec<usize> = network.nodes().iter().flat_map(|n| n.inputs.iter().map(|id| id.index())).collect();
            assert!((0..last).all(|at| read.contains(&at)), "{motifs}");
        }
        assert!(worked > 200, "{worked}");
    }
}
