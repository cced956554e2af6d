//! The auxiliary head: a classifier in the middle of the network, whose loss is added in training.

use candle_core::Tensor;
use eoinas_core::network::Auxiliary;
use eoinas_kernels::head::{global_average_pool, global_average_pool_backward, linear_backward, linear_forward};
use eoinas_kernels::node::add_scaled;
use eoinas_kernels::{InputGradient, share};

use crate::buffers::{Normalized, all_zeros_like, recycle, refs, zeros_like};
use crate::error::Result;
use crate::gradients::WeightGradients;
use crate::operation::Context;
use crate::parameters::{ParamId, Scope};
use crate::stage::{Stage, normalized_backward};

/// What the names of its parameters begin with.
pub(crate) const PREFIX: &str = "auxiliary.";

/// ReLU, 5x5 average pool, 1x1 convolution, BatchNorm, ReLU, 2x2 convolution, BatchNorm (not in the ImageNet form),
/// ReLU, average over what is left, linear. The published networks leave one pixel to average over.
///
/// Its parameters: `0.conv` `[ci, 128]`, `0.bn.*`, `1.conv` `[4 x 128, 768]` (rows by tap row, tap column, channel),
/// `1.bn.*`, `classifier.weight` `[768, classes]` and `classifier.bias`, all below the scope's prefix.
#[derive(Debug)]
pub struct AuxiliaryHead {
    /// `[1, outputs, pixels]`: each row averages one window.
    pool: Tensor,
    pooled: (usize, usize),
    stages: [Stage; 2],
    weight: ParamId,
    bias: ParamId,
}

/// What the head keeps for its backward pass.
#[derive(Debug)]
pub struct AuxiliaryTape {
    pooled: Vec<Tensor>,
    first: Normalized,
    taps: Vec<Tensor>,
    second: Normalized,
    relu: Tensor,
    means: Tensor,
}

impl AuxiliaryHead {
    /// A head of this shape; its parameters go below `scope`.
    ///
    /// # Errors
    /// A parameter that is there already.
    pub fn new(scope: &mut Scope<'_>, shape: &Auxiliary) -> Result<Self> {
        let ((first, second), classes) = (shape.widths, shape.classes);
        let mut one = scope.child(0);
        let stage = Stage::pointwise(&mut one, (shape.input_channels, first))?;
        let reduce = stage.with_norm(one.batch_norm(first)?);
        let mut two = scope.child(1);
        // A 2x2 convolution is a 1x1 one over the four shifted images joined along the channels.
        let mut join = Stage::pointwise(&mut two, (4 * first, second))?.with_relu();
        if shape.last_norm {
            join = join.with_norm(two.batch_norm(second)?);
        }
        let mut scope = scope.child("classifier");
        let weight = scope.weight("weight", (second, classes), second)?;
        let bias = scope.weight("bias", classes, second)?;
        let pool = pool_matrix(shape, scope.device())?;
        Ok(Self { pool, pooled: shape.pooled_size(), stages: [reduce, join], weight, bias })
    }

    /// Logits `[n, classes]` of the joined `sources`, each `[n, h, w, c]`.
    ///
    /// # Errors
    /// Sources of another shape than the head's.
    pub fn forward(&self, context: &Context<'_>, sources: &[Tensor]) -> Result<(Tensor, AuxiliaryTape)> {
        let [reduce, join] = &self.stages;
        let pooled = sources.iter().map(|source| self.average(source)).collect::<Result<Vec<_>>>()?;
        let first = Normalized::new(context, reduce.forward(context, &refs(&pooled), None)?)?;
        let taps = taps(&first.value)?;
        let second = Normalized::new(context, join.forward(context, &refs(&taps), None)?)?;
        let relu = second.value.relu()?;
        let means = share::all_rows(&global_average_pool(context.workspace, &[&relu])?)?;
        let (weight, bias) = (context.parameters.value(self.weight)?, context.parameters.value(self.bias)?);
        let logits = linear_forward(context.workspace, &means, weight, bias)?;
        Ok((logits, AuxiliaryTape { pooled, first, taps, second, relu, means }))
    }

    /// Adds the gradients of the sources to `targets` and those of the weights to `weights`. `sources` are those of the
    /// forward pass, `dlogits` is the gradient at its logits.
    ///
    /// # Errors
    /// Tensors of other shapes than in the forward pass.
    pub fn backward(
        &self,
        context: &Context<'_>,
        tape: AuxiliaryTape,
        sources: &[Tensor],
        dlogits: &Tensor,
        targets: &[Tensor],
        weights: &mut WeightGradients,
    ) -> Result<()> {
        let ([reduce, join], workspace) = (&self.stages, context.workspace);
        let AuxiliaryTape { pooled, first, taps, second, relu, means } = tape;
        let found = linear_backward(workspace, &means, context.parameters.value(self.weight)?, dlogits, true, true)?;
        for (id, gradient) in [(self.weight, found.weight), (self.bias, found.bias)] {
            if let Some(gradient) = gradient {
                weights.add(id, gradient)?;
            }
        }
        let Some(dmeans) = found.input else { return Ok(()) };
        let drelu = zeros_like(workspace, &relu)?;
        global_average_pool_backward(&share::own_rows(&dmeans)?, &[&drelu])?;
        let dy = (drelu * positive(&relu)?)?;

        let dtaps = all_zeros_like(workspace, &taps)?;
        let into = refs(&dtaps);
        let input = InputGradient::AddTo(&into);
        normalized_backward(join, context, &refs(&taps), &second, &dy, input, Some(weights))?;
        let dy = sum_of_taps(&dtaps)?;

        let dpooled = all_zeros_like(workspace, &pooled)?;
        let into = refs(&dpooled);
        let input = InputGradient::AddTo(&into);
        normalized_backward(reduce, context, &refs(&pooled), &first, &dy, input, Some(weights))?;
        for ((source, target), dpooled) in sources.iter().zip(targets).zip(&dpooled) {
            let (n, h, w, c) = source.dims4()?;
            let spread = self.pool.transpose(1, 2)?.broadcast_matmul(&dpooled.reshape((n, (), c))?)?;
            add_scaled(target, &(spread.reshape((n, h, w, c))? * positive(source)?)?, 1.0, None)?;
        }
        recycle(workspace, dtaps.into_iter().chain(dpooled).chain(taps).chain(pooled).chain([relu, means]));
        first.recycle(workspace);
        second.recycle(workspace);
        Ok(())
    }

    /// ReLU and average pool.
    fn average(&self, source: &Tensor) -> Result<Tensor> {
        let (n, _, _, c) = source.dims4()?;
        let (height, width) = self.pooled;
        let means = self.pool.broadcast_matmul(&source.relu()?.reshape((n, (), c))?)?;
        Ok(means.reshape((n, height, width, c))?)
    }
}

/// Averages of 5x5 windows without padding, as a matrix.
fn pool_matrix(shape: &Auxiliary, device: &candle_core::Device) -> Result<Tensor> {
    const SIDE: usize = 5;
    let ((height, width), (rows, columns)) = (shape.input_size, shape.pooled_size());
    let mut matrix = Vec::with_capacity(rows * columns * height * width);
    for row in 0..rows {
        for column in 0..columns {
            let (top, left) = (row * shape.pool_stride, column * shape.pool_stride);
            let inside = |at: usize| {
                let (y, x) = (at / width, at % width);
                (top..top + SIDE).contains(&y) && (left..left + SIDE).contains(&x)
            };
            matrix.extend((0..height * width).map(|at| if inside(at) { 1.0 / (SIDE * SIDE) as f32 } else { 0.0 }));
        }
    }
    Ok(Tensor::from_vec(matrix, (1, rows * columns, height * width), device)?)
}

/// The four images that a 2x2 filter sees: `[n, h - 1, w - 1, c]` each, by tap row, then tap column.
fn taps(x: &Tensor) -> Result<Vec<Tensor>> {
    let (_, h, w, _) = x.dims4()?;
    let tap = |(row, column)| Ok(x.narrow(1, row, h - 1)?.narrow(2, column, w - 1)?.contiguous()?);
    [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().map(tap).collect()
}

/// The gradient of `x` of [`taps`].
fn sum_of_taps(gradients: &[Tensor]) -> Result<Tensor> {
    let back = |(gradient, (row, column)): (&Tensor, (usize, usize))| {
        gradient.pad_with_zeros(1, row, 1 - row)?.pad_with_zeros(2, column, 1 - column)
    };
    let parts = gradients.iter().zip([(0, 0), (0, 1), (1, 0), (1, 1)]).map(back);
    let parts = parts.collect::<candle_core::Result<Vec<_>>>()?;
    Ok(Tensor::stack(&parts, 0)?.sum(0)?)
}

/// 1 where `x` is above zero.
fn positive(x: &Tensor) -> Result<Tensor> {
    Ok(x.gt(0f32)?.to_dtype(x.dtype())?)
}
