//! A chain as a network.

use super::chain::{Chain, ChainLayer};
use super::graph::{Activation, ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use crate::error::CoreError;

impl Chain {
    /// The network for images of this height, width and number of channels: convolutions and fully connected layers with
    /// biases and ReLU, no BatchNorm. Dropout after every second layer and every fully connected one; the i-th of n has the
    /// rate `i / 2n` (Baker et al., Section 5).
    ///
    /// A fully connected layer is a convolution whose filter is as large as what it reads.
    ///
    /// # Errors
    /// A window that is larger than what it reads; a convolution or pooling after a fully connected layer.
    pub fn graph(&self, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        let (mut graph, mut x) = LayerGraph::new(images);
        let drops = (0..self.layers.len()).filter(|&at| self.drops_after(at)).count();
        let mut dropped = 0;
        let mut flat = false;
        for (at, layer) in self.layers.iter().enumerate() {
            let name = format!("layer{}", at + 1);
            if flat && !matches!(layer, ChainLayer::Dense { .. }) {
                let problem = format!("`{self}`: {layer} after a fully connected layer; only those may follow one");
                return Err(CoreError::Space { problem });
            }
            x = match *layer {
                ChainLayer::Conv { kernel, channels } => {
                    let spec = ConvSpec::new(channels, kernel, 1).with_bias();
                    relu(&mut graph, &name, Layer::Conv(spec), x)?
                }
                ChainLayer::Pool { kernel, stride } => {
                    let spec = PoolSpec { kind: PoolKind::Max, kernel, stride, padding: 0, ceil: false };
                    graph.push(name, Layer::Pool(spec), &[x])?
                }
                ChainLayer::Dense { units } => {
                    flat = true;
                    let dense = connected(&graph, x, units);
                    relu(&mut graph, &name, dense, x)?
                }
            };
            if self.drops_after(at) {
                dropped += 1;
                let rate = f64::from(dropped) / (2 * drops) as f64;
                x = graph.push(format!("dropout{dropped}"), Layer::Dropout { rate }, &[x])?;
            }
        }
        if self.average && !flat {
            x = graph.push("average", Layer::GlobalAverage, &[x])?;
        }
        let classifier = connected(&graph, x, classes);
        graph.push("classifier", classifier, &[x])?;
        Ok(graph)
    }

    fn drops_after(&self, at: usize) -> bool {
        at % 2 == 1 || matches!(self.layers.get(at), Some(ChainLayer::Dense { .. }))
    }
}

/// A fully connected layer over all that `x` has.
pub(super) fn connected(graph: &LayerGraph, x: LayerId, features: usize) -> Layer {
    match graph.shape(x) {
        [1, 1, _] => Layer::Linear { features },
        [height, width, _] => Layer::Conv(ConvSpec {
            channels: features,
            kernel: (height, width),
            stride: 1,
            padding: (0, 0),
            groups: 1,
            bias: true,
        }),
    }
}

fn relu(graph: &mut LayerGraph, name: &str, layer: Layer, x: LayerId) -> Result<LayerId, CoreError> {
    let x = graph.push(name, layer, &[x])?;
    graph.push(format!("{name}.relu"), Layer::Activation(Activation::Relu), &[x])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(text: &str) -> LayerGraph {
        text.parse::<Chain>().unwrap().graph([32, 32, 3], 10).unwrap()
    }

    /// By hand: weights and biases layer by layer.
    #[test]
    fn counts_are_those_of_the_layers() {
        let counts = graph("conv3-64 pool2/2 conv5-128 pool5/3 dense256").counts();
        // 32 -> 16 -> 16 -> 4 pixels.
        let weights = [9 * 3 * 64, 25 * 64 * 128, 16 * 128 * 256, 256 * 10];
        assert_eq!(counts.parameters, weights.iter().sum::<u64>() + 64 + 128 + 256 + 10);
        let products = [weights[0] * 1024, weights[1] * 256, weights[2], weights[3]];
        assert_eq!(counts.multiply_adds, products.iter().sum::<u64>());
        assert_eq!(graph("conv3-64 average").counts().parameters, 9 * 3 * 64 + 64 + 64 * 10 + 10);
        assert_eq!(graph("classifier").counts().parameters, 3_072 * 10 + 10);
    }

    #[test]
    fn dropout_grows_to_one_half() {
        let rates: Vec<f64> = graph("conv3-8 conv3-8 conv3-8 pool2/2 dense16 dense16")
            .nodes()
            .iter()
            .filter_map(|node| if let Layer::Dropout { rate } = node.layer { Some(rate) } else { None })
            .collect();
        assert_eq!(rates, [0.125, 0.25, 0.375, 0.5]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, problem) in [
            ("dense8 conv3-8", "conv3-8 after a fully connected layer"),
            ("dense8 pool2/2", "pool2/2 after a fully connected layer"),
            ("pool5/3 pool5/3 pool5/3", "a window of 5 does not fit"),
        ] {
            let error = text.parse::<Chain>().unwrap().graph([32, 32, 3], 10).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
