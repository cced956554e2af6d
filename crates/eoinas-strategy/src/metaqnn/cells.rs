//! Cells, chosen edge by edge and op by op.

use eoinas_core::{Genotype, SearchSpace};

use super::Walk;
use crate::choices::{Choices, Pick, Picks};

/// The cells of a space as steps: for each node the edges that it keeps, in the order of their sources, and after each its op.
#[derive(Clone, Debug)]
pub struct CellWalk {
    choices: Choices,
    /// How many choices a cell has.
    length: usize,
}

/// Which choice comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellState {
    /// An edge of a node (counted over all kinds of cell).
    Edge {
        /// The node.
        node: usize,
        /// How many edges of it were chosen before.
        before: usize,
        /// The first of its sources that may be chosen.
        first: usize,
    },
    /// The op of an edge that a node keeps.
    Op {
        /// The node.
        node: usize,
        /// How many edges of it were chosen before.
        before: usize,
        /// The edge's place among the node's sources.
        source: usize,
    },
}

/// One choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellStep {
    /// The edge's place among the node's sources.
    Edge(usize),
    /// The op's place among those of the node.
    Op(usize),
}

impl CellWalk {
    /// The cells of a space.
    pub fn new(space: SearchSpace) -> Self {
        let choices = Choices::new(space);
        let length = choices.nodes().iter().map(|node| 2 * node.keep).sum();
        Self { choices, length }
    }

    /// The picks of these steps; the last may lack its op.
    fn picks(&self, taken: &[CellStep]) -> (Picks, Option<usize>) {
        let mut picks = vec![Vec::new(); self.choices.nodes().len()];
        let (mut node, mut open) = (0, None);
        for step in taken {
            match (*step, open) {
                (CellStep::Edge(source), _) => open = Some(source),
                (CellStep::Op(op), Some(source)) => {
                    let keep = self.choices.nodes().get(node).map_or(0, |node| node.keep);
                    if let Some(picks) = picks.get_mut(node) {
                        picks.push(Pick { source, op });
                        node += usize::from(picks.len() >= keep);
                    }
                    open = None;
                }
                (CellStep::Op(_), None) => {}
            }
        }
        (picks, open)
    }
}

impl Walk for CellWalk {
    type Candidate = Genotype;
    type State = CellState;
    type Step = CellStep;

    fn state(&self, taken: &[CellStep]) -> Option<CellState> {
        let (picks, open) = self.picks(taken);
        let nodes = self.choices.nodes().iter().zip(&picks);
        let (node, picks) =
            nodes.enumerate().find(|(_, (node, picks))| picks.len() < node.keep).map(|(at, (_, picks))| (at, picks))?;
        let before = picks.len();
        Some(match open {
            Some(source) => CellState::Op { node, before, source },
            None => CellState::Edge { node, before, first: picks.last().map_or(0, |pick| pick.source + 1) },
        })
    }

    fn steps(&self, state: &CellState) -> Vec<CellStep> {
        match *state {
            CellState::Edge { node, before, first } => self.choices.nodes().get(node).map_or_else(Vec::new, |node| {
                // As many sources stay behind as there are edges still to be kept.
                let end = (node.sources.len() + before + 1).saturating_sub(node.keep);
                (first..end).map(CellStep::Edge).collect()
            }),
            CellState::Op { node, .. } => {
                let ops = self.choices.nodes().get(node).map_or(0, |node| node.ops.len());
                (0..ops).map(CellStep::Op).collect()
            }
        }
    }

    fn candidate(&self, taken: &[CellStep]) -> Genotype {
        self.choices.genotype(&self.picks(taken).0)
    }

    fn taken(&self, genotype: &Genotype) -> Option<Vec<CellStep>> {
        let picks = self.choices.picks(genotype)?;
        Some(picks.iter().flatten().flat_map(|pick| [CellStep::Edge(pick.source), CellStep::Op(pick.op)]).collect())
    }

    fn open(&self, state: &CellState) -> f64 {
        let (node, before, edge) = match *state {
            CellState::Edge { node, before, .. } => (node, before, 0),
            CellState::Op { node, before, .. } => (node, before, 1),
        };
        let earlier: usize = self.choices.nodes().iter().take(node).map(|node| 2 * node.keep).sum();
        1.0 - (earlier + 2 * before + edge) as f64 / self.length.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn steps_say_all_that_a_genotype_does_and_share_its_score() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let walk = CellWalk::new(space.clone());
            for index in 0..20 {
                let mut rng = Streams::new(1).rng(SeedStream::Named("walk"), 0, index);
                let genotype = Genotype::random(&space, &mut rng);
                let taken = walk.taken(&genotype).unwrap();
                assert_eq!(walk.candidate(&taken), genotype);
                assert_eq!(walk.state(&taken), None);
                for at in 0..taken.len() {
                    let state = walk.state(&taken[..at]).unwrap();
                    assert!(walk.steps(&state).contains(&taken[at]), "{state:?}");
                    assert!((walk.open(&state) - (1.0 - at as f64 / taken.len() as f64)).abs() < 1e-12);
                }
            }
        }
    }
}
