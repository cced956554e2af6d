//! Whether a run that is there already has the settings that are wanted.

use std::path::Path;

use eoinas_core::{counted, run_folder::names};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::{Result, TrainError},
    run_dir::RunDir,
};

/// Compares `config.json` of the run in `dir` with `wanted`.
///
/// # Errors
/// The first setting that differs, named with both values; a file that cannot be read.
pub(crate) fn check_same<T: Serialize + DeserializeOwned>(run: &RunDir, wanted: &T) -> Result<()> {
    // Read as settings first: what an older version did not write has its default.
    compare(run.path(), &run.read_json::<T>(names::CONFIG)?, wanted)
}

/// Compares the settings that are in the folder `path` with `wanted`, as files have them: folders are absolute there, whatever was
/// typed.
///
/// # Errors
/// The first setting that differs, named with both values.
pub(crate) fn compare<T: Serialize>(path: &Path, there: &T, wanted: &T) -> Result<()> {
    let value = |settings: &T| serde_json::to_value(settings).unwrap_or_default();
    match first_difference("", &value(there), &value(wanted)) {
        None => Ok(()),
        Some((setting, there, wanted)) => {
            Err(TrainError::OtherSettings { path: path.to_owned(), setting, there, wanted })
        }
    }
}

/// The name of the first setting in which two differ, and both values.
pub(crate) fn first_difference(name: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    match (a, b) {
        _ if a == b => None,
        (Value::Object(a_fields), Value::Object(b_fields)) if a_fields.keys().eq(b_fields.keys()) => {
            let join = |field: &str| if name.is_empty() { field.to_owned() } else { format!("{name}.{field}") };
            a_fields.iter().zip(b_fields.values()).find_map(|((field, a), b)| first_difference(&join(field), a, b))
        }
        // Lists of trainings are long, and their number says it.
        (Value::Array(a), Value::Array(b)) if a.len() != b.len() => {
            let entries = |list: &Vec<Value>| counted(list.len() as u64, "entry", "entries");
            Some((name.to_owned(), entries(a), entries(b)))
        }
        _ => Some((name.to_owned(), a.to_string(), b.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SearchConfig;

    #[test]
    fn the_first_difference_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let run = crate::RunWriter::create(&dir.path().join("run")).unwrap();
        let config = SearchConfig::quick();
        run.write_json(names::CONFIG, &config).unwrap();
        check_same(&run, &config).unwrap();
        let mut other = config.clone();
        other.network.channels = 16;
        let error = check_same(&run, &other).unwrap_err().to_string();
        assert!(error.contains("network.channels is 8") && error.contains("16"), "{error}");
    }
}
