//! Regularised evolution (Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
//! Algorithm 1: AmoebaNet).

use std::collections::VecDeque;

use eoinas_core::{Genotype, Op, SearchSpace, Setting};
use rand::{Rng, RngExt};

use crate::{Strategy, StrategyError};

/// Regularised evolution: the best of a random sample of the population is mutated, and the oldest dies.
///
/// The first `population` genotypes are random. A mutation changes either the op of one edge or, where the space lets a
/// node choose its inputs (DARTS), the source of one edge, each with probability 1/2; the child always differs from its
/// parent. The paper's third mutation (identity, 5 %) is left out: evaluators here are repeatable.
#[derive(Clone, Debug)]
pub struct Evolution {
    space: SearchSpace,
    population: usize,
    sample: usize,
    living: VecDeque<(Genotype, f64)>,
    told: usize,
}

impl Evolution {
    /// Population 10, sample 3: for budgets of some hundred evaluations, as on the table of NAS-Bench-201. The paper has
    /// 100 and 25 for 20,000.
    pub fn new(space: SearchSpace) -> Self {
        Self { space, population: 10, sample: 3, living: VecDeque::new(), told: 0 }
    }

    /// Other sizes: `population` at least 2, `sample` from 1 to `population` (drawn with replacement, as in the paper).
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that does not fit.
    pub fn with_sizes(self, population: usize, sample: usize) -> Result<Self, StrategyError> {
        Setting::check(population >= 2, "evolution.population", population, "at least 2")?;
        Setting::check((1..=population).contains(&sample), "evolution.sample", sample, "from 1 to the population")?;
        Ok(Self { population, sample, ..self })
    }

    fn parent(&self, rng: &mut dyn Rng) -> Option<&Genotype> {
        let mut best: Option<&(Genotype, f64)> = None;
        for _ in 0..self.sample {
            let drawn = self.living.get(rng.random_range(0..self.living.len().max(1)))?;
            if best.is_none_or(|best| drawn.1 > best.1) {
                best = Some(drawn);
            }
        }
        best.map(|(genotype, _)| genotype)
    }
}

impl Strategy for Evolution {
    fn name(&self) -> &str {
        "evolution"
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError> {
        if self.told < self.population {
            return Ok(Genotype::random(&self.space, rng));
        }
        Ok(match self.parent(rng).cloned() {
            Some(parent) => mutate(parent, &self.space, rng),
            None => Genotype::random(&self.space, rng),
        })
    }

    fn tell(&mut self, genotype: &Genotype, score: f64) {
        let score = if score.is_finite() { score } else { f64::NEG_INFINITY };
        self.living.push_back((genotype.clone(), score));
        self.told += 1;
        if self.living.len() > self.population {
            self.living.pop_front();
        }
    }
}

/// A place where a genotype can change: kind of cell, node among the intermediate ones, input of the node.
type Place = (usize, usize, usize);

/// A neighbour of `genotype`: one op or one source is another. A space without any choice gives the same again.
pub(crate) fn mutate(mut genotype: Genotype, space: &SearchSpace, rng: &mut dyn Rng) -> Genotype {
    let mut op_changes: Vec<(Place, Vec<Op>)> = Vec::new();
    let mut source_changes: Vec<(Place, Vec<usize>)> = Vec::new();
    for (kind, (cell, spec)) in genotype.cells.iter().zip(space.cells()).enumerate() {
        for (node, inputs) in cell.nodes.iter().enumerate() {
            for (input, edge) in inputs.iter().enumerate() {
                let place = (kind, node, input);
                let ops = spec.genotype_ops(space.ops()).into_iter().filter(|op| **op != edge.op).cloned();
                let ops: Vec<Op> = ops.collect();
                if !ops.is_empty() {
                    op_changes.push((place, ops));
                }
                let used = |from: usize| inputs.iter().any(|other| other.from == from);
                let free: Vec<usize> =
                    spec.sources(spec.inputs + node).into_iter().filter(|from| !used(*from)).collect();
                if spec.keep.is_some() && !free.is_empty() {
                    source_changes.push((place, free));
                }
            }
        }
    }
    let by_source = !source_changes.is_empty() && (op_changes.is_empty() || rng.random_bool(0.5));
    let edge = |genotype: &mut Genotype, (kind, node, input): Place, change: &mut dyn FnMut(&mut _)| {
        let nodes = genotype.cells.get_mut(kind).and_then(|cell| cell.nodes.get_mut(node));
        if let Some(inputs) = nodes {
            if let Some(edge) = inputs.get_mut(input) {
                change(edge);
            }
            // Inputs of a node stand in the order of their sources, so that one architecture has one text.
            inputs.sort_by_key(|edge: &eoinas_core::GenotypeEdge| edge.from);
        }
    };
    if by_source {
        if let Some((place, free)) = pick(&source_changes, rng)
            && let Some(from) = pick(free, rng)
        {
            edge(&mut genotype, *place, &mut |edge: &mut eoinas_core::GenotypeEdge| edge.from = *from);
        }
    } else if let Some((place, ops)) = pick(&op_changes, rng)
        && let Some(op) = pick(ops, rng)
    {
        edge(&mut genotype, *place, &mut |edge: &mut eoinas_core::GenotypeEdge| edge.op = op.clone());
    }
    genotype
}

/// One of these, each equally likely; `None` of none.
pub(crate) fn pick<'a, T>(items: &'a [T], rng: &mut dyn Rng) -> Option<&'a T> {
    if items.is_empty() { None } else { items.get(rng.random_range(0..items.len())) }
}
