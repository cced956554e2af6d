//! Several labels at once.

use candle_core::Tensor;
use eoinas_core::{Measure, TargetKind, Targets};
use eoinas_kernels::Workspace;
use eoinas_kernels::head::binary_cross_entropy;

use super::numbers::mean;
use super::{Answers, Grade, Loss, Task, wrong_kind};
use crate::error::Result;

/// Several labels at once: binary cross entropy of each output.
///
/// The score is the mean over the labels of the average precision: of the samples, ranked by the label's output, the mean
/// precision at each one that has the label (ties share a rank). 1 is perfect, about the label's share of the samples is
/// what guessing gets. Labels that no evaluated sample has are left out; 0 where none has any.
///
/// A batch has too few samples of a rare label to rank, so that its share (C^a) is that of the right yes or no over all
/// labels and samples, yes where the output is above 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels;

impl Task for Labels {
    fn kind(&self) -> TargetKind {
        TargetKind::Labels
    }

    fn measure(&self) -> Measure {
        Measure::higher("mAP")
    }

    fn loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, _: f32) -> Result<Loss> {
        let found = binary_cross_entropy(workspace, logits, &wanted(targets)?)?;
        Ok(Loss { loss: found.loss, dlogits: found.dlogits, correct: 0 })
    }

    fn grade(&self, logits: &Tensor, targets: &Targets, _: &Loss) -> Result<Grade> {
        let answers = Answers::new(logits, wanted(targets)?)?;
        let pairs = answers.given.iter().zip(&answers.wanted);
        let share = mean(pairs.map(|(given, wanted)| f64::from(u8::from((*given > 0.0) == (*wanted > 0.5)))));
        Ok(Grade { share, correct_top5: 0, answers: Some(answers) })
    }

    fn score(&self, answers: &Answers) -> f64 {
        mean((0..answers.width).filter_map(|label| average_precision(answers.column(label).collect())))
    }
}

fn wanted(targets: &Targets) -> Result<Vec<f32>> {
    let Targets::Labels { values, .. } = targets else { return Err(wrong_kind(targets, TargetKind::Labels)) };
    Ok(values.iter().map(|has| f32::from(u8::from(*has))).collect())
}

/// `None` where no sample has the label.
fn average_precision(mut samples: Vec<(f64, f64)>) -> Option<f64> {
    samples.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen, mut found, mut sum) = (0.0, 0.0, 0.0);
    for tied in samples.chunk_by(|a, b| a.0 == b.0) {
        let hits = tied.iter().filter(|(_, wanted)| *wanted > 0.5).count() as f64;
        seen += tied.len() as f64;
        found += hits;
        sum += hits * found / seen;
    }
    (found > 0.0).then(|| sum / found)
}
