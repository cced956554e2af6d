//! Real numbers.

use candle_core::Tensor;
use eoinas_core::{Measure, NumberInfo, TargetKind, Targets};
use eoinas_kernels::Workspace;
use eoinas_kernels::head::mean_squared_error;

use super::{Answers, Grade, Loss, Task, wrong_kind};
use crate::error::Result;

/// Real numbers: the mean squared error of outputs against targets on the scale on which each number has mean 0 and
/// standard deviation 1 over the training part.
///
/// The score is R2, the mean over the numbers of 1 - (sum of squared errors) / (sum of squared deviations from the mean of
/// the evaluated samples): 1 is perfect, 0 as good as always guessing the mean, below 0 worse. A number that is the same
/// for all evaluated samples is left out; 0 where all are.
///
/// R2 has no lower end and jumps with what a small batch happens to hold, so that a batch's share (C^a) is
/// `1 / (1 + mean squared error)` on the learned scale: 1 is perfect, 0.5 as good as guessing the mean of the training part.
#[derive(Clone, Debug)]
pub struct Numbers {
    scale: Vec<NumberInfo>,
}

impl Numbers {
    /// The numbers with their means and standard deviations.
    pub fn new(scale: Vec<NumberInfo>) -> Self {
        Self { scale }
    }

    /// Targets on the scale that is learned.
    fn wanted(&self, targets: &Targets) -> Result<Vec<f32>> {
        let Targets::Numbers { values, .. } = targets else { return Err(wrong_kind(targets, TargetKind::Numbers)) };
        let scale = self.scale.iter().cycle();
        Ok(values.iter().zip(scale).map(|(value, NumberInfo { mean, std, .. })| (value - mean) / std).collect())
    }
}

impl Task for Numbers {
    fn kind(&self) -> TargetKind {
        TargetKind::Numbers
    }

    fn measure(&self) -> Measure {
        Measure::higher("R2")
    }

    fn loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, _: f32) -> Result<Loss> {
        let found = mean_squared_error(workspace, logits, &self.wanted(targets)?)?;
        Ok(Loss { loss: found.loss, dlogits: found.dlogits, correct: 0 })
    }

    fn grade(&self, logits: &Tensor, targets: &Targets, loss: &Loss) -> Result<Grade> {
        let answers = Answers::new(logits, self.wanted(targets)?)?;
        Ok(Grade { share: 1.0 / (1.0 + loss.loss), correct_top5: 0, answers: Some(answers) })
    }

    fn score(&self, answers: &Answers) -> f64 {
        mean((0..answers.width).filter_map(|number| r2(answers.column(number))))
    }
}

/// `None` without a deviation.
fn r2(values: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
    let count = values.clone().count() as f64;
    let mean = values.clone().map(|(_, wanted)| wanted).sum::<f64>() / count;
    let (error, deviation) = values.fold((0.0, 0.0), |(error, deviation), (given, wanted)| {
        (error + (given - wanted).powi(2), deviation + (wanted - mean).powi(2))
    });
    (deviation > 0.0).then(|| 1.0 - error / deviation)
}

/// 0 of none.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { 0.0 } else { sum / count as f64 }
}
