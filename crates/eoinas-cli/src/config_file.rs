//! Settings as a file: TOML with the names of `config.json`, or a `config.json` itself.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::Error;

/// TOML has no null; a setting that a preset has and that is to be without is written so.
const NONE: &str = "none";

/// The settings in a file: TOML, or JSON where its name ends so.
///
/// # Errors
/// A file that cannot be read or is neither.
pub(crate) fn read(path: &Path) -> Result<Map<String, Value>, Error> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return Ok(serde_json::from_str(&text).map_err(|error| wrong(&error))?);
    }
    Ok(toml::from_str(&text).map_err(|error| wrong(&error))?)
}

/// `base` with the settings of a file.
///
/// # Errors
/// A setting that there is not, or of the wrong kind, by name.
pub(crate) fn apply<T: Serialize + DeserializeOwned>(base: &T, file: Map<String, Value>) -> Result<T, Error> {
    let mut config = serde_json::to_value(base)?;
    merge(&mut config, Value::Object(file), "")?;
    Ok(serde_json::from_value(config)?)
}

fn merge(base: &mut Value, file: Value, name: &str) -> Result<(), Error> {
    match (base, file) {
        // Of another kind, such as another schedule, nothing is kept.
        (Value::Object(fields), Value::Object(file))
            if file.get("kind").is_none_or(|kind| fields.get("kind") == Some(kind)) =>
        {
            for (part, value) in file {
                let name = if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
                let Some(field) = fields.get_mut(&part) else {
                    let known = fields.keys().cloned().collect::<Vec<_>>().join(", ");
                    return Err(format!("there is no setting {name}; there are {known}").into());
                };
                merge(field, value, &name)?;
            }
        }
        (base, Value::String(none)) if none == NONE && !base.is_string() => *base = Value::Null,
        (base, value) => *base = value,
    }
    Ok(())
}

/// Settings as TOML that [`read`] and [`apply`] turn into the same settings again, over the same `base`.
///
/// # Errors
/// A number that TOML cannot hold.
pub(crate) fn to_toml<T: Serialize>(config: &T, base: &T) -> Result<String, Error> {
    let mut config = serde_json::to_value(config)?;
    without_nulls(&mut config, &serde_json::to_value(base)?);
    Ok(toml::to_string_pretty(&config)?)
}

fn without_nulls(config: &mut Value, base: &Value) {
    if let Value::Object(fields) = config {
        fields.retain(|name, field| !field.is_null() || base.get(name).is_some_and(|base| !base.is_null()));
        for (name, field) in fields {
            match field {
                Value::Null => *field = NONE.into(),
                field => without_nulls(field, base.get(name).unwrap_or(&Value::Null)),
            }
        }
    }
}
