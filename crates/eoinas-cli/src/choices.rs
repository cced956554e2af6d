//! Names that flags take: `--help` and shells list them with what each stands for, and a typo gets the nearest one.

use std::{error::Error, ffi::OsStr, str::FromStr};

use clap::{
    Arg, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
};
use eoinas_core::models::{ModelConfig, ModelKind};
use eoinas_data::SourceKind;
use eoinas_train::{MethodKind, Preset, TrainPreset, training::ClassWeights};

/// Of a search method.
pub(crate) fn methods() -> impl TypedValueParser<Value = MethodKind> {
    of(MethodKind::ALL.map(|kind| {
        let value = described(kind.name(), kind.about());
        if kind == MethodKind::RandomWs { value.alias("rsws") } else { value }
    }))
}

/// Of the settings that a search starts from.
pub(crate) fn presets() -> impl TypedValueParser<Value = Preset> {
    of(Preset::ALL.map(|preset| described(preset.name(), preset.about())))
}

/// Of the settings that a training starts from.
pub(crate) fn train_presets() -> impl TypedValueParser<Value = TrainPreset> {
    of(TrainPreset::ALL.map(|preset| described(preset.name(), preset.about())))
}

/// A network without cells: a human-designed one by its name, or a chain, stages, motifs or dense blocks by their text.
#[derive(Clone)]
pub(crate) struct Networks;

impl TypedValueParser for Networks {
    type Value = ModelConfig;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<ModelConfig, clap::Error> {
        let by_name = |_| {
            let names = of::<ModelKind>(ModelKind::ALL.map(|kind| PossibleValue::new(kind.name())));
            names.parse_ref(command, arg, value).map(ModelConfig::new)
        };
        let text = value.to_str().unwrap_or_default();
        match text.parse::<ModelConfig>() {
            // What was meant to be layers: it is said which of them is wrong.
            Err(error) if error.name.starts_with("network.") => {
                Err(command.clone().error(ErrorKind::ValueValidation, error))
            }
            parsed => parsed.or_else(by_name),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let described = ModelKind::ALL.map(|kind| described(kind.name(), kind.published().title));
        Some(Box::new(described.into_iter()))
    }
}

/// Of what classes weigh.
pub(crate) fn class_weights() -> impl TypedValueParser<Value = ClassWeights> {
    let names = [
        PossibleValue::new("none").help("All the same"),
        PossibleValue::new("balanced").help("By the inverse of their number of images: every class has the same say"),
    ];
    PossibleValuesParser::new(names).map(|name| match name.as_str() {
        "balanced" => ClassWeights::Balanced,
        _ => ClassWeights::None,
    })
}

/// Of a data set.
pub(crate) fn datasets() -> impl TypedValueParser<Value = SourceKind> {
    of(SourceKind::ALL.map(|kind| {
        let value = described(kind.name(), kind.about());
        if kind == SourceKind::Embedded { value.alias("embedded-v1") } else { value }
    }))
}

fn described(name: &'static str, about: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(about.trim_end_matches('.'))
}

fn of<T>(names: impl IntoIterator<Item = PossibleValue>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_listed_and_guessed() {
        let command = || Command::new("test").arg(Arg::new("method").long("method").value_parser(methods()));
        for kind in MethodKind::ALL {
            let matches = command().try_get_matches_from(["test", "--method", kind.name()]).unwrap();
            assert_eq!(matches.get_one("method"), Some(&kind));
            assert!(!kind.about().is_empty(), "{kind}");
        }
        let matches = command().try_get_matches_from(["test", "--method", "rsws"]).unwrap();
        assert_eq!(matches.get_one("method"), Some(&MethodKind::RandomWs));
        let error = command().try_get_matches_from(["test", "--method", "gads"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
        let text = error.to_string();
        assert!(text.contains("similar values exist: 'darts', 'gdas'") || text.contains("'gdas'"), "{text}");
        assert!(text.contains("zero-cost-pt"), "{text}");
        let help = command().render_long_help().to_string();
        assert!(help.contains("- darts2:"), "{help}");
    }

    #[test]
    fn every_name_says_what_it_stands_for() {
        let abouts = Preset::ALL.map(Preset::about).into_iter().chain(TrainPreset::ALL.map(TrainPreset::about));
        for about in abouts.chain(SourceKind::ALL.map(SourceKind::about)) {
            assert!(!about.is_empty() && !about.contains('`'), "{about}");
        }
    }
}
