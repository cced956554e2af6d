//! One pass through a network of layers: forward, loss, backward.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use candle_core::Tensor;
use eoinas_core::Setting;
use eoinas_kernels::Workspace;

use super::{LayerNetwork, Learning};
use crate::batch::{Batch, PassOptions, PassOutput, Wanted};
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::operation::{Context, MaskSource, Phase};
use crate::parameters::Parameters;
use crate::pass::{awake_on, loss_of, outcome};
use crate::task::Task;

/// What a pass works on.
pub(crate) struct Run<'a> {
    pub network: &'a LayerNetwork,
    pub task: &'a dyn Task,
    pub parameters: &'a Parameters,
    pub workspace: &'a Workspace,
    pub phase: Phase,
    /// What ends the pass when it is raised.
    pub stop: Option<&'a AtomicBool>,
}

impl Run<'_> {
    /// The pass, for a caller that keeps the threads awake.
    pub fn pass(&self, batch: &Batch, wanted: Wanted, options: &PassOptions, start: Instant) -> Result<PassOutput> {
        check_options(options)?;
        let learning = if wanted.weights { Learning::All } else { Learning::Nothing };
        self.learn(batch, learning, options, start)
    }

    /// A pass that trains the last layer with weights alone: everything below it is as in evaluation.
    pub fn head_pass(&self, batch: &Batch, options: &PassOptions, start: Instant) -> Result<PassOutput> {
        let run = Self { phase: Phase::Evaluation, ..*self };
        run.learn(batch, Learning::Head, options, start)
    }

    fn learn(&self, batch: &Batch, learning: Learning, options: &PassOptions, start: Instant) -> Result<PassOutput> {
        let mut context = Context {
            masks: MaskSource::new(&options.streams, options.epoch, options.step),
            stop: self.stop,
            ..Context::new(self.workspace, self.parameters, self.phase)
        };
        let learns = learning != Learning::Nothing;
        let (logits, tape) = self.network.forward(&mut context, batch.images(), learning)?;
        let loss = loss_of(self.task, self.workspace, &logits, batch, learns, options)?;
        let grade = self.task.grade(&logits, batch.targets(), &loss)?;
        let forward_time = start.elapsed();
        let start = Instant::now();
        let weights = match learns {
            true => {
                let mut weights = WeightGradients::new();
                self.network.backward(&context, tape, &loss.dlogits, &mut weights)?;
                weights.settle()?;
                Some(weights)
            }
            false => {
                self.network.recycle(&context, tape);
                None
            }
        };
        let output = outcome(batch, &loss, grade, weights);
        Ok(PassOutput { forward_time, backward_time: start.elapsed(), ..output })
    }
}

impl LayerNetwork {
    /// Logits of images in evaluation, without labels and loss.
    pub fn logits(&self, parameters: &Parameters, workspace: &Workspace, images: &Tensor) -> Result<Tensor> {
        let mut context = Context::new(workspace, parameters, Phase::Evaluation);
        awake_on(images.device(), || {
            let (logits, tape) = self.forward(&mut context, &images.contiguous()?, Learning::Nothing)?;
            self.recycle(&context, tape);
            Ok(logits)
        })
    }
}

/// A network without cells has no ops to drop, and no auxiliary head.
fn check_options(options: &PassOptions) -> Result<()> {
    let expected = "0: a network without cells has no ops to drop";
    Setting::check(options.drop_path == 0.0, "drop_path", options.drop_path, expected)?;
    Setting::check(options.skip_dropout == 0.0, "skip_dropout", options.skip_dropout, expected)?;
    match options.auxiliary_weight {
        0.0 => Ok(()),
        weight => Err(NnError::NoAuxiliary { weight }),
    }
}
