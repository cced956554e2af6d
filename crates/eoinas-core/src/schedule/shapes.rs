//! The shapes that a schedule can have.

use serde::{Deserialize, Serialize};

use super::progress;
use crate::error::CoreError;

/// The same value all the time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// The value.
    pub value: f64,
}

/// A straight line: `start` in epoch 0, `end` when the run is over.
///
/// Drop-path: `Linear::new(0.0, 0.3)`, whose last epoch has slightly less than 0.3, as in the DARTS code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Value in epoch 0.
    pub start: f64,
    /// Value at the end.
    pub end: f64,
    /// Whether the last epoch itself (number `epochs - 1`) has the value `end` (the temperature of GDAS, 10 -> 0.1)
    /// and not only the moment after it. Default: false.
    #[serde(default)]
    pub inclusive: bool,
}

/// Half a cosine: `start` in epoch 0, `end` when the run is over. Loshchilov and Hutter without restarts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    /// Value in epoch 0.
    pub start: f64,
    /// Value at the end.
    pub end: f64,
}

/// How fast an exponential schedule falls (or grows).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// The factor from one epoch to the next; paper: 0.965.
    Rate(f64),
    /// The value in the last epoch (number `epochs - 1`), from which the factor follows. So a shortened run ends at the
    /// same value.
    End(f64),
}

/// `start * rate^(epoch - hold)`, after `hold` epochs at `start`, never below `floor`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exponential {
    /// The value of the first `hold` epochs. Paper (temperature): 5.
    pub start: f64,
    /// The factor per epoch, or the last epoch's value.
    #[serde(flatten)]
    pub decay: Decay,
    /// Epochs before the value starts to move. Default: 0. Paper: 20, the warm-up.
    #[serde(default)]
    pub hold: f64,
    /// The smallest value ever returned. Default: 0, no floor.
    #[serde(default)]
    pub floor: f64,
}

impl Constant {
    /// `value` for ever; it must be finite.
    pub fn new(value: f64) -> Result<Self, CoreError> {
        let schedule = Self { value };
        schedule.validate().map(|()| schedule)
    }

    /// Checks the value.
    pub fn validate(&self) -> Result<(), CoreError> {
        finite("constant", "value", self.value)
    }
}

impl Linear {
    /// From `start` to `end`, not inclusive; both must be finite.
    pub fn new(start: f64, end: f64) -> Result<Self, CoreError> {
        let schedule = Self { start, end, inclusive: false };
        schedule.validate().map(|()| schedule)
    }

    /// The same with `end` reached in the last epoch.
    pub fn inclusive(self) -> Self {
        Self { inclusive: true, ..self }
    }

    /// Checks the fields.
    pub fn validate(&self) -> Result<(), CoreError> {
        finite("linear", "start", self.start)?;
        finite("linear", "end", self.end)
    }
}

impl Cosine {
    /// From `start` to `end`; both must be finite.
    pub fn new(start: f64, end: f64) -> Result<Self, CoreError> {
        let schedule = Self { start, end };
        schedule.validate().map(|()| schedule)
    }

    /// Checks the fields.
    pub fn validate(&self) -> Result<(), CoreError> {
        finite("cosine", "start", self.start)?;
        finite("cosine", "end", self.end)
    }
}

impl Exponential {
    /// `start * rate^epoch`: no hold, no floor. `start` and `rate` must be positive and finite.
    pub fn new(start: f64, rate: f64) -> Result<Self, CoreError> {
        let schedule = Self { start, decay: Decay::Rate(rate), hold: 0.0, floor: 0.0 };
        schedule.validate().map(|()| schedule)
    }

    /// `hold` epochs at `start`, then down (or up) to `end` in the last epoch, however many epochs there are.
    pub fn from_to(start: f64, end: f64, hold: f64) -> Result<Self, CoreError> {
        let schedule = Self { start, decay: Decay::End(end), hold, floor: 0.0 };
        schedule.validate().map(|()| schedule)
    }

    /// The paper's temperature: `5 * 0.965^(e - 20)`, 5 during the warm-up of 20 epochs. The paper lets it go to 0; the
    /// floor of 1e-3 keeps Eq. 5 finite in longer runs (epoch 159 of 160 has 0.0353).
    pub fn paper_temperature() -> Self {
        Self { start: 5.0, decay: Decay::Rate(0.965), hold: 20.0, floor: 1e-3 }
    }

    /// The schedule of a run of `to` epochs that does in them what this one does in `from`: the hold keeps its share and
    /// the last epoch its value.
    ///
    /// ```
    /// use eoinas_core::schedule::Exponential;
    /// let short = Exponential::paper_temperature().rescaled(160.0, 16.0);
    /// assert_eq!(short.value(2.0, 16.0), 5.0);
    /// assert!((short.value(15.0, 16.0) - 0.0353).abs() < 1e-4);
    /// ```
    pub fn rescaled(self, from: f64, to: f64) -> Self {
        let scale = to / from;
        if !scale.is_finite() || scale <= 0.0 {
            return self;
        }
        let hold = self.hold * scale;
        Self { decay: Decay::End(self.value(from - 1.0, from)), hold, ..self }
    }

    /// Checks the fields.
    pub fn validate(&self) -> Result<(), CoreError> {
        positive("exponential", "start", self.start)?;
        match self.decay {
            Decay::Rate(rate) => positive("exponential", "rate", rate)?,
            Decay::End(end) => positive("exponential", "end", end)?,
        }
        not_negative("exponential", "hold", self.hold)?;
        not_negative("exponential", "floor", self.floor)
    }
}

impl Constant {
    /// As [`super::ScheduleConfig::value`].
    pub fn value(&self, _epoch: f64, _epochs: f64) -> f64 {
        self.value
    }
}

impl Linear {
    /// As [`super::ScheduleConfig::value`].
    pub fn value(&self, epoch: f64, epochs: f64) -> f64 {
        let steps = if self.inclusive { (epochs - 1.0).max(1.0) } else { epochs };
        mix(self.start, self.end, progress(epoch, steps))
    }
}

impl Cosine {
    /// As [`super::ScheduleConfig::value`].
    pub fn value(&self, epoch: f64, epochs: f64) -> f64 {
        let share = 0.5 * (1.0 - (std::f64::consts::PI * progress(epoch, epochs)).cos());
        mix(self.start, self.end, share)
    }
}

impl Exponential {
    /// As [`super::ScheduleConfig::value`].
    pub fn value(&self, epoch: f64, epochs: f64) -> f64 {
        let moving = (epoch - self.hold).max(0.0);
        let factor = match self.decay {
            Decay::Rate(rate) => rate.powf(moving),
            Decay::End(end) => (end / self.start).powf(progress(moving, epochs - 1.0 - self.hold)),
        };
        (self.start * factor).clamp(self.floor, f64::MAX)
    }
}

/// Exactly `start` at 0 and `end` at 1.
fn mix(start: f64, end: f64, share: f64) -> f64 {
    start * (1.0 - share) + end * share
}

pub(super) fn finite(schedule: &'static str, field: &'static str, got: f64) -> Result<(), CoreError> {
    check(got.is_finite(), schedule, field, got, "a finite number")
}

pub(super) fn not_negative(schedule: &'static str, field: &'static str, got: f64) -> Result<(), CoreError> {
    check(got.is_finite() && got >= 0.0, schedule, field, got, "0 or a positive number")
}

fn positive(schedule: &'static str, field: &'static str, got: f64) -> Result<(), CoreError> {
    check(got.is_finite() && got > 0.0, schedule, field, got, "a positive number")
}

fn check(
    ok: bool,
    schedule: &'static str,
    field: &'static str,
    got: f64,
    expected: &'static str,
) -> Result<(), CoreError> {
    if ok { Ok(()) } else { Err(CoreError::Schedule { schedule, field, got, expected }) }
}
