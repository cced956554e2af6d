//! `max_pool_3x3` and `avg_pool_3x3`.

use candle_core::Tensor;
use eoinas_core::OpShape;
use eoinas_kernels::PoolKind;
use eoinas_kernels::pool::{pool_backward, pool_forward};

use crate::batch_norm::BatchNorm;
use crate::error::Result;
use crate::graph::{GraphBuilder, GraphOp, Padding, Pooling, ValueId};
use crate::operation::{BackwardPass, Context, OpOutput, Operation, Saved};
use crate::parameters::{ParamId, Scope};

/// 3x3 pooling with padding 1, followed by a BatchNorm where the scope wants one after pooling.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    kind: PoolKind,
    stride: usize,
    norm: Option<BatchNorm>,
}

impl Pool {
    /// A pooling op of this kind.
    pub fn new(scope: &mut Scope<'_>, shape: OpShape, kind: PoolKind) -> Result<Self> {
        let norm = if scope.norm().after_pool { Some(scope.batch_norm(shape.channels)?) } else { None };
        Ok(Self { kind, stride: shape.stride, norm })
    }
}

impl Operation for Pool {
    fn forward(&self, context: &mut Context<'_>, x: &Tensor) -> Result<Option<OpOutput>> {
        let (z, stats) = pool_forward(context.workspace, x, self.kind, self.stride, self.norm.is_some())?;
        let norm = match (self.norm, stats) {
            (Some(norm), Some(stats)) => Some(norm.apply(context, &stats)?),
            _ => None,
        };
        Ok(Some(OpOutput { z, shares_input: false, norm, saved: Saved::Nothing }))
    }

    fn backward(&self, _: &mut Context<'_>, _: &mut OpOutput, pass: BackwardPass<'_, '_>) -> Result<()> {
        if let Some(target) = pass.input {
            let (dx, add) = (target.tensor(), target.adds());
            pool_backward(pass.x, self.kind, self.stride, pass.gradient, dx, add)?;
        }
        Ok(())
    }

    fn trace(&self, graph: &mut GraphBuilder<'_>, x: ValueId) -> Result<Option<ValueId>> {
        let pooling = match self.kind {
            PoolKind::Max => Pooling::Max,
            PoolKind::Average => Pooling::Average,
        };
        let padding = Padding::around(1, 1);
        let y = graph.push(GraphOp::Pool { pooling, kernel: 3, stride: self.stride, padding }, &[x])?;
        let normalised = self.norm.map(|norm| norm.trace(graph, y)).transpose()?.flatten();
        Ok(Some(normalised.unwrap_or(y)))
    }

    fn parameters(&self) -> Vec<ParamId> {
        self.norm.iter().flat_map(BatchNorm::parameters).collect()
    }
}
