//! One setting by its name, as in `config.json`.

use eoinas_core::{Setting, count::Limits};
use serde_json::{Map, Value};

use super::{MethodConfig, MethodKind, OPTIONAL, RetrainConfig, SearchConfig, method::UnknownMethod};
use crate::{finalists::FinalistsConfig, training::TrainConfig};

impl SearchConfig {
    /// The same settings with another value for `name`, the path of a setting in `config.json`: how a study varies what
    /// has no flag of its own. What is no setting of every search is one of its method, whose name is left out. `value` is
    /// JSON; what is not JSON is taken as a string. `method` takes the name of a method, as
    /// [`SearchConfig::with_method`].
    ///
    /// ```
    /// use eoinas_train::SearchConfig;
    /// let config = SearchConfig::paper().with_setting("indicator.lambda", "0.1")?;
    /// let config = config.with_setting("network.channels", "8")?;
    /// assert_eq!(config.network.channels, 8);
    /// assert!(config.with_setting("network.chanels", "8").is_err());
    /// # Ok::<(), eoinas_core::Setting>(())
    /// ```
    ///
    /// # Errors
    /// No setting of that name, or none of this method; a value of the wrong kind. Whether the value can work is for
    /// [`SearchConfig::validate`].
    pub fn with_setting(&self, name: &str, value: &str) -> Result<Self, Setting> {
        let wrong = |expected: String| Setting::new(name, value, expected);
        if name == "method" {
            let kind = value.parse::<MethodKind>();
            return kind
                .map(|kind| self.clone().with_method(kind))
                .map_err(|error: UnknownMethod| wrong(error.to_string()));
        }
        let mut config = serde_json::to_value(self).map_err(|error| wrong(error.to_string()))?;
        let first = name.split('.').next().unwrap_or_default();
        if let (Some(default), Some(all)) = (left_out(first), config.as_object_mut()) {
            all.entry(first).or_insert(default);
        }
        let mut place = if config.get(first).is_some() {
            &mut config
        } else {
            let own =
                config.get_mut("method").and_then(Value::as_object_mut).and_then(|tagged| tagged.values_mut().next());
            match own {
                Some(own) if own.get(first).is_some() => own,
                _ => return Err(wrong(self.unknown(first))),
            }
        };
        for part in name.split('.') {
            let known = place.as_object().map(names);
            let unknown = || match known {
                Some(known) => format!("another name: there is no `{part}`; there are {known}"),
                None => format!("another name: `{part}` would be part of something that has no parts"),
            };
            if let (Value::Object(fields), true) = (&mut *place, OPTIONAL.contains(&name)) {
                fields.entry(part).or_insert(Value::Null);
            }
            place = place.get_mut(part).ok_or_else(unknown).map_err(wrong)?;
        }
        *place = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        serde_json::from_value(config).map_err(|error| wrong(format!("a value of its kind: {error}")))
    }

    /// What to say of a setting that neither every search nor this one's method has.
    fn unknown(&self, setting: &str) -> String {
        let (method, own) = self.method.tagged().unwrap_or_default();
        let own = own.as_object().map(names).unwrap_or_default();
        let mut have: Vec<String> = Vec::new();
        for kind in MethodKind::ALL {
            let tagged = MethodConfig::of(kind).tagged();
            have.extend(tagged.filter(|(_, own)| own.get(setting).is_some()).map(|(name, _)| name));
        }
        have.dedup();
        let elsewhere = match have.as_slice() {
            [] => "no method has it".to_owned(),
            [one] => format!("{one} has it"),
            several => format!("{} have it", several.join(", ")),
        };
        let all = serde_json::to_value(self).ok();
        let all = all.as_ref().and_then(Value::as_object).map(names).unwrap_or_default();
        format!(
            "a setting that there is: there is no `{setting}` with the method {method} ({elsewhere}); {method} has {own}; \
             every search has {all}"
        )
    }
}

/// The default of a group of settings that is left out of `config.json` where it is not used; a part of it asks for all of it.
pub fn left_out(group: &str) -> Option<Value> {
    let default = match group {
        "finalists" => serde_json::to_value(FinalistsConfig::default()),
        "limits" => serde_json::to_value(Limits::default()),
        "retrain" => serde_json::to_value(RetrainConfig::from(&TrainConfig::quick())),
        _ => return None,
    };
    default.ok()
}

fn names(fields: &Map<String, Value>) -> String {
    fields.keys().cloned().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::EoiNas;
    use eoinas_prune::{Beta, IndicatorConfig};

    #[test]
    fn settings_are_set_by_name() {
        let config = SearchConfig::paper();
        let set = |name: &str, value: &str| config.with_setting(name, value);
        assert_eq!(set("seed", "7").unwrap(), SearchConfig { seed: 7, ..SearchConfig::paper() });
        assert_eq!(set("weights.clip", "null").unwrap().weights.clip, None);
        let finalists = FinalistsConfig { candidates: 5, ..FinalistsConfig::default() };
        assert_eq!(set("finalists.candidates", "5").unwrap().finalists, Some(finalists));
        assert_eq!(set("finalists", "{}").unwrap().finalists, Some(FinalistsConfig::default()));
        assert_eq!(set("finalists", "null").unwrap().finalists, None);
        assert_eq!(set("limits.parameters", "1000").unwrap().limits.parameters, Some(1000));
        assert_eq!(set("retrain.network.cells", "7").unwrap().retrain.unwrap().network.cells, 7);
        let layers = set("network.layers", r#"["normal", "reduce"]"#).unwrap().network.layers;
        assert_eq!(layers, Some(vec!["normal".to_owned(), "reduce".to_owned()]));
        assert_eq!(set("method", "gdas").unwrap(), SearchConfig::paper().with_method(MethodKind::Gdas));
        let beta = EoiNas { indicator: IndicatorConfig::Beta(Beta {}), ..EoiNas::default() };
        for name in ["indicator", "method.eoinas.indicator"] {
            assert_eq!(set(name, r#"{"kind": "beta"}"#).unwrap().method, beta.clone().into());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |name: &str, value: &str| SearchConfig::paper().with_setting(name, value).unwrap_err().to_string();
        assert!(error("indicator.lamda", "1").contains("there is no `lamda`; there are kind, lambda"));
        assert!(error("seed.x", "1").contains("`x` would be part of something that has no parts"));
        assert!(error("epochs", "many").contains("epochs is many; expected "), "{}", error("epochs", "many"));
        assert!(error("", "1").contains("there is no ``"));
        assert!(error("method", "dart").contains("no method `dart`; choose one of eoinas"));
    }

    #[test]
    fn a_setting_that_the_method_does_not_have_is_refused_with_those_that_have_it() {
        let gdas = SearchConfig::paper().with_method(MethodKind::Gdas);
        let error = gdas.with_setting("indicator.lambda", "0.1").unwrap_err().to_string();
        assert!(error.contains("no `indicator` with the method gdas (eoinas has it)"), "{error}");
        assert!(
            error.contains("gdas has arch, draws, edges") && error.contains("every search has batch_size"),
            "{error}"
        );
        assert!(gdas.with_setting("nothing", "1").unwrap_err().to_string().contains("no method has it"));
    }
}
