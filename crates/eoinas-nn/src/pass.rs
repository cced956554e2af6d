//! One pass through a network: forward, loss, backward.

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use eoinas_core::Gates;
use eoinas_kernels::pattern::ReluPatterns;
use eoinas_kernels::{Workspace, awake, collective, share};

use crate::batch::{Batch, PassOptions, PassOutput, Wanted};
use crate::clock::Clock;
use crate::error::{NnError, Result};
use crate::gate_sums::GateSums;
use crate::gradients::WeightGradients;
use crate::network::{AuxiliaryGradient, Network, NetworkTape};
use crate::operation::{Context, MaskSource, Phase};
use crate::parameters::Parameters;
use crate::task::{self, Grade, Loss, Task};

/// What a pass works on.
pub(crate) struct Run<'a> {
    pub network: &'a Network,
    pub task: &'a dyn Task,
    pub parameters: &'a Parameters,
    pub workspace: &'a Workspace,
    pub phase: Phase,
    /// What ends the pass when it is raised.
    pub stop: Option<&'a AtomicBool>,
}

impl Run<'_> {
    /// The pass, for a caller that keeps the threads awake ([`awake_on`]); gate gradients are added to `sums`. Where several
    /// processes share the batch, this one has its images below the classifier, and everything that is found is the batch's.
    pub fn pass(
        &self,
        batch: &Batch,
        gates: &Gates,
        wanted: Wanted,
        options: &PassOptions,
        sums: Option<&mut GateSums>,
        start: Instant,
    ) -> Result<PassOutput> {
        own_images(batch, |images| self.pass_over(images, batch, gates, wanted, options, sums, start))
    }

    #[expect(clippy::too_many_arguments, reason = "what `pass` has, and the images")]
    fn pass_over(
        &self,
        images: &Tensor,
        batch: &Batch,
        gates: &Gates,
        wanted: Wanted,
        options: &PassOptions,
        sums: Option<&mut GateSums>,
        start: Instant,
    ) -> Result<PassOutput> {
        let training = self.phase == Phase::Training;
        let rate = |rate: f32| if training { rate } else { 0.0 };
        let mut context = Context {
            skip_dropout: rate(options.skip_dropout),
            drop_path: rate(options.drop_path),
            masks: MaskSource::new(&options.streams, options.epoch, options.step),
            stop: self.stop,
            ..Context::new(self.workspace, self.parameters, self.phase)
        };
        let (logits, tape) = self.network.forward(&mut context, images, gates, wanted)?;
        let ops_run = tape.ops_run;
        let loss = self.loss(&logits, batch, wanted, options)?;
        let auxiliary = self.auxiliary(&context, &tape, batch, wanted, options)?;
        let grade = self.task.grade(&logits, batch.targets(), &loss)?;
        let forward_time = start.elapsed();
        let start = Instant::now();
        let mut weights = wanted.weights.then(WeightGradients::new);
        if wanted.any() {
            let dlogits = &loss.dlogits;
            let auxiliary = auxiliary.backward;
            self.network.backward(&mut context, tape, images, dlogits, auxiliary, weights.as_mut(), sums)?;
            weights.as_mut().map_or(Ok(()), WeightGradients::settle)?;
        } else {
            self.network.release(&context, tape);
        }
        let output = outcome(batch, &loss, grade, weights);
        Ok(PassOutput {
            loss: loss.loss + auxiliary.loss.map_or(0.0, |loss| f64::from(options.auxiliary_weight) * loss),
            auxiliary_loss: auxiliary.loss,
            ops_run,
            forward_time,
            backward_time: start.elapsed(),
            ..output
        })
    }

    /// A pass that trains the head's classifier alone: everything below it is as in evaluation, running statistics included, and
    /// is not gone through backwards.
    pub fn head_pass(&self, batch: &Batch, gates: &Gates, options: &PassOptions, start: Instant) -> Result<PassOutput> {
        let new = Context::new(self.workspace, self.parameters, Phase::Evaluation);
        let mut context = Context { stop: self.stop, ..new };
        let (logits, tape) =
            own_images(batch, |images| self.network.forward(&mut context, images, gates, Wanted::NOTHING))?;
        let ops_run = tape.ops_run;
        let loss = self.loss(&logits, batch, Wanted::WEIGHTS, options)?;
        let grade = self.task.grade(&logits, batch.targets(), &loss)?;
        let forward_time = start.elapsed();
        let start = Instant::now();
        let mut weights = WeightGradients::new();
        self.network.classifier_gradients(&context, tape, &loss.dlogits, &mut weights)?;
        weights.settle()?;
        let output = outcome(batch, &loss, grade, Some(weights));
        Ok(PassOutput { ops_run, forward_time, backward_time: start.elapsed(), ..output })
    }

    /// The batch's loss: that of training where weights are trained.
    fn loss(&self, logits: &Tensor, batch: &Batch, wanted: Wanted, options: &PassOptions) -> Result<Loss> {
        loss_of(self.task, self.workspace, logits, batch, wanted.weights, options)
    }

    /// Runs the auxiliary head where its loss counts: in a pass that trains weights.
    fn auxiliary(
        &self,
        context: &Context<'_>,
        tape: &NetworkTape,
        batch: &Batch,
        wanted: Wanted,
        options: &PassOptions,
    ) -> Result<AuxiliaryPass> {
        let weight = options.auxiliary_weight;
        if !wanted.weights || self.phase != Phase::Training || weight == 0.0 {
            return Ok(AuxiliaryPass::default());
        }
        let (logits, head) = self.network.auxiliary(context, tape)?.ok_or(NnError::NoAuxiliary { weight })?;
        let loss = self.loss(&logits, batch, wanted, options)?;
        let dlogits = loss.dlogits.affine(f64::from(weight), 0.0)?;
        Ok(AuxiliaryPass { loss: Some(loss.loss), backward: Some(AuxiliaryGradient { tape: head, dlogits }) })
    }
}

/// Runs a pass over the images of the batch that are this process's.
fn own_images<R>(batch: &Batch, pass: impl FnOnce(&Tensor) -> Result<R>) -> Result<R> {
    let images = batch.images();
    if collective::current().is_none() {
        return pass(images);
    }
    if !images.device().is_cpu() {
        return Err(NnError::Shared { what: "a pass on a GPU".to_owned() });
    }
    share::shared(batch.samples(), |own| match own.len() == batch.samples() {
        true => pass(images),
        false => pass(&images.narrow(0, own.start, own.len())?.copy()?),
    })
}

/// The batch's loss: that of training where weights are trained.
pub(crate) fn loss_of(
    task: &dyn Task,
    workspace: &Workspace,
    logits: &Tensor,
    batch: &Batch,
    trains: bool,
    options: &PassOptions,
) -> Result<Loss> {
    match trains {
        true => task.training_loss(workspace, logits, batch.targets(), options.label_smoothing),
        false => task.loss(workspace, logits, batch.targets(), options.label_smoothing),
    }
}

/// What a pass of one head found; its ops are not counted, and its times not taken.
pub(crate) fn outcome(batch: &Batch, loss: &Loss, grade: Grade, weights: Option<WeightGradients>) -> PassOutput {
    PassOutput {
        loss: loss.loss,
        auxiliary_loss: None,
        correct: loss.correct,
        correct_top5: grade.correct_top5,
        share: grade.share,
        answers: grade.answers,
        samples: batch.samples(),
        weight_gradients: weights,
        gate_gradients: None,
        ops_run: 0,
        forward_time: Duration::ZERO,
        backward_time: Duration::ZERO,
    }
}

/// Logits of images in evaluation, without labels and loss; their size was checked.
pub(crate) fn logits(
    network: &Network,
    gates: &Gates,
    parameters: &Parameters,
    workspace: &Workspace,
    images: &Tensor,
) -> Result<Tensor> {
    evaluate(network, gates, Context::new(workspace, parameters, Phase::Evaluation), images)
}

/// Which ReLUs are on for which of the images, in evaluation; their size was checked.
pub(crate) fn relu_patterns(
    network: &Network,
    gates: &Gates,
    parameters: &Parameters,
    workspace: &Workspace,
    images: &Tensor,
) -> Result<ReluPatterns> {
    let patterns = RefCell::new(ReluPatterns::new(images.dim(0)?));
    let context = Context { patterns: Some(&patterns), ..Context::new(workspace, parameters, Phase::Evaluation) };
    evaluate(network, gates, context, images)?;
    Ok(patterns.into_inner())
}

/// How long each part of the network took in evaluation of images, whose size was checked.
pub(crate) fn laps(
    network: &Network,
    gates: &Gates,
    parameters: &Parameters,
    workspace: &Workspace,
    images: &Tensor,
) -> Result<Vec<Duration>> {
    let clock = Clock::new();
    let context = Context { clock: Some(&clock), ..Context::new(workspace, parameters, Phase::Evaluation) };
    evaluate(network, gates, context, images)?;
    Ok(clock.into_laps())
}

/// A forward pass that nothing follows.
fn evaluate(network: &Network, gates: &Gates, mut context: Context<'_>, images: &Tensor) -> Result<Tensor> {
    awake_on(images.device(), || {
        let (logits, tape) = network.forward(&mut context, &images.contiguous()?, gates, Wanted::NOTHING)?;
        network.release(&context, tape);
        Ok(logits)
    })
}

/// Runs a pass. On the CPU all threads stay awake until it has ended; on a GPU they have nothing to do in it.
pub(crate) fn awake_on<R>(device: &Device, run: impl FnOnce() -> R) -> R {
    if device.is_cpu() { awake(run) } else { run() }
}

/// What a pass knows of the auxiliary head.
#[derive(Default)]
struct AuxiliaryPass {
    loss: Option<f64>,
    backward: Option<AuxiliaryGradient>,
}

/// Whether the images have the network's height, width and channels, and the targets are those of the task.
pub(crate) fn check_batch(batch: &Batch, shape: [usize; 3], classes: usize, task: &dyn Task) -> Result<()> {
    check_images(batch.images(), shape)?;
    task::check(task, batch.targets(), classes)
}

/// Whether the images have the network's height, width and channels.
pub(crate) fn check_images(images: &Tensor, expected: [usize; 3]) -> Result<()> {
    let dims = images.dims();
    if dims.get(1..) != Some(&expected[..]) {
        return Err(NnError::Batch {
            what: "the shape of the images",
            got: dims.to_vec(),
            expected: format!("[n, {}, {}, {}]", expected[0], expected[1], expected[2]),
        });
    }
    Ok(())
}
