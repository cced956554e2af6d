//! DARTS, second order.

use eoinas_core::{Gates, Genotype, SearchSpace, SeedStream, Setting, schedule::ScheduleConfig};
use eoinas_gumbel::{EdgeMode, Softmax};
use eoinas_nn::{Batch, Wanted, WeightGradients, parameters::SavedValues};
use serde::{Deserialize, Serialize};

use super::{Darts, by_beta, identity};
use crate::{
    blocks::{Alternating, finite, train_weights},
    config::{ArchConfig, SearchConfig, SkipDropout, positive},
    error::Result,
    halt::Flow,
    learner::{ArchGradient, Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
    tally::Tally,
};

/// DARTS (Liu, Simonyan and Yang, 2019), second order: the architecture descends the validation loss of the weights one
/// step ahead (Eq. 5 to 8, Algorithm 1 with xi = the learning rate of the weights).
///
/// With `w' = w - xi (momentum m + dL_train(w)/dw + decay w)` and `v = dL_val(w')/dw'` the gradient is (Eq. 7)
///
/// `dL_val(w')/dalpha - xi d2L_train(w)/(dalpha dw) v`,
///
/// whose second term is taken from finite differences (Eq. 8):
///
/// `d2L_train/(dalpha dw) v = (dL_train(w + e v)/dalpha - dL_train(w - e v)/dalpha) / 2e`, `e = radius / |v|`.
///
/// Four passes instead of one. As in Algorithm 1 the architecture is updated first, then the weights on the same training
/// batch. The cell is that of the first order.
///
/// ReLU and max pooling have kinks: where `e v` moves a unit across one, the difference holds that unit's jump, which the
/// exact derivative does not know. On small networks with small batches this outweighs the term itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecondOrder {
    /// Length of the step `e v`. Default: 0.01, the paper's.
    pub radius: f64,
    /// Update of the architecture parameters. Default: that of [`Darts`].
    pub arch: ArchConfig,
    /// Temperature of edges that are sampled; ops have none. Default: EoiNAS's.
    pub temperature: ScheduleConfig,
    /// First epochs that train weights only. Default: 0.
    pub warm_up_epochs: usize,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by. Default: equal.
    pub edges: EdgeMode,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for SecondOrder {
    fn default() -> Self {
        let Darts { arch, temperature, warm_up_epochs, partial_channels, edges, skip_dropout } = Darts::default();
        Self { radius: 0.01, arch, temperature, warm_up_epochs, partial_channels, edges, skip_dropout }
    }
}

/// The gradient of the architecture parameters, and what its validation pass found.
#[derive(Debug)]
pub struct Unrolled {
    /// Eq. 7.
    pub gradient: ArchGradient,
    /// Its first term alone.
    pub first_term: ArchGradient,
    /// The gates of the ops in all passes.
    pub gates: Gates,
    /// On the validation batch, with the weights one step ahead.
    pub tally: Tally,
}

impl SecondOrder {
    pub(crate) fn prescribed(self) -> Self {
        let Darts { arch, warm_up_epochs, .. } = self.first_order().prescribed();
        Self { arch, warm_up_epochs, ..self }
    }

    fn first_order(&self) -> Darts {
        let Self { arch, temperature, warm_up_epochs, partial_channels, edges, skip_dropout, .. } = self.clone();
        Darts { arch, temperature, warm_up_epochs, partial_channels, edges, skip_dropout }
    }

    /// Eq. 7 for the step's training batch and a validation batch. The weights are left as they were, bit for bit.
    ///
    /// # Errors
    /// Batches that do not fit.
    pub fn gradient(&self, learner: &mut Learner, step: &Step, valid: &Batch) -> Flow<Unrolled> {
        let path = Alternating::new(&Softmax).sample(learner, &learner.alphas, step, SeedStream::ArchPath, 0)?;
        learner.with_moved_weights(|learner, start| {
            let (options, rate) = (step.pass_options(), step.plan.learning_rate);
            let mut output = learner.pass(&step.train, path.run(), Wanted::WEIGHTS, &options)?;
            finite("training loss", output.loss)?;
            learner.virtual_step(&output.weight_gradients.take().unwrap_or_default(), rate)?;
            let mut output = learner.pass(valid, path.run(), Wanted::BOTH, &options)?;
            finite("validation loss", output.loss)?;
            let tally = Tally::from(&output);
            let direction = output.weight_gradients.take().unwrap_or_default();
            let gates = output.gate_gradients.unwrap_or_else(|| path.run().zeros_like());
            let mut first_term = ArchGradient::zeros(learner.space());
            path.pullback_into(learner, &Softmax, &gates, 1.0, &mut first_term)?;
            let product = self.hessian_product(learner, step, path.run(), &direction, start)?;
            let mut gradient = first_term.clone();
            path.pullback_into(learner, &Softmax, &product, -rate, &mut gradient)?;
            let gates = path.gates().clone();
            Ok(Unrolled { gradient, first_term, gates, tally })
        })
    }

    /// Eq. 8 for the gates: the change of their gradient along `direction` around `start`. Leaves the weights moved.
    fn hessian_product(
        &self,
        learner: &mut Learner,
        step: &Step,
        gates: &Gates,
        direction: &WeightGradients,
        start: &SavedValues,
    ) -> Flow<Gates> {
        let norm = direction.norm()?;
        finite("gradient of the weights one step ahead", norm)?;
        if norm == 0.0 {
            return Ok(gates.zeros_like());
        }
        let epsilon = self.radius / norm;
        let mut at = |factor: f64| -> Flow<Gates> {
            learner.restore_weights(start)?;
            learner.shift_weights(direction, factor)?;
            let output = learner.pass(&step.train, gates, Wanted::GATES, &step.pass_options())?;
            finite("training loss beside the weights", output.loss)?;
            Ok(output.gate_gradients.unwrap_or_else(|| gates.zeros_like()))
        };
        let mut product = at(epsilon)?;
        let behind = at(-epsilon)?;
        let pairs = product.kinds.iter_mut().flatten().flatten().zip(behind.kinds.iter().flatten().flatten());
        for (ahead, behind) in pairs {
            ahead.value = ((f64::from(ahead.value) - f64::from(behind.value)) / (2.0 * epsilon)) as f32;
        }
        Ok(product)
    }
}

impl SearchMethod for SecondOrder {
    fn identity(&self) -> Identity {
        identity("darts2", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        Setting::check(positive(self.radius), "radius", self.radius, "a positive number")?;
        self.first_order().validate(run, space)
    }

    fn learner(&self) -> LearnerSettings {
        self.first_order().learner()
    }

    fn timetable(&self, run: &SearchConfig, space: &SearchSpace) -> Timetable {
        self.first_order().timetable(run, space)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let (learner, mut found) = (&mut *context.learner, None);
        if let Some(valid) = &step.valid {
            let Unrolled { gradient, gates, tally, .. } = self.gradient(learner, step, valid)?;
            let norm = learner.update_arch(&gradient, &[(gates, tally.share().unwrap_or(0.0))])?;
            finite("gradient of the architecture parameters", norm)?;
            found = Some(tally);
        }
        let paths = Alternating::new(&Softmax).weight_paths(learner, &learner.alphas, step)?;
        Ok(StepReport { train: train_weights(learner, step, &paths)?, valid: found })
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
