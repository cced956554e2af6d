//! One setting by its name, as in `config.json`.

use serde_json::Value;

use super::{ConfigError, SearchConfig};

impl SearchConfig {
    /// The same settings with another value for `name`, the path of a setting in `config.json`: how a study varies what
    /// has no flag of its own. `value` is JSON; what is not JSON is taken as a string.
    ///
    /// ```
    /// use eoinas_train::SearchConfig;
    /// let config = SearchConfig::paper().with_setting("indicator.lambda", "0.1")?;
    /// let config = config.with_setting("network.channels", "8")?;
    /// assert_eq!(config.network.channels, 8);
    /// assert!(config.with_setting("network.chanels", "8").is_err());
    /// # Ok::<(), eoinas_train::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// No setting of that name, a value of the wrong kind. Whether the value can work is for [`SearchConfig::validate`].
    pub fn with_setting(&self, name: &str, value: &str) -> Result<Self, ConfigError> {
        let wrong = |problem: String| ConfigError::Setting { name: name.to_owned(), value: value.to_owned(), problem };
        let mut config = serde_json::to_value(self).map_err(|error| wrong(error.to_string()))?;
        let mut place = &mut config;
        for part in name.split('.') {
            let known = place.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
            let unknown = || match known {
                Some(known) => format!("there is no `{part}`; there are {}", known.join(", ")),
                None => format!("`{part}` would be part of something that has no parts"),
            };
            place = place.get_mut(part).ok_or_else(unknown).map_err(wrong)?;
        }
        *place = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        serde_json::from_value(config).map_err(|error| wrong(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_prune::{Beta, IndicatorConfig};

    #[test]
    fn settings_are_set_by_name() {
        let config = SearchConfig::paper();
        let set = |name: &str, value: &str| config.with_setting(name, value);
        assert_eq!(set("seed", "7").unwrap(), SearchConfig { seed: 7, ..SearchConfig::paper() });
        assert_eq!(set("weights.clip", "null").unwrap().weights.clip, None);
        assert_eq!(set("method", "gdas").unwrap().method, crate::config::MethodKind::Gdas);
        assert_eq!(set("indicator", r#"{"kind": "beta"}"#).unwrap().indicator, IndicatorConfig::Beta(Beta {}));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |name: &str, value: &str| SearchConfig::paper().with_setting(name, value).unwrap_err().to_string();
        assert!(error("indicator.lamda", "1").contains("there is no `lamda`; there are kind, lambda"));
        assert!(error("seed.x", "1").contains("`x` would be part of something that has no parts"));
        assert!(error("epochs", "many").contains("epochs=many: "), "{}", error("epochs", "many"));
        assert!(error("", "1").contains("there is no ``"));
    }
}
