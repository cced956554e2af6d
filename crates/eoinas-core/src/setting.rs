//! A setting that cannot be, told alike by every crate.

use std::fmt::Display;

/// A setting whose value cannot be: its name, what it is, and what it has to be.
///
/// ```
/// use eoinas_core::Setting;
///
/// let wrong = Setting::check(false, "network.cells", 0, "at least 1").unwrap_err();
/// assert_eq!(wrong.to_string(), "network.cells is 0; expected at least 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {got}; expected {expected}")]
pub struct Setting {
    /// The setting's name, as in the settings' file: `network.cells`.
    pub name: String,
    /// The value that it has.
    pub got: String,
    /// What it may be, and what to do where that is not plain.
    pub expected: String,
}

impl Setting {
    /// The error of the setting `name`, which is `got` and has to be `expected`.
    pub fn new(name: impl Into<String>, got: impl Display, expected: impl Into<String>) -> Self {
        Self { name: name.into(), got: got.to_string(), expected: expected.into() }
    }

    /// Whether a setting is as it has to be.
    ///
    /// # Errors
    ///
    /// The setting, where it is not `ok`.
    pub fn check(
        ok: bool,
        name: impl Into<String>,
        got: impl Display,
        expected: impl Into<String>,
    ) -> Result<(), Self> {
        if ok { Ok(()) } else { Err(Self::new(name, got, expected)) }
    }

    /// The same as a setting of a group: `batch_size` within `finalists` is `finalists.batch_size`.
    #[must_use]
    pub fn within(self, group: &str) -> Self {
        Self { name: format!("{group}.{}", self.name), ..self }
    }
}
