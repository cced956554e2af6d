//! The exponential moving average of a network's weights.

use std::{collections::HashMap, sync::Arc};

use candle_core::Tensor;
use eoinas_nn::{DerivedNetwork, Parameters, Task, saved::SavedNetwork};

use crate::{checkpoint::Tensors, error::Result};

/// The decay of one update, from 0: `min(decay, (1 + update) / (10 + update))`. The first updates forget the random
/// initial weights faster than `decay` would, so that a short training has an average worth having.
pub fn decay_of_update(decay: f64, update: u64) -> f64 {
    let update = update as f64;
    decay.min((1.0 + update) / (10.0 + update))
}

/// A second network whose weights, and BatchNorm's running statistics, follow those of the one that is trained.
#[derive(Debug)]
pub(super) struct Average {
    decay: f64,
    network: DerivedNetwork,
}

impl Average {
    /// `network` has the same shape and weights as the one that is trained.
    pub fn new(decay: f64, network: DerivedNetwork) -> Self {
        Self { decay, network }
    }

    pub fn with_task(self, task: &Arc<dyn Task>) -> Self {
        Self { network: self.network.with_task(Arc::clone(task)), ..self }
    }

    pub fn initialise(&mut self, saved: &SavedNetwork, heads: bool) -> Result<()> {
        Ok(saved.initialise(&mut self.network, heads)?)
    }

    pub fn network(&self) -> &DerivedNetwork {
        &self.network
    }

    /// `average = d * average + (1 - d) * weight` with the decay of update number `update`.
    pub fn update(&mut self, trained: &Parameters, update: u64) -> Result<()> {
        let decay = decay_of_update(self.decay, update);
        let mut averaged = HashMap::new();
        for (_, parameter) in self.network.parameters().iter() {
            if let Some(weight) = trained.by_name(parameter.name()) {
                let kept = parameter.value().affine(decay, 0.0)?;
                averaged.insert(parameter.name().to_owned(), (kept + weight.value().affine(1.0 - decay, 0.0)?)?);
            }
        }
        Ok(self.network.parameters_mut().load(&averaged)?)
    }

    pub fn tensors(&self) -> HashMap<String, Tensor> {
        self.network.parameters().tensors()
    }

    pub fn load(&mut self, tensors: Tensors) -> Result<()> {
        Ok(self.network.parameters_mut().load(&tensors.into_iter().collect())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decay_grows_to_its_setting() {
        assert_eq!(decay_of_update(0.999, 0), 0.1);
        assert_eq!(decay_of_update(0.999, 8), 0.5);
        assert_eq!(decay_of_update(0.999, 1_000_000), 0.999);
        assert_eq!(decay_of_update(0.0, 5), 0.0);
    }
}
