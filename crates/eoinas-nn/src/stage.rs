//! One stage of an op: ReLU, a convolution, and the BatchNorm whose application is left to the reader.

use candle_core::Tensor;
use eoinas_kernels::{
    ConvGeometry, Convolution, Geometry, Gradient, Input, InputGradient, ReturnedGradient, conv_backward, conv_forward,
};

use crate::batch_norm::{AppliedNorm, BatchNorm};
use crate::buffers::{Normalized, recycle};
use crate::error::Result;
use crate::gradients::WeightGradients;
use crate::operation::Context;
use crate::parameters::{ParamId, Scope};

/// ReLU (or none), convolution, BatchNorm (or none).
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    pub(crate) conv: Convolution<ParamId>,
    pub(crate) relu: bool,
    pub(crate) norm: Option<BatchNorm>,
}

/// Raw output of a stage and its pending BatchNorm.
#[derive(Debug)]
pub struct StageOutput {
    /// The convolution's output, `[n, h, w, c]`.
    pub z: Tensor,
    /// The BatchNorm to be applied to it.
    pub norm: Option<AppliedNorm>,
}

impl Stage {
    /// ReLU, depthwise `kernel` x `kernel`, pointwise, BatchNorm.
    pub fn separable(scope: &mut Scope<'_>, channels: usize, geometry: Geometry) -> Result<Self> {
        let kernel = geometry.kernel();
        let depthwise = scope.weight("depthwise", (kernel, kernel, channels), kernel * kernel)?;
        let pointwise = scope.weight("pointwise", (channels, channels), channels)?;
        let norm = Some(scope.batch_norm(channels)?);
        Ok(Self { conv: Convolution::Separable { depthwise, pointwise, geometry }, relu: true, norm })
    }

    /// ReLU, dense convolution, BatchNorm.
    pub fn relu_conv_bn(scope: &mut Scope<'_>, channels: (usize, usize), geometry: ConvGeometry) -> Result<Self> {
        Ok(Self::conv(scope, "conv", channels, geometry)?.with_relu().with_norm(scope.batch_norm(channels.1)?))
    }

    /// A dense convolution alone; its weight is `[kh, kw, input, output]`.
    pub fn conv(
        scope: &mut Scope<'_>,
        name: &str,
        (input, output): (usize, usize),
        geometry: ConvGeometry,
    ) -> Result<Self> {
        let (height, width) = geometry.kernel();
        let weight = scope.weight(name, (height, width, input, output), height * width * input)?;
        Ok(Self { conv: Convolution::Dense { weight, geometry }, relu: false, norm: None })
    }

    /// A 1x1 convolution alone, named `conv`; its weight is `[input, output]`.
    pub fn pointwise(scope: &mut Scope<'_>, (input, output): (usize, usize)) -> Result<Self> {
        let weight = scope.weight("conv", (input, output), input)?;
        Ok(Self { conv: Convolution::Dense { weight, geometry: ConvGeometry::POINTWISE }, relu: false, norm: None })
    }

    /// ReLU, factorised reduce, BatchNorm.
    pub fn factorized_reduce(scope: &mut Scope<'_>, (input, output): (usize, usize)) -> Result<Self> {
        let half = output / 2;
        let weights =
            [scope.weight("conv_1", (input, half), input)?, scope.weight("conv_2", (input, output - half), input)?];
        let norm = Some(scope.batch_norm(output)?);
        Ok(Self { conv: Convolution::FactorizedReduce { weights }, relu: true, norm })
    }

    /// The same with a ReLU before it.
    pub fn with_relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// The same with a BatchNorm behind it.
    pub fn with_norm(self, norm: BatchNorm) -> Self {
        Self { norm: Some(norm), ..self }
    }

    /// Its parameters and buffers.
    pub fn parameters(&self) -> Vec<ParamId> {
        let mut ids: Vec<ParamId> = self.conv.weights().copied().collect();
        ids.extend(self.norm.iter().flat_map(BatchNorm::parameters));
        ids
    }

    /// Runs the stage on `sources` joined along the channels, whose own BatchNorm may be pending.
    pub fn forward(
        &self,
        context: &Context<'_>,
        sources: &[&Tensor],
        pending: Option<&AppliedNorm>,
    ) -> Result<StageOutput> {
        let known = self.norm.as_ref().map(|norm| norm.apply_known(context)).transpose()?.flatten();
        let want_stats = self.norm.is_some() && known.is_none();
        let conv = self.conv.try_map(|id| context.parameters.value(id))?;
        let input = self.input(sources, pending);
        if let Some(patterns) = context.patterns.filter(|_| self.relu) {
            patterns.borrow_mut().add(input)?;
        }
        let (z, stats) = conv_forward(context.workspace, input, conv, want_stats)?;
        let norm = match (&self.norm, stats) {
            (Some(norm), Some(stats)) => Some(norm.apply(context, &stats)?),
            _ => known,
        };
        Ok(StageOutput { z, norm })
    }

    /// Runs the stage backward; `sources` and `pending` are those of the forward pass, `gradient` is the one at its raw
    /// output. Weight gradients go to `weights` if there is such a place.
    /// On a GPU they are to be settled there ([`WeightGradients::settle`]), as a pass does at its end.
    pub fn backward(
        &self,
        context: &Context<'_>,
        (sources, pending): (&[&Tensor], Option<&AppliedNorm>),
        gradient: Gradient<'_>,
        input: InputGradient<'_>,
        weights: Option<&mut WeightGradients>,
    ) -> Result<ReturnedGradient> {
        let x = self.input(sources, pending);
        let conv = self.conv.try_map(|id| context.parameters.value(id))?;
        let found = conv_backward(context.workspace, x, conv, gradient, input, weights.is_some())?;
        if let Some(weights) = weights {
            self.conv.weights().zip(found.weights).try_for_each(|(&id, found)| weights.add_found(id, found))?;
        }
        Ok(found.input)
    }

    fn input<'a>(&self, sources: &'a [&'a Tensor], pending: Option<&'a AppliedNorm>) -> Input<'a> {
        Input { sources, norm: pending.map(|pending| &pending.norm), relu: self.relu }
    }
}

/// Runs stages one after the other backward, from the gradient at the last one's raw output. `between` are the outputs
/// of all stages but the last; they are handed back to the workspace as they are consumed.
pub(crate) fn chain_backward(
    stages: &[Stage],
    context: &Context<'_>,
    sources: &[&Tensor],
    between: Vec<StageOutput>,
    gradient: Gradient<'_>,
    input: InputGradient<'_>,
    mut weights: Option<&mut WeightGradients>,
) -> Result<ReturnedGradient> {
    let Some((last, before)) = stages.split_last() else {
        return Ok(None);
    };
    let mut between = between;
    let Some(reads) = between.pop() else {
        return last.backward(context, (sources, None), gradient, input, weights);
    };
    // Only the first stage's input may be unwanted: everything between leads to it or to weights.
    let returned = last.backward(
        context,
        (&[&reads.z], reads.norm.as_ref()),
        gradient,
        InputGradient::Return,
        weights.as_deref_mut(),
    )?;
    let Some((dy, sums)) = returned else {
        return Ok(None);
    };
    let coefficients = match (&reads.norm, &sums) {
        (Some(norm), Some(sums)) => {
            if let Some(weights) = weights.as_deref_mut() {
                norm.add_gradients(sums, 1.0, weights)?;
            }
            Some(&sums.map)
        }
        _ => None,
    };
    let gradient = Gradient { dy: &dy, norm: coefficients.map(|c| (&reads.z, c)), gate: 1.0, sample: None };
    let result = chain_backward(before, context, sources, between, gradient, input, weights);
    recycle(context.workspace, [dy, reads.z]);
    result
}

/// Runs a stage backward from the gradient `dy` behind its BatchNorm, which was applied into a tensor.
pub(crate) fn normalized_backward(
    stage: &Stage,
    context: &Context<'_>,
    sources: &[&Tensor],
    output: &Normalized,
    dy: &Tensor,
    input: InputGradient<'_>,
    mut weights: Option<&mut WeightGradients>,
) -> Result<()> {
    let Some((z, norm)) = output.read_back() else {
        let gradient = Gradient { dy, norm: None, gate: 1.0, sample: None };
        stage.backward(context, (sources, None), gradient, input, weights)?;
        return Ok(());
    };
    let coefficients = norm.behind_term(z, dy, weights.as_deref_mut())?;
    let gradient = Gradient { dy, norm: Some((z, &coefficients)), gate: 1.0, sample: None };
    stage.backward(context, (sources, None), gradient, input, weights)?;
    Ok(())
}
