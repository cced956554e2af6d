//! Paths in which every op of an edge has its turn.

use eoinas_core::{AliveOps, EdgeId, EdgeMap, Gates, SearchSpace};
use rand::{Rng, seq::SliceRandom};

use crate::blocks::{Turns, one_hot};

/// Random paths of one op an edge, on as many edges of each node as a derived cell has: in each of `cycles` cycles, as long
/// as the largest number of alive ops of an edge, every op of an edge is chosen once or, where others have more, once
/// or twice (FairNAS, Chu et al., 2021, draws like this).
pub fn fair_paths(space: &SearchSpace, alive: &AliveOps, cycles: usize, rng: &mut dyn Rng) -> Vec<Gates> {
    let length = Turns::length(space, alive);
    let mut paths = Vec::with_capacity(cycles * length);
    for _ in 0..cycles {
        let turns = Turns::draw(space, alive, rng);
        for turn in 0..length {
            let kept = kept(space, rng);
            paths.push(one_hot(space, |id| turns.op(id, turn).filter(|_| kept[id])));
        }
    }
    paths
}

/// Which edges a random cell keeps.
fn kept(space: &SearchSpace, rng: &mut dyn Rng) -> EdgeMap<bool> {
    let mut kept = EdgeMap::filled(space, true);
    for (kind, cell) in space.kinds().zip(space.cells()) {
        let Some(keep) = cell.keep else { continue };
        for node in cell.intermediate() {
            let into = cell.edges.iter().enumerate().filter(|(_, edge)| edge.to == node);
            let mut into: Vec<EdgeId> = into.map(|(edge, _)| EdgeId { kind, edge }).collect();
            into.shuffle(rng);
            into.iter().skip(keep).for_each(|&id| kept[id] = false);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn every_op_has_its_turn_and_nodes_keep_their_number_of_edges() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let alive = AliveOps::all(&space);
            let mut rng = Streams::new(3).rng(SeedStream::Named("test"), 0, 0);
            let ops = space.ops().len();
            let paths = fair_paths(&space, &alive, 6, &mut rng);
            assert_eq!(paths.len(), 6 * ops);
            for cycle in paths.chunks(ops) {
                for id in space.edges() {
                    let mut drawn: Vec<usize> = cycle.iter().flat_map(|path| &path[id]).map(|gate| gate.op).collect();
                    drawn.sort_unstable();
                    assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]), "{id}: {drawn:?}");
                }
            }
            for path in &paths {
                let mut inputs = BTreeMap::new();
                for (id, gates) in path.iter() {
                    let cell = &space.cells()[id.kind.0];
                    *inputs.entry((id.kind.0, cell.edges[id.edge].to)).or_insert(0) += gates.len();
                }
                let expected = |kind: usize, node: usize| {
                    let cell = &space.cells()[kind];
                    cell.keep.unwrap_or(usize::MAX).min(cell.sources(node).len())
                };
                assert!(inputs.iter().all(|(&(kind, node), &count)| count == expected(kind, node)), "{inputs:?}");
            }
        }
    }
}
