//! Schedules as a configuration file has them.

use serde::{Deserialize, Serialize};

use super::shapes::{finite, not_negative};
use super::{Constant, Cosine, Exponential, Linear};
use crate::error::CoreError;

/// A schedule by the name of its `kind`, for configuration files.
///
/// ```
/// use eoinas_core::ScheduleConfig;
/// let text = r#"{"kind": "exponential", "start": 5.0, "rate": 0.965, "hold": 20.0, "floor": 0.001}"#;
/// let temperature: ScheduleConfig = serde_json::from_str(text)?;
/// temperature.validate()?;
/// assert_eq!(temperature.value(21.0, 160.0), 5.0 * 0.965);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScheduleConfig {
    /// The same value all the time.
    Constant(Constant),
    /// A straight line.
    Linear(Linear),
    /// Half a cosine.
    Cosine(Cosine),
    /// A factor per epoch.
    Exponential(Exponential),
    /// A linear warm-up, then another schedule.
    Warmup(Warmup),
}

/// A line from `start` to the first value of another schedule, which then has the rest of the epochs for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warmup {
    /// How many epochs the warm-up takes.
    pub epochs: f64,
    /// Value in epoch 0. Default: 0.
    #[serde(default)]
    pub start: f64,
    /// What follows; its epoch 0 is the first one after the warm-up.
    pub then: Box<ScheduleConfig>,
}

impl ScheduleConfig {
    /// Checks every field.
    pub fn validate(&self) -> Result<(), CoreError> {
        match self {
            Self::Constant(schedule) => schedule.validate(),
            Self::Linear(schedule) => schedule.validate(),
            Self::Cosine(schedule) => schedule.validate(),
            Self::Exponential(schedule) => schedule.validate(),
            Self::Warmup(schedule) => schedule.validate(),
        }
    }
}

impl Warmup {
    /// Checks every field, those of the schedule that follows included.
    pub fn validate(&self) -> Result<(), CoreError> {
        not_negative("warmup", "epochs", self.epochs)?;
        finite("warmup", "start", self.start)?;
        self.then.validate()
    }
}

impl ScheduleConfig {
    /// The value in `epoch` (from 0, may have a fraction within the epoch) of `epochs` in all.
    pub fn value(&self, epoch: f64, epochs: f64) -> f64 {
        match self {
            Self::Constant(schedule) => schedule.value(epoch, epochs),
            Self::Linear(schedule) => schedule.value(epoch, epochs),
            Self::Cosine(schedule) => schedule.value(epoch, epochs),
            Self::Exponential(schedule) => schedule.value(epoch, epochs),
            Self::Warmup(schedule) => schedule.value(epoch, epochs),
        }
    }
}

impl Warmup {
    /// As [`ScheduleConfig::value`].
    pub fn value(&self, epoch: f64, epochs: f64) -> f64 {
        let rest = (epochs - self.epochs).max(0.0);
        if epoch >= self.epochs {
            return self.then.value(epoch - self.epochs, rest);
        }
        let share = (epoch / self.epochs).clamp(0.0, 1.0);
        self.start + (self.then.value(0.0, rest) - self.start) * share
    }
}

impl From<Constant> for ScheduleConfig {
    fn from(schedule: Constant) -> Self {
        Self::Constant(schedule)
    }
}

impl From<Linear> for ScheduleConfig {
    fn from(schedule: Linear) -> Self {
        Self::Linear(schedule)
    }
}

impl From<Cosine> for ScheduleConfig {
    fn from(schedule: Cosine) -> Self {
        Self::Cosine(schedule)
    }
}

impl From<Exponential> for ScheduleConfig {
    fn from(schedule: Exponential) -> Self {
        Self::Exponential(schedule)
    }
}

impl From<Warmup> for ScheduleConfig {
    fn from(schedule: Warmup) -> Self {
        Self::Warmup(schedule)
    }
}
