//! Networks as wide as a cost allows.

use super::config::ModelConfig;
use crate::count::Counts;
use crate::error::CoreError;
use crate::setting::Setting;

/// Widths closer than by this ratio are one: no network's channels are told apart by less.
const RESOLUTION: f64 = 1.000_01;
/// No network with widths can be this wide: layers have at most 65,536 channels.
const WIDEST: f64 = 1e6;

impl ModelConfig {
    /// The same network in the width with which it comes closest, by ratio, to so many multiply-adds an image; the width that it
    /// has does not count. How a published network is set beside a cell at equal cost. Channels are whole numbers, so that
    /// small networks come less close; depths are left alone. A chain of poolings alone has no width, and stays what it is.
    ///
    /// # Errors
    /// As [`graph`](Self::graph); a cost that is below that of the narrowest network by more than a fifth, or above that of
    /// the widest.
    pub fn with_multiply_adds(
        &self,
        images: [usize; 3],
        classes: usize,
        multiply_adds: u64,
    ) -> Result<Self, CoreError> {
        self.fitted(images, classes, "multiply_adds", multiply_adds, |counts| counts.multiply_adds)
    }

    /// The same by so many trained parameters.
    ///
    /// # Errors
    /// As [`with_multiply_adds`](Self::with_multiply_adds).
    pub fn with_parameters(&self, images: [usize; 3], classes: usize, parameters: u64) -> Result<Self, CoreError> {
        self.fitted(images, classes, "parameters", parameters, |counts| counts.parameters)
    }

    fn fitted(
        &self,
        images: [usize; 3],
        classes: usize,
        name: &str,
        wanted: u64,
        part: impl Fn(Counts) -> u64,
    ) -> Result<Self, CoreError> {
        let at = |width: f64| Self { width, ..self.clone() };
        let cost = |width: f64| -> Result<u64, CoreError> { Ok(part(at(width).graph(images, classes)?.counts())) };
        let (mut low, mut high) = (1e-6, 1.0);
        let least = cost(low)?;
        // A network that is not what was asked for is none to compare at equal cost.
        if wanted.saturating_mul(5) < least.saturating_mul(4) {
            let expected = format!("at least {least}, what the narrowest {} takes", self.name);
            return Err(Setting::new(name, wanted, expected).into());
        }
        while cost(high)? <= wanted {
            (low, high) = (high, 2.0 * high);
            if high > WIDEST {
                return Ok(at(1.0));
            }
            if cost(high).is_err() {
                let expected = format!("at most {}, what {} takes at width {low}", cost(low)?, self.name);
                return Err(Setting::new(name, wanted, expected).into());
            }
        }
        while high / low > RESOLUTION {
            let middle = (low * high).sqrt();
            match cost(middle)? <= wanted {
                true => low = middle,
                false => high = middle,
            }
        }
        let ratio = |cost: u64| (cost.max(1) as f64 / wanted.max(1) as f64).ln().abs();
        let (below, above) = (cost(low)?, cost(high)?);
        let (width, best) = if ratio(below) <= ratio(above) { (low, below) } else { (high, above) };
        // The shortest number that is this network, for files of settings.
        for digits in 0..6 {
            let scale = 10f64.powi(digits);
            let short = (width * scale).round() / scale;
            if short > 0.0 && cost(short)? == best {
                return Ok(at(short));
            }
        }
        Ok(at(width))
    }
}
