//! A method's own state in a checkpoint.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::TrainError,
    halt::Flow,
    run::checkpoint::{STATE, check_reads_back},
};

/// The state as JSON, which [`serde_json::from_value`] makes it of again in [`crate::SearchMethod::load`].
///
/// # Errors
/// A stop where it would not be the same again: JSON has no numbers that are not finite. A state that JSON cannot hold.
pub fn saved<S: Serialize + DeserializeOwned + PartialEq>(state: &S) -> Flow<Value> {
    let unwritable = |error: serde_json::Error| TrainError::invalid(STATE.as_ref(), error);
    let json = serde_json::to_vec(state).map_err(unwritable)?;
    check_reads_back(state, &json, STATE)?;
    Ok(serde_json::from_slice(&json).map_err(unwritable)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::halt::Halt;

    #[test]
    fn a_number_that_is_not_finite_ends_the_run() {
        assert_eq!(saved(&(Some(0.5), None::<f64>)).unwrap(), serde_json::json!([0.5, null]));
        for bad in [f64::NAN, f64::INFINITY] {
            for state in [saved(&vec![1.0, bad]), saved(&Some(bad))] {
                let Err(Halt::Stop(reason)) = state else { panic!("{state:?}") };
                assert!(reason.to_string().contains("state.json"), "{reason}");
            }
        }
    }
}
