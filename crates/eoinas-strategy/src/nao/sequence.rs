//! Genotypes as sequences of tokens, all as long.

use eoinas_core::{Genotype, SearchSpace};

use crate::choices::Choices;
use crate::metaqnn::{CellState, CellStep, CellWalk, Walk};

/// The token before the first.
pub(super) const START: u32 = 0;

/// The choices of a space as tokens: 1 and more for the edges that a node may keep, then the ops. Nodes that keep all their edges
/// have tokens of their ops alone.
#[derive(Clone, Debug)]
pub(super) struct Sequences {
    choices: Choices,
    walk: CellWalk,
    /// Most edges of a node, and most ops.
    edges: usize,
    ops: usize,
}

impl Sequences {
    pub fn new(space: SearchSpace) -> Self {
        let choices = Choices::new(space.clone());
        let edges = choices.nodes().iter().map(|node| node.sources.len()).max().unwrap_or(0);
        let ops = choices.nodes().iter().map(|node| node.ops.len()).max().unwrap_or(0);
        Self { walk: CellWalk::new(space), choices, edges, ops }
    }

    pub fn space(&self) -> &SearchSpace {
        self.choices.space()
    }

    /// How many tokens there are.
    pub fn vocabulary(&self) -> usize {
        1 + self.edges + self.ops
    }

    /// How many tokens a genotype has.
    pub fn length(&self) -> usize {
        let nodes = self.choices.nodes().iter();
        nodes.map(|node| if node.keep < node.sources.len() { 2 * node.keep } else { node.keep }).sum()
    }

    /// Whether the choice has a token.
    fn told(&self, state: &CellState) -> bool {
        match *state {
            CellState::Op { .. } => true,
            CellState::Edge { node, .. } => {
                self.choices.nodes().get(node).is_some_and(|node| node.keep < node.sources.len())
            }
        }
    }

    fn token(&self, step: CellStep) -> u32 {
        let token = match step {
            CellStep::Edge(source) => 1 + source,
            CellStep::Op(op) => 1 + self.edges + op,
        };
        token as u32
    }

    /// The tokens of a genotype; `None` for one that is not of the space.
    pub fn tokens(&self, genotype: &Genotype) -> Option<Vec<u32>> {
        let taken = self.walk.taken(genotype)?;
        let mut tokens = Vec::with_capacity(self.length());
        for (at, step) in taken.iter().enumerate() {
            if self.told(&self.walk.state(taken.get(..at)?)?) {
                tokens.push(self.token(*step));
            }
        }
        Some(tokens)
    }

    /// What may follow these steps, after the steps that are no choice were taken: each step with its token. Empty at the end.
    pub fn next(&self, taken: &mut Vec<CellStep>) -> Vec<(CellStep, u32)> {
        while let Some(state) = self.walk.state(taken) {
            let steps = self.walk.steps(&state);
            if self.told(&state) {
                return steps.into_iter().map(|step| (step, self.token(step))).collect();
            }
            let Some(only) = steps.first() else { break };
            taken.push(*only);
        }
        Vec::new()
    }

    pub fn genotype(&self, taken: &[CellStep]) -> Genotype {
        self.walk.candidate(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn tokens_say_all_that_a_genotype_does() {
        for (space, length) in [(SearchSpace::darts(), 28), (SearchSpace::nas_bench_201(), 6)] {
            let sequences = Sequences::new(space.clone());
            assert_eq!(sequences.length(), length);
            for index in 0..20 {
                let mut rng = Streams::new(1).rng(SeedStream::Named("tokens"), 0, index);
                let genotype = Genotype::random(&space, &mut rng);
                let tokens = sequences.tokens(&genotype).unwrap();
                assert_eq!(tokens.len(), length);
                let mut taken = Vec::new();
                for token in &tokens {
                    let next = sequences.next(&mut taken);
                    let (step, _) = next.iter().find(|(_, other)| other == token).unwrap();
                    taken.push(*step);
                    assert!((*token as usize) < sequences.vocabulary() && *token != START);
                }
                assert_eq!(sequences.next(&mut taken), []);
                assert_eq!(sequences.genotype(&taken), genotype);
            }
        }
    }
}
