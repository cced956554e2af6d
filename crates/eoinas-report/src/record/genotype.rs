//! Genotypes of records, whose ops a reader need not know.

use eoinas_core::{Counts, Genotype, Op, OpShape, OpSpec, Skeleton, count};

/// An op that is only a name here.
#[derive(Debug)]
struct Named(String);

impl OpSpec for Named {
    fn name(&self) -> &str {
        &self.0
    }

    fn parameters(&self, _: OpShape) -> u64 {
        0
    }

    fn multiply_adds(&self, _: OpShape) -> u64 {
        0
    }
}

/// Reads a genotype in any text form; ops that are not built in are taken as names. `None` where it is no genotype.
pub fn read_genotype(text: &str) -> Option<Genotype> {
    let any = |name: &str| Some(name.parse().unwrap_or_else(|_| Op::custom(Named(name.to_owned()))));
    Genotype::parse_with(text, &any).ok()
}

/// Parameters and multiply-adds of a genotype's network; `None` with ops that are not built in, whose costs nobody here
/// knows, or where the network cannot be built.
pub fn costs(genotype: &Genotype, skeleton: &Skeleton) -> Option<Counts> {
    let custom =
        |cell: &eoinas_core::CellGenotype| cell.nodes.iter().flatten().any(|edge| matches!(edge.op, Op::Custom(_)));
    if genotype.cells.iter().any(custom) {
        return None;
    }
    count::network(genotype, skeleton, &genotype.space().ok()?).ok()
}
