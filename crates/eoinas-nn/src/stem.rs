//! The stem: from images to the features that the first cells read.

use candle_core::Tensor;
use eoinas_core::NetworkSpec;
use eoinas_core::network::StemConv;
use eoinas_kernels::node::add_scaled;
use eoinas_kernels::{ConvGeometry, InputGradient};

use crate::buffers::{Normalized, recycle, unwritten_like};
use crate::error::Result;
use crate::gradients::WeightGradients;
use crate::graph::{GraphBuilder, ValueId};
use crate::operation::Context;
use crate::parameters::{NormOptions, Scope};
use crate::stage::{Stage, normalized_backward};

/// Convolutions with affine BatchNorm, in search as in retraining. Stage `i` reads the output of stage `i - 1`.
#[derive(Debug)]
pub(crate) struct Stem {
    stages: Vec<Stage>,
    /// Number of the last stages whose outputs are features for the cells.
    features: usize,
}

/// What a stem keeps for its backward pass.
#[derive(Debug)]
pub(crate) struct StemTape {
    outputs: Vec<Normalized>,
}

impl Stem {
    /// The stem of a network; where there are several convolutions, they are numbered.
    pub fn new(scope: &mut Scope<'_>, network: &NetworkSpec) -> Result<Self> {
        let norm = NormOptions { affine: true, ..scope.norm() };
        let mut scope = scope.with_norm(norm);
        let mut scope = scope.child("stem");
        let stage = |scope: &mut Scope<'_>, conv: &StemConv| {
            let geometry = ConvGeometry::new((3, 3), conv.stride)?;
            let stage = Stage::conv(scope, "conv", (conv.input_channels, conv.channels), geometry)?;
            let stage = if conv.relu { stage.with_relu() } else { stage };
            Ok(stage.with_norm(scope.batch_norm(conv.channels)?))
        };
        let stages = match network.stem.as_slice() {
            [only] => vec![stage(&mut scope, only)?],
            convs => {
                let numbered = convs.iter().enumerate();
                numbered.map(|(index, conv)| stage(&mut scope.child(index), conv)).collect::<Result<_>>()?
            }
        };
        Ok(Self { stages, features: network.stem_features })
    }

    /// How many features it gives.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Its stages, to fold.
    pub fn stages_mut(&mut self) -> &mut [Stage] {
        &mut self.stages
    }

    /// Adds the stem to a graph; gives its features.
    pub fn trace(&self, graph: &mut GraphBuilder<'_>, images: ValueId) -> Result<Vec<ValueId>> {
        let mut outputs = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            outputs.push(stage.trace(graph, outputs.last().copied().unwrap_or(images))?);
        }
        Ok(outputs.split_off(outputs.len() - self.features))
    }

    /// Runs the stem.
    pub fn forward(&self, context: &Context<'_>, images: &Tensor) -> Result<(Vec<Tensor>, StemTape)> {
        let mut outputs: Vec<Normalized> = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let x = outputs.last().map_or(images, |output| &output.value);
            outputs.push(Normalized::new(context, stage.forward(context, &[x], None)?)?);
        }
        let skip = self.stages.len() - self.features;
        let features = outputs.iter().skip(skip).map(|output| output.value.clone()).collect();
        Ok((features, StemTape { outputs }))
    }

    /// Adds the gradients of its weights; `gradients` are those of its features. Images have none.
    pub fn backward(
        &self,
        context: &Context<'_>,
        tape: StemTape,
        images: &Tensor,
        mut gradients: Vec<Option<Tensor>>,
        weights: &mut WeightGradients,
    ) -> Result<()> {
        let StemTape { outputs } = tape;
        let mut below: Option<Tensor> = None;
        for (index, (stage, output)) in self.stages.iter().zip(&outputs).enumerate().rev() {
            let is_feature = index + self.features >= self.stages.len();
            let collected = if is_feature { gradients.pop().flatten() } else { None };
            let dy = match (collected, below.take()) {
                (Some(dy), Some(other)) => {
                    add_scaled(&dy, &other, 1.0, None)?;
                    context.workspace.recycle(other);
                    dy
                }
                (Some(dy), None) | (None, Some(dy)) => dy,
                (None, None) => continue,
            };
            let before = index.checked_sub(1).and_then(|before| outputs.get(before));
            let x = before.map_or(images, |before| &before.value);
            let target = before.map(|before| unwritten_like(context.workspace, &before.value)).transpose()?;
            let targets: Vec<&Tensor> = target.iter().collect();
            let input = if targets.is_empty() { InputGradient::Skip } else { InputGradient::WriteTo(&targets) };
            normalized_backward(stage, context, &[x], output, &dy, input, Some(weights))?;
            context.workspace.recycle(dy);
            below = target;
        }
        recycle(context.workspace, below);
        outputs.into_iter().for_each(|output| output.recycle(context.workspace));
        Ok(())
    }
}

impl StemTape {
    /// Hands the memory back where there is no backward pass; the features are kept.
    pub fn release(self, context: &Context<'_>, features: usize) {
        let skip = self.outputs.len() - features;
        self.outputs.into_iter().take(skip).for_each(|output| output.recycle(context.workspace));
    }

    /// Hands all of the memory back.
    pub fn recycle(self, context: &Context<'_>) {
        self.outputs.into_iter().for_each(|output| output.recycle(context.workspace));
    }
}
