//! Small helpers around tensors that are on their way: zeros from the pool, a BatchNorm applied into a tensor.

use candle_core::{Device, Shape, Tensor};
use eoinas_kernels::elementwise::set_zero;
use eoinas_kernels::node::node_sum;
use eoinas_kernels::{Gradient, InputGradient, Norm, Term, Workspace};

use crate::batch_norm::AppliedNorm;
use crate::error::Result;
use crate::operation::Context;
use crate::stage::StageOutput;

/// Zeros from the pool.
pub(crate) fn zeros(workspace: &Workspace, shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
    let zeros = workspace.unwritten(shape, device)?;
    set_zero(&zeros)?;
    Ok(zeros)
}

/// Zeros of a tensor's shape on its device, from the pool.
pub(crate) fn zeros_like(workspace: &Workspace, like: &Tensor) -> Result<Tensor> {
    zeros(workspace, like.shape(), like.device())
}

/// A tensor of another's shape on its device, from the pool, that holds nothing yet: somebody must write all of it.
pub(crate) fn unwritten_like(workspace: &Workspace, like: &Tensor) -> Result<Tensor> {
    Ok(workspace.unwritten(like.shape(), like.device())?)
}

/// The tensors that collect the gradient of a layer's input, one for each tensor of that feature.
#[derive(Clone, Debug)]
pub(crate) struct FeatureTarget {
    pub tensors: Vec<Tensor>,
    /// They hold nothing yet: the layer that gets this writes all of them.
    pub fresh: bool,
}

impl FeatureTarget {
    /// What to ask of a kernel that hands over the gradient; `tensors` are those of the target.
    pub fn request<'a>(target: Option<&Self>, tensors: &'a [&'a Tensor]) -> InputGradient<'a> {
        match target {
            Some(Self { fresh: true, .. }) => InputGradient::WriteTo(tensors),
            Some(_) => InputGradient::AddTo(tensors),
            None => InputGradient::Skip,
        }
    }

    /// The tensors of a target by reference, none without one.
    pub fn refs(target: Option<&Self>) -> Vec<&Tensor> {
        target.iter().flat_map(|target| &target.tensors).collect()
    }

    /// The tensors to add to: zeroed where they hold nothing.
    pub fn zeroed(&self) -> Result<&[Tensor]> {
        if self.fresh {
            self.tensors.iter().try_for_each(set_zero)?;
        }
        Ok(&self.tensors)
    }
}

/// Zeros shaped like each of `tensors`.
pub(crate) fn all_zeros_like(workspace: &Workspace, tensors: &[Tensor]) -> Result<Vec<Tensor>> {
    tensors.iter().map(|tensor| zeros_like(workspace, tensor)).collect()
}

/// The tensors by reference, as kernels take them.
pub(crate) fn refs(tensors: &[Tensor]) -> Vec<&Tensor> {
    tensors.iter().collect()
}

/// Hands tensors back to the pool.
pub(crate) fn recycle(workspace: &Workspace, tensors: impl IntoIterator<Item = Tensor>) {
    tensors.into_iter().for_each(|tensor| workspace.recycle(tensor));
}

/// The gradient that an affine map stands for, as a tensor: for code that is not a kernel.
pub(crate) fn gradient_tensor(map: &Gradient<'_>) -> Result<Tensor> {
    let dy = match map.sample {
        Some(sample) => map.dy.broadcast_mul(&sample.reshape(((), 1, 1, 1))?)?,
        None => map.dy.clone(),
    };
    Ok(match map.norm {
        Some((z, map)) => dy.broadcast_mul(&map.a)?.add(&z.broadcast_mul(&map.b)?)?.broadcast_add(&map.d)?,
        None => dy.affine(f64::from(map.gate), 0.0)?,
    })
}

/// A stage's output with its BatchNorm applied, for readers that want a plain tensor.
#[derive(Debug)]
pub(crate) struct Normalized {
    pub value: Tensor,
    /// What the backward pass reads as `z`, and the BatchNorm as it is seen from there.
    behind: Option<Behind>,
}

#[derive(Debug)]
enum Behind {
    /// The stage's raw output is kept.
    Raw { z: Tensor, norm: AppliedNorm },
    /// Without scale and shift the value is `xhat` itself, so that the raw output need not be kept.
    Value { norm: AppliedNorm },
}

impl Normalized {
    /// Applies the BatchNorm of `output`.
    pub(crate) fn new(context: &Context<'_>, output: StageOutput) -> Result<Self> {
        let Some(norm) = output.norm else {
            return Ok(Self { value: output.z, behind: None });
        };
        let term = Term { z: &output.z, norm: Some(&norm.norm), gate: 1.0, sample: None };
        let value = node_sum(context.workspace, output.z.dims4()?, &[term])?;
        let behind = if !context.keep {
            context.workspace.recycle(output.z);
            None
        } else if norm.is_affine() {
            Some(Behind::Raw { z: output.z, norm })
        } else {
            context.workspace.recycle(output.z);
            let (zero, one) = (norm.norm.mean.zeros_like()?, norm.norm.mean.ones_like()?);
            let seen = Norm { mean: zero.clone(), rstd: one, scale: norm.norm.scale.clone(), shift: zero };
            Some(Behind::Value { norm: norm.seen_as(seen) })
        };
        Ok(Self { value, behind })
    }

    /// The tensor that stands for `z` in the backward pass, and the BatchNorm seen from it.
    pub(crate) fn read_back(&self) -> Option<(&Tensor, &AppliedNorm)> {
        match self.behind.as_ref()? {
            Behind::Raw { z, norm } => Some((z, norm)),
            Behind::Value { norm } => Some((&self.value, norm)),
        }
    }

    /// Hands the memory back.
    pub(crate) fn recycle(self, workspace: &Workspace) {
        if let Some(Behind::Raw { z, .. }) = self.behind {
            workspace.recycle(z);
        }
        workspace.recycle(self.value);
    }
}
