//! One of several classes.

use candle_core::Tensor;
use eoinas_core::{Measure, TargetKind, Targets};
use eoinas_kernels::Workspace;
use eoinas_kernels::head::{cross_entropy, top_k_correct, weighted_cross_entropy};

use super::{Grade, Loss, Task, wrong_kind};
use crate::error::Result;

/// One of several classes: cross entropy with label smoothing; the score is the accuracy, of a batch as of many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classes;

impl Task for Classes {
    fn kind(&self) -> TargetKind {
        TargetKind::Classes
    }

    fn measure(&self) -> Measure {
        Measure::accuracy()
    }

    fn loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, smoothing: f32) -> Result<Loss> {
        let found = cross_entropy(workspace, logits, classes(targets)?, smoothing)?;
        Ok(Loss { loss: found.loss, dlogits: found.dlogits, correct: found.correct })
    }

    fn grade(&self, logits: &Tensor, targets: &Targets, loss: &Loss) -> Result<Grade> {
        let classes = classes(targets)?;
        let correct_top5 = top_k_correct(logits, classes, logits.dim(1)?.min(5))?;
        Ok(Grade { share: loss.correct as f64 / classes.len() as f64, correct_top5, answers: None })
    }
}

/// The same, where training passes weigh each sample's loss by its class ([`weighted_cross_entropy`]). Evaluations do not, so that
/// their losses are those of [`Classes`].
#[derive(Clone, Debug)]
pub struct WeightedClasses {
    weights: Vec<f32>,
}

impl WeightedClasses {
    /// Classes with these weights, one each.
    pub fn new(weights: Vec<f32>) -> Self {
        Self { weights }
    }

    /// Weights that give every class the same say, of the number of training samples of each: `n / (k * n_c)` for class c with
    /// n_c of all n samples, where k classes have any. Their mean over the samples is 1; a class without samples has 0. (The rule
    /// that scikit-learn calls `balanced`.)
    ///
    /// ```
    /// let weighted = eoinas_nn::task::WeightedClasses::balanced(&[30, 10]);
    /// assert_eq!(weighted.weights(), [40.0 / 60.0, 2.0]);
    /// ```
    pub fn balanced(samples: &[usize]) -> Self {
        let (all, present) = (samples.iter().sum::<usize>(), samples.iter().filter(|&&count| count > 0).count());
        let weight = |&count: &usize| if count == 0 { 0.0 } else { (all as f64 / (present * count) as f64) as f32 };
        Self { weights: samples.iter().map(weight).collect() }
    }

    /// The weight of each class.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }
}

impl Task for WeightedClasses {
    fn kind(&self) -> TargetKind {
        Classes.kind()
    }

    fn measure(&self) -> Measure {
        Classes.measure()
    }

    fn loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, smoothing: f32) -> Result<Loss> {
        Classes.loss(workspace, logits, targets, smoothing)
    }

    fn training_loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, smoothing: f32) -> Result<Loss> {
        let found = weighted_cross_entropy(workspace, logits, classes(targets)?, smoothing, &self.weights)?;
        Ok(Loss { loss: found.loss, dlogits: found.dlogits, correct: found.correct })
    }

    fn grade(&self, logits: &Tensor, targets: &Targets, loss: &Loss) -> Result<Grade> {
        Classes.grade(logits, targets, loss)
    }
}

fn classes(targets: &Targets) -> Result<&[u32]> {
    targets.classes().ok_or_else(|| wrong_kind(targets, TargetKind::Classes))
}
