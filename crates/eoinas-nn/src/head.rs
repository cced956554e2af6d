//! The head: global average pooling and the classifier, in NAS-Bench-201's form behind a BatchNorm and a ReLU.

use candle_core::Tensor;
use eoinas_core::network::HeadSpec;
use eoinas_kernels::Gradient;
use eoinas_kernels::head::{global_average_pool, global_average_pool_backward, linear_backward, linear_forward};
use eoinas_kernels::node::add_scaled;
use eoinas_kernels::norm::batch_stats;
use eoinas_kernels::share;

use crate::batch_norm::BatchNorm;
use crate::buffers::{Normalized, gradient_tensor, refs};
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::graph::{GraphBuilder, GraphOp, ValueId};
use crate::operation::Context;
use crate::parameters::{NormOptions, ParamId, Scope};
use crate::stage::StageOutput;

/// What the names of the classifier's parameters begin with.
pub(crate) const CLASSIFIER: &str = "classifier.";

/// Pooling and classifier.
#[derive(Debug)]
pub(crate) struct Head {
    norm: Option<BatchNorm>,
    weight: ParamId,
    bias: ParamId,
}

/// What the head keeps for its backward pass.
#[derive(Debug)]
pub(crate) struct HeadTape {
    pooled: Tensor,
    activated: Option<(Normalized, Tensor)>,
}

impl Head {
    /// The head of a network.
    pub fn new(scope: &mut Scope<'_>, head: &HeadSpec) -> Result<Self> {
        let HeadSpec { channels, classes, .. } = *head;
        let norm = if head.norm {
            let options = NormOptions { affine: true, ..scope.norm() };
            Some(scope.with_norm(options).child("last").batch_norm(channels)?)
        } else {
            None
        };
        let mut scope = scope.child("classifier");
        let weight = scope.weight("weight", (channels, classes), channels)?;
        let bias = scope.weight("bias", classes, channels)?;
        Ok(Self { norm, weight, bias })
    }

    /// Logits `[n, classes]` of the joined `sources`. Where several processes share the batch, each has the logits of all images:
    /// the classifier is small, and loss and score are those of the batch.
    pub fn forward(&self, context: &Context<'_>, sources: &[Tensor]) -> Result<(Tensor, HeadTape)> {
        let (pooled, activated) = match (&self.norm, sources) {
            (None, sources) => (global_average_pool(context.workspace, &refs(sources))?, None),
            (Some(norm), [source]) => {
                let norm = norm.apply(context, &batch_stats(source)?)?;
                // The feature belongs to its layer: the head works on a copy of its own.
                let normalized = Normalized::new(context, StageOutput { z: source.copy()?, norm: Some(norm) })?;
                let relu = normalized.value.relu()?;
                (global_average_pool(context.workspace, &[&relu])?, Some((normalized, relu)))
            }
            (Some(_), sources) => return Err(NnError::Sources { got: sources.len() }),
        };
        let (weight, bias) = (context.parameters.value(self.weight)?, context.parameters.value(self.bias)?);
        let pooled = share::all_rows(&pooled)?;
        let logits = linear_forward(context.workspace, &pooled, weight, bias)?;
        Ok((logits, HeadTape { pooled, activated }))
    }

    /// Adds the head to a graph; gives the logits.
    pub fn trace(&self, graph: &mut GraphBuilder<'_>, x: ValueId) -> Result<ValueId> {
        let x = match self.norm.map(|norm| norm.trace(graph, x)).transpose()?.flatten() {
            Some(normalised) => graph.relu(normalised)?,
            None => x,
        };
        let pooled = graph.push(GraphOp::GlobalAverage, &[x])?;
        let (weight, bias) = (graph.weight(self.weight)?, graph.weight(self.bias)?);
        graph.push(GraphOp::Linear { weight, bias }, &[pooled])
    }

    /// Adds the gradients of the classifier alone.
    pub fn classifier_gradients(
        &self,
        context: &Context<'_>,
        tape: &HeadTape,
        dlogits: &Tensor,
        weights: &mut WeightGradients,
    ) -> Result<()> {
        let weight = context.parameters.value(self.weight)?;
        let found = linear_backward(context.workspace, &tape.pooled, weight, dlogits, false, true)?;
        for (id, gradient) in [(self.weight, found.weight), (self.bias, found.bias)] {
            gradient.map_or(Ok(()), |gradient| weights.add(id, gradient))?;
        }
        Ok(())
    }

    /// Adds the gradients of the features to `targets` and, where wanted, those of the weights.
    pub fn backward(
        &self,
        context: &Context<'_>,
        tape: HeadTape,
        dlogits: &Tensor,
        targets: Option<&[Tensor]>,
        mut weights: Option<&mut WeightGradients>,
    ) -> Result<()> {
        let weight = context.parameters.value(self.weight)?;
        let want_weights = weights.is_some();
        let want_input = targets.is_some() || (self.norm.is_some() && want_weights);
        let found = linear_backward(context.workspace, &tape.pooled, weight, dlogits, want_input, want_weights)?;
        if let Some(weights) = weights.as_deref_mut() {
            for (id, gradient) in [(self.weight, found.weight), (self.bias, found.bias)] {
                if let Some(gradient) = gradient {
                    weights.add(id, gradient)?;
                }
            }
        }
        let Some(dpooled) = found.input else { return Ok(()) };
        let dpooled = share::own_rows(&dpooled)?;
        match (tape.activated, targets) {
            (None, Some(targets)) => {
                global_average_pool_backward(&dpooled, &refs(targets))?;
            }
            (None, None) => {}
            (Some((normalized, relu)), targets) => {
                let drelu = crate::buffers::zeros_like(context.workspace, &relu)?;
                global_average_pool_backward(&dpooled, &[&drelu])?;
                let dy = (drelu * relu.gt(0f32)?.to_dtype(relu.dtype())?)?;
                if let Some((z, norm)) = normalized.read_back() {
                    let map = norm.behind_term(z, &dy, weights)?;
                    let gradient = Gradient { dy: &dy, norm: Some((z, &map)), gate: 1.0, sample: None };
                    if let Some([target]) = targets {
                        add_scaled(target, &gradient_tensor(&gradient)?, 1.0, None)?;
                    }
                }
                normalized.recycle(context.workspace);
            }
        }
        Ok(())
    }
}
