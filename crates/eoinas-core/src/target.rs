//! What a sample is made of, and what is to be said of it: its class, real numbers, or which of several labels it has. Data
//! sets give these, networks learn them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Setting;

/// What kind of answer is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// One of several classes.
    #[default]
    Classes,
    /// Real numbers.
    Numbers,
    /// Any of several labels at once.
    Labels,
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classes => "classes",
            Self::Numbers => "numbers",
            Self::Labels => "labels",
        })
    }
}

/// What a sample's numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// `u8`, 0 to 255, scaled to 0..1 before they are normalised: pictures.
    #[default]
    Bytes,
    /// `f32`, finite, normalised as they are: signals, measurements, spectra.
    Floats,
}

/// The answers that can be given, with their names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetInfo {
    /// Name of each class; a class is an index into it.
    Classes(Vec<String>),
    /// Each number, in order.
    Numbers(Vec<NumberInfo>),
    /// Name of each label, in order.
    Labels(Vec<String>),
}

/// A number that is to be found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumberInfo {
    /// What it is, for example `angle`.
    pub name: String,
    /// Its unit, for example `degrees`; empty where it has none.
    #[serde(default)]
    pub unit: String,
    /// Its mean over the training part.
    pub mean: f32,
    /// Its standard deviation there, above 0: the scale on which a network learns it.
    pub std: f32,
}

/// The answer for one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Index of its class.
    Class(u32),
    /// Its numbers in their own units, one for each [`NumberInfo`].
    Numbers(Vec<f32>),
    /// Whether it has each of the labels.
    Labels(Vec<bool>),
}

/// The answers for several samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// \[n\]
    Classes(Vec<u32>),
    /// \[n, width\] in the numbers' own units.
    Numbers {
        /// Numbers of a sample, above 0.
        width: usize,
        /// Sample by sample.
        values: Vec<f32>,
    },
    /// \[n, width\]
    Labels {
        /// Labels that a sample may have, above 0.
        width: usize,
        /// Sample by sample.
        values: Vec<bool>,
    },
}

/// What a score is called and which direction is better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name, for example `R2`.
    pub name: String,
    /// Whether a higher one is better.
    pub higher_is_better: bool,
}

impl Measure {
    /// One that is better the higher it is.
    pub fn higher(name: &str) -> Self {
        Self { name: name.to_owned(), higher_is_better: true }
    }

    /// The share of samples that got the right class, 0 to 1: the score where nothing else is said.
    pub fn accuracy() -> Self {
        Self::higher("accuracy")
    }

    /// Whether it is the accuracy.
    pub fn is_accuracy(&self) -> bool {
        *self == Self::accuracy()
    }

    /// A score on the scale on which more is better: itself, or its negative where a lower one is.
    pub fn merit(&self, score: f64) -> f64 {
        if self.higher_is_better { score } else { -score }
    }

    /// Whether `new` is better than `old`.
    pub fn better(&self, new: f64, old: f64) -> bool {
        self.merit(new) > self.merit(old)
    }

    /// What it is, in words.
    pub fn title(&self) -> &str {
        if self.name == "mAP" { "mean average precision" } else { &self.name }
    }

    /// A score as people read it: an accuracy in percent, others with their name.
    ///
    /// ```
    /// use eoinas_core::Measure;
    /// assert_eq!(Measure::accuracy().show(0.475), "47.50 %");
    /// assert_eq!(Measure::higher("R2").show(0.475), "R2 0.4750");
    /// ```
    pub fn show(&self, score: f64) -> String {
        if self.is_accuracy() { format!("{:.2} %", 100.0 * score) } else { format!("{} {score:.4}", self.name) }
    }
}

impl Default for Measure {
    fn default() -> Self {
        Self::accuracy()
    }
}

/// A score and what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What it is.
    pub measure: Measure,
    /// How much of it.
    pub value: f64,
}

impl Score {
    /// On the scale on which more is better.
    pub fn merit(&self) -> f64 {
        self.measure.merit(self.value)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.measure.show(self.value))
    }
}

impl TargetInfo {
    /// Which kind.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Classes(_) => TargetKind::Classes,
            Self::Numbers(_) => TargetKind::Numbers,
            Self::Labels(_) => TargetKind::Labels,
        }
    }

    /// Outputs of a network that gives these answers: classes, numbers, labels.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Classes(names) | Self::Labels(names) => names.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// What it is, for people: `10 classes`, `2 numbers (angle, length)`, `3 labels (cat, dog, person)`.
    pub fn describe(&self) -> String {
        let (count, kind) = (self.outputs(), self.kind());
        match self {
            Self::Classes(_) => format!("{count} {kind}"),
            _ => format!("{count} {kind} ({})", self.names().join(", ")),
        }
    }

    /// Names of the outputs, in order.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Classes(names) | Self::Labels(names) => names.iter().map(String::as_str).collect(),
            Self::Numbers(numbers) => numbers.iter().map(|number| number.name.as_str()).collect(),
        }
    }

    /// Whether answers to it are answers to `other`: the same kind, names and units in the same order. Mean and standard
    /// deviation of numbers are a matter of the samples.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let units = |info: &Self| match info {
            Self::Numbers(numbers) => numbers.iter().map(|number| number.unit.clone()).collect(),
            _ => Vec::new(),
        };
        self.kind() == other.kind() && self.names() == other.names() && units(self) == units(other)
    }

    /// Names of the classes, where there are classes.
    pub fn classes(&self) -> Option<&[String]> {
        match self {
            Self::Classes(names) => Some(names),
            _ => None,
        }
    }

    /// Checks that there is something to say, and the scale of each number.
    ///
    /// # Errors
    /// What cannot be: `classes`, `labels` or `numbers` that are none, a mean that is not finite, a standard deviation
    /// that is not above 0.
    pub fn validate(&self) -> Result<(), Setting> {
        Setting::check(self.outputs() > 0, self.kind().to_string(), "empty", "at least one")?;
        let Self::Numbers(numbers) = self else { return Ok(()) };
        numbers.iter().try_for_each(|NumberInfo { name, mean, std, .. }| {
            Setting::check(mean.is_finite(), format!("mean of `{name}`"), mean, "a finite number")?;
            Setting::check(std.is_finite() && *std > 0.0, format!("std of `{name}`"), std, "a finite number above 0")
        })
    }

    /// Checks that `target` is one of the answers.
    ///
    /// # Errors
    /// What it is, and what it should be.
    pub fn check(&self, target: &Target) -> Result<(), Setting> {
        let fits = match (self, target) {
            (Self::Classes(names), Target::Class(class)) => (*class as usize) < names.len(),
            (Self::Numbers(numbers), Target::Numbers(values)) => {
                values.len() == numbers.len() && values.iter().all(|value| value.is_finite())
            }
            (Self::Labels(names), Target::Labels(has)) => has.len() == names.len(),
            _ => false,
        };
        if fits { Ok(()) } else { Err(self.wrong(target)) }
    }

    fn wrong(&self, target: &Target) -> Setting {
        let outputs = self.outputs();
        let expected = match self {
            Self::Classes(_) => format!("a class below {outputs}"),
            Self::Numbers(_) => format!("{outputs} finite numbers"),
            Self::Labels(_) => format!("{outputs} labels, had or not"),
        };
        let got = match target {
            Target::Class(class) => format!("class {class}"),
            Target::Numbers(values) => match values.iter().find(|value| !value.is_finite()) {
                Some(value) => format!("{} numbers with {value} among them", values.len()),
                None => format!("{} numbers", values.len()),
            },
            Target::Labels(has) => format!("{} labels", has.len()),
        };
        Setting::new("target", got, expected)
    }
}

impl Targets {
    /// None yet, with room for `samples`.
    pub fn with_capacity(info: &TargetInfo, samples: usize) -> Self {
        let width = info.outputs();
        match info.kind() {
            TargetKind::Classes => Self::Classes(Vec::with_capacity(samples)),
            TargetKind::Numbers => Self::Numbers { width, values: Vec::with_capacity(samples.saturating_mul(width)) },
            TargetKind::Labels => Self::Labels { width, values: Vec::with_capacity(samples.saturating_mul(width)) },
        }
    }

    /// Which kind.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Classes(_) => TargetKind::Classes,
            Self::Numbers { .. } => TargetKind::Numbers,
            Self::Labels { .. } => TargetKind::Labels,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Numbers { width, values } => values.len().checked_div(*width).unwrap_or(0),
            Self::Labels { width, values } => values.len().checked_div(*width).unwrap_or(0),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The answer for one sample.
    pub fn get(&self, sample: usize) -> Option<Target> {
        let range = |width: usize| Some(sample.checked_mul(width)?..sample.checked_add(1)?.checked_mul(width)?);
        match self {
            Self::Classes(classes) => classes.get(sample).copied().map(Target::Class),
            Self::Numbers { width, values } => Some(Target::Numbers(values.get(range(*width)?)?.to_vec())),
            Self::Labels { width, values } => Some(Target::Labels(values.get(range(*width)?)?.to_vec())),
        }
    }

    /// Checks that all are answers that `info` knows.
    ///
    /// # Errors
    /// The first that is none, and what it should be.
    pub fn check(&self, info: &TargetInfo) -> Result<(), Setting> {
        let (kind, outputs) = (info.kind(), info.outputs());
        let (width, whole) = match self {
            Self::Classes(_) => (outputs, true),
            Self::Numbers { width, values } => (*width, values.len().is_multiple_of(*width)),
            Self::Labels { width, values } => (*width, values.len().is_multiple_of(*width)),
        };
        let fits = self.kind() == kind && width == outputs && whole;
        Setting::check(fits, "targets", format!("{}, {width} each", self.kind()), format!("{kind}, {outputs} each"))?;
        (0..self.len()).filter_map(|sample| Some((sample, self.get(sample)?))).try_for_each(|(sample, target)| {
            info.check(&target).map_err(|wrong| Setting { name: format!("target {sample}"), ..wrong })
        })
    }

    /// Adds one, which has to be an answer that `info` knows.
    ///
    /// # Errors
    /// As [`TargetInfo::check`].
    pub fn push(&mut self, info: &TargetInfo, target: Target) -> Result<(), Setting> {
        info.check(&target)?;
        match (self, target) {
            (Self::Classes(classes), Target::Class(class)) => classes.push(class),
            (Self::Numbers { values, .. }, Target::Numbers(numbers)) => values.extend(numbers),
            (Self::Labels { values, .. }, Target::Labels(has)) => values.extend(has),
            (_, target) => return Err(info.wrong(&target)),
        }
        Ok(())
    }

    /// Each sample's class, where there are classes.
    pub fn classes(&self) -> Option<&[u32]> {
        match self {
            Self::Classes(classes) => Some(classes),
            _ => None,
        }
    }
}

impl From<Vec<u32>> for Targets {
    fn from(classes: Vec<u32>) -> Self {
        Self::Classes(classes)
    }
}
