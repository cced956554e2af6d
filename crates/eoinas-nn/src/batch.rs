//! What goes into a pass and what is wanted of it.

use std::time::Duration;

use candle_core::{Device, Tensor};
use eoinas_core::{Gates, Streams, Targets};

use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::task::Answers;

/// Images and their targets.
#[derive(Clone, Debug)]
pub struct Batch {
    images: Tensor,
    targets: Targets,
}

impl Batch {
    /// A batch of `images`, `[n, height, width, channels]`, f32 and normalised, with their targets: classes as a
    /// `Vec<u32>`, or any [`Targets`].
    ///
    /// # Errors
    /// [`NnError::Batch`] when there are no images, not as many targets as images, or not four dimensions.
    pub fn new(images: Tensor, targets: impl Into<Targets>) -> Result<Self> {
        let targets = targets.into();
        let wrong = |what, got: &[usize], expected: String| Err(NnError::Batch { what, got: got.to_vec(), expected });
        match images.dims() {
            &[n, _, _, _] if n > 0 && n == targets.len() => Ok(Self { images: images.contiguous()?, targets }),
            &[n, _, _, _] if n > 0 => wrong("the number of labels", &[targets.len()], format!("{n}, one an image")),
            dims => wrong("the shape of the images", dims, "[n, height, width, channels] with n > 0".to_owned()),
        }
    }

    /// A batch of pixels as a loader has them, channels last, moved to `device`.
    ///
    /// # Errors
    /// As [`Batch::new`], and when the pixels are not as many as the shape says.
    pub fn from_pixels(
        pixels: Vec<f32>,
        shape: (usize, usize, usize, usize),
        targets: impl Into<Targets>,
        device: &Device,
    ) -> Result<Self> {
        Self::new(Tensor::from_vec(pixels, shape, &Device::Cpu)?.to_device(device)?, targets)
    }

    /// The images, `[n, height, width, channels]`.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// One target an image.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Number of images.
    pub fn samples(&self) -> usize {
        self.targets.len()
    }
}

/// Which gradients a pass computes. What is not wanted is not computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Gradients of the weights that the path uses.
    pub weights: bool,
    /// Gradients of the gates.
    pub gates: bool,
}

impl Wanted {
    /// Forward pass alone, with batch statistics.
    pub const NOTHING: Self = Self { weights: false, gates: false };
    /// A step of the weights.
    pub const WEIGHTS: Self = Self { weights: true, gates: false };
    /// A step of the architecture.
    pub const GATES: Self = Self { weights: false, gates: true };
    /// Both.
    pub const BOTH: Self = Self { weights: true, gates: true };

    /// Whether there is a backward pass at all.
    pub fn any(self) -> bool {
        self.weights || self.gates
    }
}

/// Settings of one pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PassOptions {
    /// Label smoothing of the cross entropy, 0 to 1; tasks without classes have none. Default: 0.
    pub label_smoothing: f32,
    /// Dropout rate on `skip_connect` at stride 1. Default: 0.
    pub skip_dropout: f32,
    /// Probability that an op other than the identity is dropped for an image (drop-path). Default: 0.
    pub drop_path: f32,
    /// Weight of the auxiliary head's loss in a pass that computes gradients of the weights. Default: 0, which does not
    /// run the head. Paper: 0.4.
    pub auxiliary_weight: f32,
    /// Where the masks of dropout and drop-path come from: [`eoinas_core::SeedStream::Dropout`] of these streams at
    /// `epoch` and `step`. Default: seed 0.
    pub streams: Streams,
    /// Epoch of the masks.
    pub epoch: u64,
    /// Step of the masks.
    pub step: u64,
}

impl Default for PassOptions {
    fn default() -> Self {
        Self {
            label_smoothing: 0.0,
            skip_dropout: 0.0,
            drop_path: 0.0,
            auxiliary_weight: 0.0,
            streams: Streams::new(0),
            epoch: 0,
            step: 0,
        }
    }
}

/// What a pass found.
#[derive(Debug)]
pub struct PassOutput {
    /// Mean loss over the batch, by the network's task the cross entropy in nats or another, with [`PassOptions::auxiliary_weight`] times the auxiliary head's where that
    /// was run. Not finite when the network diverged: the caller decides what then.
    pub loss: f64,
    /// Mean loss of the auxiliary head's answers, before it is weighted; `None` where it was not run.
    pub auxiliary_loss: Option<f64>,
    /// How many images got the right class; 0 for tasks without classes.
    pub correct: usize,
    /// How many images got the right class among their five best, likewise.
    pub correct_top5: usize,
    /// How good the answers are, 0 to 1, as the task says ([`crate::task::Grade::share`]).
    pub share: f64,
    /// The answers, for a task whose score over many batches is no mean of theirs.
    pub answers: Option<Answers>,
    /// Number of images.
    pub samples: usize,
    /// Gradients of the weights, where they were wanted.
    pub weight_gradients: Option<WeightGradients>,
    /// Gradients of the gates, in the shape of the pass's gates and summed over the cells of a kind, where they were
    /// wanted.
    pub gate_gradients: Option<Gates>,
    /// How many ops were run in all cells together, `none` included.
    pub ops_run: u64,
    /// Time of the forward pass, loss included.
    pub forward_time: Duration,
    /// Time of the backward pass.
    pub backward_time: Duration,
}
