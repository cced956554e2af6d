//! An op as a cell sees it: the trait, what a pass hands to it, and what it hands back.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::Tensor;
use chacha20::ChaCha8Rng;
use eoinas_core::{SeedStream, Streams};
use eoinas_kernels::node::{add_scaled, write_scaled};
use eoinas_kernels::pattern::ReluPatterns;
use eoinas_kernels::{Gradient, Workspace, share};
use rand::Rng;

use crate::batch_norm::AppliedNorm;
use crate::clock::Clock;
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::graph::{GraphBuilder, ValueId};
use crate::parameters::{ParamId, Parameters};
use crate::stage::StageOutput;

/// Whether a pass trains or evaluates: what BatchNorm layers with running statistics, dropout and drop-path ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Batch statistics; running ones are updated; dropout and drop-path as the pass's options say.
    Training,
    /// Running statistics where there are any; nothing is dropped.
    Evaluation,
    /// Batch statistics, and the running ones stay as they are; nothing is dropped.
    BatchEvaluation,
}

/// What every op of a pass shares.
#[derive(Debug)]
pub struct Context<'a> {
    /// Buffers to take outputs from and to hand them back to.
    pub workspace: &'a Workspace,
    /// The network's parameters.
    pub parameters: &'a Parameters,
    /// Training or evaluation.
    pub phase: Phase,
    /// Whether a backward pass through this op will follow: if not, nothing needs to be saved for it.
    pub keep: bool,
    /// Rate of dropout on the identity; 0 in evaluation.
    pub skip_dropout: f32,
    /// Rate of drop-path; 0 in evaluation.
    pub drop_path: f32,
    /// Generator of the pass's masks. Ops draw in the order in which they run.
    pub masks: MaskSource,
    /// Where the ReLUs of the pass are noted, if somebody wants to know which are on.
    pub patterns: Option<&'a RefCell<ReluPatterns>>,
    /// Where it is noted how long each part of the network takes, if somebody wants to know.
    pub(crate) clock: Option<&'a Clock>,
    /// What ends the pass when it is raised.
    pub(crate) stop: Option<&'a AtomicBool>,
}

impl<'a> Context<'a> {
    /// A pass that drops nothing, and keeps what a backward pass needs when it is a training pass.
    pub fn new(workspace: &'a Workspace, parameters: &'a Parameters, phase: Phase) -> Self {
        let masks = MaskSource::new(&Streams::new(0), 0, 0);
        let keep = phase == Phase::Training;
        Self {
            workspace,
            parameters,
            phase,
            keep,
            skip_dropout: 0.0,
            drop_path: 0.0,
            masks,
            patterns: None,
            clock: None,
            stop: None,
        }
    }

    /// Whether the pass is to go on; asked before every layer, either way.
    pub(crate) fn go_on(&self) -> Result<()> {
        match self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(NnError::Stopped),
            _ => Ok(()),
        }
    }

    /// A part of the network has ended.
    pub(crate) fn lap(&self) {
        self.clock.iter().for_each(|clock| clock.lap());
    }
}

/// The random masks of one pass.
#[derive(Debug)]
pub struct MaskSource {
    rng: ChaCha8Rng,
}

impl MaskSource {
    /// The masks of one step: [`SeedStream::Dropout`] at `epoch` and `step`.
    pub fn new(streams: &Streams, epoch: u64, step: u64) -> Self {
        Self { rng: streams.rng(SeedStream::Dropout, epoch, step) }
    }

    /// One flag each for `count` values: kept (1) with probability `1 - rate`.
    ///
    /// Where several processes share the batch, `count` is that of this process's images, and what is drawn for the others' is
    /// passed over.
    pub fn keep_mask(&mut self, count: usize, rate: f32) -> Vec<u8> {
        let (before, all) = share::place(count);
        // 24 bits are what an f32 holds exactly.
        let mut draw = || u8::from((self.rng.next_u32() >> 8) as f32 >= rate * (1u32 << 24) as f32);
        for _ in 0..before {
            draw();
        }
        let mask = (0..count).map(|_| draw()).collect();
        for _ in before + count..all {
            draw();
        }
        mask
    }
}

/// What an op's forward pass gives.
#[derive(Debug)]
pub struct OpOutput {
    /// The output `[n, h, w, c]`, before its BatchNorm if one is pending.
    pub z: Tensor,
    /// Whether `z` is the input itself and not a tensor of its own (the identity).
    pub shares_input: bool,
    /// The BatchNorm that is still to be applied; the node's sum does it.
    pub norm: Option<AppliedNorm>,
    /// What the op's backward pass needs beside its input and output.
    pub saved: Saved,
}

/// What an op keeps from its forward to its backward pass.
#[derive(Debug)]
#[non_exhaustive]
pub enum Saved {
    /// Nothing.
    Nothing,
    /// Outputs of the stages before the last.
    Stages(Vec<StageOutput>),
    /// Which values dropout kept.
    Mask(Vec<u8>),
    /// Anything of a user's own op.
    Other(Box<dyn SavedState>),
}

/// State of a user's own op.
pub trait SavedState: Any + Send + std::fmt::Debug {
    /// To get the op's own type back.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<T: Any + Send + std::fmt::Debug> SavedState for T {
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Saved {
    /// The state of a user's own op as that op's type.
    ///
    /// # Errors
    /// [`NnError::SavedState`] when it is of another type.
    pub fn downcast<T: Any>(self, operation: &'static str) -> Result<T> {
        match self {
            Self::Other(state) => {
                state.into_any().downcast::<T>().map(|state| *state).map_err(|_| NnError::SavedState { operation })
            }
            _ => Err(NnError::SavedState { operation }),
        }
    }
}

impl OpOutput {
    /// An output without pending BatchNorm and saved state.
    pub fn plain(z: Tensor) -> Self {
        Self { z, shares_input: false, norm: None, saved: Saved::Nothing }
    }

    /// Hands the memory back.
    pub fn recycle(self, workspace: &Workspace) {
        if !self.shares_input {
            workspace.recycle(self.z);
        }
        if let Saved::Stages(stages) = self.saved {
            stages.into_iter().for_each(|stage| workspace.recycle(stage.z));
        }
    }
}

/// What an op's backward pass gets and where its results go.
#[derive(Debug)]
pub struct BackwardPass<'a, 'g> {
    /// The op's input, as in the forward pass.
    pub x: &'a Tensor,
    /// The gradient at the op's output `z`, as an affine map that kernels apply while reading.
    pub gradient: Gradient<'a>,
    /// Where the gradient of the input goes; `None`: nobody wants it.
    pub input: Option<InputTarget<'a>>,
    /// Where gradients of the op's weights go; `None`: nobody wants them.
    pub weights: Option<&'g mut WeightGradients>,
}

/// A tensor of an op's input's shape that collects that input's gradient.
#[derive(Clone, Copy, Debug)]
pub enum InputTarget<'a> {
    /// The gradient is added to what others have put there.
    AddTo(&'a Tensor),
    /// The tensor holds nothing yet: the op that gets it writes all of it.
    WriteTo(&'a Tensor),
}

impl<'a> InputTarget<'a> {
    /// Adds `gate * sample[n] * dx` (`dx` of the target's shape), or writes it where nothing is there yet: for ops that
    /// have computed their input's gradient as a tensor.
    ///
    /// # Errors
    /// Tensors that are not contiguous f32 of one shape.
    pub fn collect(self, dx: &Tensor, gate: f32, sample: Option<&Tensor>) -> Result<()> {
        match self {
            Self::AddTo(tensor) => add_scaled(tensor, dx, gate, sample)?,
            Self::WriteTo(tensor) => write_scaled(tensor, dx, gate, sample)?,
        }
        Ok(())
    }

    /// The tensor.
    pub fn tensor(self) -> &'a Tensor {
        match self {
            Self::AddTo(tensor) | Self::WriteTo(tensor) => tensor,
        }
    }

    /// Whether what the tensor holds counts.
    pub fn adds(self) -> bool {
        matches!(self, Self::AddTo(_))
    }
}

/// A candidate operation of an edge: the half with tensors. The half without them is [`eoinas_core::OpSpec`].
///
/// Shapes are channels-last: the input is `[n, h, w, c]`, the output `[n, ceil(h / stride), ceil(w / stride), c]`.
/// Both the gate and the sum over a node's edges are applied by the cell.
pub trait Operation: std::fmt::Debug + Send + Sync {
    /// Runs the op; `None` stands for zeros, whatever the input.
    fn forward(&self, context: &mut Context<'_>, x: &Tensor) -> Result<Option<OpOutput>>;

    /// Hands over the gradients that are wanted. `output` is what `forward` gave: `z` is still whole, the rest may be
    /// consumed. Called only when a gradient is wanted.
    fn backward(&self, context: &mut Context<'_>, output: &mut OpOutput, pass: BackwardPass<'_, '_>) -> Result<()>;

    /// Makes the op ready for evaluation alone, by folding its BatchNorm into the convolution before it
    /// ([`crate::stage::Stage::fold`]). Never called before training. Default: nothing, which is always right.
    ///
    /// # Errors
    /// A parameter that is not there.
    fn fold(&mut self, _parameters: &mut Parameters) -> Result<()> {
        Ok(())
    }

    /// Describes the op, ready for evaluation, as part of a graph that reads `x`; gives the value that it makes, or
    /// `None` for zeros.
    ///
    /// # Errors
    /// Default: [`NnError::NotExportable`].
    fn trace(&self, _graph: &mut GraphBuilder<'_>, _x: ValueId) -> Result<Option<ValueId>> {
        Err(NnError::NotExportable { operation: std::any::type_name::<Self>().to_owned() })
    }

    /// Its parameters and buffers, which are freed when it is pruned. Default: none.
    fn parameters(&self) -> Vec<ParamId> {
        Vec::new()
    }

    /// Whether it is the plain identity, which drop-path leaves alone. Default: no.
    fn is_identity(&self) -> bool {
        false
    }
}
