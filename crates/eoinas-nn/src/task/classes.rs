//! One of several classes.

use candle_core::Tensor;
use eoinas_core::{Measure, TargetKind, Targets};
use eoinas_kernels::Workspace;
use eoinas_kernels::head::{cross_entropy, top_k_correct};

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

fn classes(targets: &Targets) -> Result<&[u32]> {
    targets.classes().ok_or_else(|| wrong_kind(targets, TargetKind::Classes))
}
