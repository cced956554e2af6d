//! Counts of whole networks and their parts.

use super::Counts;
use super::op::{conv_norm, convolution, linear, norm, op};
use crate::error::CoreError;
use crate::gates::Gates;
use crate::genotype::Genotype;
use crate::network::{Auxiliary, HeadSpec, LayerSpec, NetworkSpec, Preprocessing, ResidualLayer, StemConv};
use crate::op::Op;
use crate::skeleton::Skeleton;
use crate::space::{CellKind, SearchSpace};

impl StemConv {
    /// Its counts. Its BatchNorm is affine in the search, too.
    pub fn counts(&self) -> Counts {
        conv_norm(self.input_channels, self.channels, 9, self.output_size, true)
    }
}

impl ResidualLayer {
    /// Its counts. Its BatchNorm is affine in the search, too.
    pub fn counts(&self) -> Counts {
        conv_norm(self.input_channels, self.channels, 9, self.output_size, true)
            + conv_norm(self.channels, self.channels, 9, self.output_size, true)
            + convolution(self.input_channels, self.channels, 1, self.output_size)
    }
}

impl HeadSpec {
    /// Its counts.
    pub fn counts(&self) -> Counts {
        let before = if self.norm { norm(self.channels, true) } else { Counts::default() };
        before + linear(self.channels, self.classes)
    }
}

impl Auxiliary {
    /// Its counts. The head is trained with the network and is not part of it afterwards: no other count has it.
    pub fn counts(&self) -> Counts {
        let (first, second) = self.widths;
        conv_norm(self.input_channels, first, 1, self.pooled_size(), true)
            + convolution(first, second, 4, self.output_size())
            + if self.last_norm { norm(second, true) } else { Counts::default() }
            + linear(second, self.classes)
    }
}

impl NetworkSpec {
    /// Counts of the whole network with all ops on its edges.
    pub fn counts(&self) -> Counts {
        let layers = self.layers.iter().map(|layer| self.layer_counts(layer));
        self.stem.iter().map(StemConv::counts).sum::<Counts>() + layers.sum() + self.head.counts()
    }

    /// Counts of one layer with all ops on its edges: a cell's preprocessing and ops, or a residual block.
    pub fn layer_counts(&self, layer: &LayerSpec) -> Counts {
        self.layer_counts_of(layer, |kind| {
            let edges = self.cells.get(kind.0).map_or(&[][..], |cell| &cell.edges);
            edges.iter().enumerate().flat_map(|(index, edge)| edge.ops.iter().map(move |op| (index, op)))
        })
    }

    fn layer_counts_of<'a, I>(&'a self, layer: &LayerSpec, run: impl Fn(CellKind) -> I) -> Counts
    where
        I: Iterator<Item = (usize, &'a Op)>,
    {
        let cell = match layer {
            LayerSpec::Residual(block) => return block.counts(),
            LayerSpec::Cell(cell) => cell,
        };
        let affine = self.norm.affine;
        // A factorised reduce costs what a 1x1 convolution does.
        let read = cell.inputs.iter().filter(|input| input.preprocessing != Preprocessing::None);
        let preprocessing = read.map(|input| conv_norm(input.channels, cell.channels, 1, cell.input_size, affine));
        let edges = self.cells.get(cell.kind.0).map_or(&[][..], |cell| &cell.edges);
        let ops =
            run(cell.kind).filter_map(|(edge, candidate)| Some(op(candidate, cell.shape(edges.get(edge)?, affine))));
        preprocessing.sum::<Counts>() + ops.sum()
    }
}

/// A found architecture, all BatchNorm affine, as it is retrained. `space` says which cells reduce; for a genotype of
/// unknown origin, [`Genotype::space`] makes one.
///
/// # Errors
/// As [`NetworkSpec::derived`].
pub fn network(genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<Counts, CoreError> {
    Ok(NetworkSpec::derived(genotype, space, skeleton)?.counts())
}

/// The auxiliary head of the network of `skeleton`.
///
/// # Errors
/// A network that cannot have one: see [`NetworkSpec::auxiliary`].
pub fn auxiliary(skeleton: &Skeleton, space: &SearchSpace) -> Result<Counts, CoreError> {
    Ok(NetworkSpec::supernet(space, skeleton)?.auxiliary()?.counts())
}

/// One pass of the supernet: the ops that `gates` run, BatchNorm in cells without scale and shift. With one op an edge,
/// what a sampled step computes; times the batch size for a batch.
///
/// Ops that `gates` do not run are not counted, neither are gates of ops or edges that the space does not have.
///
/// # Errors
/// As [`NetworkSpec::supernet`].
pub fn supernet_path(gates: &Gates, skeleton: &Skeleton, space: &SearchSpace) -> Result<Counts, CoreError> {
    let network = NetworkSpec::supernet(space, skeleton)?;
    let run = |kind: CellKind| {
        let edges = gates.kinds.get(kind.0).map_or(&[][..], Vec::as_slice);
        let gates = edges.iter().enumerate().flat_map(|(edge, gates)| gates.iter().map(move |gate| (edge, gate.op)));
        gates.filter_map(|(edge, op)| Some((edge, space.ops().get(op)?)))
    };
    let layers = network.layers.iter().map(|layer| network.layer_counts_of(layer, run));
    Ok(network.stem.iter().map(StemConv::counts).sum::<Counts>() + layers.sum() + network.head.counts())
}
