//! The parts of a network that take time.

use std::fmt;

use crate::network::{CellInput, CellLayer, LayerSpec, NetworkSpec, Preprocessing};
use crate::op::OpShape;

/// A part of a network, by what decides how long it takes. Sizes are those of its input in pixels.
///
/// Beside the ops of a space there are `stem`, `relu_conv_bn_x4` and `factorized_reduce_x4` (a cell's preprocessing, with how many
/// times as many channels it reads as it makes), `node_sum_2` (the sum at a node that so many ops enter), `residual`
/// (NAS-Bench-201's block of stride 2) and `head`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Part {
    /// Its name.
    pub op: String,
    /// Height of its input.
    pub height: usize,
    /// Width of its input.
    pub width: usize,
    /// Stride.
    pub stride: usize,
    /// Channels of its output; those that the head reads.
    pub channels: usize,
}

impl Part {
    /// Names of parts that are no op of a space begin like this.
    pub(super) const AROUND: [&str; 6] =
        ["stem", "relu_conv_bn_x", "factorized_reduce_x", "node_sum_", "residual", "head"];

    /// An op on an edge.
    pub fn op(name: &str, shape: OpShape) -> Self {
        let OpShape { channels, stride, height, width, .. } = shape;
        Self { op: name.to_owned(), height, width, stride, channels }
    }

    /// Whether it is no op of a space.
    pub fn is_around_ops(&self) -> bool {
        Self::AROUND.iter().any(|name| self.op.starts_with(name))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, height, width, stride, channels } = self;
        write!(f, "{op} of {channels} channels, {height} x {width} pixels, stride {stride}")
    }
}

/// The parts of a network with one op on each edge, in the order in which they run.
pub fn parts(network: &NetworkSpec) -> Vec<Part> {
    let part = |op: String, (height, width): (usize, usize), stride: usize, channels: usize| Part {
        op,
        height,
        width,
        stride,
        channels,
    };
    let twice = |(height, width): (usize, usize)| (2 * height, 2 * width);
    let mut all = Vec::new();
    if let (Some(first), Some(last)) = (network.stem.first(), network.stem.last()) {
        let (height, width) = first.output_size;
        let size = (height * first.stride, width * first.stride);
        all.push(part("stem".to_owned(), size, 1, last.channels));
    }
    for layer in &network.layers {
        match layer {
            LayerSpec::Residual(block) => {
                all.push(part("residual".to_owned(), twice(block.output_size), 2, block.channels));
            }
            LayerSpec::Cell(cell) => {
                for input in &cell.inputs {
                    let times = times(input, cell);
                    match input.preprocessing {
                        Preprocessing::None => {}
                        Preprocessing::Pointwise => {
                            all.push(part(format!("relu_conv_bn_x{times}"), cell.input_size, 1, cell.channels));
                        }
                        Preprocessing::FactorizedReduce => {
                            let name = format!("factorized_reduce_x{times}");
                            all.push(part(name, twice(cell.input_size), 2, cell.channels));
                        }
                    }
                }
                let Some(ops) = network.cells.get(cell.kind.0) else { continue };
                for node in cell.inputs.len()..ops.nodes {
                    let mut terms = 0;
                    for edge in ops.edges.iter().filter(|edge| edge.to == node) {
                        for op in &edge.ops {
                            terms += usize::from(!op.is_zero());
                            all.push(Part::op(op.name(), cell.shape(edge, true)));
                        }
                    }
                    all.push(part(format!("node_sum_{terms}"), cell.output_size, 1, cell.channels));
                }
            }
        }
    }
    all.push(part("head".to_owned(), network.head.size, 1, network.head.channels));
    all
}

/// How many times as many channels a cell's preprocessing reads as it makes, in three digits at most: `4`, `1.5`.
fn times(input: &CellInput, cell: &CellLayer) -> f64 {
    let times = input.channels as f64 / cell.channels.max(1) as f64;
    (times * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SearchSpace, Skeleton, zoo};

    #[test]
    fn the_parts_of_a_small_network_in_order() {
        let cell = zoo::find("darts-v2").unwrap().genotype();
        let skeleton = Skeleton { channels: 8, cells: 3, ..Skeleton::cifar() };
        let network = NetworkSpec::derived(&cell, &SearchSpace::darts(), &skeleton).unwrap();
        let names: Vec<String> = parts(&network).iter().map(|part| format!("{} {}", part.op, part.channels)).collect();
        // Stem, three cells of two inputs, eight edges and four sums, head.
        assert_eq!(names.len(), 1 + 3 * (2 + 8 + 4) + 1);
        let first =
            ["stem 24", "relu_conv_bn_x3 8", "relu_conv_bn_x3 8", "sep_conv_3x3 8", "sep_conv_3x3 8", "node_sum_2 8"];
        assert_eq!(names[..6], first);
        assert_eq!(names[15..18], ["relu_conv_bn_x1.5 16", "relu_conv_bn_x2 16", "max_pool_3x3 16"]);
        assert_eq!(names[29..31], ["factorized_reduce_x1 32", "relu_conv_bn_x2 32"]);
        assert_eq!(names.last().map(String::as_str), Some("head 128"));
    }
}
