//! Ops made of convolution stages: separable, dilated, factorised reduce, and the dense ones.

use candle_core::Tensor;
use eoinas_core::OpShape;
use eoinas_kernels::{ConvGeometry, Geometry, InputGradient};

use crate::error::{NnError, Result};
use crate::graph::{GraphBuilder, ValueId};
use crate::operation::{BackwardPass, Context, InputTarget, OpOutput, Operation, Saved};
use crate::parameters::{ParamId, Parameters, Scope};
use crate::stage::{Stage, chain_backward};

/// Convolution stages one after the other. Each reads the raw output of the one before and applies its BatchNorm and the
/// ReLU while reading.
#[derive(Clone, Debug)]
pub struct ConvChain {
    stages: Vec<Stage>,
}

impl ConvChain {
    /// `sep_conv_kxk`: twice ReLU, depthwise, pointwise, BatchNorm; the second depthwise has stride 1.
    pub fn separable(scope: &mut Scope<'_>, shape: OpShape, kernel: usize) -> Result<Self> {
        let stage = |scope: &mut Scope<'_>, index: usize, stride| {
            Stage::separable(&mut scope.child(index), shape.channels, Geometry::new(kernel, stride, 1)?)
        };
        Ok(Self { stages: vec![stage(scope, 0, shape.stride)?, stage(scope, 1, 1)?] })
    }

    /// `dil_conv_kxk`: once ReLU, depthwise with dilation 2, pointwise, BatchNorm.
    pub fn dilated(scope: &mut Scope<'_>, shape: OpShape, kernel: usize) -> Result<Self> {
        let geometry = Geometry::new(kernel, shape.stride, 2)?;
        Ok(Self { stages: vec![Stage::separable(&mut scope.child(0), shape.channels, geometry)?] })
    }

    /// `skip_connect` at stride 2.
    pub fn factorized_reduce(scope: &mut Scope<'_>, shape: OpShape) -> Result<Self> {
        Ok(Self { stages: vec![Stage::factorized_reduce(scope, (shape.channels, shape.channels))?] })
    }

    /// `nor_conv_kxk`: ReLU, convolution, BatchNorm.
    pub fn dense(scope: &mut Scope<'_>, shape: OpShape, kernel: usize) -> Result<Self> {
        let geometry = ConvGeometry::new((kernel, kernel), shape.stride)?;
        Ok(Self { stages: vec![Stage::relu_conv_bn(scope, (shape.channels, shape.channels), geometry)?] })
    }

    /// `conv_7x1_1x7`: ReLU, 1x7, 7x1, BatchNorm.
    pub fn factorized_7x7(scope: &mut Scope<'_>, shape: OpShape) -> Result<Self> {
        let channels = (shape.channels, shape.channels);
        // A 7x1 kernel is one pixel wide: stride 2 there picks every second column of the 1x7's output, which is what
        // stride 2 along the rows of the 1x7 itself would give.
        let first = Stage::conv(scope, "conv_1x7", channels, ConvGeometry::new((1, 7), 1)?)?.with_relu();
        let geometry = ConvGeometry::new((7, 1), shape.stride)?;
        let second = Stage::conv(scope, "conv_7x1", channels, geometry)?.with_norm(scope.batch_norm(shape.channels)?);
        Ok(Self { stages: vec![first, second] })
    }
}

impl Operation for ConvChain {
    fn forward(&self, context: &mut Context<'_>, x: &Tensor) -> Result<Option<OpOutput>> {
        let mut between = Vec::with_capacity(self.stages.len().saturating_sub(1));
        let mut last = None;
        for stage in &self.stages {
            let output = match last.take() {
                None => stage.forward(context, &[x], None)?,
                Some(before) => {
                    let before: crate::stage::StageOutput = before;
                    let output = stage.forward(context, &[&before.z], before.norm.as_ref())?;
                    if context.keep {
                        between.push(before);
                    } else {
                        context.workspace.recycle(before.z);
                    }
                    output
                }
            };
            last = Some(output);
        }
        Ok(last.map(|output| OpOutput {
            z: output.z,
            shares_input: false,
            norm: output.norm,
            saved: Saved::Stages(between),
        }))
    }

    fn backward(&self, context: &mut Context<'_>, output: &mut OpOutput, pass: BackwardPass<'_, '_>) -> Result<()> {
        let Saved::Stages(between) = std::mem::replace(&mut output.saved, Saved::Nothing) else {
            return Err(NnError::SavedState { operation: "convolution chain" });
        };
        let targets = pass.input.map(|target| [target.tensor()]);
        let input = match (&targets, pass.input) {
            (Some(targets), Some(InputTarget::AddTo(_))) => InputGradient::AddTo(targets),
            (Some(targets), Some(InputTarget::WriteTo(_))) => InputGradient::WriteTo(targets),
            _ => InputGradient::Skip,
        };
        chain_backward(&self.stages, context, &[pass.x], between, pass.gradient, input, pass.weights)?;
        Ok(())
    }

    fn fold(&mut self, parameters: &mut Parameters) -> Result<()> {
        self.stages.iter_mut().try_for_each(|stage| stage.fold(parameters))
    }

    fn trace(&self, graph: &mut GraphBuilder<'_>, x: ValueId) -> Result<Option<ValueId>> {
        self.stages.iter().try_fold(x, |x, stage| stage.trace(graph, x)).map(Some)
    }

    fn parameters(&self) -> Vec<ParamId> {
        self.stages.iter().flat_map(Stage::parameters).collect()
    }
}
