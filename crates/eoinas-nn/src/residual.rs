//! NAS-Bench-201's residual block of stride 2 between stages.

use candle_core::Tensor;
use eoinas_kernels::node::{add_scaled, node_sum, node_sum_backward};
use eoinas_kernels::{ConvGeometry, Gradient, InputGradient, Term};

use crate::buffers::{FeatureTarget, all_zeros_like, recycle, refs};
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::graph::{GraphBuilder, GraphOp, Padding, Pooling, ValueId};
use crate::halving::{average_2x2, average_2x2_backward};
use crate::operation::Context;
use crate::parameters::{NormOptions, Scope};
use crate::stage::{Stage, StageOutput, chain_backward};

/// Twice ReLU, 3x3 convolution, BatchNorm (the first with stride 2), beside 2x2 average pooling and a 1x1 convolution.
#[derive(Debug)]
pub(crate) struct Residual {
    stages: [Stage; 2],
    shortcut: Stage,
}

/// What the block keeps for its backward pass.
#[derive(Debug)]
pub(crate) struct ResidualTape {
    first: StageOutput,
    second: StageOutput,
    pooled: Vec<Tensor>,
    shortcut: Tensor,
    output: Tensor,
}

impl Residual {
    /// A block from `input` to `output` channels. Its BatchNorm layers are affine in search, too.
    pub fn new(scope: &mut Scope<'_>, input: usize, output: usize) -> Result<Self> {
        let norm = NormOptions { affine: true, ..scope.norm() };
        let mut scope = scope.with_norm(norm);
        let geometry = |stride| ConvGeometry::new((3, 3), stride);
        let stages = [
            Stage::relu_conv_bn(&mut scope.child(0), (input, output), geometry(2)?)?,
            Stage::relu_conv_bn(&mut scope.child(1), (output, output), geometry(1)?)?,
        ];
        let shortcut = Stage::pointwise(&mut scope.child("shortcut"), (input, output))?;
        Ok(Self { stages, shortcut })
    }

    /// Its stages, to fold.
    pub fn stages_mut(&mut self) -> &mut [Stage] {
        &mut self.stages
    }

    /// Adds the block to a graph.
    pub fn trace(&self, graph: &mut GraphBuilder<'_>, x: ValueId) -> Result<ValueId> {
        let main = self.stages.iter().try_fold(x, |x, stage| stage.trace(graph, x))?;
        let [height, width, _] = graph.shape(x)?;
        let padding = Padding { bottom: height % 2, right: width % 2, ..Padding::default() };
        let pooled = graph.push(GraphOp::Pool { pooling: Pooling::Average, kernel: 2, stride: 2, padding }, &[x])?;
        let shortcut = self.shortcut.trace(graph, pooled)?;
        graph.push(GraphOp::Sum, &[main, shortcut])
    }

    /// Runs the block.
    pub fn forward(&self, context: &Context<'_>, sources: &[Tensor]) -> Result<(Tensor, ResidualTape)> {
        let [a, b] = &self.stages;
        let first = a.forward(context, &refs(sources), None)?;
        let second = b.forward(context, &[&first.z], first.norm.as_ref())?;
        let pooled = sources.iter().map(average_2x2).collect::<Result<Vec<_>>>()?;
        let shortcut = self.shortcut.forward(context, &refs(&pooled), None)?.z;
        let output = node_sum(context.workspace, shortcut.dims4()?, &terms(&second, &shortcut))?;
        Ok((output.clone(), ResidualTape { first, second, pooled, shortcut, output }))
    }

    /// Adds the gradients of the input and the weights, as far as they are wanted.
    pub fn backward(
        &self,
        context: &Context<'_>,
        tape: ResidualTape,
        sources: &[Tensor],
        dy: &Tensor,
        target: Option<&FeatureTarget>,
        mut weights: Option<&mut WeightGradients>,
    ) -> Result<()> {
        let ResidualTape { first, second, pooled, shortcut, output } = tape;
        let found = node_sum_backward(dy, &terms(&second, &shortcut)[..1], false)?;
        let sums = found
            .into_iter()
            .next()
            .and_then(|term| term.sums)
            .ok_or(NnError::Fault("a backward kernel gave no sums of BatchNorm"))?;
        let norm = second.norm.as_ref().ok_or(NnError::Fault("a backward kernel gave no sums of BatchNorm"))?;
        if let Some(weights) = weights.as_deref_mut() {
            norm.add_gradients(&sums, 1.0, weights)?;
        }
        let gradient = Gradient { dy, norm: Some((&second.z, &sums.map)), gate: 1.0, sample: None };
        let (sources, tensors) = (refs(sources), FeatureTarget::refs(target));
        let input = FeatureTarget::request(target, &tensors);
        chain_backward(&self.stages, context, &sources, vec![first], gradient, input, weights.as_deref_mut())?;

        let gradient = Gradient { dy, norm: None, gate: 1.0, sample: None };
        let dpooled = if target.is_some() { all_zeros_like(context.workspace, &pooled)? } else { Vec::new() };
        let add_to = refs(&dpooled);
        let input = if target.is_some() { InputGradient::AddTo(&add_to) } else { InputGradient::Skip };
        self.shortcut.backward(context, (&refs(&pooled), None), gradient, input, weights)?;
        for (target, dpooled) in target.iter().flat_map(|target| &target.tensors).zip(&dpooled) {
            add_scaled(target, &average_2x2_backward(dpooled, target.dims4()?)?, 1.0, None)?;
        }
        recycle(context.workspace, dpooled);
        recycle(context.workspace, [second.z, shortcut, output]);
        Ok(())
    }
}

impl ResidualTape {
    /// Hands the memory back, the output apart unless `all`.
    pub fn recycle(self, context: &Context<'_>, all: bool) {
        recycle(context.workspace, [self.first.z, self.second.z, self.shortcut]);
        if all {
            context.workspace.recycle(self.output);
        }
    }
}

fn terms<'a>(second: &'a StageOutput, shortcut: &'a Tensor) -> [Term<'a>; 2] {
    let norm = second.norm.as_ref().map(|norm| &norm.norm);
    [Term { z: &second.z, norm, gate: 1.0, sample: None }, Term { z: shortcut, norm: None, gate: 1.0, sample: None }]
}
