//! Groups of settings that several methods have, and their checks.

use eoinas_core::{SearchSpace, Setting, schedule::ScheduleConfig};
use eoinas_gumbel::EdgeMode;
use serde::{Deserialize, Serialize};

use super::{NetworkConfig, in_unit, not_negative, positive};

/// Adam on the architecture parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArchConfig {
    /// Default: 3e-4.
    pub learning_rate: f64,
    /// Default: 0.5 and 0.999.
    pub betas: (f64, f64),
    /// L2 form, added to the gradient. Default: 1e-3.
    pub weight_decay: f64,
    /// Largest global norm of the gradients of all kinds of cell together. Default: 5; `None`: no clipping.
    pub clip: Option<f64>,
    /// Standard deviation of the normal initial values. Default: 0, all zeros.
    pub init_std: f64,
    /// Whether a pruning forgets the optimiser's moments (the authors' code). Default: false.
    pub reset_moments: bool,
}

/// Dropout on skip connections: a line towards 0 during the warm-up, then an exponential.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkipDropout {
    /// The rate that the formulas scale. Authors: 0.1.
    pub rate: f64,
    /// Exponential decay per epoch after the warm-up. Authors: 0.2.
    pub decay: f64,
}

impl Default for ArchConfig {
    fn default() -> Self {
        Self {
            learning_rate: 3e-4,
            betas: (0.5, 0.999),
            weight_decay: 1e-3,
            clip: Some(5.0),
            init_std: 0.0,
            reset_moments: false,
        }
    }
}

impl ArchConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first one that cannot work.
    pub fn validate(&self) -> Result<(), Setting> {
        let (a, b) = self.betas;
        let not_less = "0 or a positive number";
        Setting::check(positive(self.learning_rate), "arch.learning_rate", self.learning_rate, "a positive number")?;
        let betas = "two numbers from 0 to 1 (exclusive)";
        Setting::check(in_unit(a) && in_unit(b), "arch.betas", format!("{a}, {b}"), betas)?;
        Setting::check(not_negative(self.weight_decay), "arch.weight_decay", self.weight_decay, not_less)?;
        let init_std = "0 or a positive number, the standard deviation of the initial values";
        Setting::check(not_negative(self.init_std), "arch.init_std", self.init_std, init_std)?;
        match self.clip {
            Some(got) => Setting::check(positive(got), "arch.clip", got, "a positive number, or none"),
            None => Ok(()),
        }
    }
}

impl SkipDropout {
    /// Checks every field.
    ///
    /// # Errors
    /// The first one that cannot work.
    pub fn validate(&self) -> Result<(), Setting> {
        Setting::check(in_unit(self.rate), "skip_dropout.rate", self.rate, "0 to 1 (exclusive)")?;
        Setting::check(not_negative(self.decay), "skip_dropout.decay", self.decay, "0 or a positive number")
    }
}

/// Dropout on skip connections, where there is any.
pub(crate) fn skip_dropout(dropout: Option<SkipDropout>) -> Result<(), Setting> {
    dropout.map_or(Ok(()), |dropout| dropout.validate())
}

/// Partial channels (PC-DARTS) go with a number of channels that they divide.
pub(crate) fn partial_channels(got: Option<usize>, network: &NetworkConfig) -> Result<(), Setting> {
    let Some(got) = got else { return Ok(()) };
    let channels = network.channels;
    let fits = got >= 2 && got.checked_mul(2).is_some_and(|twice| channels.is_multiple_of(twice));
    let expected = "2 or more, and a number of channels that is a multiple of twice that";
    Setting::check(fits, "partial_channels", format!("{got} with {channels} channels"), expected)
}

/// Number of paths.
pub(crate) fn paths_per_step(got: usize) -> Result<(), Setting> {
    Setting::check((1..=1000).contains(&got), "paths_per_step", got, "1 to 1000")
}

/// Sampled edges need a choice among edges.
pub(crate) fn edges(mode: EdgeMode, space: &SearchSpace) -> Result<(), Setting> {
    let name = space.name();
    let expected = format!("equal: in the search space `{name}` every node keeps all of its edges");
    Setting::check(mode.has_effect(space), "edges", "sampled", expected)
}

/// Eq. 5 divides by the temperature.
pub(crate) fn temperature(schedule: &ScheduleConfig, epochs: usize) -> Result<(), Setting> {
    schedule_works("temperature", schedule)?;
    positive_temperature(schedule, epochs)
}

/// The part of it that depends on the number of epochs.
pub(crate) fn positive_temperature(schedule: &ScheduleConfig, epochs: usize) -> Result<(), Setting> {
    for epoch in 0..epochs {
        let got = schedule.value(epoch as f64, epochs as f64);
        let expected = "a schedule that must stay positive (give it a floor)";
        Setting::check(positive(got), "temperature", format!("{got} in epoch {epoch}"), expected)?;
    }
    Ok(())
}

/// The schedule of the setting `name`.
pub(crate) fn schedule_works(name: &str, schedule: &ScheduleConfig) -> Result<(), Setting> {
    schedule.validate().map_err(|error| Setting::new(name, "no schedule that works", error.to_string()))
}

/// Whether the weights' learning rate is one in every epoch.
pub(crate) fn check_rates(schedule: &ScheduleConfig, epochs: usize) -> Result<(), Setting> {
    (0..epochs).try_for_each(|epoch| {
        let got = schedule.value(epoch as f64, epochs as f64);
        let ok = got.is_finite() && got >= 0.0;
        Setting::check(ok, "weights.learning_rate", format!("{got} in epoch {epoch}"), "a rate that is never negative")
    })
}
