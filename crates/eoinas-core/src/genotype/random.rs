//! Random cells, the baseline that every search has to beat.

use rand::{Rng, RngExt};

use super::{CellGenotype, Genotype, GenotypeEdge};
use crate::op::Op;
use crate::space::{CellSpec, SearchSpace};

impl Genotype {
    /// A random architecture of the space, every one equally likely.
    ///
    /// Where a node keeps some of its edges (DARTS: two), they come from distinct predecessors and their ops are none of
    /// the zero ops. Where it keeps all (NAS-Bench-201), zero ops are drawn like any other: that is how such a space
    /// leaves an edge out.
    ///
    /// ```
    /// use eoinas_core::{Genotype, SearchSpace, SeedStream, Streams};
    /// let space = SearchSpace::darts();
    /// let genotype = Genotype::random(&space, &mut Streams::new(1).rng(SeedStream::Named("random-search"), 0, 0));
    /// genotype.fits(&space)?;
    /// # Ok::<(), eoinas_core::CoreError>(())
    /// ```
    pub fn random<R: Rng + ?Sized>(space: &SearchSpace, rng: &mut R) -> Self {
        Self { cells: space.cells().iter().map(|spec| random_cell(spec, space.ops(), rng)).collect() }
    }
}

fn random_cell<R: Rng + ?Sized>(spec: &CellSpec, all: &[Op], rng: &mut R) -> CellGenotype {
    let ops = spec.genotype_ops(all);
    let node = |node| {
        let mut sources = spec.sources(node);
        while spec.keep.is_some_and(|keep| sources.len() > keep.max(1)) {
            sources.remove(rng.random_range(0..sources.len()));
        }
        sources
            .into_iter()
            .filter_map(|from| {
                let op = ops.get(rng.random_range(0..ops.len()))?;
                Some(GenotypeEdge { op: (*op).clone(), from })
            })
            .collect()
    };
    spec.found(spec.intermediate().map(node).collect())
}
