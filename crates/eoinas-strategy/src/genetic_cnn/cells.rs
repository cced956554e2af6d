//! The choices of a space's cells as bits.

use eoinas_core::{Genotype, SearchSpace};

use super::{Bits, Encoding, NAME};
use crate::StrategyError;
use crate::choices::{Choices, Pick};

/// More subsets of a node's edges than this are not numbered.
const SUBSETS: usize = 65_536;

/// The cells of a space: each node a stage.
#[derive(Clone, Debug)]
pub struct CellBits {
    choices: Choices,
    /// The subsets of its edges that each node may keep.
    subsets: Vec<Vec<Vec<usize>>>,
}

impl CellBits {
    /// The cells of a space.
    ///
    /// # Errors
    /// [`StrategyError::Space`] for a node with more than 65,536 subsets of edges to keep.
    pub fn new(space: SearchSpace) -> Result<Self, StrategyError> {
        let choices = Choices::new(space);
        let all = choices.nodes().iter().map(|node| {
            subsets(node.sources.len(), node.keep).ok_or_else(|| StrategyError::Space {
                strategy: NAME,
                problem: format!(
                    "a node keeps {} of {} edges, which are more than {SUBSETS} subsets; use fewer nodes or edges",
                    node.keep,
                    node.sources.len()
                ),
            })
        });
        let subsets = all.collect::<Result<_, _>>()?;
        Ok(Self { choices, subsets })
    }
}

/// All subsets of `keep` of so many elements, in lexicographic order; `None` of more than [`SUBSETS`].
fn subsets(elements: usize, keep: usize) -> Option<Vec<Vec<usize>>> {
    let mut all = vec![Vec::new()];
    for chosen in 0..keep {
        let mut longer = Vec::new();
        for subset in all {
            let first = subset.last().map_or(0, |last: &usize| last + 1);
            for element in first..(elements + chosen + 1).saturating_sub(keep) {
                longer.push(subset.iter().copied().chain([element]).collect::<Vec<_>>());
            }
            if longer.len() > SUBSETS {
                return None;
            }
        }
        all = longer;
    }
    Some(all)
}

/// Bits that number so many choices.
fn width(choices: usize) -> usize {
    choices.saturating_sub(1).checked_ilog2().map_or(0, |bits| bits as usize + 1)
}

/// The number in these bits, the first the highest.
fn number(bits: &[bool]) -> usize {
    bits.iter().fold(0, |number, bit| 2 * number + usize::from(*bit))
}

impl Encoding for CellBits {
    type Candidate = Genotype;

    fn stages(&self) -> Vec<usize> {
        let nodes = self.choices.nodes().iter().zip(&self.subsets);
        nodes.map(|(node, subsets)| width(subsets.len()) + node.keep * width(node.ops.len())).collect()
    }

    fn decode(&self, bits: &Bits) -> Genotype {
        let node = |((node, subsets), bits): ((&crate::choices::Node, &Vec<Vec<usize>>), &Vec<bool>)| {
            let (subset, ops) = bits.split_at(width(subsets.len()).min(bits.len()));
            let sources = subsets.get(number(subset) % subsets.len().max(1));
            let op = |at: usize| {
                let width = width(node.ops.len());
                number(ops.get(at * width..(at + 1) * width).unwrap_or_default()) % node.ops.len().max(1)
            };
            let picks = sources.into_iter().flatten().enumerate();
            picks.map(|(at, source)| Pick { source: *source, op: op(at) }).collect()
        };
        let picks = self.choices.nodes().iter().zip(&self.subsets).zip(bits).map(node).collect();
        self.choices.genotype(&picks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn subsets_are_all_and_in_order() {
        assert_eq!(subsets(4, 2).unwrap(), [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert_eq!(subsets(3, 3).unwrap(), [[0, 1, 2]]);
        assert_eq!(subsets(40, 20), None);
        assert_eq!([1, 2, 3, 5, 8, 9].map(width), [0, 1, 2, 3, 3, 4]);
    }

    /// Three bits an op, of which there are five: every architecture is there.
    #[test]
    fn bits_reach_every_cell_of_nas_bench_201() {
        let encoding = CellBits::new(SearchSpace::nas_bench_201()).unwrap();
        assert_eq!(encoding.stages(), [3, 6, 9]);
        let all = (0..1usize << 18).map(|code| {
            let mut bits = (0..18).map(|bit| code >> bit & 1 == 1);
            let stages: Bits = [3, 6, 9].map(|count| bits.by_ref().take(count).collect()).into();
            encoding.decode(&stages).to_string()
        });
        assert_eq!(all.collect::<HashSet<_>>().len(), 15_625);
    }

    #[test]
    fn cells_of_the_papers_space_fit() {
        let space = SearchSpace::darts();
        let encoding = CellBits::new(space.clone()).unwrap();
        // 1, 3, 6 and 10 pairs of predecessors in 0, 2, 3 and 4 bits; two ops of three bits.
        assert_eq!(encoding.stages(), [6, 8, 9, 10, 6, 8, 9, 10]);
        for bit in [false, true] {
            let bits = encoding.stages().into_iter().map(|count| vec![bit; count]).collect();
            encoding.decode(&bits).fits(&space).unwrap();
        }
    }
}
