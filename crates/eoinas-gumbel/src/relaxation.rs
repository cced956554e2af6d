//! From architecture parameters to gates and back.

use std::fmt;

use eoinas_core::{AliveOps, EdgeOpTable, Gates, SearchSpace};
use rand::Rng;

use crate::{GumbelError, soft_pullback};

/// What one draw gives: the gates that the supernet runs, and what the way back needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which ops each edge runs and their gates.
    pub gates: Gates,
    /// `h` of Eq. 5 for every op, 0 for pruned ones. One-hot in a sample that passes no gradient.
    pub soft: EdgeOpTable<f64>,
    /// The temperature `h` was taken at.
    pub temperature: f64,
    /// What the gradient through the softmax of `h` is multiplied by for each op: how the logarithm of what is normalised
    /// moves with alpha. `None`: 1 everywhere, as it is alpha itself.
    pub slopes: Option<EdgeOpTable<f64>>,
}

/// Turns alphas into gates, and the gradient of the gates into that of the alphas.
///
/// A draw is shared by all cells of a kind. The shipped ones are [`crate::Sampled`], [`crate::Mixture`],
/// [`crate::Softmax`], [`crate::Dirichlet`], [`crate::Categorical`] and [`crate::Greedy`].
pub trait Relaxation: fmt::Debug + Send + Sync {
    /// Draws one sample over the alive ops of every edge.
    ///
    /// Relaxations that use noise draw one Gumbel(0, 1) number for *every* op of every edge in the order of the space,
    /// pruned ops included, so that pruning an op leaves the noise of the others as it was.
    ///
    /// # Errors
    /// Tables that do not fit `space`, an alpha of an alive op that is not finite, a temperature that is not finite and
    /// greater than 0 (whether the relaxation uses it or not).
    fn sample(
        &self,
        alphas: &EdgeOpTable<f32>,
        alive: &AliveOps,
        space: &SearchSpace,
        temperature: f64,
        rng: &mut dyn Rng,
    ) -> Result<Sample, GumbelError>;

    /// Adds `scale` times the gradient of the alphas to `out`, given that of the gates of `sample`. With `scale = 1 / K`
    /// and one call for each of K samples, the mean over several paths.
    ///
    /// By default the gradient of Eq. 5 at the sample's temperature ([`crate::soft_pullback`]), where a gate that was not
    /// run has gradient 0: for gates of 1 the straight-through estimate, for gates of `h` the exact gradient.
    ///
    /// # Errors
    /// Gradients for gates that `sample` does not have, `out` of another shape. `out` may have been added to then.
    fn pullback_into(
        &self,
        sample: &Sample,
        dgates: &Gates,
        scale: f64,
        out: &mut EdgeOpTable<f32>,
    ) -> Result<(), GumbelError> {
        same_shape(&sample.gates, dgates)?;
        if !(out.is_like(&sample.soft) && sample.gates.iter().all(|(id, _)| sample.soft.get(id).is_some())) {
            return Err(GumbelError::Shape { what: "alpha gradients" });
        }
        let mut gradient = vec![0f64; sample.soft.ops()];
        for ((id, gates), dgates) in sample.gates.iter().zip(dgates.kinds.iter().flatten()) {
            gradient.fill(0.0);
            for dgate in dgates {
                match gradient.get_mut(dgate.op) {
                    Some(sum) if gates.iter().any(|gate| gate.op == dgate.op) => *sum += f64::from(dgate.value),
                    _ => return Err(GumbelError::Gate { kind: id.kind.0, edge: id.edge, op: dgate.op }),
                }
            }
            match &sample.slopes {
                None => soft_pullback(&sample.soft[id], &gradient, sample.temperature, scale, &mut out[id]),
                Some(slopes) => {
                    let mut row = vec![0f32; gradient.len()];
                    soft_pullback(&sample.soft[id], &gradient, sample.temperature, scale, &mut row);
                    let scaled = row.iter().zip(&slopes[id]).map(|(value, slope)| f64::from(*value) * slope);
                    out[id]
                        .iter_mut()
                        .zip(scaled)
                        .for_each(|(out, value)| *out += value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32);
                }
            }
        }
        Ok(())
    }

    /// The gradient of the alphas, given that of the gates of `sample`; 0 for pruned ops.
    ///
    /// # Errors
    /// Gradients for gates that `sample` does not have.
    fn pullback(&self, sample: &Sample, dgates: &Gates) -> Result<EdgeOpTable<f32>, GumbelError> {
        let mut out = sample.soft.map(|_| 0f32);
        self.pullback_into(sample, dgates, 1.0, &mut out)?;
        Ok(out)
    }
}

fn same_shape(gates: &Gates, dgates: &Gates) -> Result<(), GumbelError> {
    if gates.kinds.iter().map(Vec::len).eq(dgates.kinds.iter().map(Vec::len)) {
        Ok(())
    } else {
        Err(GumbelError::Shape { what: "gate gradients" })
    }
}
