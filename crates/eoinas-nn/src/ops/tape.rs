//! Any candle module as an op: candle's tape, local to the op, gives its gradients.

use candle_core::{DType, Tensor, Var};
use candle_nn::{Module, VarBuilder};
use eoinas_core::OpShape;
use eoinas_kernels::norm::batch_stats;
use eoinas_kernels::share;

use crate::batch_norm::BatchNorm;
use crate::buffers::gradient_tensor;
use crate::error::{NnError, Result};
use crate::graph::{GraphBuilder, ValueId};
use crate::operation::{BackwardPass, Context, OpOutput, Operation, Saved};
use crate::parameters::{ParamId, Scope};

/// A candle module on channels-first tensors, followed by a BatchNorm or not.
///
/// candle's tape computes all gradients of the module whenever one of them is wanted.
pub struct TapeOp {
    module: Box<dyn Module + Send + Sync>,
    weights: Vec<ParamId>,
    norm: Option<BatchNorm>,
    output: (usize, usize),
    prefix: String,
}

impl std::fmt::Debug for TapeOp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapeOp").field("weights", &self.weights).field("norm", &self.norm).finish_non_exhaustive()
    }
}

/// The module's input and output on candle's tape.
#[derive(Debug)]
struct Tape {
    input: Var,
    output: Tensor,
}

impl TapeOp {
    /// Builds the module; what it asks of the `VarBuilder` becomes parameters of the network.
    pub fn new(
        scope: &mut Scope<'_>,
        shape: OpShape,
        norm: bool,
        build: impl FnOnce(VarBuilder<'static>, OpShape) -> candle_core::Result<Box<dyn Module + Send + Sync>>,
    ) -> Result<Self> {
        let (module, weights) = scope.build_with(|builder| build(builder, shape))?;
        let norm = if norm { Some(scope.batch_norm(shape.channels)?) } else { None };
        Ok(Self { module, weights, norm, output: shape.output_size(), prefix: scope.prefix().to_owned() })
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let y = self.module.forward(x)?;
        let (n, c, _, _) = x.dims4()?;
        let expected = [n, c, self.output.0, self.output.1];
        if y.dims() != expected || y.dtype() != DType::F32 {
            let (got, expected) = (y.dims().to_vec(), expected.to_vec());
            return Err(NnError::OutputShape { op: self.prefix.clone(), got, expected });
        }
        Ok(y)
    }
}

impl Operation for TapeOp {
    fn forward(&self, context: &mut Context<'_>, x: &Tensor) -> Result<Option<OpOutput>> {
        // candle's tape sums over the images that it sees.
        if share::is_shared() && !self.weights.is_empty() {
            return Err(NnError::Shared { what: self.prefix.clone() });
        }
        let x = x.permute((0, 3, 1, 2))?.contiguous()?;
        let (y, saved) = if context.keep {
            let input = Var::from_tensor(&x)?;
            let output = self.run(&input)?;
            (output.detach(), Saved::Other(Box::new(Tape { input, output })))
        } else {
            (self.run(&x)?.detach(), Saved::Nothing)
        };
        let z = y.permute((0, 2, 3, 1))?.contiguous()?;
        let norm = match &self.norm {
            Some(norm) => Some(norm.apply(context, &batch_stats(&z)?)?),
            None => None,
        };
        Ok(Some(OpOutput { z, shares_input: false, norm, saved }))
    }

    fn backward(&self, context: &mut Context<'_>, output: &mut OpOutput, pass: BackwardPass<'_, '_>) -> Result<()> {
        let saved = std::mem::replace(&mut output.saved, Saved::Nothing);
        let Tape { input, output } = saved.downcast::<Tape>("candle module")?;
        let dy = gradient_tensor(&pass.gradient)?.permute((0, 3, 1, 2))?.contiguous()?;
        let gradients = (output * dy)?.sum_all()?.backward()?;
        // Where the module does not use its input, candle's tape has no gradient for it.
        let unused = || input.zeros_like();
        if let Some(target) = pass.input {
            let dx = gradients.get(&input).cloned().map_or_else(unused, Ok)?;
            target.collect(&dx.permute((0, 2, 3, 1))?.contiguous()?, 1.0, None)?;
        }
        if let Some(weights) = pass.weights {
            for &id in &self.weights {
                if let Some(gradient) = gradients.get(context.parameters.value(id)?) {
                    weights.add(id, gradient.contiguous()?.copy()?)?;
                }
            }
        }
        Ok(())
    }

    fn trace(&self, _: &mut GraphBuilder<'_>, _: ValueId) -> Result<Option<ValueId>> {
        Err(NnError::NotExportable { operation: self.prefix.clone() })
    }

    fn parameters(&self) -> Vec<ParamId> {
        self.weights.iter().copied().chain(self.norm.iter().flat_map(BatchNorm::parameters)).collect()
    }
}
