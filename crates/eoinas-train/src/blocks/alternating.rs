//! The step that DARTS, GDAS and EoiNAS have in common: the weights on a training batch, then the architecture on a
//! validation batch.

use eoinas_core::{EdgeOpTable, Gates, SeedStream};
use eoinas_gumbel::{EdgeMode, Relaxation, Sample, Softmax};
use eoinas_nn::{Batch, Wanted};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Path, Turns, finite, one_hot, train_weights};
use crate::{
    error::Result,
    halt::Flow,
    learner::{ArchGradient, Learner},
    method::{Step, StepReport},
    tally::Tally,
};

/// How methods of one path a pass draw it, as a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draws {
    /// Each path by itself, as the method's relaxation draws it (the default).
    #[default]
    Independent,
    /// Strictly fair (FairNAS, Chu et al., 2021): in as many paths as the fullest edge has alive ops, every op of an edge is
    /// run once (where others have more, once or twice), in random order; weights and architecture have their own draws, and
    /// an epoch begins a new cycle. With as many paths a step as there are ops, all are trained on each batch. The
    /// architecture's gradient is that of a softmax without noise, at the op that was run.
    Fair,
}

/// First-order alternation (DARTS, Algorithm 1 with xi = 0; the paper's Algorithm 1, lines 4 and 5), with gates of its
/// own for each half.
///
/// With several paths both halves take the mean gradient of that many draws on the same batch (ROME, Wang et al., 2023):
/// weights that some of the paths use are updated, and every path counts as a draw of its ops.
#[derive(Clone, Copy, Debug)]
pub struct Alternating {
    /// From architecture parameters to gates and back.
    pub relaxation: &'static dyn Relaxation,
    /// Paths that are drawn for each update.
    pub paths: usize,
    /// How they are drawn.
    pub draws: Draws,
}

impl Alternating {
    /// One path an update.
    pub fn new(relaxation: &'static dyn Relaxation) -> Self {
        Self { relaxation, paths: 1, draws: Draws::Independent }
    }

    /// Both halves; the first alone during the warm-up.
    ///
    /// # Errors
    /// Batches that do not fit. Stops when a loss or a gradient is not finite.
    pub fn step(&self, learner: &mut Learner, step: &Step) -> Flow<StepReport> {
        self.step_with(learner, step, |_, _| {})
    }

    /// The same, with what `regularise` adds to the gradient of the validation loss.
    ///
    /// # Errors
    /// As [`Alternating::step`].
    pub fn step_with(
        &self,
        learner: &mut Learner,
        step: &Step,
        regularise: impl FnOnce(&Learner, &mut ArchGradient),
    ) -> Flow<StepReport> {
        let paths = self.weight_paths(learner, &learner.alphas, step)?;
        let train = train_weights(learner, step, &paths)?;
        let valid = step.valid.as_ref().map(|valid| self.train_arch(learner, step, valid, regularise)).transpose()?;
        Ok(StepReport { train, valid })
    }

    /// This step's path number `path` by `alphas` and the learner's parameters of edges, from the streams of one half.
    /// Edges have a stream of their own, so that the ops are the same with and without a sampled topology.
    ///
    /// # Errors
    /// Parameters that are not finite.
    pub fn sample(
        &self,
        learner: &Learner,
        alphas: &EdgeOpTable<f32>,
        step: &Step,
        stream: SeedStream,
        path: usize,
    ) -> Result<Path> {
        let (epoch, index) = (step.epoch as u64, step.index(path));
        // Nothing divides by that of a method without one.
        let temperature = step.plan.temperature.unwrap_or(1.0);
        let mut rng = step.streams.rng(stream, epoch, index);
        let rng: &mut dyn Rng = &mut rng;
        let sample = match self.draws {
            Draws::Independent => self.relaxation.sample(alphas, learner.alive(), learner.space(), temperature, rng)?,
            Draws::Fair => {
                let sample = Softmax.sample(alphas, learner.alive(), learner.space(), temperature, rng)?;
                Sample { gates: self.fair(learner, step, stream, path), ..sample }
            }
        };
        let mut rng = step.streams.rng(of_edges(stream), epoch, index);
        let edges = learner.edge_mode().sample(&learner.edges, learner.space(), temperature, &mut rng)?;
        Ok(Path::new(learner, sample, edges))
    }

    /// The ops of a path in which each has its turn.
    fn fair(&self, learner: &Learner, step: &Step, stream: SeedStream, path: usize) -> Gates {
        let (alive, space) = (learner.alive(), learner.space());
        let length = Turns::length(space, alive);
        let turn = step.step.saturating_mul(self.paths).saturating_add(path);
        let mut rng = step.streams.rng(fair_stream(stream), step.epoch as u64, (turn / length) as u64);
        let turns = Turns::draw(space, alive, &mut rng);
        one_hot(space, |id| turns.op(id, turn % length))
    }

    /// The paths of the weights' half by `alphas`.
    ///
    /// # Errors
    /// Parameters that are not finite.
    pub fn weight_paths(&self, learner: &Learner, alphas: &EdgeOpTable<f32>, step: &Step) -> Result<Vec<Path>> {
        (0..self.paths).map(|path| self.sample(learner, alphas, step, SeedStream::WeightPath, path)).collect()
    }

    /// The architecture on a validation batch, by the gradient of its loss and what `regularise` adds; how good its path is
    /// ([`Tally::share`]: the accuracy, where there are classes) becomes C^a.
    ///
    /// # Errors
    /// A batch that does not fit. Stops when a loss or the gradients' norm is not finite; nothing is updated then.
    pub fn train_arch(
        &self,
        learner: &mut Learner,
        step: &Step,
        valid: &Batch,
        regularise: impl FnOnce(&Learner, &mut ArchGradient),
    ) -> Flow<Tally> {
        // One op an edge has gradient 0, whatever its gate's is.
        let decided = learner.alive().max_count(learner.space()) <= 1 && learner.edge_mode() == EdgeMode::Equal;
        let wanted = if decided { Wanted::NOTHING } else { Wanted::GATES };
        let mut gradients = ArchGradient::zeros(learner.space());
        let (mut tally, mut paths) = (Tally::default(), Vec::new());
        for path in 0..self.paths {
            let drawn = self.sample(learner, &learner.alphas, step, SeedStream::ArchPath, path)?;
            let output = learner.pass(valid, drawn.run(), wanted, &step.path_options(path))?;
            finite("validation loss", output.loss)?;
            let of_path = Tally::from(&output);
            let gates = output.gate_gradients.unwrap_or_else(|| drawn.run().zeros_like());
            drawn.pullback_into(learner, self.relaxation, &gates, 1.0 / self.paths as f64, &mut gradients)?;
            paths.push((drawn.gates().clone(), of_path.share().unwrap_or(0.0)));
            tally.add(of_path);
        }
        regularise(learner, &mut gradients);
        let norm = learner.update_arch(&gradients, &paths)?;
        finite("gradient of the architecture parameters", norm)?;
        Ok(tally)
    }
}

/// The stream of the orders of ops of one half.
fn fair_stream(stream: SeedStream) -> SeedStream {
    match stream {
        SeedStream::ArchPath => SeedStream::Named("arch-fair"),
        _ => SeedStream::Named("weight-fair"),
    }
}

/// The stream of the edges beside one of the ops.
fn of_edges(stream: SeedStream) -> SeedStream {
    match stream {
        SeedStream::ArchPath => SeedStream::Named("arch-edges"),
        _ => SeedStream::Named("weight-edges"),
    }
}
