//! Beta-DARTS.

use eoinas_core::{Genotype, SearchSpace, Setting, softmax};
use eoinas_gumbel::{EdgeMode, Softmax};
use serde::{Deserialize, Serialize};

use super::{Darts, by_beta, identity};
use crate::{
    blocks::Alternating,
    config::{ArchConfig, SearchConfig, SkipDropout, not_negative},
    error::Result,
    halt::Flow,
    learner::{ArchGradient, Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// Beta-DARTS (Ye et al., CVPR 2022): first-order DARTS whose architecture descends
///
/// `L_valid + lambda(epoch) * mean over all edges of ln(sum of exp(alpha))`,
///
/// which keeps `softmax(alpha)` from running away (its Eq. 8 and 9); lambda grows on a line from 0 in the first epoch. The cell
/// is that of DARTS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BetaDarts {
    /// What lambda comes to at the end of the run: `largest_lambda * epoch / epochs`. Default: 50, its authors' epoch / 2 over
    /// 100 epochs.
    pub largest_lambda: f64,
    /// Update of the architecture parameters. Default: that of [`Darts`] without clipping, which the regulariser alone would
    /// reach in small spaces.
    pub arch: ArchConfig,
    /// First epochs that train weights only. Default: 0.
    pub warm_up_epochs: usize,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for BetaDarts {
    fn default() -> Self {
        let arch = ArchConfig { clip: None, ..Darts::default().arch };
        Self { largest_lambda: 50.0, arch, warm_up_epochs: 0, partial_channels: None, skip_dropout: None }
    }
}

impl BetaDarts {
    pub(crate) fn prescribed(self) -> Self {
        let Self { arch: ArchConfig { clip, init_std, .. }, warm_up_epochs, .. } = Self::default();
        Self { arch: ArchConfig { clip, init_std, ..self.arch }, warm_up_epochs, ..self }
    }

    fn darts(&self) -> Darts {
        let Self { arch, warm_up_epochs, partial_channels, skip_dropout, .. } = self.clone();
        Darts { arch, warm_up_epochs, partial_channels, edges: EdgeMode::Equal, skip_dropout, ..Darts::default() }
    }
}

/// Adds `lambda` times the gradient of the mean over all edges of `ln(sum of exp(alpha))`: `softmax(alpha)` over the edges.
fn regularise(learner: &Learner, lambda: f64, out: &mut ArchGradient) {
    let space = learner.space();
    let beta = softmax::beta(&learner.alphas, learner.alive(), space);
    let scale = lambda / space.edges().count().max(1) as f64;
    for id in space.edges() {
        for (gradient, beta) in out.ops[id].iter_mut().zip(&beta[id]) {
            *gradient += (scale * beta) as f32;
        }
    }
}

impl SearchMethod for BetaDarts {
    fn identity(&self) -> Identity {
        identity("beta-darts", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        let lambda = self.largest_lambda;
        Setting::check(not_negative(lambda), "largest_lambda", lambda, "0 or a positive number")?;
        self.darts().validate(run, space)
    }

    fn learner(&self) -> LearnerSettings {
        self.darts().learner()
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs).warm_up(self.warm_up_epochs).skip_dropout(self.skip_dropout)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let lambda = self.largest_lambda * step.epoch as f64 / context.epochs().max(1) as f64;
        let regularise = |learner: &Learner, gradient: &mut ArchGradient| regularise(learner, lambda, gradient);
        Alternating::new(&Softmax).step_with(context.learner, step, regularise)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use eoinas_core::{EdgeOpTable, Skeleton};
    use eoinas_nn::Operations;

    use super::*;

    /// The mean of `ln(sum of exp(alpha))` over all edges, of what is alive.
    fn regulariser(learner: &Learner, alphas: &EdgeOpTable<f64>) -> f64 {
        let of = |id| learner.alive().ops(id).map(|op| alphas[id][op].exp()).sum::<f64>().ln();
        learner.space().edges().map(of).sum::<f64>() / learner.space().edges().count() as f64
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_regulariser() {
        let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::search() }.with_image(3, 8, 8);
        let (space, settings) = (SearchSpace::darts(), BetaDarts::default().learner());
        let config = SearchConfig::paper();
        let mut learner =
            Learner::new(&config, settings, &space, &skeleton, &Operations::built_in(), &Device::Cpu).unwrap();
        for id in space.edges() {
            for (op, alpha) in learner.alphas[id].iter_mut().enumerate() {
                *alpha = ((5 * op + 3 * id.edge + id.kind.0) % 13) as f32 / 4.0 - 1.5;
            }
        }
        let first = space.edges().next().unwrap();
        learner.prune_op(first.op(2)).unwrap();
        let mut gradient = ArchGradient::zeros(&space);
        regularise(&learner, 25.0, &mut gradient);
        let alphas = learner.alphas.map(|alpha| f64::from(*alpha));
        for id in space.edges().step_by(5).chain([first]) {
            for op in 0..space.ops().len() {
                let at = |step: f64| {
                    let mut moved = alphas.clone();
                    moved[id.op(op)] += step;
                    regulariser(&learner, &moved)
                };
                let slope = 25.0 * (at(1e-5) - at(-1e-5)) / 2e-5;
                let got = f64::from(gradient.ops[id.op(op)]);
                assert!((slope - got).abs() < 1e-6 + 1e-6 * slope.abs(), "{id}, {op}: {got}, not {slope}");
            }
        }
        assert_eq!(gradient.ops[first.op(2)], 0.0);
    }
}
