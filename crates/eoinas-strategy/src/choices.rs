//! What a genotype of a space chooses: for each node which edges it keeps, and for each of those an op.

use eoinas_core::{EdgeId, Genotype, GenotypeEdge, Op, OpId, SearchSpace};

/// One kept edge of a node: places in [`Node::sources`] and [`Node::ops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub source: usize,
    pub op: usize,
}

/// The picks of every node, in the order of [`Choices::nodes`]; those of a node in the order of their sources.
pub(crate) type Picks = Vec<Vec<Pick>>;

/// What one node of one kind of cell chooses from.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Source nodes of the edges that it may keep.
    pub sources: Vec<usize>,
    /// How many of them it keeps.
    pub keep: usize,
    /// Ops of a kept edge: no zero ops where some of the edges are left out, as in [`Genotype::random`].
    pub ops: Vec<Op>,
}

/// The choices of a space.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    space: SearchSpace,
    nodes: Vec<Node>,
}

impl Choices {
    pub fn new(space: SearchSpace) -> Self {
        let mut nodes = Vec::new();
        for spec in space.cells() {
            let ops: Vec<Op> = spec.genotype_ops(space.ops()).into_iter().cloned().collect();
            for node in spec.intermediate() {
                let sources = spec.sources(node);
                let keep = spec.keep.map_or(sources.len(), |keep| keep.max(1).min(sources.len()));
                nodes.push(Node { sources, keep, ops: ops.clone() });
            }
        }
        Self { space, nodes }
    }

    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// The intermediate nodes of the first kind of cell, then of the second, and so on.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What `genotype` chose; `None` where it cannot be asked for in this space.
    pub fn picks(&self, genotype: &Genotype) -> Option<Picks> {
        genotype.fits(&self.space).ok()?;
        let inputs = genotype.cells.iter().flat_map(|cell| &cell.nodes);
        self.nodes.iter().zip(inputs).map(|(node, inputs)| node.picks(inputs)).collect()
    }

    /// Where each pick of a node is an edge of the space, and which of the space's ops it is.
    pub fn id(&self, node: usize, pick: Pick) -> Option<OpId> {
        let Node { sources, ops, .. } = self.nodes.get(node)?;
        let (from, op) = (sources.get(pick.source)?, ops.get(pick.op)?);
        let mut before = node;
        for (kind, cell) in self.space.kinds().zip(self.space.cells()) {
            if before >= cell.nodes {
                before -= cell.nodes;
                continue;
            }
            let to = cell.intermediate().nth(before)?;
            // Of several edges from one source the sources list each.
            let earlier = sources.get(..pick.source)?.iter().filter(|other| *other == from).count();
            let mut edges = cell.edges.iter().enumerate().filter(|(_, edge)| edge.to == to && edge.from == *from);
            let (edge, _) = edges.nth(earlier)?;
            return Some(EdgeId { kind, edge }.op(self.space.ops().iter().position(|known| known == op)?));
        }
        None
    }

    /// The genotype of these picks.
    pub fn genotype(&self, picks: &Picks) -> Genotype {
        let mut nodes = self.nodes.iter().zip(picks).map(|(node, picks)| node.inputs(picks));
        let cells = self.space.cells().iter().map(|spec| spec.found(nodes.by_ref().take(spec.nodes).collect()));
        Genotype { cells: cells.collect() }
    }
}

impl Node {
    fn picks(&self, inputs: &[GenotypeEdge]) -> Option<Vec<Pick>> {
        let mut picks: Vec<Pick> = Vec::with_capacity(inputs.len());
        for input in inputs {
            // Of several edges from one source each takes one of the inputs.
            let free = |source: usize| picks.iter().all(|pick| pick.source != source);
            let source = (0..self.sources.len()).find(|&at| self.sources.get(at) == Some(&input.from) && free(at))?;
            picks.push(Pick { source, op: self.ops.iter().position(|op| *op == input.op)? });
        }
        picks.sort_by_key(|pick| pick.source);
        (picks.len() == self.keep).then_some(picks)
    }

    fn inputs(&self, picks: &[Pick]) -> Vec<GenotypeEdge> {
        let input = |pick: &Pick| {
            Some(GenotypeEdge { op: self.ops.get(pick.op)?.clone(), from: *self.sources.get(pick.source)? })
        };
        picks.iter().filter_map(input).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn picks_say_all_that_a_genotype_does() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let choices = Choices::new(space.clone());
            for index in 0..20 {
                let mut rng = Streams::new(1).rng(SeedStream::Named("choices"), 0, index);
                let genotype = Genotype::random(&space, &mut rng);
                assert_eq!(choices.genotype(&choices.picks(&genotype).unwrap()), genotype);
            }
        }
    }

    #[test]
    fn a_genotype_that_is_never_asked_for_has_no_picks() {
        let choices = Choices::new(SearchSpace::darts());
        let bench = Genotype::parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").unwrap();
        assert_eq!(choices.picks(&bench), None);
        let mut rng = Streams::new(1).rng(SeedStream::Named("choices"), 0, 0);
        let mut genotype = Genotype::random(choices.space(), &mut rng);
        genotype.cells[0].nodes[3].pop();
        assert_eq!(choices.picks(&genotype), None);
    }
}
