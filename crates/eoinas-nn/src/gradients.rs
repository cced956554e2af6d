//! Gradients of the weights: only of those that a pass used.

use std::collections::BTreeMap;

use candle_core::Tensor;
use eoinas_kernels::optim;

use crate::error::Result;
use crate::parameters::{ParamId, Parameters};

/// Gradients by parameter, in the order of the network. A parameter that the pass did not use has none, and an update
/// leaves it as it is: no decay, no momentum.
#[derive(Debug, Default)]
pub struct WeightGradients {
    entries: BTreeMap<ParamId, Tensor>,
}

impl WeightGradients {
    /// No gradients.
    pub fn new() -> Self {
        Self::default()
    }

    /// The gradients in order.
    pub fn iter(&self) -> impl Iterator<Item = (ParamId, &Tensor)> {
        self.entries.iter().map(|(id, gradient)| (*id, gradient))
    }

    /// How many parameters have one.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no parameter has one.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The gradient of one parameter.
    pub fn get(&self, id: ParamId) -> Option<&Tensor> {
        self.entries.get(&id)
    }

    /// The gradient of the parameter of this name.
    pub fn by_name(&self, parameters: &Parameters, name: &str) -> Option<&Tensor> {
        parameters.id(name).and_then(|id| self.get(id))
    }

    /// Adds a gradient to what is there for the parameter.
    pub fn add(&mut self, id: ParamId, gradient: Tensor) -> Result<()> {
        let sum = match self.entries.remove(&id) {
            Some(old) => (old + gradient)?,
            None => gradient,
        };
        self.entries.insert(id, sum);
        Ok(())
    }

    /// Adds the gradients of another pass: several sampled paths in one update, or several devices.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        other.entries.into_iter().try_for_each(|(id, gradient)| self.add(id, gradient))
    }

    /// Multiplies every gradient.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        for gradient in self.entries.values_mut() {
            *gradient = gradient.affine(factor, 0.0)?;
        }
        Ok(())
    }

    /// Global Euclidean norm over all gradients.
    pub fn norm(&self) -> Result<f64> {
        let tensors: Vec<&Tensor> = self.entries.values().collect();
        Ok(optim::sum_of_squares(&tensors)?.sqrt())
    }
}
