//! Epochs of trainings from a time.

use std::time::{Duration, Instant};

use eoinas_core::{counted, models::Design};

use super::{Fitted, too_short};
use crate::{
    error::Result,
    run::Options,
    training::{TrainConfig, Training},
};

/// Steps that are measured of each network's training.
const MEASURED: usize = 4;
/// Networks whose trainings are measured, where there are more.
const NETWORKS: usize = 3;
/// The most epochs that a time is fitted to: those of the paper's training on CIFAR.
const MOST: usize = 600;

impl TrainConfig {
    /// These settings with as many epochs as `time` has room for on this machine, but no more than 600, for one training of each of
    /// `networks` after the other: some steps of up to three of them are measured, and the time that takes is part of it. Schedules
    /// go by the epochs, and stretch with them. `options` makes what each measurement needs.
    ///
    /// # Errors
    /// Settings that cannot work, images that cannot be read; a time in which not even one epoch of each fits.
    pub fn fitted_to(
        mut self,
        time: Duration,
        networks: &[Design],
        mut options: impl FnMut() -> Options,
    ) -> Result<Fitted<Self>> {
        let (begun, seconds) = (Instant::now(), time.as_secs_f64());
        let measured: Vec<&Design> = networks.iter().step_by(networks.len().div_ceil(NETWORKS).max(1)).collect();
        let one = Self { epochs: self.epochs.max(1), ..self.clone() };
        let mut epoch = 0.0;
        for network in &measured {
            let options = Options { method: None, ..options() };
            let whole = Training::estimate((one.clone(), (*network).clone()), options, MEASURED)?;
            epoch += whole.as_secs_f64() / one.epochs as f64 / measured.len() as f64;
        }
        // One epoch of each.
        let round = (epoch * networks.len() as f64).max(1e-9);
        let left = seconds - begun.elapsed().as_secs_f64();
        let fit = (left / round).floor().clamp(0.0, 1e9) as usize;
        if fit == 0 {
            return Err(too_short(seconds, (seconds - left + round).ceil()).into());
        }
        self.epochs = fit.min(MOST);
        let spent = self.epochs as f64 * round + seconds - left;
        let mut note = counted(self.epochs, "epoch", "epochs");
        if networks.len() > 1 {
            note += &format!(" of each of {} trainings", networks.len());
        }
        if fit > MOST {
            note += ", the most that a time is fitted to";
        }
        Ok(Fitted::new(self, seconds, spent, &note))
    }
}
