//! The methods that the studies compare, by name, and variants of them.

use std::str::FromStr;

use eoinas_core::Setting;
use eoinas_train::{MethodKind, SearchConfig};

/// A method, or one with other settings: `eoinas`, or `gentle=eoinas:indicator.lambda=0.1:warm_up_epochs=10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name in tables, and of its folder.
    pub name: String,
    method: MethodKind,
    /// Settings by their names in `config.json`.
    settings: Vec<(String, String)>,
}

impl Variant {
    /// `config` for this variant: same data, network, budget and seeds but for what it sets itself.
    ///
    /// # Errors
    /// A setting that there is not, or that the method does not have.
    pub fn settings(&self, config: SearchConfig) -> Result<SearchConfig, Setting> {
        self.settings
            .iter()
            .try_fold(config.with_method(self.method), |config, (name, value)| config.with_setting(name, value))
    }
}

impl FromStr for Variant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = match text.split_once('=') {
            None => (text, text),
            Some((name, rest)) => (name, rest),
        };
        let mut parts = rest.split(':');
        let method = parts.next().unwrap_or_default().parse::<MethodKind>();
        let method = method.map_err(|error| format!("{error}, or NAME=METHOD:SETTING=VALUE"))?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_word) {
            return Err(format!("`{name}` is no name of a variant: letters, digits, dashes and dots"));
        }
        let setting = |part: &str| match part.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("`{part}` is not SETTING=VALUE")),
        };
        Ok(Self { name: name.to_owned(), method, settings: parts.map(setting).collect::<Result<_, _>>()? })
    }
}
