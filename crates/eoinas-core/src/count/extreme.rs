//! The costliest and the cheapest cell of a space.

use super::Counts;
use super::op::op;
use crate::genotype::{Genotype, GenotypeEdge};
use crate::op::{Op, OpShape};
use crate::skeleton::Skeleton;
use crate::space::{CellSpec, SearchSpace};

/// Multiply-adds, and where they are equal parameters.
pub(super) fn multiply_adds(candidate: &Op, shape: OpShape) -> f64 {
    let Counts { parameters, multiply_adds } = op(candidate, shape);
    multiply_adds as f64 + parameters as f64 / 1e9
}

/// The cell of a space with the highest, or the lowest, cost of its ops: each node keeps the edges whose costliest, or cheapest, op (but
/// those whose output is zero) costs the most, or the least.
pub(super) fn extreme(
    space: &SearchSpace,
    skeleton: &Skeleton,
    cost: impl Fn(&Op, OpShape) -> f64,
    largest: bool,
) -> Genotype {
    let cost = |spec: &CellSpec, from: usize, candidate: &Op| {
        let shape = OpShape {
            channels: skeleton.channels,
            stride: spec.stride(from),
            height: skeleton.height,
            width: skeleton.width,
            affine: true,
        };
        cost(candidate, shape)
    };
    let cell = |spec: &CellSpec| {
        let ops: Vec<_> = spec.genotype_ops(space.ops()).into_iter().filter(|op| !op.is_zero()).collect();
        let node = |node| {
            let chosen = spec.sources(node).into_iter().filter_map(|from| {
                let by_cost = |a: &&&Op, b: &&&Op| cost(spec, from, a).total_cmp(&cost(spec, from, b));
                let op = if largest { ops.iter().max_by(by_cost) } else { ops.iter().min_by(by_cost) };
                op.map(|op| GenotypeEdge { op: (*op).clone(), from })
            });
            let mut edges: Vec<GenotypeEdge> = chosen.collect();
            edges.sort_by(|a, b| cost(spec, a.from, &a.op).total_cmp(&cost(spec, b.from, &b.op)));
            if largest {
                edges.reverse();
            }
            edges.truncate(spec.keep.map_or(usize::MAX, |keep| keep.max(1)));
            edges.sort_by_key(|edge| edge.from);
            edges
        };
        spec.found(spec.intermediate().map(node).collect())
    };
    Genotype { cells: space.cells().iter().map(cell).collect() }
}
