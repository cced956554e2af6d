//! Settings as a file: TOML with the names of `config.json`, or a `config.json` itself.

use std::path::{Path, PathBuf};

use eoinas_core::{Setting, file};
use eoinas_train::{
    MethodKind, SearchConfig,
    config::{OPTIONAL, left_out},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::Error;

/// TOML has no null; a setting that a preset has and that is to be without is written so.
const NONE: &str = "none";

/// The settings of a file, which may be a few of all.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    settings: Map<String, Value>,
}

impl ConfigFile {
    /// Reads TOML, or JSON where the file's name ends so. No file: no settings.
    ///
    /// # Errors
    /// A file that cannot be read or is neither.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self::default()) };
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let unread = |error| format!("cannot read the settings in {}: {error}", path.display());
        let text = file::read_text(path, file::TEXT).map_err(unread)?;
        let settings = if path.extension().is_some_and(|extension| extension == "json") {
            serde_json::from_str(&text).map_err(|error| wrong(&error))?
        } else {
            let table = toml::Value::Table(toml::from_str(&text).map_err(|error| wrong(&error))?);
            check_finite("", &table).map_err(|error| wrong(&error))?;
            table.try_into().map_err(|error| wrong(&error))?
        };
        Ok(Self { path: path.to_owned(), settings })
    }

    /// What the file says of one setting of the topmost level.
    ///
    /// # Errors
    /// A value that cannot be.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let value = self.settings.get(name).cloned().map(serde_json::from_value).transpose();
        Ok(value.map_err(|error| format!("{}: {name}: {error}", self.path.display()))?)
    }

    /// Whether the file gives the setting `name` of `group`.
    pub(crate) fn has(&self, group: &str, name: &str) -> bool {
        let value = self.settings.get(group).and_then(|group| group.get(name));
        value.is_some_and(|value| !value.is_null() && *value != false && *value != NONE)
    }

    /// The method that the file names, and whether it gives the method's own settings, too.
    ///
    /// # Errors
    /// No such method.
    pub(crate) fn method(&self) -> Result<Option<(MethodKind, bool)>, Error> {
        let (name, with_settings) = match self.settings.get("method") {
            // In version 0.1.0 the settings stood beside the name.
            Some(Value::String(name)) => (name, self.whole::<SearchConfig>().is_some()),
            Some(Value::Object(tagged)) => match tagged.keys().next() {
                Some(name) => (name, true),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let kind = name.parse().map_err(|error| format!("{}: {error}", self.path.display()))?;
        Ok(Some((kind, with_settings)))
    }

    /// The settings where the file has them all.
    fn whole<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(Value::Object(self.settings.clone())).ok()
    }

    /// `base` with the settings of the file. A file that has all of them, such as the `config.json` of a run, of this
    /// version or an earlier one, needs no `base`.
    ///
    /// # Errors
    /// A setting that there is not, or of the wrong kind, by name.
    pub(crate) fn over<T: Serialize + DeserializeOwned>(&self, base: &T) -> Result<T, Error> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", self.path.display());
        if let Some(whole) = self.whole() {
            return Ok(whole);
        }
        let mut settings = self.settings.clone();
        // A method without its settings is chosen as a flag would choose it.
        settings.retain(|name, value| name != "method" || value.is_object());
        let mut config = serde_json::to_value(base)?;
        merge(&mut config, Value::Object(settings), "").map_err(|error| wrong(&error))?;
        Ok(serde_json::from_value(config).map_err(|error| wrong(&error))?)
    }
}

/// Refuses nan and inf, which TOML has and settings have not, by the setting's name.
fn check_finite(name: &str, value: &toml::Value) -> Result<(), Setting> {
    match value {
        toml::Value::Float(got) => Setting::check(got.is_finite(), name, *got, "a finite number"),
        toml::Value::Array(values) => values.iter().try_for_each(|value| check_finite(name, value)),
        toml::Value::Table(fields) => fields.iter().try_for_each(|(part, value)| {
            let name = if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
            check_finite(&name, value)
        }),
        _ => Ok(()),
    }
}

fn merge(base: &mut Value, file: Value, name: &str) -> Result<(), Setting> {
    match (base, file) {
        (Value::Object(fields), Value::Object(file)) if is_same_kind(fields, &file) => {
            for (part, value) in file {
                let name = if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
                if let Some(group) = left_out(&name) {
                    fields.entry(part.as_str()).or_insert(group);
                }
                if OPTIONAL.contains(&name.as_str()) {
                    fields.entry(part.as_str()).or_insert(Value::Null);
                }
                let Some(field) = fields.get_mut(&part) else {
                    let known = fields.keys().cloned().collect::<Vec<_>>().join(", ");
                    return Err(Setting::new(name, value, format!("a setting that there is: {known}")));
                };
                merge(field, value, &name)?;
            }
        }
        (base, Value::String(none)) if none == NONE && !base.is_string() => *base = Value::Null,
        (base, value) => {
            let expected = match base {
                Value::Number(_) if !value.is_number() => "a number",
                Value::Bool(_) if !value.is_boolean() => "true or false",
                Value::Array(_) if !value.is_array() => "a list",
                _ => "",
            };
            Setting::check(expected.is_empty() || value.is_null(), name, &value, expected)?;
            *base = value;
        }
    }
    Ok(())
}

/// Of a setting with kinds, such as a schedule, another kind keeps nothing of what was there.
fn is_same_kind(base: &Map<String, Value>, file: &Map<String, Value>) -> bool {
    file.get("kind").is_none_or(|kind| base.get("kind") == Some(kind))
}

/// Takes the value that a flag gives, which is the stronger.
pub(crate) fn set<T>(field: &mut T, flag: Option<T>) {
    if let Some(value) = flag {
        *field = value;
    }
}

/// Settings as TOML that a [`ConfigFile`] turns into the same settings again, over the same `base`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        std::fs::write(&path, "epochs = 2\n[weights]\nmomentum = nan\n").unwrap();
        let error = ConfigFile::read(Some(&path)).unwrap_err().to_string();
        assert!(error.ends_with("weights.momentum is NaN; expected a finite number"), "{error}");
        std::fs::write(&path, "epochs = 2\n[weights]\nmomentum = 0.5\n").unwrap();
        let file = ConfigFile::read(Some(&path)).unwrap();
        assert_eq!((file.get("epochs").unwrap(), file.has("weights", "momentum")), (Some(2), true));
    }
}
