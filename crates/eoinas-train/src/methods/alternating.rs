//! The step that DARTS, GDAS and EoiNAS have in common: the weights on a training batch, then the architecture on a
//! validation batch.

use std::ops::ControlFlow;

use rand::Rng;

use eoinas_core::{EdgeOpTable, Gates, SeedStream};
use eoinas_gumbel::Relaxation;
use eoinas_nn::{Batch, Wanted, WeightGradients};

use super::path::Path;
use crate::{
    error::Result,
    learner::{ArchGradient, Learner},
    method::{Step, StepReport},
    stop::{StopReason, check_finite},
    tally::Tally,
};

/// What a step comes to, or why the search has to stop.
pub(super) type Flow<T> = Result<ControlFlow<StopReason, T>>;

/// First-order alternation (DARTS, Algorithm 1 with xi = 0; the paper's Algorithm 1, lines 4 and 5), with gates of its
/// own for each half.
///
/// With several paths both halves take the mean gradient of that many draws on the same batch (ROME, Wang et al., 2023):
/// weights that some of the paths use are updated, and every path counts as a draw of its ops.
#[derive(Debug)]
pub(super) struct Alternating {
    pub relaxation: &'static dyn Relaxation,
    pub paths: usize,
}

impl Alternating {
    /// Both halves; the first alone during the warm-up.
    pub fn step(&self, learner: &mut Learner, step: &Step) -> Flow<StepReport> {
        let paths = self.weight_paths(learner, &learner.alphas, step)?;
        let train = match train_weights(learner, step, &paths)? {
            ControlFlow::Continue(tally) => tally,
            ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
        };
        let Some(valid) = &step.valid else {
            return Ok(ControlFlow::Continue(StepReport { train, valid: None }));
        };
        Ok(self.train_arch(learner, step, valid)?.map_continue(|valid| StepReport { train, valid: Some(valid) }))
    }

    /// This step's path number `path` by `alphas` and the learner's parameters of edges, from the streams of one half.
    /// Edges have a stream of their own, so that the ops are the same with and without a sampled topology.
    pub fn sample(
        &self,
        learner: &Learner,
        alphas: &EdgeOpTable<f32>,
        step: &Step,
        stream: SeedStream,
        path: usize,
    ) -> Result<Path> {
        let (epoch, index, temperature) = (step.epoch as u64, step.index(path), step.plan.temperature);
        let mut rng = step.streams.rng(stream, epoch, index);
        let rng: &mut dyn Rng = &mut rng;
        let sample = self.relaxation.sample(alphas, learner.alive(), learner.space(), temperature, rng)?;
        let mut rng = step.streams.rng(of_edges(stream), epoch, index);
        let edges = learner.edge_mode().sample(&learner.edges, learner.space(), temperature, &mut rng)?;
        Ok(Path::new(learner, sample, edges))
    }

    /// The paths of the weights' half by `alphas`.
    pub fn weight_paths(&self, learner: &Learner, alphas: &EdgeOpTable<f32>, step: &Step) -> Result<Vec<Path>> {
        (0..self.paths).map(|path| self.sample(learner, alphas, step, SeedStream::WeightPath, path)).collect()
    }

    /// The architecture on a validation batch; the accuracy of its path becomes C^a.
    fn train_arch(&self, learner: &mut Learner, step: &Step, valid: &Batch) -> Flow<Tally> {
        let mut gradients = ArchGradient::zeros(learner.space());
        let (mut tally, mut paths) = (Tally::default(), Vec::new());
        for path in 0..self.paths {
            let drawn = self.sample(learner, &learner.alphas, step, SeedStream::ArchPath, path)?;
            let output = learner.pass(valid, drawn.run(), Wanted::GATES, &step.path_options(path))?;
            if let Err(reason) = check_finite("validation loss", output.loss) {
                return Ok(ControlFlow::Break(reason));
            }
            let of_path = Tally::from(&output);
            let gates = output.gate_gradients.unwrap_or_else(|| drawn.run().zeros_like());
            drawn.pullback_into(learner, self.relaxation, &gates, 1.0 / self.paths as f64, &mut gradients)?;
            paths.push((drawn.gates().clone(), of_path.accuracy().unwrap_or(0.0)));
            tally.add(of_path);
        }
        let norm = learner.update_arch(&gradients, &paths)?;
        Ok(finite("gradient of the architecture parameters", norm, tally))
    }
}

/// The weights of these paths on the training batch, by their mean gradient. C^e is counted from the end of the warm-up on.
pub(super) fn train_weights(learner: &mut Learner, step: &Step, paths: &[Path]) -> Flow<Tally> {
    let (mut gradients, mut tally) = (WeightGradients::new(), Tally::default());
    for (path, drawn) in paths.iter().enumerate() {
        let mut output = learner.pass(&step.train, drawn.run(), Wanted::WEIGHTS, &step.path_options(path))?;
        if let Err(reason) = check_finite("training loss", output.loss) {
            return Ok(ControlFlow::Break(reason));
        }
        gradients.merge(output.weight_gradients.take().unwrap_or_default())?;
        tally.add(Tally::from(&output));
    }
    if paths.len() > 1 {
        gradients.scale(1.0 / paths.len() as f64)?;
    }
    let paths: Vec<Gates> = paths.iter().map(|path| path.gates().clone()).collect();
    let norm = learner.update_weights(gradients, &paths, step.plan.learning_rate, !step.plan.warm_up)?;
    Ok(finite("gradient of the weights", norm, tally))
}

/// The stream of the edges beside one of the ops.
fn of_edges(stream: SeedStream) -> SeedStream {
    match stream {
        SeedStream::ArchPath => SeedStream::Named("arch-edges"),
        _ => SeedStream::Named("weight-edges"),
    }
}

/// `then`, unless `value` is not finite.
pub(super) fn finite<T>(what: &str, value: f64, then: T) -> ControlFlow<StopReason, T> {
    match check_finite(what, value) {
        Ok(()) => ControlFlow::Continue(then),
        Err(reason) => ControlFlow::Break(reason),
    }
}
