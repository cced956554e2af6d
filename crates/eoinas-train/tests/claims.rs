//! Parts of a study that change hands end in the same bytes, in the place that one process alone would have them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::*;
use eoinas_core::event::Record;
use eoinas_train::{
    Claims, FinalistsConfig, Found, MethodKind, Observer, Options, Part, Result, Search, SearchConfig, StopReason,
    TrainError, config::NetworkConfig, stop::MaxSteps,
};

/// Twenty seconds of silence, that nobody waits for here.
fn share(study: &Path, options: Options) -> Result<Part<Found>> {
    let claims = Claims::open(study, Claims::SHORTEST * 20)?;
    Search::share(|_| Ok::<_, TrainError>(tiny()), &study.join("eoinas/seed-0"), options, &claims)
}

fn whole(root: &Path) -> std::path::PathBuf {
    let run = root.join("whole");
    Search::complete(tiny(), &run, options()).unwrap();
    run
}

fn stops_after(steps: u64) -> Options {
    Options { rules: vec![Box::new(MaxSteps(steps))], ..options() }
}

/// The part is done in its place, with the same bytes, and no attempt is left.
fn assert_done(root: &Path, study: &Path) {
    let run = study.join("eoinas/seed-0");
    assert_same(&root.join("whole"), &run);
    let place = study.join(".claims/eoinas/seed-0");
    let left = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| !name.starts_with("claim-") && !name.starts_with("beat-")).collect();
    assert!(left.is_empty(), "{left:?}");
    // Whoever comes later is told the result.
    assert!(matches!(share(study, options()).unwrap(), Part::Done(_)));
}

#[test]
fn a_part_that_stops_again_and_again_ends_in_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    whole(root.path());
    let study = root.path().join("study");
    for steps in [0, 1, 2, 2] {
        assert_eq!(
            share(&study, stops_after(steps)).unwrap(),
            Part::Stopped(StopReason::MaxSteps { steps }),
            "after {steps}"
        );
        assert!(!study.join("eoinas").exists());
    }
    assert!(matches!(share(&study, options()).unwrap(), Part::Done(_)));
    assert_done(root.path(), &study);
    let claims = Claims::open(&study, Claims::SILENCE).unwrap();
    let other = SearchConfig { epochs: 9, ..tiny() };
    let asked = Search::share(|_| Ok::<_, TrainError>(other), &study.join("eoinas/seed-0"), options(), &claims);
    assert!(matches!(asked, Err(TrainError::OtherSettings { .. })));
}

/// Makes the next claim, as a process does that takes the part over, when a checkpoint has been saved.
#[derive(Debug)]
struct TakenOver {
    claim: std::path::PathBuf,
    beat: std::path::PathBuf,
    after: u64,
}

impl Observer for TakenOver {
    fn observe(&mut self, record: &Record) -> Result<()> {
        if let eoinas_core::Event::CheckpointSaved { step, .. } = record.event
            && step == self.after
        {
            let holder =
                r#"{"host": "elsewhere", "process": 7, "attempt": 2, "token": "x", "machine": null, "began": null}"#;
            fs::create_dir_all(self.claim.parent().unwrap()).unwrap();
            fs::write(&self.claim, holder).unwrap();
            fs::write(&self.beat, "ended\n").unwrap();
        }
        Ok(())
    }
}

#[test]
fn who_lost_a_part_saves_nothing_more_and_names_who_has_it() {
    let root = tempfile::tempdir().unwrap();
    whole(root.path());
    for after in [0, 2, 6] {
        let study = root.path().join(format!("study-{after}"));
        let place = study.join(".claims/eoinas/seed-0");
        let observer = TakenOver { claim: place.join("claim-2"), beat: place.join("beat-2"), after };
        let options_of = Options { observers: vec![Box::new(observer)], ..options() };
        let error = share(&study, options_of).unwrap_err();
        assert!(
            matches!(&error, TrainError::Lost { holder, attempt: 2, .. } if holder == "process 7 on elsewhere"),
            "{error}"
        );
        // The checkpoint in which it was taken over is its last one. It had asked before.
        let saved = newest(&place.join("attempt-1"));
        assert!(saved.ends_with(format!("step-{after:09}")), "{}", saved.display());
        assert!(!place.join("attempt-1/result.json").exists() && !study.join("eoinas").exists());
        assert!(matches!(share(&study, options()).unwrap(), Part::Done(_)));
        assert_done(root.path(), &study);
    }
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_the_one_before_it_taken() {
    let root = tempfile::tempdir().unwrap();
    whole(root.path());
    let study = root.path().join("study");
    share(&study, stops_after(5)).unwrap();
    let attempt = study.join(".claims/eoinas/seed-0/attempt-1");
    let weights = newest(&attempt).join("weights.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(share(&study, options()).unwrap(), Part::Done(_)));
    assert_done(root.path(), &study);
}

#[test]
fn a_run_of_before_there_were_claims_is_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    whole(root.path());
    let study = root.path().join("study");
    Search::complete(tiny(), &study.join("eoinas/seed-0"), stops_after(3)).unwrap();
    assert!(matches!(share(&study, options()).unwrap(), Part::Done(_)));
    assert_same(&root.path().join("whole"), &study.join("eoinas/seed-0"));
}

/// A search whose finalists are being trained when it stops: what is trained is not trained again.
#[test]
fn finalists_that_are_trained_are_taken_along() {
    let root = tempfile::tempdir().unwrap();
    let finals = || {
        let network = NetworkConfig { layers: None, ..tiny().network };
        let finalists =
            FinalistsConfig { candidates: 3, epochs: 1, batch_size: 16, network, ..FinalistsConfig::default() };
        SearchConfig { finalists: Some(finalists), ..of(MethodKind::Eoinas, 1) }
    };
    let run = root.path().join("whole");
    Search::complete(finals(), &run, options()).unwrap();
    let study = root.path().join("study");
    let share = |options| {
        let claims = Claims::open(&study, Claims::SILENCE).unwrap();
        Search::share(|_| Ok::<_, TrainError>(finals()), &study.join("part"), options, &claims)
    };
    for _ in 0..12 {
        if let Part::Done(_) = share(stops_after(2)).unwrap() {
            break;
        }
    }
    assert_same(&run, &study.join("part"));
}
