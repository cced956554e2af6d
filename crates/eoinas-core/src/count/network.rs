//! Counts of cells and whole networks.

use super::Counts;
use super::op::{conv_norm, convolution, linear, norm, op};
use crate::gates::Gates;
use crate::genotype::{CellGenotype, Genotype, GenotypeError};
use crate::op::{Op, OpShape};
use crate::skeleton::{Form, Layer, Skeleton, SkeletonError};
use crate::space::{CellSpec, SearchSpace};

/// Why a network cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CountError {
    /// The skeleton cannot be built.
    #[error(transparent)]
    Skeleton(#[from] SkeletonError),
    /// The genotype does not have the cells that the space asks for.
    #[error(transparent)]
    Genotype(#[from] GenotypeError),
}

/// The stem. Its BatchNorm is affine in the search, too.
pub fn stem(skeleton: &Skeleton) -> Counts {
    let (image, c, (h, w)) = (skeleton.image_channels, skeleton.channels, (skeleton.height, skeleton.width));
    match skeleton.form {
        Form::Cifar | Form::NasBench201 => conv_norm(image, skeleton.stem_channels(), 9, (h, w), true),
        Form::ImageNet => [(image, c / 2, 2), (c / 2, c, 4), (c, c, 8)]
            .into_iter()
            .map(|(input, output, by)| conv_norm(input, output, 9, (h.div_ceil(by), w.div_ceil(by)), true))
            .sum(),
    }
}

/// What follows the last cell: global average pool and linear layer, in the NAS-Bench-201 form with BatchNorm and ReLU
/// before them.
pub fn classifier(skeleton: &Skeleton, space: &SearchSpace) -> Counts {
    let (channels, _) = skeleton.features(space);
    let before = if skeleton.form == Form::NasBench201 { norm(channels, true) } else { Counts::default() };
    before + linear(channels, skeleton.classes)
}

/// The auxiliary head, which is trained with the network and is not part of it afterwards: no other count has it.
///
/// # Errors
/// A network that cannot have one: see [`Skeleton::auxiliary`].
pub fn auxiliary(skeleton: &Skeleton, space: &SearchSpace) -> Result<Counts, SkeletonError> {
    let head = skeleton.auxiliary(space)?;
    let (first, second) = head.widths;
    Ok(conv_norm(head.input_channels, first, 1, head.pooled_size(), true)
        + convolution(first, second, 4, head.output_size())
        + if head.last_norm { norm(second, true) } else { Counts::default() }
        + linear(second, skeleton.classes))
}

/// NAS-Bench-201's residual block of stride 2. Its BatchNorm is affine in the search, too.
pub fn residual(input_channels: usize, channels: usize, output_size: (usize, usize)) -> Counts {
    conv_norm(input_channels, channels, 9, output_size, true)
        + conv_norm(channels, channels, 9, output_size, true)
        + convolution(input_channels, channels, 1, output_size)
}

/// What brings a cell's inputs to its channels and resolution: ReLU, 1x1 convolution and BatchNorm, or a factorised
/// reduce, which costs the same. Nothing in the NAS-Bench-201 form and before a residual block.
pub fn preprocessing(form: Form, layer: &Layer, affine: bool) -> Counts {
    match layer {
        Layer::Cell { channels, input_channels, input_size, .. } if form != Form::NasBench201 => {
            input_channels.iter().map(|&input| conv_norm(input, *channels, 1, *input_size, affine)).sum()
        }
        Layer::Cell { .. } | Layer::Residual { .. } => Counts::default(),
    }
}

/// The ops of a found cell at one layer; nothing for a residual block. `affine`: false in the search, true in
/// retraining.
pub fn cell(cell: &CellGenotype, spec: &CellSpec, layer: &Layer, affine: bool) -> Counts {
    let edges = cell.nodes.iter().flatten().map(|edge| (&edge.op, edge.from));
    ops(edges, spec, layer, affine)
}

/// A found architecture, all BatchNorm affine, as it is retrained. `space` says which cells reduce; for a genotype of
/// unknown origin, [`Genotype::space`] makes one.
pub fn network(genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<Counts, CountError> {
    skeleton.validate(space)?;
    genotype.check_cells(space)?;
    let edges = |kind: usize| {
        let cell = genotype.cells.get(kind);
        cell.into_iter().flat_map(|cell| cell.nodes.iter().flatten()).map(|edge| (&edge.op, edge.from))
    };
    Ok(whole(skeleton, space, true, edges))
}

/// One pass of the supernet: the ops that `gates` run, BatchNorm in cells without scale and shift. With one op an edge,
/// what a sampled step computes; times the batch size for a batch. Zero for a skeleton that cannot be built.
///
/// Ops that `gates` do not run are not counted, neither are gates of ops or edges that the space does not have.
pub fn supernet_path(gates: &Gates, skeleton: &Skeleton, space: &SearchSpace) -> Counts {
    if skeleton.validate(space).is_err() {
        return Counts::default();
    }
    let edges = |kind: usize| {
        let specs = space.cells().get(kind).map_or(&[][..], |cell| &cell.edges);
        let run = gates.kinds.get(kind).map_or(&[][..], Vec::as_slice);
        specs.iter().zip(run).flat_map(move |(spec, run)| {
            run.iter().filter_map(move |gate| space.ops().get(gate.op).map(|op| (op, spec.from)))
        })
    };
    whole(skeleton, space, false, edges)
}

fn whole<'a, I>(skeleton: &Skeleton, space: &SearchSpace, affine: bool, edges: impl Fn(usize) -> I) -> Counts
where
    I: Iterator<Item = (&'a Op, usize)>,
{
    let layers = skeleton.layers(space).into_iter().map(|at| match &at {
        Layer::Cell { kind, .. } => {
            let found = space.cell(*kind).map(|spec| ops(edges(kind.0), spec, &at, affine));
            preprocessing(skeleton.form, &at, affine) + found.unwrap_or_default()
        }
        Layer::Residual { input_channels, channels, .. } => residual(*input_channels, *channels, at.output_size()),
    });
    stem(skeleton) + layers.sum::<Counts>() + classifier(skeleton, space)
}

fn ops<'a>(edges: impl Iterator<Item = (&'a Op, usize)>, spec: &CellSpec, layer: &Layer, affine: bool) -> Counts {
    let Layer::Cell { channels, input_size, output_size, .. } = layer else {
        return Counts::default();
    };
    edges
        .map(|(candidate, from)| {
            let reads_input = from < spec.inputs;
            let (height, width) = if reads_input { *input_size } else { *output_size };
            let stride = if reads_input && spec.reduction { 2 } else { 1 };
            op(candidate, OpShape { channels: *channels, stride, height, width, affine })
        })
        .sum()
}
