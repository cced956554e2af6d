//! The cells that differ from one in a single choice.

use eoinas_core::{Genotype, OpId, SearchSpace};

use crate::choices::{Choices, Pick};

/// A cell that differs from another in one op, or in where one edge comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// The cell.
    pub genotype: Genotype,
    /// What it does without.
    pub without: OpId,
    /// What it has instead.
    pub with: OpId,
}

/// All cells of `space` that differ from `genotype` in one op of one edge, or in one edge with its op: node by node, in the
/// order of sources and ops. None where the genotype is not one that is derived in this space.
///
/// ```
/// use eoinas_core::{Genotype, SearchSpace};
/// use eoinas_strategy::neighbours;
/// let space = SearchSpace::nas_bench_201();
/// let cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|none~2|";
/// let all = neighbours(&space, &Genotype::parse_in(cell, &space)?);
/// // Six edges, four other ops each.
/// assert_eq!(all.len(), 24);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn neighbours(space: &SearchSpace, genotype: &Genotype) -> Vec<Neighbour> {
    let choices = Choices::new(space.clone());
    let Some(picks) = choices.picks(genotype) else { return Vec::new() };
    let mut all = Vec::new();
    for (node, (choice, own)) in choices.nodes().iter().zip(&picks).enumerate() {
        for (at, &old) in own.iter().enumerate() {
            for source in 0..choice.sources.len() {
                let taken = own.iter().enumerate().any(|(other, pick)| other != at && pick.source == source);
                if taken {
                    continue;
                }
                for op in 0..choice.ops.len() {
                    let new = Pick { source, op };
                    if new == old {
                        continue;
                    }
                    let mut changed = picks.clone();
                    if let Some(picks) = changed.get_mut(node) {
                        picks.iter_mut().filter(|pick| **pick == old).for_each(|pick| *pick = new);
                        picks.sort_by_key(|pick| pick.source);
                    }
                    if let (Some(without), Some(with)) = (choices.id(node, old), choices.id(node, new)) {
                        all.push(Neighbour { genotype: choices.genotype(&changed), without, with });
                    }
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn each_differs_in_what_it_says() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let mut rng = Streams::new(1).rng(SeedStream::Named("neighbours"), 0, 0);
            let cell = Genotype::random(&space, &mut rng);
            let all = neighbours(&space, &cell);
            let gates = |cell: &Genotype| -> Vec<OpId> {
                let gates = cell.gates(&space).unwrap();
                gates.iter().flat_map(|(edge, gates)| gates.iter().map(move |gate| edge.op(gate.op))).collect()
            };
            let own = gates(&cell);
            for neighbour in &all {
                let there = gates(&neighbour.genotype);
                let gone: Vec<_> = own.iter().filter(|id| !there.contains(id)).collect();
                let new: Vec<_> = there.iter().filter(|id| !own.contains(id)).collect();
                assert_eq!((gone, new), (vec![&neighbour.without], vec![&neighbour.with]), "{}", neighbour.genotype);
            }
            let mut texts: Vec<String> = all.iter().map(|neighbour| neighbour.genotype.to_string()).collect();
            texts.sort();
            texts.dedup();
            assert_eq!(texts.len(), all.len());
        }
    }

    #[test]
    fn a_cell_of_another_space_has_none() {
        let cell = Genotype::parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").unwrap();
        assert_eq!(neighbours(&SearchSpace::darts(), &cell), []);
    }
}
