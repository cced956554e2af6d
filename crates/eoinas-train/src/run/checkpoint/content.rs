//! What a checkpoint is to hold: made and checked before anything is written or said of it.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use serde::{Serialize, de::DeserializeOwned};

use super::{STATE, Tensors, sha256};
use crate::{error::TrainError, halt::Flow, stop::StopReason};

/// The files of a checkpoint by name, all but its manifest. Every number in them is finite.
#[derive(Clone, Debug)]
pub struct Content(pub(super) BTreeMap<String, Vec<u8>>);

impl Content {
    /// From a state and the tensors of each file.
    ///
    /// # Errors
    /// A stop where a tensor or the state has a number that is infinite or none: it is named, and the checkpoint before
    /// stays the newest. Tensors that cannot be read.
    pub fn new<S: Serialize + DeserializeOwned + PartialEq>(
        state: &S,
        tensors: &BTreeMap<String, Tensors>,
    ) -> Flow<Self> {
        let mut files = BTreeMap::new();
        for (name, tensors) in tensors {
            let name = format!("{name}.safetensors");
            let bytes = safetensors::serialize(tensors, None).map_err(|error| unwritable(&name, error))?;
            if let Some((tensor, value)) = not_finite(&bytes).map_err(|error| unwritable(&name, error))? {
                let what = format!("tensor {tensor} of {name}");
                Err(StopReason::NonFinite { what, value: value.to_string() })?;
            }
            files.insert(name, bytes);
        }
        let mut json = serde_json::to_vec_pretty(state).map_err(|error| unwritable(STATE, error))?;
        check_reads_back(state, &json, STATE)?;
        json.push(b'\n');
        files.insert(STATE.to_owned(), json);
        Ok(Self(files))
    }

    /// A hash of all of it.
    pub fn digest(&self) -> String {
        let of_file = |(name, bytes): (&String, &Vec<u8>)| format!("{} {name}\n", sha256(bytes));
        sha256(self.0.iter().map(of_file).collect::<String>().as_bytes())
    }
}

/// Whether `json`, which was made of `value`, is read as that again. JSON has no numbers that are not finite: they become
/// `null`, which is no number, or none where there need not be one.
///
/// # Errors
/// A stop that names the file.
pub(crate) fn check_reads_back<T: DeserializeOwned + PartialEq>(value: &T, json: &[u8], file: &str) -> Flow<()> {
    let problem = match serde_json::from_slice::<T>(json) {
        Ok(read) if read == *value => return Ok(()),
        Ok(_) => "a number that is written as null".to_owned(),
        Err(error) => error.to_string(),
    };
    let what = format!("content of {file} ({problem})");
    Err(StopReason::NonFinite { what, value: "not a finite number".to_owned() })?
}

fn unwritable(file: &str, error: impl ToString) -> TrainError {
    TrainError::invalid(file.as_ref(), error)
}

/// The first tensor with a number that is not finite, and that number.
pub(super) fn not_finite(bytes: &[u8]) -> Result<Option<(String, f64)>, safetensors::SafeTensorError> {
    let file = SafeTensors::deserialize(bytes)?;
    let mut tensors = file.tensors();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, view) in tensors {
        let value = match view.dtype() {
            Dtype::F32 => {
                view.data().as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).find(is_not_finite)
            }
            Dtype::F64 => view.data().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).find(is_not_finite),
            _ => None,
        };
        if let Some(value) = value {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn is_not_finite(value: &f64) -> bool {
    !value.is_finite()
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::halt::Halt;

    fn stopped<S: Serialize + DeserializeOwned + PartialEq>(state: S, tensor: &[f32]) -> Option<String> {
        let tensor = Tensor::new(tensor, &Device::Cpu).unwrap();
        let tensors = BTreeMap::from([("optimizer".to_owned(), Tensors::from([("alphas".to_owned(), tensor)]))]);
        match Content::new(&state, &tensors) {
            Ok(_) => None,
            Err(Halt::Stop(reason)) => Some(reason.to_string()),
            Err(Halt::Failed(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_named_with_their_place() {
        assert_eq!(stopped(1.0, &[1.0, -2.0]), None);
        let said = stopped(1.0, &[1.0, f32::NEG_INFINITY]).unwrap();
        assert!(said.contains("tensor alphas of optimizer.safetensors is -inf"), "{said}");
        assert!(stopped(1.0, &[f32::NAN]).unwrap().contains("is NaN"));
        assert!(stopped(f64::NAN, &[1.0]).unwrap().contains("state.json"));
        assert!(
            stopped(Some(f64::INFINITY), &[1.0]).unwrap().contains("state.json"),
            "read as a number that is not there"
        );
        assert_eq!(stopped((Some(0.1), None::<f64>), &[1.0]), None);
    }
}
