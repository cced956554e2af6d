//! The temperature `T` of Eq. 5 over the epochs.

use eoinas_core::Schedule;
use eoinas_core::schedule::Linear;

use crate::GumbelError;

/// The smallest temperature that a schedule gives, so that a schedule may run "to 0" as the paper puts it.
pub const MIN_TEMPERATURE: f64 = 1e-3;

/// Any [`Schedule`] as a temperature: exponential, linear, cosine, constant, or one's own.
///
/// ```
/// use eoinas_core::schedule::Linear;
/// use eoinas_gumbel::{MIN_TEMPERATURE, TemperatureSchedule};
/// let to_zero = Linear::new(5.0, 0.0)?;
/// assert_eq!(to_zero.temperature(0.0, 160.0)?, 5.0);
/// assert_eq!(to_zero.temperature(160.0, 160.0)?, MIN_TEMPERATURE);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait TemperatureSchedule: Schedule {
    /// The temperature in `epoch` of `epochs`, as [`Schedule::value`] has them, but never below [`MIN_TEMPERATURE`].
    ///
    /// # Errors
    /// The schedule's value is negative, infinite or NaN.
    fn temperature(&self, epoch: f64, epochs: f64) -> Result<f64, GumbelError> {
        let value = self.value(epoch, epochs);
        if value.is_finite() && value >= 0.0 {
            Ok(value.max(MIN_TEMPERATURE))
        } else {
            Err(GumbelError::Temperature { value })
        }
    }
}

impl<S: Schedule + ?Sized> TemperatureSchedule for S {}

/// The temperature of GDAS: a line from 10 to 0.1, which the last epoch has. (The paper's is
/// [`Exponential::paper_temperature`].)
///
/// [`Exponential::paper_temperature`]: eoinas_core::schedule::Exponential::paper_temperature
pub fn gdas_temperature() -> Linear {
    Linear { start: 10.0, end: 0.1, inclusive: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::schedule::Exponential;

    #[test]
    fn paper_values() {
        let at = |epoch| Exponential::paper_temperature().temperature(epoch, 160.0).unwrap();
        assert_eq!([at(0.0), at(19.0), at(20.0)], [5.0; 3]);
        assert_eq!(at(21.0), 5.0 * 0.965);
        assert!((at(159.0) - 0.0353).abs() < 5e-5, "{}", at(159.0));
        assert_eq!(Exponential::paper_temperature().temperature(5000.0, 5001.0), Ok(MIN_TEMPERATURE));
    }

    #[test]
    fn gdas_values() {
        assert_eq!(gdas_temperature().temperature(0.0, 250.0), Ok(10.0));
        assert_eq!(gdas_temperature().temperature(249.0, 250.0), Ok(0.1));
    }

    #[test]
    fn a_users_schedule_is_checked() {
        #[derive(Debug)]
        struct Mine(f64);
        impl Schedule for Mine {
            fn value(&self, _epoch: f64, _epochs: f64) -> f64 {
                self.0
            }
        }
        assert_eq!(Mine(0.0).temperature(0.0, 1.0), Ok(MIN_TEMPERATURE));
        assert_eq!(Mine(-1.0).temperature(0.0, 1.0), Err(GumbelError::Temperature { value: -1.0 }));
        assert!(Mine(f64::NAN).temperature(0.0, 1.0).is_err());
        assert!(Mine(f64::INFINITY).temperature(0.0, 1.0).is_err());
        let schedule: &dyn Schedule = &Mine(2.0);
        assert_eq!(schedule.temperature(0.0, 1.0), Ok(2.0));
    }
}
