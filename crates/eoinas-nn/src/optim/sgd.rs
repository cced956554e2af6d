//! SGD with momentum and L2 decay.

use candle_core::Tensor;
use eoinas_kernels::optim::sgd_update;
use eoinas_kernels::{SgdStep, Update};

use super::clip_factor;
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::parameters::{Parameter, Parameters};

/// SGD with momentum, L2 decay added to the gradient (PyTorch's form, not decoupled), and clipping of the global norm.
/// Parameters that the pass did not use are left as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Momentum. Paper: 0.9.
    pub momentum: f64,
    /// L2 decay. Paper: 3e-4.
    pub weight_decay: f64,
    /// Limit of the gradient's global norm, `None`: no clipping. Default: 5.
    pub clip: Option<f64>,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.9, weight_decay: 3e-4, clip: Some(5.0) }
    }
}

impl Sgd {
    /// One update at this learning rate: `g = clip * gradient + decay * w`, `m = momentum * m + g`, `w -= rate * m`, where `rate`
    /// is multiplied by the parameter's own factor ([`Parameters::scale_rates`]).
    /// Gives the global norm of the gradients before clipping. A norm that is not finite changes nothing.
    pub fn step(&self, parameters: &mut Parameters, gradients: &WeightGradients, rate: f64) -> Result<f64> {
        let norm = gradients.norm()?;
        if !norm.is_finite() {
            return Ok(norm);
        }
        let step = SgdStep {
            lr: rate,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            gradient_scale: clip_factor(norm, self.clip),
        };
        let mut groups: Vec<(f64, Vec<Updated<'_>>)> = Vec::new();
        for (id, gradient) in gradients.iter() {
            let factor = parameters.get(id).map_or(1.0, Parameter::rate);
            let (value, momentum) = parameters.momentum_mut(id)?;
            let tensors = (value.clone(), gradient, momentum.clone());
            match groups.iter_mut().find(|(other, _)| *other == factor) {
                Some((_, group)) => group.push(tensors),
                None => groups.push((factor, vec![tensors])),
            }
        }
        for (factor, tensors) in &groups {
            sgd_update(&updates(tensors), &SgdStep { lr: rate * factor, ..step })?;
        }
        Ok(norm)
    }

    /// The same update of the values without clipping, at the same rate for all parameters, with the momenta left as they are: the step ahead of
    /// second-order methods. Gradients that are not finite give values that are not.
    ///
    /// # Errors
    /// Gradients of another network.
    pub fn virtual_step(&self, parameters: &mut Parameters, gradients: &WeightGradients, rate: f64) -> Result<()> {
        let step = SgdStep { lr: rate, momentum: self.momentum, weight_decay: self.weight_decay, gradient_scale: 1.0 };
        let mut tensors = Vec::with_capacity(gradients.len());
        for (id, gradient) in gradients.iter() {
            let parameter = parameters.get(id).ok_or(NnError::NoParameter { index: id.index() })?;
            let momentum = match parameter.momentum() {
                Some(momentum) => momentum.copy()?,
                None => parameter.value().zeros_like()?,
            };
            tensors.push((parameter.value().clone(), gradient, momentum));
        }
        Ok(sgd_update(&updates(&tensors), &step)?)
    }
}

/// Value, gradient and momentum of a parameter.
type Updated<'a> = (Tensor, &'a Tensor, Tensor);

/// Value, gradient and momentum of parameters as a kernel takes them.
fn updates<'a>(tensors: &'a [Updated<'a>]) -> Vec<Update<'a>> {
    tensors.iter().map(|(value, gradient, momentum)| Update { value, gradient, momentum }).collect()
}
