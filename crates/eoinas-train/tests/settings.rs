//! Settings and checkpoints of version 0.1.0, and what a checkpoint belongs to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::*;
use eoinas_core::Event;
use eoinas_data::PictureFiles;
use eoinas_prune::{EdgeView, Indicator, OpView};
use eoinas_train::{
    MethodConfig, MethodKind, Options, Outcome, Search, SearchConfig, SearchMethod, TrainError,
    methods::{EoiNas, MdeNas},
    stop::MaxSteps,
};
use serde_json::{Value, json};

/// As `cifar_search --preset quick` of 0.1.0 wrote them, in a smaller network.
const OLD: &str = include_str!("files/config-0.1.0.json");

fn read(settings: &Value) -> Result<SearchConfig, String> {
    serde_json::from_value(settings.clone()).map_err(|error| error.to_string())
}

/// The old settings with another method, as 0.1.0 prescribed them.
fn old(method: &str) -> Value {
    let mut old: Value = serde_json::from_str(OLD).unwrap();
    old["method"] = json!(method);
    if method != "eoinas" {
        old["warm_up_epochs"] = json!(0);
        old["prune"] = json!({ "kind": "never" });
        old["indicator"] = json!({ "kind": "beta" });
    }
    old
}

#[test]
fn settings_of_version_0_1_0_mean_what_they_meant() {
    // Schedules were not stretched.
    let method = EoiNas { stretch: false, ..EoiNas::quick() }.into();
    let mut expected = SearchConfig { epochs: 4, batch_size: 16, method, ..SearchConfig::quick() };
    expected.data.train_images = Some(128);
    // Which files are pictures was no choice.
    expected.data.files = PictureFiles::PngJpeg;
    (expected.network.channels, expected.network.cells) = (4, 3);
    assert_eq!(read(&old("eoinas")).unwrap(), expected);
    for method in ["gdas", "darts", "darts2", "snas", "uniform", "pdarts"] {
        let config = read(&old(method)).unwrap();
        assert_eq!(config.method.build().unwrap().identity().name, method);
    }
    let mut partial = old("darts");
    partial["partial_channels"] = json!(2);
    partial["edges"] = json!("normalised");
    let MethodConfig::Darts(darts) = read(&partial).unwrap().method else { panic!() };
    assert_eq!((darts.partial_channels, darts.arch.learning_rate), (Some(2), 6e-3));
    // The rate of the probabilities was that of the architecture parameters.
    let mut mdenas = old("mdenas");
    mdenas["arch"]["learning_rate"] = json!(0.02);
    assert_eq!(read(&mdenas).unwrap().method, MethodConfig::Mdenas(MdeNas { rate: 0.02, ..MdeNas::default() }));
}

#[test]
fn what_cannot_be_meant_any_more_is_refused_with_the_version() {
    let mut pruned = old("gdas");
    pruned["prune"] = json!({ "kind": "periodic", "first": 6, "every": 3, "count": 7 });
    let error = read(&pruned).unwrap_err();
    assert!(error.contains("version 0.1.0") && error.contains("`prune`") && error.contains("gdas"), "{error}");
    let mut newer = serde_json::to_value(tiny()).unwrap();
    assert_eq!(newer["version"], 2);
    newer["version"] = json!(3);
    let error = read(&newer).unwrap_err();
    assert!(error.contains("version 3") && error.contains("reads version 2"), "{error}");
    let error = read(&json!({ "method": { "gdas": { "indicator": "beta" } } })).unwrap_err();
    assert!(error.contains("indicator"), "{error}");
}

fn stopped(run: &Path, method: Option<Box<dyn SearchMethod>>) {
    let rules: Vec<Box<dyn eoinas_train::StopRule>> = vec![Box::new(MaxSteps(1))];
    let stopped = Search::create(tiny(), run, Options { method, rules, ..options() }).unwrap().run().unwrap();
    assert!(matches!(stopped, Outcome::Stopped(_)));
}

#[test]
fn a_checkpoint_of_version_0_1_0_goes_on_and_says_that_it_does_not_know_its_method() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    stopped(&run, None);
    let manifest = newest(&run).join("manifest.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    assert_eq!(value["subject"]["method"]["name"], "eoinas");
    value["subject"].as_object_mut().unwrap().remove("method").unwrap();
    value["version"] = 1.into();
    value.as_object_mut().unwrap().retain(|field, _| !["sha256", "record", "made_on"].contains(&field.as_str()));
    fs::write(manifest, value.to_string()).unwrap();
    assert!(matches!(Search::resume(&run, options()).unwrap().run().unwrap(), Outcome::Done(_)));
    let warned =
        |event: &Event| matches!(event, Event::Warning { text } if text.contains("goes on with eoinas with {"));
    assert_eq!(events(&run).iter().filter(|event| warned(event)).count(), 1);
}

/// As in `examples/custom_indicator.rs`.
#[derive(Debug)]
struct Smoothed;

impl Indicator for Smoothed {
    fn name(&self) -> String {
        "smoothed".to_owned()
    }

    fn value(&self, _edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        op.accuracy.map(|accuracy| accuracy + op.beta)
    }
}

#[test]
fn an_indicator_of_ones_own_is_part_of_what_a_checkpoint_belongs_to() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    stopped(&run, Some(Box::new(EoiNas::quick().with_indicator(Smoothed))));
    let error = Search::resume(&run, options()).unwrap_err();
    assert!(
        matches!(&error, TrainError::Setting(setting) if setting.got.contains(r#""indicator":"smoothed""#)),
        "{error}"
    );
    let with = |method: Box<dyn SearchMethod>| Options { method: Some(method), ..options() };
    let error = Search::resume(&run, with(Box::new(EoiNas::quick()))).unwrap_err().to_string();
    let smoothed = error.contains(r#"eoinas with indicator = "smoothed""#);
    assert!(smoothed && error.contains(r#"eoinas with indicator = {"kind":"eoi_nas""#), "{error}");
    let mut search = Search::resume(&run, with(Box::new(EoiNas::quick().with_indicator(Smoothed)))).unwrap();
    assert!(matches!(search.run().unwrap(), Outcome::Done(_)));
}

#[test]
fn every_method_of_every_name_has_settings_that_survive_their_file() {
    for kind in MethodKind::ALL {
        for preset in [SearchConfig::paper(), SearchConfig::authors(), SearchConfig::quick()] {
            let config = preset.with_method(kind);
            config.validate().unwrap();
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<SearchConfig>(&text).unwrap(), config);
        }
    }
    let short: MethodConfig = serde_json::from_str(r#"{"rome": {"paths_per_step": 3}}"#).unwrap();
    let MethodConfig::Rome(rome) = short else { panic!("{short:?}") };
    assert_eq!((rome.paths_per_step, rome.warm_up_epochs), (3, 0));
    assert_eq!("rsws".parse(), Ok(MethodKind::RandomWs));
}
