//! Epochs of trainings from a time.

use std::time::{Duration, Instant};

use eoinas_core::{counted, models::Design};

use super::{Fitted, too_short};
use crate::{
    error::Result,
    run::{Options, TimePlan},
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
        self,
        time: Duration,
        networks: &[Design],
        options: impl FnMut() -> Options,
    ) -> Result<Fitted<Self>> {
        let measured: Vec<&Design> = networks.iter().step_by(networks.len().div_ceil(NETWORKS).max(1)).collect();
        let each = networks.len() as f64 / measured.len().max(1) as f64;
        let kinds = measured.into_iter().map(|design| (self.clone(), design.clone(), each)).collect();
        self.fitted(time, kinds, networks.len(), options)
    }

    /// The same for `trainings` of networks that are much like that of `design`, and one of another network with settings of its own.
    ///
    /// # Errors
    /// As [`Self::fitted_to`].
    pub fn fitted_beside(
        self,
        time: Duration,
        (design, trainings): (Design, usize),
        (other, beside): (Self, Design),
        options: impl FnMut() -> Options,
    ) -> Result<Fitted<Self>> {
        let kinds = vec![(self.clone(), design, trainings as f64), (other, beside, 1.0)];
        self.fitted(time, kinds, trainings + 1, options)
    }

    /// The same for kinds of networks, each with its settings and how many trainings it stands for.
    fn fitted(
        mut self,
        time: Duration,
        kinds: Vec<(Self, Design, f64)>,
        trainings: usize,
        mut options: impl FnMut() -> Options,
    ) -> Result<Fitted<Self>> {
        let (begun, seconds) = (Instant::now(), time.as_secs_f64());
        let (mut round, mut start) = (0.0, 0.0);
        for (config, design, count) in kinds {
            let options = Options { method: None, ..options() };
            let epochs = config.epochs.max(1);
            let whole = Training::measure((Self { epochs, ..config }, design), options, MEASURED)?;
            round += count * whole.epochs / epochs as f64;
            start += count * whole.start;
        }
        // One epoch of each.
        let round = round.max(1e-9);
        // Each reads the images anew.
        let measuring = begun.elapsed().as_secs_f64();
        let left = seconds - measuring - start;
        let fit = (left / round).floor().clamp(0.0, 1e9) as usize;
        if fit == 0 {
            return Err(too_short(seconds, (seconds - left + round).ceil()).into());
        }
        self.epochs = fit.min(MOST);
        let ahead = self.epochs as f64 * round + start;
        let mut note = counted(self.epochs, "epoch", "epochs");
        if trainings > 1 {
            note += &format!(" of each of {trainings} trainings");
        }
        if fit > MOST {
            note += ", the most that a time is fitted to";
        }
        let time = TimePlan { seconds: left, epoch: round, finalist_epoch: 0.0, finalist_draw: 0.0 };
        Ok(Fitted::new(self, (seconds, time), (measuring, ahead), &note))
    }
}
