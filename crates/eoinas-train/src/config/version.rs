//! The versions of `config.json`.

use eoinas_prune::StatisticsConfig;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value, json};

use super::{MethodConfig, MethodKind};

/// The version of the settings' format: 2. Version 0.1.0 of the library wrote none and had the settings of all methods
/// side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConfigVersion(u32);

impl Default for ConfigVersion {
    fn default() -> Self {
        Self(2)
    }
}

impl<'de> Deserialize<'de> for ConfigVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (got, own) = (u32::deserialize(deserializer)?, Self::default());
        if got == own.0 {
            return Ok(own);
        }
        Err(D::Error::custom(format!(
            "the settings have version {got}, and this program reads version {}; use the version of the program that \
             wrote them",
            own.0
        )))
    }
}

/// Settings of version 0.1.0 in today's form; others as they are. `Err`: a setting that did something in 0.1.0 and that its
/// method does not have.
pub(super) fn upgraded(settings: Value) -> Result<Value, String> {
    let Value::Object(mut all) = settings else { return Ok(settings) };
    // The name alone, where there is an object today.
    let Some(method) = all.get("method").and_then(Value::as_str) else { return Ok(Value::Object(all)) };
    let kind: MethodKind = method.parse().map_err(|error: super::UnknownMethod| error.to_string())?;
    let (name, mut own) = payload(kind);
    if let (Some(rate), true) = (all.get("arch").and_then(|arch| arch.get("learning_rate")), own.contains_key("rate")) {
        own.insert("rate".to_owned(), rate.clone());
    }
    for setting in GROUPS {
        let Some(value) = all.remove(setting) else { continue };
        if let Some(place) = own.get_mut(setting) {
            *place = value;
        } else if !did_nothing(kind, setting, &value) {
            return Err(format!(
                "these settings were written by version 0.1.0 and have `{setting}` = {value}, which {kind} does not have \
                 any more; go on with them in version 0.1.0, or remove that setting"
            ));
        }
    }
    all.insert("method".to_owned(), json!({ name: own }));
    Ok(Value::Object(all))
}

/// What stood beside the settings of every search in 0.1.0 and is a method's own today.
const GROUPS: [&str; 12] = [
    "path",
    "paths_per_step",
    "partial_channels",
    "edges",
    "arch",
    "warm_up_epochs",
    "temperature",
    "deepen",
    "skip_dropout",
    "prune",
    "indicator",
    "statistics",
];

/// Tag and default settings of a method.
fn payload(kind: MethodKind) -> (String, Map<String, Value>) {
    let method = MethodConfig::of(kind);
    match method.tagged() {
        Some((name, Value::Object(own))) => (name, own),
        _ => (kind.name().to_owned(), Map::new()),
    }
}

/// Whether 0.1.0 did nothing with this value of a setting that `kind` does not have.
fn did_nothing(kind: MethodKind, setting: &str, value: &Value) -> bool {
    match setting {
        "path" | "indicator" | "paths_per_step" | "temperature" => true,
        "warm_up_epochs" => kind == MethodKind::Pdarts || *value == json!(0),
        "arch" => value.get("init_std").is_none_or(|std| *std == json!(0.0)) || kind == MethodKind::Uniform,
        "prune" => value.get("kind") == Some(&json!("never")),
        "edges" => *value == json!("equal"),
        "deepen" => *value == json!([]),
        "statistics" => Some(value) == serde_json::to_value(StatisticsConfig::default()).ok().as_ref(),
        _ => value.is_null(),
    }
}
