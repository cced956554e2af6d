//! Gradients of the weights: only of those that a pass used.

use std::collections::BTreeMap;

use candle_core::Tensor;
use eoinas_kernels::{WeightGradient, optim, share};

use crate::error::Result;
use crate::parameters::{ParamId, Parameters};

/// Gradients by parameter, in the order of the network. A parameter that the pass did not use has none, and an update
/// leaves it as it is: no decay, no momentum.
#[derive(Debug, Default)]
pub struct WeightGradients {
    entries: BTreeMap<ParamId, Tensor>,
    /// What a GPU or several processes have still to add up, which those that read see only when it is settled. Empty behind the pass that found
    /// it.
    pending: Vec<(ParamId, WeightGradient)>,
    /// Values that they hold.
    pending_values: usize,
}

/// The most values that wait to be added up: 256 MiB of them.
const PENDING: usize = 64 << 20;

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

    /// Adds what a convolution found for a parameter, now or with [`Self::settle`].
    pub(crate) fn add_found(&mut self, id: ParamId, gradient: WeightGradient) -> Result<()> {
        match gradient {
            WeightGradient::Known(gradient) => self.add(id, gradient),
            WeightGradient::Pending { ref parts, ref shape } => {
                // Processes that share a batch settle together, however many pieces each has.
                self.pending_values += match share::is_shared() {
                    true => shape.elem_count() * share::most_pieces(),
                    false => parts.elem_count(),
                };
                self.pending.push((id, gradient));
                if self.pending_values > PENDING { self.settle() } else { Ok(()) }
            }
        }
    }

    /// Adds up what stages left pending, all at once: what a pass does at its end.
    ///
    /// # Errors
    /// A device whose memory is full, or that fails.
    pub fn settle(&mut self) -> Result<()> {
        let settled = optim::settle(self.pending.iter().map(|(_, gradient)| gradient.clone()).collect())?;
        self.pending_values = 0;
        let pending = std::mem::take(&mut self.pending);
        pending.into_iter().zip(settled).try_for_each(|((id, _), gradient)| self.add(id, gradient))
    }

    /// Adds the gradients of another pass: several sampled paths in one update, or several devices.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        other.pending.into_iter().try_for_each(|(id, gradient)| self.add_found(id, gradient))?;
        other.entries.into_iter().try_for_each(|(id, gradient)| self.add(id, gradient))
    }

    /// Multiplies every gradient.
    pub fn scale(&mut self, factor: f64) -> Result<()> {
        self.settle()?;
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
