//! Moving the weights for a while, and back to the same bytes: what second-order methods need.

use candle_core::Tensor;

use super::{ParamId, Parameters};
use crate::error::Result;
use crate::gradients::WeightGradients;

/// Copies of the values of all parameters and buffers, to go back to.
#[derive(Debug)]
pub struct SavedValues {
    values: Vec<(ParamId, Tensor)>,
}

impl Parameters {
    /// Copies of all values as they are now.
    ///
    /// # Errors
    /// Memory that cannot be had.
    pub fn save_values(&self) -> Result<SavedValues> {
        let values = self.iter().map(|(id, parameter)| Ok((id, parameter.value().copy()?)));
        Ok(SavedValues { values: values.collect::<Result<_>>()? })
    }

    /// Sets every value to what it was, bit for bit.
    ///
    /// # Errors
    /// A parameter that was pruned since.
    pub fn restore_values(&mut self, saved: &SavedValues) -> Result<()> {
        saved.values.iter().try_for_each(|(id, value)| self.set(*id, value))
    }

    /// Adds `factor` times each gradient to its parameter.
    ///
    /// # Errors
    /// Gradients of another network.
    pub fn shift(&mut self, gradients: &WeightGradients, factor: f64) -> Result<()> {
        for (id, gradient) in gradients.iter() {
            let moved = (self.value(id)? + gradient.affine(factor, 0.0)?)?;
            self.set(id, &moved)?;
        }
        Ok(())
    }
}
