//! Partial channels: an op on the first 1/K of an edge's channels, and the others that pass by.

use candle_core::{DType, Tensor};
use eoinas_core::{Op, OpShape};
use eoinas_kernels::node::node_sum;
use eoinas_kernels::{Gradient, Term};

use super::{Operations, TapeOp};
use crate::buffers::{gradient_tensor, unwritten_like};
use crate::error::{NnError, Result};
use crate::operation::{BackwardPass, Context, InputTarget, OpOutput, Operation, Saved};
use crate::parameters::{ParamId, Scope};

/// An op of PC-DARTS (Xu et al., 2020, Eq. 2): it reads the first 1/K of the input's channels and writes them where the
/// channel shuffle puts them, channel `i` to `K i`; the other channels of its output are 0. Those that pass by are added
/// by [`passed_by`], once an edge and with gate 1.
///
/// Its BatchNorm is applied here and not by the node's sum. Copies are made with candle: search alone, not tuned.
#[derive(Debug)]
pub struct Partial {
    inner: Box<dyn Operation>,
    part: usize,
    share: usize,
}

/// The op's own input and output.
#[derive(Debug)]
struct PartialTape {
    x: Tensor,
    output: OpOutput,
}

impl Partial {
    /// `op` on 1/`share` of the channels of `shape`.
    ///
    /// # Errors
    /// [`NnError::PartialChannels`] when they are not a multiple of twice `share`, and those of the op.
    pub fn new(operations: &Operations, op: &Op, scope: &mut Scope<'_>, shape: OpShape, share: usize) -> Result<Self> {
        let part = part(shape, share)?;
        Ok(Self { inner: operations.build(op, scope, OpShape { channels: part, ..shape })?, part, share })
    }
}

/// The channels of an edge that its ops do not read, as an op: all but the first 1/`share`, shuffled in between (channel
/// `i` of the group `g` to `K i + g`). At stride 2 they are max-pooled 2 x 2, as in the authors' code; a last odd row or
/// column is a window of its own.
///
/// # Errors
/// As [`Partial::new`].
pub fn passed_by(scope: &mut Scope<'_>, shape: OpShape, share: usize) -> Result<TapeOp> {
    let part = part(shape, share)?;
    TapeOp::new(scope, shape, false, move |_, shape| {
        Ok(Box::new(candle_nn::func(move |x: &Tensor| {
            let mut x = x.narrow(1, part, shape.channels - part)?;
            if shape.stride == 2 {
                x = larger_of_pairs(&larger_of_pairs(&x, 2)?, 3)?;
            }
            let (n, _, h, w) = x.dims4()?;
            let groups = x.contiguous()?.reshape((n, share - 1, part, h, w))?;
            let read = Tensor::zeros((n, 1, part, h, w), DType::F32, x.device())?;
            let shuffled = Tensor::cat(&[&read, &groups], 1)?.transpose(1, 2)?.contiguous()?;
            shuffled.reshape((n, shape.channels, h, w))
        })))
    })
}

/// The larger of two neighbours along a dimension of `[n, c, h, w]`, a last odd one alone. Not candle's max pooling, whose
/// gradient is a quarter of what it should be in candle 0.11.
fn larger_of_pairs(x: &Tensor, dim: usize) -> candle_core::Result<Tensor> {
    let x = x.pad_with_same(dim, 0, x.dim(dim)? % 2)?;
    let mut dims = x.dims().to_vec();
    dims.splice(dim..=dim, [x.dim(dim)? / 2, 2]);
    let pairs = x.contiguous()?.reshape(dims)?;
    pairs.narrow(dim + 1, 0, 1)?.maximum(&pairs.narrow(dim + 1, 1, 1)?)?.squeeze(dim + 1)
}

/// How many channels the ops of an edge read.
fn part(shape: OpShape, share: usize) -> Result<usize> {
    let channels = shape.channels;
    // Twice: a factorised reduce halves what it reads once more.
    if share >= 2 && channels.is_multiple_of(2 * share) {
        Ok(channels / share)
    } else {
        Err(NnError::PartialChannels { channels, share })
    }
}

impl Operation for Partial {
    fn forward(&self, context: &mut Context<'_>, x: &Tensor) -> Result<Option<OpOutput>> {
        let x = x.narrow(3, 0, self.part)?.contiguous()?;
        let Some(output) = self.inner.forward(context, &x)? else { return Ok(None) };
        let (n, h, w, part) = output.z.dims4()?;
        let value = match &output.norm {
            Some(norm) => {
                let term = Term { z: &output.z, norm: Some(&norm.norm), gate: 1.0, sample: None };
                node_sum(context.workspace, (n, h, w, part), &[term])?
            }
            None => output.z.clone(),
        };
        let others = Tensor::zeros((n, h, w, part, self.share - 1), DType::F32, value.device())?;
        let z =
            Tensor::cat(&[&value.unsqueeze(4)?, &others], 4)?.contiguous()?.reshape((n, h, w, part * self.share))?;
        if output.norm.is_some() {
            context.workspace.recycle(value);
        }
        let saved = if context.keep {
            Saved::Other(Box::new(PartialTape { x, output }))
        } else {
            output.recycle(context.workspace);
            Saved::Nothing
        };
        Ok(Some(OpOutput { z, shares_input: false, norm: None, saved }))
    }

    fn backward(&self, context: &mut Context<'_>, output: &mut OpOutput, pass: BackwardPass<'_, '_>) -> Result<()> {
        let BackwardPass { x: whole, gradient, input, mut weights } = pass;
        let saved = std::mem::replace(&mut output.saved, Saved::Nothing);
        let PartialTape { x, output: mut inner } = saved.downcast::<PartialTape>("partial channels")?;
        let (n, h, w, _) = gradient.dy.dims4()?;
        let dy = gradient_tensor(&gradient)?.reshape((n, h, w, self.part, self.share))?;
        let dy = dy.narrow(4, 0, 1)?.squeeze(4)?.contiguous()?;
        let z = inner.z.clone();
        let coefficients = match &inner.norm {
            Some(norm) => Some(norm.behind_term(&z, &dy, weights.as_deref_mut())?),
            None => None,
        };
        let gradient =
            Gradient { dy: &dy, norm: coefficients.as_ref().map(|found| (&z, found)), gate: 1.0, sample: None };
        let dx = unwritten_like(context.workspace, &x)?;
        let target = input.map(|_| InputTarget::WriteTo(&dx));
        self.inner.backward(context, &mut inner, BackwardPass { x: &x, gradient, input: target, weights })?;
        if let Some(input) = input {
            let (n, h, w, channels) = whole.dims4()?;
            let others = Tensor::zeros((n, h, w, channels - self.part), DType::F32, dx.device())?;
            input.collect(&Tensor::cat(&[&dx, &others], 3)?.contiguous()?, 1.0, None)?;
        }
        inner.recycle(context.workspace);
        context.workspace.recycle(dx);
        Ok(())
    }

    fn parameters(&self) -> Vec<ParamId> {
        self.inner.parameters()
    }

    fn is_identity(&self) -> bool {
        self.inner.is_identity()
    }
}
