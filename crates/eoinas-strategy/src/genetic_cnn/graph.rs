//! Stages of connected nodes as a network.

use eoinas_core::CoreError;
use eoinas_core::models::{Activation, ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};

use super::stages::{StageCode, StageSpace};

impl StageSpace {
    /// The network for images of this height, width and number of channels (Section 3.1.1): in each stage the input node feeds
    /// the nodes that read no other, the output node reads those that no other reads, and nodes without any connection are left
    /// out; a stage without connections is one convolution. Each node is a convolution, BatchNorm and ReLU. A pooling of 3x3
    /// windows with stride 2 follows each stage, then a fully connected layer, dropout of one half and the classifier.
    ///
    /// # Errors
    /// Bits that are not of this space; images that are too small for it.
    pub fn graph(&self, code: &StageCode, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        // Says what does not fit.
        self.parse(&code.to_string()).map_err(|error| CoreError::Space { problem: error.to_string() })?;
        let (mut graph, mut x) = LayerGraph::new(images);
        for (stage, ((bits, nodes), channels)) in code.stages.iter().zip(&self.nodes).zip(&self.channels).enumerate() {
            let spec = ConvSpec::new(*channels, self.kernel, 1);
            let name = |node: &str| format!("stage{}.{node}", stage + 1);
            let read = |from: usize, to: usize| bits.get(to * to.saturating_sub(1) / 2 + from) == Some(&true);
            let input = convolution(&mut graph, &name("input"), spec, x)?;
            let (mut values, mut ends) = (Vec::new(), Vec::new());
            for node in 0..*nodes {
                let sources: Vec<usize> = (0..node).filter(|from| read(*from, node)).collect();
                let last = !(node + 1..*nodes).any(|to| read(node, to));
                if sources.is_empty() && last {
                    values.push(None);
                    continue;
                }
                let inputs: Vec<LayerId> =
                    sources.iter().filter_map(|from| values.get(*from).copied().flatten()).collect();
                let inputs = if inputs.is_empty() { vec![input] } else { inputs };
                let name = name(&format!("node{}", node + 1));
                let sum = sum(&mut graph, &name, &inputs)?;
                let value = convolution(&mut graph, &name, spec, sum)?;
                values.push(Some(value));
                ends.extend(last.then_some(value));
            }
            x = input;
            if !ends.is_empty() {
                let sum = sum(&mut graph, &name("output"), &ends)?;
                x = convolution(&mut graph, &name("output"), spec, sum)?;
            }
            let pool = PoolSpec { kind: PoolKind::Max, kernel: 3, stride: 2, padding: 1, ceil: false };
            x = graph.push(name("pool"), Layer::Pool(pool), &[x])?;
        }
        let [height, width, _] = graph.shape(x);
        let dense =
            ConvSpec { kernel: (height, width), padding: (0, 0), ..ConvSpec::new(self.dense, 1, 1).with_bias() };
        x = graph.push("dense", Layer::Conv(dense), &[x])?;
        x = graph.push("dense.relu", Layer::Activation(Activation::Relu), &[x])?;
        x = graph.push("dropout", Layer::Dropout { rate: 0.5 }, &[x])?;
        graph.push("classifier", Layer::Linear { features: classes }, &[x])?;
        Ok(graph)
    }
}

fn sum(graph: &mut LayerGraph, name: &str, inputs: &[LayerId]) -> Result<LayerId, CoreError> {
    match inputs {
        [one] => Ok(*one),
        many => graph.push(format!("{name}.sum"), Layer::Add, many),
    }
}

fn convolution(graph: &mut LayerGraph, name: &str, spec: ConvSpec, x: LayerId) -> Result<LayerId, CoreError> {
    let x = graph.push(name, Layer::Conv(spec), &[x])?;
    let x = graph.push(format!("{name}.bn"), Layer::BatchNorm { epsilon: 1e-5, momentum: 0.1 }, &[x])?;
    graph.push(format!("{name}.relu"), Layer::Activation(Activation::Relu), &[x])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convolutions(text: &str) -> (usize, u64) {
        let space = StageSpace::default();
        let network = space.graph(&space.parse(text).unwrap(), [32, 32, 3], 10).unwrap();
        assert_eq!(network.classes(), 10);
        let convolutions =
            network.nodes().iter().filter(|node| node.name.starts_with("stage") && node.name.ends_with(".bn"));
        (convolutions.count(), network.counts().parameters)
    }

    /// By hand: the convolutions of each stage, then 4 x 4 x 32 values to 128 units and 10 classes.
    #[test]
    fn nodes_and_parameters_are_those_of_the_definition() {
        let head = 512 * 128 + 128 + 128 * 10 + 10;
        let first = |from: u64, to: u64| 25 * from * to + 2 * to;
        let inputs = first(3, 8) + first(8, 16) + first(16, 32);
        assert_eq!(convolutions("0-00|0-00-000|0-00-000-0000"), (3, inputs + head));
        // One connection: two nodes and the output node in that stage.
        assert_eq!(convolutions("1-00|0-00-000|0-00-000-0000"), (6, inputs + 3 * first(8, 8) + head));
        // All: every node and the output node.
        let all = inputs + 4 * first(8, 8) + 5 * first(16, 16) + 6 * first(32, 32);
        assert_eq!(convolutions("1-11|1-11-111|1-11-111-1111"), (3 + 4 + 5 + 6, all + head));
    }

    #[test]
    fn nodes_read_what_their_bits_say() {
        let space = StageSpace { nodes: vec![4], channels: vec![8], kernel: 3, dense: 16 };
        let network = space.graph(&space.parse("1-00-111").unwrap(), [8, 8, 3], 10).unwrap();
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
    fn bits_of_another_space_are_refused() {
        let code = StageCode { stages: vec![vec![true]] };
        let error = StageSpace::default().graph(&code, [32, 32, 3], 10).unwrap_err().to_string();
        assert!(error.contains("no bits of stages"), "{error}");
    }
}
