//! The cells of a space as motifs of one level.

use eoinas_core::{Genotype, Op, SearchSpace};
use rand::{Rng, RngExt};

use super::{Mutable, NAME};
use crate::StrategyError;
use crate::choices::{Choices, Pick};
use crate::evolution::pick;

/// The cells of a space that has an identity.
#[derive(Clone, Debug)]
pub struct CellMotifs {
    choices: Choices,
    identity: Genotype,
}

impl CellMotifs {
    /// The cells of a space.
    ///
    /// # Errors
    /// [`StrategyError::Space`] for a space without `skip_connect`.
    pub fn new(space: SearchSpace) -> Result<Self, StrategyError> {
        let choices = Choices::new(space);
        let skips = choices.nodes().iter().map(|node| {
            let skip = node.ops.iter().position(|op| *op == Op::SkipConnect);
            skip.map(|op| (0..node.keep).map(|source| Pick { source, op }).collect())
        });
        let picks = skips.collect::<Option<Vec<_>>>().ok_or_else(|| StrategyError::Space {
            strategy: NAME,
            problem: "it begins with a cell of identities, and `skip_connect` is not among the ops; add it".to_owned(),
        })?;
        let identity = choices.genotype(&picks);
        Ok(Self { choices, identity })
    }

    /// Another op on one edge of a random node of a random kind of cell; `None` where nothing else can be there.
    fn changed(&self, genotype: &Genotype, rng: &mut dyn Rng) -> Option<Genotype> {
        let mut picks = self.choices.picks(genotype)?;
        let kinds: Vec<usize> = self.choices.space().cells().iter().map(|cell| cell.nodes).collect();
        let kind = rng.random_range(0..kinds.len().max(1));
        let first: usize = kinds.iter().take(kind).sum();
        let node = first + rng.random_range(0..(*kinds.get(kind)?).max(1));
        let (choice, own) = (self.choices.nodes().get(node)?, picks.get_mut(node)?);
        let source = rng.random_range(0..choice.sources.len().max(1));
        let present = own.iter().position(|pick| pick.source == source);
        let ops = 0..choice.ops.len();
        let others: Vec<usize> =
            ops.filter(|op| present.and_then(|at| own.get(at)).is_none_or(|pick| pick.op != *op)).collect();
        let op = *pick(&others, rng)?;
        let at = present.unwrap_or_else(|| rng.random_range(0..own.len().max(1)));
        *own.get_mut(at)? = Pick { source, op };
        own.sort_by_key(|pick| pick.source);
        Some(self.choices.genotype(&picks))
    }
}

impl Mutable for CellMotifs {
    type Candidate = Genotype;

    fn identity(&self) -> Genotype {
        self.identity.clone()
    }

    fn mutate(&self, genotype: Genotype, rng: &mut dyn Rng) -> Genotype {
        self.changed(&genotype, rng).unwrap_or(genotype)
    }

    /// Every cell of the space: what a cell without a path is worth is for the evaluator to say, as it is for other strategies.
    fn works(&self, genotype: &Genotype) -> bool {
        self.choices.picks(genotype).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{CellSpec, SeedStream, Streams};

    #[test]
    fn a_mutation_is_one_edge() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let cells = CellMotifs::new(space.clone()).unwrap();
            let mut rng = Streams::new(1).rng(SeedStream::Named("motifs"), 0, 0);
            let mut genotype = cells.identity();
            genotype.fits(&space).unwrap();
            for _ in 0..200 {
                let next = cells.mutate(genotype.clone(), &mut rng);
                next.fits(&space).unwrap();
                assert!(cells.works(&next));
                let edges = |genotype: &Genotype| -> Vec<_> {
                    let nodes = genotype.cells.iter().flat_map(|cell| cell.nodes.clone()).enumerate();
                    nodes.flat_map(|(node, edges)| edges.into_iter().map(move |edge| (node, edge))).collect()
                };
                let (before, after) = (edges(&genotype), edges(&next));
                assert_eq!(after.iter().filter(|edge| !before.contains(edge)).count(), 1, "{genotype} {next}");
                genotype = next;
            }
        }
    }

    #[test]
    fn a_space_without_identity_is_refused() {
        let cells = vec![CellSpec { keep: None, ..CellSpec::dense("cell", 1, 1, false) }];
        let space = SearchSpace::new("convolutions", vec![Op::NorConv3x3], cells).unwrap();
        let error = CellMotifs::new(space).unwrap_err().to_string();
        assert!(error.contains("`skip_connect` is not among the ops"), "{error}");
    }
}
