//! Stages as a network.

use super::chain_graph::connected;
use super::graph::{Activation, ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use super::stages::{Stage, Stages};
use crate::error::CoreError;

impl Stages {
    /// The network for images of this height, width and number of channels (Xie and Yuille, Section 3.1.1): in each stage the
    /// input node feeds the nodes that read no other, the output node reads those that no other reads, and nodes without any
    /// connection are left out; a stage without connections is one convolution. A node sums what it reads, and is a
    /// convolution, BatchNorm and ReLU. A pooling of 3x3 windows with stride 2 follows each stage, then a fully connected layer
    /// with ReLU, dropout of one half and the classifier.
    ///
    /// # Errors
    /// Sizes or bits that cannot be.
    pub fn graph(&self, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        self.check()?;
        let (mut graph, mut x) = LayerGraph::new(images);
        for (number, stage) in (1..).zip(&self.stages) {
            let name = format!("stage{number}");
            x = stage.push(&mut graph, &name, x)?;
            let pool = PoolSpec { kind: PoolKind::Max, kernel: 3, stride: 2, padding: 1, ceil: false };
            x = graph.push(format!("{name}.pool"), Layer::Pool(pool), &[x])?;
        }
        let dense = connected(&graph, x, self.dense);
        x = graph.push("dense", dense, &[x])?;
        x = graph.push("dense.relu", Layer::Activation(Activation::Relu), &[x])?;
        x = graph.push("dropout", Layer::Dropout { rate: 0.5 }, &[x])?;
        graph.push("classifier", Layer::Linear { features: classes }, &[x])?;
        Ok(graph)
    }
}

impl Stage {
    fn push(&self, graph: &mut LayerGraph, name: &str, x: LayerId) -> Result<LayerId, CoreError> {
        let spec = ConvSpec::new(self.channels, self.kernel, 1);
        let input = convolution(graph, &format!("{name}.input"), spec, x)?;
        let (mut values, mut ends): (Vec<Option<LayerId>>, _) = (Vec::new(), Vec::new());
        for node in 0..self.nodes() {
            let sources = values.iter().enumerate().filter(|(from, _)| self.reads(*from, node));
            let mut inputs: Vec<LayerId> = sources.filter_map(|(_, value)| *value).collect();
            let last = !(node + 1..self.nodes()).any(|to| self.reads(node, to));
            if inputs.is_empty() {
                if last {
                    values.push(None);
                    continue;
                }
                inputs.push(input);
            }
            let value = summed(graph, &format!("{name}.node{}", node + 1), spec, &inputs)?;
            values.push(Some(value));
            ends.extend(last.then_some(value));
        }
        if ends.is_empty() { Ok(input) } else { summed(graph, &format!("{name}.output"), spec, &ends) }
    }
}

/// A node: a convolution of the sum of what it reads.
fn summed(graph: &mut LayerGraph, name: &str, spec: ConvSpec, inputs: &[LayerId]) -> Result<LayerId, CoreError> {
    let x = match inputs {
        [one] => *one,
        many => graph.push(format!("{name}.sum"), Layer::Add, many)?,
    };
    convolution(graph, name, spec, x)
}

fn convolution(graph: &mut LayerGraph, name: &str, spec: ConvSpec, x: LayerId) -> Result<LayerId, CoreError> {
    let x = graph.push(name, Layer::Conv(spec), &[x])?;
    let x = graph.push(format!("{name}.bn"), Layer::BatchNorm { epsilon: 1e-5, momentum: 0.1 }, &[x])?;
    graph.push(format!("{name}.relu"), Layer::Activation(Activation::Relu), &[x])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convolutions(bits: [&str; 3]) -> (usize, u64) {
        let [one, two, three] = bits;
        let stages = format!("stage5-8:{one} stage5-16:{two} stage5-32:{three} dense128").parse::<Stages>();
        let network = stages.unwrap().graph([32, 32, 3], 10).unwrap();
        assert_eq!(network.classes(), 10);
        let convolutions = network.nodes().iter().filter(|node| node.name.ends_with(".bn"));
        (convolutions.count(), network.counts().parameters)
    }

    /// By hand: the convolutions of each stage, then 4 x 4 x 32 values to 128 units and 10 classes.
    #[test]
    fn nodes_and_parameters_are_those_of_the_definition() {
        let head = 512 * 128 + 128 + 128 * 10 + 10;
        let first = |from: u64, to: u64| 25 * from * to + 2 * to;
        let inputs = first(3, 8) + first(8, 16) + first(16, 32);
        assert_eq!(convolutions(["0-00", "0-00-000", "0-00-000-0000"]), (3, inputs + head));
        // One connection: two nodes and the output node in that stage.
        assert_eq!(convolutions(["1-00", "0-00-000", "0-00-000-0000"]), (6, inputs + 3 * first(8, 8) + head));
        // All: every node and the output node.
        let all = inputs + 4 * first(8, 8) + 5 * first(16, 16) + 6 * first(32, 32);
        assert_eq!(convolutions(["1-11", "1-11-111", "1-11-111-1111"]), (3 + 4 + 5 + 6, all + head));
    }

    #[test]
    fn nodes_read_what_their_bits_say() {
        let stages: Stages = "stage3-8:1-00-111 dense16".parse().unwrap();
        let network = stages.graph([8, 8, 3], 10).unwrap();
        let reads = |name: &str| -> Vec<String> {
            let node = network.nodes().iter().find(|node| node.name == name).unwrap();
            node.inputs.iter().map(|id| network.nodes()[id.index()].name.clone()).collect()
        };
        assert_eq!(reads("stage1.node1"), ["stage1.input.relu"]);
        assert_eq!(reads("stage1.node2"), ["stage1.node1.relu"]);
        assert_eq!(reads("stage1.node3"), ["stage1.input.relu"]);
        assert_eq!(reads("stage1.node4.sum"), ["stage1.node1.relu", "stage1.node2.relu", "stage1.node3.relu"]);
        assert_eq!(reads("stage1.output"), ["stage1.node4.relu"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let stages = |bits: Vec<bool>, kernel| Stages { stages: vec![Stage { kernel, channels: 8, bits }], dense: 8 };
        let problem = |stages: Stages| stages.graph([8, 8, 3], 10).unwrap_err().to_string();
        let error = problem(stages(vec![true; 2], 3));
        assert!(error.contains("has 2 bits, which are the pairs of no nodes"), "{error}");
        assert!(problem(stages(vec![true], 2)).contains("is even"));
        assert!(stages(vec![true], 3).graph([1, 1, 1], 2).is_ok());
    }
}
