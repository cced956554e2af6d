//! Values that change over the epochs: learning rate, temperature, drop-path. A [`ScheduleConfig`] serves all of them.
//!
//! ```
//! use eoinas_core::schedule::Cosine;
//! // The paper's learning rate: 0.025 -> 0.001 over 160 epochs.
//! let rate = Cosine::new(0.025, 0.001)?;
//! assert_eq!(rate.value(0.0, 160.0), 0.025);
//! assert!((rate.value(80.0, 160.0) - 0.013).abs() < 1e-12);
//! # Ok::<(), eoinas_core::CoreError>(())
//! ```

mod config;
mod shapes;

pub use config::{ScheduleConfig, Warmup};
pub use shapes::{Constant, Cosine, Decay, Exponential, Linear};

/// How far the run is, in 0..=1; 0 for a run without epochs and for an epoch that is not a number.
fn progress(epoch: f64, epochs: f64) -> f64 {
    let share = epoch / epochs;
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}
