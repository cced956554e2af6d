//! The task: what a network's outputs stand for, how wrong they are, and how good.
//!
//! A [`Task`] stands between network and loop. The network gives outputs ([`eoinas_core::Skeleton::classes`] of them), the
//! task their loss with its gradient, and the loop asks it for scores. [`Classes`] is every network's task until it gets
//! another; [`of`] has the built-in one for what a data set says of its targets. [`Answer`] is what the outputs say of one
//! sample, in the units of the data set.

mod answer;
mod classes;
mod labels;
mod numbers;

use std::fmt::Debug;
use std::sync::Arc;

use candle_core::Tensor;
use eoinas_core::{Measure, TargetInfo, TargetKind, Targets};
use eoinas_kernels::Workspace;
use serde::{Deserialize, Serialize};

use crate::error::{NnError, Result};

pub use answer::Answer;
pub use classes::{Classes, WeightedClasses};
pub use labels::Labels;
pub use numbers::Numbers;

/// What a network has to do.
pub trait Task: Debug + Send + Sync {
    /// The kind of target that it learns.
    fn kind(&self) -> TargetKind;

    /// The score's name and which direction is better.
    fn measure(&self) -> Measure;

    /// The mean loss of a batch with its gradient at the outputs `logits`, `[n, outputs]`. The targets were checked to be
    /// of [`Task::kind`], one a sample, each of as many values as there are outputs. `smoothing` is
    /// [`crate::PassOptions::label_smoothing`].
    ///
    /// # Errors
    /// Tensors that do not fit.
    fn loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, smoothing: f32) -> Result<Loss>;

    /// The same in a pass that trains, for a task that weighs samples there and not in evaluations. Default: [`Task::loss`].
    ///
    /// # Errors
    /// As [`Task::loss`].
    fn training_loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, smoothing: f32) -> Result<Loss> {
        self.loss(workspace, logits, targets, smoothing)
    }

    /// How good the answers of a batch are. `loss` is what [`Task::loss`] gave for them.
    ///
    /// # Errors
    /// Tensors that do not fit.
    fn grade(&self, logits: &Tensor, targets: &Targets, loss: &Loss) -> Result<Grade>;

    /// The score over all answers of many batches ([`Grade::answers`]), for a task that keeps them. Never NaN for answers
    /// that are finite. Default: 0, for one that does not.
    fn score(&self, answers: &Answers) -> f64 {
        let _ = answers;
        0.0
    }
}

/// A batch's loss.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Mean over the samples. Not finite if the outputs are not.
    pub loss: f64,
    /// Its gradient at the outputs, `[n, outputs]`.
    pub dlogits: Tensor,
    /// How many samples got the right class; 0 for tasks without classes.
    pub correct: usize,
}

/// How good a batch's answers are.
#[derive(Clone, Debug)]
pub struct Grade {
    /// 0 (worst) to 1 (best), comparable between batches: C^a of a mini-batch. Which one is said by each task.
    pub share: f64,
    /// How many samples have the right class among their five best; 0 for tasks without classes.
    pub correct_top5: usize,
    /// What the score over many batches needs; `None` for a task whose score is the mean of the shares.
    pub answers: Option<Answers>,
}

/// Answers given and wanted, sample by sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Values of a sample.
    pub width: usize,
    /// \[n, width\], the network's outputs.
    pub given: Vec<f32>,
    /// \[n, width\], what they should be: numbers on the scale that is learned, 1 or 0 for labels.
    pub wanted: Vec<f32>,
}

impl Answers {
    /// Takes the outputs of a batch.
    ///
    /// # Errors
    /// A tensor that cannot be read.
    pub fn new(logits: &Tensor, wanted: Vec<f32>) -> Result<Self> {
        Ok(Self { width: logits.dim(1)?, given: logits.flatten_all()?.to_vec1()?, wanted })
    }

    /// Adds those of another batch of the same width.
    pub fn extend(&mut self, other: Self) {
        self.width = other.width;
        self.given.extend(other.given);
        self.wanted.extend(other.wanted);
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.wanted.len().checked_div(self.width).unwrap_or(0)
    }

    /// What was given and wanted of one of the values, over all samples.
    pub fn column(&self, index: usize) -> impl Iterator<Item = (f64, f64)> + Clone {
        let pairs = self.given.iter().zip(&self.wanted).skip(index).step_by(self.width.max(1));
        pairs.map(|(given, wanted)| (f64::from(*given), f64::from(*wanted)))
    }
}

/// The task of a data set's targets.
pub fn of(target: &TargetInfo) -> Arc<dyn Task> {
    match target {
        TargetInfo::Classes(_) => Arc::new(Classes),
        TargetInfo::Numbers(numbers) => Arc::new(Numbers::new(numbers.clone())),
        TargetInfo::Labels(_) => Arc::new(Labels),
    }
}

/// Whether targets are of the task's kind and as wide as the network's outputs, and classes in range.
pub(crate) fn check(task: &dyn Task, targets: &Targets, outputs: usize) -> Result<()> {
    let (kind, got) = (task.kind(), targets.kind());
    if kind != got {
        return Err(NnError::Targets { got: got.to_string(), expected: kind.to_string() });
    }
    let width = match targets {
        Targets::Classes(classes) => {
            return match classes.iter().find(|&&class| class as usize >= outputs) {
                Some(&class) => Err(NnError::Batch {
                    what: "a label",
                    got: vec![class as usize],
                    expected: format!("less than the number of classes, {outputs}"),
                }),
                None => Ok(()),
            };
        }
        Targets::Numbers { width, .. } | Targets::Labels { width, .. } => *width,
    };
    if width == outputs {
        Ok(())
    } else {
        Err(NnError::Targets { got: format!("{width} {kind} a sample"), expected: format!("{outputs}") })
    }
}

/// What a task gives whose targets are of another kind, which [`check`] has refused before.
fn wrong_kind(targets: &Targets, expected: TargetKind) -> NnError {
    NnError::Targets { got: targets.kind().to_string(), expected: expected.to_string() }
}

#[cfg(test)]
mod tests;
