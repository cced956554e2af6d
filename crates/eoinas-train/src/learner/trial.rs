//! The learner with its weights somewhere else for a while.

use eoinas_nn::{WeightGradients, parameters::SavedValues};

use super::Learner;
use crate::error::{Result, TrainError};

impl Learner {
    /// Runs `trial`, which may move the weights ([`Learner::virtual_step`], [`Learner::shift_weights`]), and sets them
    /// back to the same bytes, whether it fails or not. `trial` gets the values to go back to on its way.
    ///
    /// # Errors
    /// Those of `trial`.
    pub fn with_moved_weights<T, E: From<TrainError>>(
        &mut self,
        trial: impl FnOnce(&mut Self, &SavedValues) -> Result<T, E>,
    ) -> Result<T, E> {
        let saved = self.supernet.parameters().save_values().map_err(TrainError::from)?;
        let result = trial(self, &saved);
        self.restore_weights(&saved)?;
        result
    }

    /// The next update of the weights without clipping, momenta left as they are: `w - rate (momentum m + g + decay w)`.
    ///
    /// # Errors
    /// Gradients of another network.
    pub fn virtual_step(&mut self, gradients: &WeightGradients, rate: f64) -> Result<()> {
        Ok(self.sgd.virtual_step(self.supernet.parameters_mut(), gradients, rate)?)
    }

    /// Adds `factor` times `direction` to the weights.
    ///
    /// # Errors
    /// Gradients of another network.
    pub fn shift_weights(&mut self, direction: &WeightGradients, factor: f64) -> Result<()> {
        Ok(self.supernet.parameters_mut().shift(direction, factor)?)
    }

    /// Sets the weights to what they were.
    ///
    /// # Errors
    /// A parameter that was pruned since.
    pub fn restore_weights(&mut self, saved: &SavedValues) -> Result<()> {
        Ok(self.supernet.parameters_mut().restore_values(saved)?)
    }
}
