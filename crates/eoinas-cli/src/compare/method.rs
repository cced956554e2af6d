//! The methods that the studies compare, by name, and variants of them.

use std::{collections::BTreeSet, str::FromStr};

use eoinas_core::Setting;
use eoinas_train::{MethodKind, SearchConfig};

use crate::Error;

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
            Some(("seed", _)) => {
                Err("`seed` is counted by the study (--seeds), and is no setting of a variant".to_owned())
            }
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("`{part}` is not SETTING=VALUE")),
        };
        Ok(Self { name: name.to_owned(), method, settings: parts.map(setting).collect::<Result<_, _>>()? })
    }
}

/// Whether each variant has a name of its own, which is that of its folder.
///
/// # Errors
/// Two of one name.
pub(super) fn check_names(variants: &[Variant]) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    match variants.iter().find(|variant| !names.insert(&variant.name)) {
        Some(Variant { name, .. }) => {
            Err(format!("--method: two variants are called `{name}`; give each a name, NAME=METHOD:...").into())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_once_and_seeds_are_the_studys() {
        let variants = |texts: &[&str]| texts.iter().map(|text| text.parse()).collect::<Result<Vec<Variant>, _>>();
        assert!(check_names(&variants(&["eoinas", "gdas", "other=eoinas"]).unwrap()).is_ok());
        let error = check_names(&variants(&["eoinas", "eoinas=gdas"]).unwrap()).unwrap_err().to_string();
        assert!(error.contains("two variants are called `eoinas`"), "{error}");
        assert!(variants(&["a=gdas:seed=3"]).unwrap_err().contains("--seeds"));
    }
}
