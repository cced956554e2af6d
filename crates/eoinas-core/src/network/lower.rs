//! From a space, a skeleton and a choice of ops to the layers of a network.

use super::{
    Auxiliary, CellInput, CellLayer, CellOps, EdgeOps, HeadSpec, LayerSpec, NetworkSpec, NormOptions, Preprocessing,
    ResidualLayer, StemConv,
};
use crate::error::CoreError;
use crate::genotype::{CellGenotype, Genotype};
use crate::setting::Setting;
use crate::skeleton::{Rules, Skeleton};
use crate::space::{CellKind, CellSpec, SearchSpace};

/// What a layer hands on: channels, and height and width in pixels.
type Output = (usize, (usize, usize));

impl NetworkSpec {
    /// The network of a search: all of the space's candidate ops on every edge of its cells.
    ///
    /// # Errors
    /// A number of the skeleton that cannot be; cells that do not go with its form; a kind of cell that no layer has.
    pub fn supernet(space: &SearchSpace, skeleton: &Skeleton) -> Result<Self, CoreError> {
        let edges = |spec: &CellSpec| {
            let ops = || space.ops().to_vec();
            spec.edges.iter().map(|e| EdgeOps { from: e.from, to: e.to, stride: e.stride, ops: ops() }).collect()
        };
        let cells = space.cells().iter().map(|spec| cell_ops(spec, edges(spec))).collect();
        lower(space, skeleton, cells, skeleton.rules().search_norm)
    }

    /// The network of a found architecture: its op on each of its edges, all BatchNorm affine, as it is retrained. `space`
    /// says which cells reduce; [`Genotype::space`] makes one for a genotype of unknown origin.
    ///
    /// # Errors
    /// As [`Self::supernet`]; a genotype of other cells than the space's.
    pub fn derived(genotype: &Genotype, space: &SearchSpace, skeleton: &Skeleton) -> Result<Self, CoreError> {
        genotype.check_cells(space)?;
        let cell = |(spec, found): (&CellSpec, &CellGenotype)| {
            let nodes = spec.intermediate().zip(&found.nodes);
            let edges = nodes.flat_map(|(to, inputs)| {
                inputs.iter().map(move |input| {
                    let stride = spec.stride(input.from);
                    EdgeOps { from: input.from, to, stride, ops: vec![input.op.clone()] }
                })
            });
            cell_ops(spec, edges.collect())
        };
        let cells = space.cells().iter().zip(&genotype.cells).map(cell).collect();
        lower(space, skeleton, cells, NormOptions::RETRAINING)
    }
}

fn cell_ops(spec: &CellSpec, edges: Vec<EdgeOps>) -> CellOps {
    CellOps { nodes: spec.inputs + spec.nodes, edges, concat: spec.concat.clone() }
}

fn halve((height, width): (usize, usize)) -> (usize, usize) {
    (height.div_ceil(2), width.div_ceil(2))
}

fn lower(
    space: &SearchSpace,
    skeleton: &Skeleton,
    cells: Vec<CellOps>,
    norm: NormOptions,
) -> Result<NetworkSpec, CoreError> {
    skeleton.check_numbers()?;
    let rules = skeleton.rules();
    space.cells().iter().try_for_each(|cell| check_cell(cell, &rules))?;
    let residuals = rules.residual_blocks || space.cells().iter().all(|cell| !cell.reduction);
    let placed = place(space, skeleton, residuals)?;
    check_placed(space, skeleton, &placed)?;
    check_size(skeleton, &cells, &placed)?;
    let residual_at = |index| residuals && skeleton.reduces_at(index);
    let in_layers =
        placed.iter().enumerate().filter(|(index, (_, spec))| spec.reduction || residual_at(*index)).count();
    let in_stem = rules.stem.iter().filter(|(_, stride)| *stride == 2).count();
    skeleton.check_image((in_layers + in_stem) as u32)?;

    let (stem, mut features) = stem(skeleton, &rules);
    let stem_features = features.len();
    let (mut layers, mut channels) = (Vec::with_capacity(placed.len() + 2), skeleton.channels);
    let mut auxiliary = None;
    for (index, &(kind, spec)) in placed.iter().enumerate() {
        if residual_at(index) {
            let layer = residual(&features);
            features.push((layer.channels, layer.output_size));
            layers.push(LayerSpec::Residual(layer));
        }
        channels *= if spec.reduction || residual_at(index) { 2 } else { 1 };
        let layer = cell(kind, spec, channels, &rules, &features);
        features.push((layer.output_channels, layer.output_size));
        layers.push(LayerSpec::Cell(layer));
        if index == 2 * skeleton.cells / 3 {
            auxiliary = features
                .last()
                .map(|&(channels, size)| Auxiliary::behind(skeleton, (features.len() - 1, channels, size)));
        }
    }
    // There is a layer at 2L/3, and a last one: L is 1 or more.
    let (Some(&(channels, size)), Some(auxiliary)) = (features.last(), auxiliary) else {
        return Err(Setting::new("network.cells", skeleton.cells, "at least 1").into());
    };
    let head = HeadSpec { channels, size, norm: rules.head_norm, classes: skeleton.classes };
    Ok(NetworkSpec { stem, stem_features, cells, layers, head, norm, auxiliary })
}

/// Whether a kind of cell goes with the skeleton's form.
fn check_cell(cell: &CellSpec, rules: &Rules) -> Result<(), CoreError> {
    let (inputs, most) = (cell.inputs, rules.most_inputs);
    if inputs == 0 || inputs > most {
        let expected = if most == 1 { "1" } else { "1 or 2" };
        return Err(CoreError::cell(
            &cell.name,
            format!("it has {inputs} inputs; cells of this network have {expected}"),
        ));
    }
    // Without preprocessing, what a cell gives is what the next one's nodes have.
    if !rules.preprocessing && cell.concat.len() != 1 {
        let nodes = cell.concat.len();
        let problem = format!("it joins {nodes} nodes into its output; the NAS-Bench-201 form needs exactly one");
        return Err(CoreError::cell(&cell.name, problem));
    }
    if rules.residual_blocks && cell.reduction {
        let problem = "it reduces; in the NAS-Bench-201 form residual blocks do, and cells keep the resolution";
        return Err(CoreError::cell(&cell.name, problem));
    }
    Ok(())
}

/// The kind of cell of each layer.
fn place<'a>(
    space: &'a SearchSpace,
    skeleton: &Skeleton,
    residuals: bool,
) -> Result<Vec<(CellKind, &'a CellSpec)>, CoreError> {
    let kinds = || space.kinds().zip(space.cells());
    if let Some(names) = &skeleton.layers {
        let kind = |name: &String| kinds().find(|(_, cell)| cell.name == *name);
        let known = || kinds().map(|(_, cell)| cell.name.as_str()).collect::<Vec<_>>().join(", ");
        return names
            .iter()
            .map(|name| {
                let wrong = || Setting::new("network.layers", format!("`{name}`"), format!("one of {}", known()));
                kind(name).ok_or_else(|| wrong().into())
            })
            .collect();
    }
    let first = |reduction| kinds().find(|(_, cell)| cell.reduction == reduction);
    let (normal, reduce) = (first(false), first(true));
    (0..skeleton.cells)
        .map(|index| {
            let kind = if skeleton.reduces_at(index) && !residuals { reduce } else { normal };
            kind.ok_or_else(|| {
                let space = space.name();
                let problem = "it has only reduction cells; the network needs one that keeps the resolution";
                CoreError::space(format!("space `{space}`: {problem}"))
            })
        })
        .collect()
}

/// A kind that no layer has would be searched for nothing, and never tell.
fn check_placed(space: &SearchSpace, skeleton: &Skeleton, placed: &[(CellKind, &CellSpec)]) -> Result<(), CoreError> {
    let missing = |(kind, _): &(CellKind, &CellSpec)| placed.iter().all(|(there, _)| there != kind);
    let Some((_, cell)) = space.kinds().zip(space.cells()).find(missing) else { return Ok(()) };
    let alike = space.cells().iter().find(|other| other.reduction == cell.reduction);
    if skeleton.layers.is_none() && alike.is_some_and(|first| first.name == cell.name) {
        let expected = format!("at least 3, for with fewer no layer of the network has cell `{}`", cell.name);
        return Err(Setting::new("network.cells", skeleton.cells, expected).into());
    }
    let problem = "no layer of the network has it; say the kind of each layer (`network.layers`), or take it out of the \
                   space";
    Err(CoreError::cell(&cell.name, problem))
}

/// Ops of a network where the skeleton does not say it, looked at before any of them takes memory.
const MAX_OPS: usize = 100_000;

fn check_size(skeleton: &Skeleton, cells: &[CellOps], placed: &[(CellKind, &CellSpec)]) -> Result<(), Setting> {
    let of_cell = |cell: &CellOps| cell.edges.iter().map(|edge| edge.ops.len()).sum::<usize>();
    let of_kinds: Vec<usize> = cells.iter().map(of_cell).collect();
    let ops: usize = placed.iter().filter_map(|(kind, _)| of_kinds.get(kind.0)).sum();
    let most = skeleton.max_ops.unwrap_or(MAX_OPS);
    let expected =
        format!("fewer: they have {ops} ops, and a network has at most {most}, or as many as `network.max_ops` says");
    Setting::check(ops <= most, "network.cells", skeleton.cells, expected)
}

/// The stem, and the features that it gives.
fn stem(skeleton: &Skeleton, rules: &Rules) -> (Vec<StemConv>, Vec<Output>) {
    let (mut channels, mut size) = (skeleton.image_channels, (skeleton.height, skeleton.width));
    let (mut stem, mut outputs) = (Vec::with_capacity(rules.stem.len()), Vec::with_capacity(rules.stem.len()));
    for (index, &(output, stride)) in rules.stem.iter().enumerate() {
        size = if stride == 2 { halve(size) } else { size };
        stem.push(StemConv { input_channels: channels, channels: output, stride, relu: index > 0, output_size: size });
        channels = output;
        outputs.push((channels, size));
    }
    let skip = outputs.len().saturating_sub(rules.stem_features);
    (stem, outputs.split_off(skip))
}

fn residual(features: &[Output]) -> ResidualLayer {
    let (input_channels, input_size) = features.last().copied().unwrap_or_default();
    let feature = features.len().saturating_sub(1);
    ResidualLayer { feature, input_channels, channels: 2 * input_channels, output_size: halve(input_size) }
}

/// A cell behind `features`, of which it reads the last; one that is not there, before the first layer, is the first.
fn cell(kind: CellKind, spec: &CellSpec, channels: usize, rules: &Rules, features: &[Output]) -> CellLayer {
    let input_size = features.last().copied().unwrap_or_default().1;
    let input = |index: usize| {
        let feature = (features.len() + index).saturating_sub(spec.inputs);
        let (channels, size) = features.get(feature).copied().unwrap_or_default();
        let preprocessing = match (rules.preprocessing, size == input_size) {
            (false, _) => Preprocessing::None,
            (true, true) => Preprocessing::Pointwise,
            (true, false) => Preprocessing::FactorizedReduce,
        };
        CellInput { feature, channels, preprocessing }
    };
    CellLayer {
        kind,
        channels,
        inputs: (0..spec.inputs).map(input).collect(),
        input_size,
        output_size: if spec.reduction { halve(input_size) } else { input_size },
        output_channels: spec.concat.len() * channels,
    }
}
