//! The network of stem, layers and head, forward and backward. The supernet and derived networks are made of it.

use candle_core::Tensor;
use eoinas_core::network::{Auxiliary, CellLayer, CellOps, LayerSpec, Preprocessing};
use eoinas_core::{Gates, NetworkSpec, OpId};

use crate::auxiliary::{AuxiliaryHead, AuxiliaryTape, PREFIX};
use crate::batch::Wanted;
use crate::buffers::{FeatureTarget, all_zeros_like, recycle, unwritten_like};
use crate::cell::{CellEdge, CellInput, CellModule, CellTape, Sinks};
use crate::error::{NnError, Result};
use crate::gate_sums::GateSums;
use crate::gradients::WeightGradients;
use crate::head::{Head, HeadTape};
use crate::operation::{Context, Operation};
use crate::ops::{Operations, Partial, passed_by};
use crate::parameters::{ParamId, Parameters, Scope};
use crate::residual::{Residual, ResidualTape};
use crate::stage::Stage;
use crate::stem::{Stem, StemTape};

/// Stem, layers, head. Feature 0 (and 1, in ImageNet's form) is the stem's, then one a layer.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) stem: Stem,
    pub(crate) layers: Vec<NetworkLayer>,
    pub(crate) head: Head,
    /// The auxiliary head and the feature that it reads.
    auxiliary: Option<(usize, AuxiliaryHead)>,
}

/// The auxiliary head's part of a backward pass.
#[derive(Debug)]
pub(crate) struct AuxiliaryGradient {
    pub tape: AuxiliaryTape,
    /// The gradient at its logits.
    pub dlogits: Tensor,
}

#[derive(Debug)]
pub(crate) struct NetworkLayer {
    pub(crate) module: Module,
    /// The features it reads.
    pub(crate) inputs: Vec<usize>,
}

#[derive(Debug)]
pub(crate) enum Module {
    Cell(CellModule),
    Residual(Box<Residual>),
}

#[derive(Debug)]
enum LayerTape {
    Cell(CellTape),
    Residual(ResidualTape),
}

/// What a pass keeps from its forward to its backward half.
#[derive(Debug)]
pub(crate) struct NetworkTape {
    stem: StemTape,
    layers: Vec<LayerTape>,
    head: HeadTape,
    features: Vec<Vec<Tensor>>,
    needed: Vec<bool>,
    /// How many ops were run.
    pub ops_run: u64,
}

impl Network {
    /// Builds the network, its ops by `operations`; with partial channels, the ops of an edge read 1/`share` of them, and
    /// what passes by is one more op.
    pub fn new(scope: &mut Scope<'_>, spec: &NetworkSpec, operations: &Operations, share: usize) -> Result<Self> {
        let stem = Stem::new(scope, spec)?;
        let (mut layers, mut cells, mut residuals) = (Vec::with_capacity(spec.layers.len()), 0usize, 0usize);
        for layer in &spec.layers {
            layers.push(match layer {
                LayerSpec::Cell(layer) => {
                    let mut scope = scope.child(format_args!("cells.{cells}"));
                    cells += 1;
                    let ops = spec
                        .cells
                        .get(layer.kind.0)
                        .ok_or(NnError::Fault("a layer is of a kind of cell that is not there"))?;
                    let cell = build_cell(&mut scope, layer, ops, operations, share)?;
                    let inputs = layer.inputs.iter().map(|input| input.feature).collect();
                    NetworkLayer { module: Module::Cell(cell), inputs }
                }
                LayerSpec::Residual(layer) => {
                    let mut scope = scope.child(format_args!("residuals.{residuals}"));
                    residuals += 1;
                    let block = Residual::new(&mut scope, layer.input_channels, layer.channels)?;
                    NetworkLayer { module: Module::Residual(Box::new(block)), inputs: vec![layer.feature] }
                }
            });
        }
        let head = Head::new(scope, &spec.head)?;
        Ok(Self { stem, layers, head, auxiliary: None })
    }

    /// Gives the network an auxiliary head. Last of all: the other parameters are the same with and without it.
    pub fn add_auxiliary(&mut self, scope: &mut Scope<'_>, shape: &Auxiliary) -> Result<()> {
        let head = AuxiliaryHead::new(&mut scope.child("auxiliary"), shape)?;
        self.auxiliary = Some((shape.feature, head));
        Ok(())
    }

    /// Takes the auxiliary head and its parameters away.
    pub fn drop_auxiliary(&mut self, parameters: &mut Parameters) {
        self.auxiliary = None;
        parameters.remove_below(PREFIX);
    }

    /// Logits of the auxiliary head, if there is one, after a forward pass that kept its features.
    pub fn auxiliary(&self, context: &Context<'_>, tape: &NetworkTape) -> Result<Option<(Tensor, AuxiliaryTape)>> {
        let Some((feature, head)) = &self.auxiliary else { return Ok(None) };
        let sources = tape.features.get(*feature).ok_or(NnError::Fault("a layer reads an output that is not there"))?;
        head.forward(context, sources).map(Some)
    }

    /// Logits of `images`, and the tape for the backward pass.
    pub fn forward(
        &self,
        context: &mut Context<'_>,
        images: &Tensor,
        gates: &Gates,
        wanted: Wanted,
    ) -> Result<(Tensor, NetworkTape)> {
        context.keep = wanted.weights;
        let (mut features, stem) = self.stem.forward(context, images)?;
        let mut features: Vec<Vec<Tensor>> = features.drain(..).map(|feature| vec![feature]).collect();
        context.lap();
        let mut needed = vec![wanted.weights; features.len()];
        let (mut layers, mut ops_run) = (Vec::with_capacity(self.layers.len()), 0);
        for (index, layer) in self.layers.iter().enumerate() {
            context.go_on()?;
            let inputs = layer.read(&features, &needed)?;
            let below = wanted.weights || inputs.iter().any(|(_, needed)| *needed);
            let (output, tape, need) = match &layer.module {
                Module::Cell(cell) => {
                    let (output, tape) = cell.forward(context, &inputs, gates.kind(cell.kind), wanted)?;
                    ops_run += tape.ops_run;
                    (output, LayerTape::Cell(tape), wanted.any())
                }
                Module::Residual(block) => {
                    context.keep = below;
                    let (output, tape) = block.forward(context, single(&inputs)?)?;
                    context.lap();
                    (vec![output], LayerTape::Residual(tape), below)
                }
            };
            if wanted.any() {
                layers.push(tape);
            } else {
                if let LayerTape::Residual(tape) = tape {
                    tape.recycle(context, false);
                }
                self.release_read(context, index, &mut features);
            }
            features.push(output);
            needed.push(need);
        }
        context.keep = wanted.any();
        let last = features.last().ok_or(NnError::Fault("a layer reads an output that is not there"))?;
        let (logits, head) = self.head.forward(context, last)?;
        context.lap();
        Ok((logits, NetworkTape { stem, layers, head, features, needed, ops_run }))
    }

    /// Hands back the features that no later layer reads.
    fn release_read(&self, context: &Context<'_>, done: usize, features: &mut [Vec<Tensor>]) {
        let later = self.layers.get(done + 1..).unwrap_or(&[]);
        // Between the layer that was just run and the end, `features` has all but this layer's own output.
        for (index, feature) in features.iter_mut().enumerate() {
            let read = later.iter().any(|layer| layer.inputs.contains(&index));
            if !read {
                recycle(context.workspace, std::mem::take(feature));
            }
        }
    }

    /// Hands back what a forward pass without a backward one still holds.
    pub fn release(&self, context: &Context<'_>, tape: NetworkTape) {
        tape.stem.release(context, self.stem.features());
        for feature in tape.features {
            recycle(context.workspace, feature);
        }
    }

    /// Gradients of the head's classifier alone, after a forward pass that kept nothing.
    pub fn classifier_gradients(
        &self,
        context: &Context<'_>,
        tape: NetworkTape,
        dlogits: &Tensor,
        weights: &mut WeightGradients,
    ) -> Result<()> {
        self.head.classifier_gradients(context, &tape.head, dlogits, weights)?;
        self.release(context, tape);
        Ok(())
    }

    /// Gradients that are wanted, from the logits' gradient and the auxiliary head's.
    #[allow(clippy::too_many_arguments, reason = "two heads, and two kinds of gradient that may be wanted")]
    pub fn backward(
        &self,
        context: &mut Context<'_>,
        tape: NetworkTape,
        images: &Tensor,
        dlogits: &Tensor,
        auxiliary: Option<AuxiliaryGradient>,
        mut weights: Option<&mut WeightGradients>,
        mut gates: Option<&mut GateSums>,
    ) -> Result<()> {
        let workspace = context.workspace;
        let NetworkTape { stem, mut layers, head, features, needed, .. } = tape;
        let mut gradients: Vec<Option<Vec<Tensor>>> = Vec::new();
        gradients.resize_with(features.len(), || None);
        let last = features.last().ok_or(NnError::Fault("a layer reads an output that is not there"))?;
        let wants = needed.last().copied().unwrap_or(false);
        let target = if wants { Some(all_zeros_like(workspace, last)?) } else { None };
        self.head.backward(context, head, dlogits, target.as_deref(), weights.as_deref_mut())?;
        if let Some(slot) = gradients.last_mut() {
            *slot = target;
        }
        if let (Some((feature, head)), Some(auxiliary), Some(weights)) =
            (&self.auxiliary, auxiliary, weights.as_deref_mut())
        {
            let target = target_of(workspace, *feature, &features, &needed, &mut gradients)?;
            let target = target.as_ref().map(FeatureTarget::zeroed).transpose()?.unwrap_or(&[]);
            let sources = features.get(*feature).ok_or(NnError::Fault("a layer reads an output that is not there"))?;
            head.backward(context, auxiliary.tape, sources, &auxiliary.dlogits, target, weights)?;
        }
        for layer in self.layers.iter().rev() {
            context.go_on()?;
            let (Some(tape), Some(gradient)) = (layers.pop(), gradients.pop()) else { break };
            let Some(gradient) = gradient else {
                tape.recycle(context);
                continue;
            };
            let mut targets = Vec::with_capacity(layer.inputs.len());
            for &input in &layer.inputs {
                targets.push(target_of(workspace, input, &features, &needed, &mut gradients)?);
            }
            let inputs = layer.read(&features, &needed)?;
            match (&layer.module, tape) {
                (Module::Cell(cell), LayerTape::Cell(tape)) => {
                    let sinks = Sinks { weights: weights.as_deref_mut(), gates: gates.as_deref_mut() };
                    cell.backward(context, tape, &inputs, gradient, &targets, sinks)?;
                }
                (Module::Residual(block), LayerTape::Residual(tape)) => {
                    let target = targets.first().and_then(Option::as_ref);
                    let dy = gradient.first().ok_or(NnError::Fault("a block has no gradient"))?;
                    block.backward(context, tape, single(&inputs)?, dy, target, weights.as_deref_mut())?;
                    recycle(workspace, gradient);
                }
                (_, tape) => tape.recycle(context),
            }
        }
        match weights {
            Some(weights) => {
                let gradients = gradients.into_iter().map(|g| g.and_then(|g| g.into_iter().next())).collect();
                self.stem.backward(context, stem, images, gradients, weights)
            }
            None => {
                stem.recycle(context);
                Ok(())
            }
        }
    }

    /// Frees an op in every cell of its kind; gives its parameters.
    pub fn prune(&mut self, id: OpId) -> Vec<ParamId> {
        let mut freed = Vec::new();
        for layer in &mut self.layers {
            if let Module::Cell(cell) = &mut layer.module
                && cell.kind == id.edge.kind
            {
                freed.extend(cell.prune(id.edge.edge, id.op));
            }
        }
        freed
    }

    /// Whether the cells have this op: all of a kind have the same.
    pub fn has(&self, id: OpId) -> bool {
        let cell = self.layers.iter().find_map(|layer| match &layer.module {
            Module::Cell(cell) if cell.kind == id.edge.kind => Some(cell),
            _ => None,
        });
        cell.and_then(|cell| cell.edges.get(id.edge.edge)?.ops.get(id.op)).is_some_and(Option::is_some)
    }
}

impl NetworkLayer {
    fn read<'a>(&self, features: &'a [Vec<Tensor>], needed: &[bool]) -> Result<Vec<CellInput<'a>>> {
        let read = |&input: &usize| match (features.get(input), needed.get(input)) {
            (Some(feature), Some(&needed)) => Ok((feature.as_slice(), needed)),
            _ => Err(NnError::Fault("a layer reads an output that is not there")),
        };
        self.inputs.iter().map(read).collect()
    }
}

impl LayerTape {
    fn recycle(self, context: &Context<'_>) {
        match self {
            Self::Cell(tape) => tape.recycle(context.workspace),
            Self::Residual(tape) => tape.recycle(context, true),
        }
    }
}

/// Where a feature's gradient is collected; nowhere when it is not needed.
fn target_of(
    workspace: &eoinas_kernels::Workspace,
    input: usize,
    features: &[Vec<Tensor>],
    needed: &[bool],
    gradients: &mut [Option<Vec<Tensor>>],
) -> Result<Option<FeatureTarget>> {
    let (Some(feature), Some(slot), Some(true)) = (features.get(input), gradients.get_mut(input), needed.get(input))
    else {
        return Ok(None);
    };
    let fresh = slot.is_none();
    let tensors = match slot {
        Some(tensors) => tensors,
        none => {
            let tensor = |tensor: &Tensor| unwritten_like(workspace, tensor);
            none.insert(feature.iter().map(tensor).collect::<Result<Vec<_>>>()?)
        }
    };
    Ok(Some(FeatureTarget { tensors: tensors.clone(), fresh }))
}

/// What a layer of one input reads.
fn single<'a>(inputs: &[CellInput<'a>]) -> Result<&'a [Tensor]> {
    inputs.first().map(|(sources, _)| *sources).ok_or(NnError::Fault("a layer reads an output that is not there"))
}

pub(crate) fn build_cell(
    scope: &mut Scope<'_>,
    layer: &CellLayer,
    cell: &CellOps,
    operations: &Operations,
    share: usize,
) -> Result<CellModule> {
    let channels = layer.channels;
    let mut preprocess = Vec::with_capacity(layer.inputs.len());
    for (index, input) in layer.inputs.iter().enumerate() {
        let mut scope = scope.child(format_args!("preprocess.{index}"));
        preprocess.push(match input.preprocessing {
            Preprocessing::None => None,
            Preprocessing::FactorizedReduce => Some(Stage::factorized_reduce(&mut scope, (input.channels, channels))?),
            Preprocessing::Pointwise => {
                let stage = Stage::pointwise(&mut scope, (input.channels, channels))?;
                Some(stage.with_relu().with_norm(scope.batch_norm(channels)?))
            }
        });
    }
    let mut edges = Vec::with_capacity(cell.edges.len());
    for (index, edge) in cell.edges.iter().enumerate() {
        let shape = layer.shape(edge, scope.norm().affine);
        let mut ops: Vec<Option<Box<dyn Operation>>> = Vec::with_capacity(edge.ops.len() + 1);
        for op in &edge.ops {
            let mut scope = scope.child(format_args!("edges.{index}.{op}"));
            ops.push(Some(match share {
                1 => operations.build(op, &mut scope, shape)?,
                _ => Box::new(Partial::new(operations, op, &mut scope, shape, share)?),
            }));
        }
        if share != 1 {
            let mut scope = scope.child(format_args!("edges.{index}.passed_by"));
            ops.push(Some(Box::new(passed_by(&mut scope, shape, share)?)));
        }
        edges.push(CellEdge { from: edge.from, to: edge.to, ops });
    }
    let (nodes, concat) = (cell.nodes, cell.concat.clone());
    Ok(CellModule { kind: layer.kind, preprocess, edges, nodes, concat, channels, output_size: layer.output_size })
}
