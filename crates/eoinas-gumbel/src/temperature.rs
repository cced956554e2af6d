//! The temperature `T` of Eq. 5 over the epochs.

use eoinas_core::ScheduleConfig;
use eoinas_core::schedule::Linear;

use crate::GumbelError;

/// The smallest temperature that a schedule gives, so that a schedule may run "to 0" as the paper puts it.
pub const MIN_TEMPERATURE: f64 = 1e-3;

/// The temperature that a schedule gives in `epoch` of `epochs` ([`ScheduleConfig::value`]), but never below
/// [`MIN_TEMPERATURE`].
///
/// ```
/// use eoinas_core::schedule::Linear;
/// use eoinas_gumbel::{MIN_TEMPERATURE, temperature};
/// let to_zero = Linear::new(5.0, 0.0)?.into();
/// assert_eq!(temperature(&to_zero, 0.0, 160.0)?, 5.0);
/// assert_eq!(temperature(&to_zero, 160.0, 160.0)?, MIN_TEMPERATURE);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The schedule's value is negative, infinite or NaN.
pub fn temperature(schedule: &ScheduleConfig, epoch: f64, epochs: f64) -> Result<f64, GumbelError> {
    let value = schedule.value(epoch, epochs);
    if value.is_finite() && value >= 0.0 {
        Ok(value.max(MIN_TEMPERATURE))
    } else {
        Err(GumbelError::Temperature { value })
    }
}

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
    use eoinas_core::schedule::{Constant, Exponential};

    #[test]
    fn paper_values() {
        let paper = Exponential::paper_temperature().into();
        let at = |epoch| temperature(&paper, epoch, 160.0).unwrap();
        assert_eq!([at(0.0), at(19.0), at(20.0)], [5.0; 3]);
        assert_eq!(at(21.0), 5.0 * 0.965);
        assert!((at(159.0) - 0.0353).abs() < 5e-5, "{}", at(159.0));
        assert_eq!(temperature(&paper, 5000.0, 5001.0), Ok(MIN_TEMPERATURE));
    }

    #[test]
    fn gdas_values() {
        let gdas = gdas_temperature().into();
        assert_eq!(temperature(&gdas, 0.0, 250.0), Ok(10.0));
        assert_eq!(temperature(&gdas, 249.0, 250.0), Ok(0.1));
    }

    #[test]
    fn values_that_are_no_temperature_are_refused() {
        let of = |value| temperature(&Constant { value }.into(), 0.0, 1.0);
        assert_eq!((of(0.0), of(2.0)), (Ok(MIN_TEMPERATURE), Ok(2.0)));
        assert_eq!(of(-1.0), Err(GumbelError::Temperature { value: -1.0 }));
        assert!(of(f64::NAN).is_err() && of(f64::INFINITY).is_err());
    }
}
