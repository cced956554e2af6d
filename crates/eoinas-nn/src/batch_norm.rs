//! BatchNorm as a layer: it never runs by itself, it turns an op's sums into the map that readers apply.

use candle_core::Tensor;
use candle_nn::Init;
use eoinas_kernels::node::node_sum_backward;
use eoinas_kernels::{BatchStats, GradCoefficients, GradSums, Norm, Term, norm};

use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::graph::{GraphBuilder, GraphOp, ValueId, Weight};
use crate::operation::{Context, Phase};
use crate::parameters::{ParamId, Parameters, Scope};

pub use eoinas_kernels::norm::EPSILON;

/// Share of a new batch in the running statistics.
pub const MOMENTUM: f64 = 0.1;

/// A BatchNorm, with or without affine parameters and running statistics.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    affine: Option<(ParamId, ParamId)>,
    running: Option<(ParamId, ParamId)>,
    /// What is left of a folded one.
    shift: Option<ParamId>,
    /// Added to the variance.
    epsilon: f64,
    /// Share of a new batch in the running statistics.
    momentum: f64,
}

/// A BatchNorm as it was applied in one pass.
#[derive(Clone, Debug)]
pub struct AppliedNorm {
    /// The map that readers apply.
    pub norm: Norm,
    affine: Option<(ParamId, ParamId)>,
}

impl BatchNorm {
    /// Creates `gamma` (1), `beta` (0), `running_mean` (0) and `running_var` (1), as far as the scope wants them.
    pub fn new(scope: &mut Scope<'_>, channels: usize) -> Result<Self> {
        let options = scope.norm();
        let mut pair = |wanted: bool, names: [&str; 2], values: [f64; 2], trained| {
            if !wanted {
                return Ok(None);
            }
            let first = scope.create(names[0], channels, Init::Const(values[0]), trained)?;
            let second = scope.create(names[1], channels, Init::Const(values[1]), trained)?;
            Ok::<_, NnError>(Some((first, second)))
        };
        Ok(Self {
            affine: pair(options.affine, ["gamma", "beta"], [1.0, 0.0], true)?,
            running: pair(options.running, ["running_mean", "running_var"], [0.0, 1.0], false)?,
            shift: None,
            epsilon: EPSILON,
            momentum: MOMENTUM,
        })
    }

    /// The same with other numbers than [`EPSILON`] and [`MOMENTUM`].
    pub(crate) fn with_numbers(self, epsilon: f64, momentum: f64) -> Self {
        Self { epsilon, momentum, ..self }
    }

    /// Turns it into a shift alone, for evaluation; gives the factor `[c]` that the convolution before it takes over.
    /// `None`: it has no statistics of its own, or is folded already, and stays as it is.
    pub(crate) fn fold(&mut self, parameters: &mut Parameters) -> Result<Option<Tensor>> {
        let (Some((gamma, beta)), Some((mean, variance))) = (self.affine, self.running) else { return Ok(None) };
        let value = |id| parameters.value(id);
        let norm = Norm::running(value(mean)?, value(variance)?, Some((value(gamma)?, value(beta)?)), self.epsilon)?;
        parameters.set(beta, &norm.shift)?;
        [gamma, mean, variance].into_iter().for_each(|id| parameters.remove(id));
        *self = Self { affine: None, running: None, shift: Some(beta), ..*self };
        Ok(Some(norm.scale))
    }

    /// The shift of a folded one.
    pub(crate) fn shift(&self) -> Option<ParamId> {
        self.shift
    }

    /// Adds it to a graph behind `x`, with its running statistics. `None`: it has none.
    pub(crate) fn trace(&self, graph: &mut GraphBuilder<'_>, x: ValueId) -> Result<Option<ValueId>> {
        let (Some((gamma, beta)), Some((mean, variance))) = (self.affine, self.running) else { return Ok(None) };
        let [gamma, beta] = [graph.weight(gamma)?, graph.weight(beta)?];
        let (mean, variance) = (graph.parameters().value(mean)?, graph.parameters().value(variance)?);
        let norm = Norm::running(mean, variance, Some((&gamma.value, &beta.value)), self.epsilon)?;
        let (scale, shift) = (Weight { value: norm.scale, ..gamma }, Weight { value: norm.shift, ..beta });
        graph.push(GraphOp::Affine { scale, shift }, &[x]).map(Some)
    }

    /// The map where a pass without a way back needs no statistics of its batch: in evaluation, with running ones or
    /// folded. `None`: [`Self::apply`] is to be asked.
    pub fn apply_known(&self, context: &Context<'_>) -> Result<Option<AppliedNorm>> {
        if context.keep || context.phase != Phase::Evaluation {
            return Ok(None);
        }
        Ok(self.known(context)?.map(|norm| AppliedNorm { norm, affine: None }))
    }

    /// The map for an output with these statistics. In training, running statistics are updated; in evaluation, they
    /// are used where there are any.
    pub fn apply(&self, context: &Context<'_>, stats: &BatchStats) -> Result<AppliedNorm> {
        let norm = match self.known(context)? {
            Some(norm) => norm,
            None => {
                if context.phase == Phase::Training
                    && let Some((mean, variance)) = self.values(context, self.running)?
                {
                    norm::update_running(mean, variance, stats, self.momentum)?;
                }
                Norm::from_stats(stats, self.values(context, self.affine)?, self.epsilon)?
            }
        };
        Ok(AppliedNorm { norm, affine: self.affine })
    }

    /// The map that does not depend on the batch: that of a folded one, and in evaluation that of running statistics.
    fn known(&self, context: &Context<'_>) -> Result<Option<Norm>> {
        if let Some(shift) = self.shift {
            let shift = context.parameters.value(shift)?;
            let (zeros, ones) = (shift.zeros_like()?, shift.ones_like()?);
            return Ok(Some(Norm { mean: zeros, rstd: ones.clone(), scale: ones, shift: shift.clone() }));
        }
        match (self.values(context, self.running)?, context.phase) {
            (Some((mean, variance)), Phase::Evaluation) => {
                Ok(Some(Norm::running(mean, variance, self.values(context, self.affine)?, self.epsilon)?))
            }
            _ => Ok(None),
        }
    }

    fn values<'a>(
        &self,
        context: &'a Context<'_>,
        pair: Option<(ParamId, ParamId)>,
    ) -> Result<Option<(&'a Tensor, &'a Tensor)>> {
        pair.map(|(first, second)| Ok((context.parameters.value(first)?, context.parameters.value(second)?)))
            .transpose()
    }

    /// Its parameters and buffers.
    pub fn parameters(&self) -> impl Iterator<Item = ParamId> {
        let pairs = self.affine.into_iter().chain(self.running);
        pairs.flat_map(|(first, second)| [first, second]).chain(self.shift)
    }
}

impl AppliedNorm {
    /// Adds the gradients of scale and shift, if it has them.
    pub fn add_gradients(&self, sums: &GradSums, gate: f32, gradients: &mut WeightGradients) -> Result<()> {
        if let Some((gamma, beta)) = self.affine {
            let scaled = |sum: &Tensor| if gate == 1.0 { Ok(sum.clone()) } else { sum.affine(f64::from(gate), 0.0) };
            gradients.add(gamma, scaled(&sums.dy_xhat)?)?;
            gradients.add(beta, scaled(&sums.dy)?)?;
        }
        Ok(())
    }

    /// Sums, weight gradients and coefficients in one: from the gradient `dy` behind the BatchNorm and its input `z`.
    pub(crate) fn behind_term(
        &self,
        z: &Tensor,
        dy: &Tensor,
        weights: Option<&mut WeightGradients>,
    ) -> Result<GradCoefficients> {
        let term = Term { z, norm: Some(&self.norm), gate: 1.0, sample: None };
        let found = node_sum_backward(dy, &[term], false)?.into_iter().next();
        let sums =
            found.and_then(|found| found.sums).ok_or(NnError::Fault("a backward kernel gave no sums of BatchNorm"))?;
        if let Some(weights) = weights {
            self.add_gradients(&sums, 1.0, weights)?;
        }
        Ok(sums.map)
    }

    /// The same BatchNorm as it is seen from another tensor than its input.
    pub(crate) fn seen_as(self, norm: Norm) -> Self {
        Self { norm, ..self }
    }

    /// Whether it has a trained scale and shift.
    pub fn is_affine(&self) -> bool {
        self.affine.is_some()
    }
}
