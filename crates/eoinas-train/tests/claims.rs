//! Parts of a study that change hands end in the same bytes, in the place that one process alone would have them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use common::*;
use eoinas_core::event::Record;
use eoinas_train::{
    Claims, FinalistsConfig, Found, MethodKind, Observer, Options, Outcome, Part, Result, Search, SearchConfig,
    StopReason, StopRule, TrainError,
    config::NetworkConfig,
    finalists::Helper,
    stop::{MaxSteps, Progress},
};

/// Twenty seconds of silence, that nobody waits for here.
fn share(study: &Path, options: Options) -> Result<Part<Found>> {
    let claims = Claims::open(study, Claims::SHORTEST * 20)?;
    Search::share(|_| Ok::<_, TrainError>(tiny()), &study.join("eoinas/seed-0"), options, &claims)
}

fn whole(root: &Path) -> PathBuf {
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
    claim: PathBuf,
    beat: PathBuf,
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

fn finals() -> SearchConfig {
    let network = NetworkConfig { layers: None, ..tiny().network };
    let finalists = FinalistsConfig { candidates: 3, epochs: 1, batch_size: 16, network, ..FinalistsConfig::default() };
    SearchConfig { finalists: Some(finalists), ..of(MethodKind::Eoinas, 1) }
}

fn share_finals(study: &Path, options: Options) -> Part<Found> {
    let claims = Claims::open(study, Claims::SHORTEST * 4).unwrap();
    Search::share(|_| Ok::<_, TrainError>(finals()), &study.join("part"), options, &claims).unwrap()
}

/// The finals' folders have the same files but for empty locks, and the same bytes in all that do not tell the time.
fn assert_same_finals(a: &Path, b: &Path) {
    assert_same(a, b);
    let [a, b] = [a, b].map(|run| files(&run.join("finalists")));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    let timed = ["events.jsonl", "log.txt", "manifest.json", "result.json", "SHA256SUMS"];
    for (path, bytes) in &a {
        assert!(timed.iter().any(|name| path.ends_with(name)) || *bytes == b[path], "{}", path.display());
    }
}

fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(".lock") {
                files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// A search whose finalists are being trained when it stops: what is trained is not trained again.
#[test]
fn finalists_that_are_trained_are_taken_along() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("whole");
    Search::complete(finals(), &run, options()).unwrap();
    let study = root.path().join("study");
    for _ in 0..12 {
        if let Part::Done(_) = share_finals(&study, stops_after(2)) {
            break;
        }
    }
    assert_same_finals(&run, &study.join("part"));
    // The same begun by one alone, in its finals.
    let study = root.path().join("alone");
    for _ in 0..4 {
        Search::complete(finals(), &study.join("part"), stops_after(2)).unwrap();
    }
    let trained = fs::read(study.join("part/finalists/round-1/cell-1/events.jsonl")).unwrap();
    assert!(study.join("part/finalists/round-1/cell-2").exists());
    assert!(matches!(share_finals(&study, options()), Part::Done(_)));
    assert_eq!(fs::read(study.join("part/finalists/round-1/cell-1/events.jsonl")).unwrap(), trained);
    assert_same_finals(&run, &study.join("part"));
}

/// Others that come by while the first finalist is trained, which stops then.
#[derive(Debug)]
struct HelpedOnce {
    study: PathBuf,
    helped: Arc<Mutex<Vec<String>>>,
}

impl StopRule for HelpedOnce {
    fn check(&mut self, _: &Progress) -> Option<StopReason> {
        let finals = self.study.join(".claims/part/finalists/round-1/trials.json");
        if !finals.exists() || !self.helped.lock().unwrap().is_empty() {
            return None;
        }
        let claims = Claims::open(&self.study, Claims::SILENCE).unwrap();
        for rules in [vec![], vec![1], vec![], vec![]] {
            let rules = || rules.iter().map(|steps| Box::new(MaxSteps(*steps)) as Box<dyn StopRule>).collect();
            let ended = Helper::new(|| Options { rules: rules(), ..options() }).help(&claims).unwrap();
            let ended = match ended {
                Some(Outcome::Done(run)) => run.display().to_string(),
                Some(Outcome::Stopped(reason)) => reason.name().to_owned(),
                None => "nothing".to_owned(),
            };
            self.helped.lock().unwrap().push(ended);
        }
        Some(StopReason::Interrupted)
    }
}

/// Each finalist is trained by who comes first: who stops is taken over, and who takes the search over finds what is trained.
#[test]
fn finals_are_shared_with_those_that_have_nothing_else_to_do() {
    let root = tempfile::tempdir().unwrap();
    let (run, study) = (root.path().join("whole"), root.path().join("study"));
    Search::complete(finals(), &run, options()).unwrap();
    let helped = Arc::default();
    let rule = HelpedOnce { study: study.clone(), helped: Arc::clone(&helped) };
    let stopped = share_finals(&study, Options { rules: vec![Box::new(rule)], ..options() });
    assert_eq!(stopped, Part::Stopped(StopReason::Interrupted));
    let names = ["part/finalists/round-1/cell-2", "max_steps", "part/finalists/round-1/cell-3", "nothing"];
    assert_eq!(*helped.lock().unwrap(), names);
    let trained =
        |of: &Path| [2, 3].map(|cell| fs::read(of.join(format!("round-1/cell-{cell}/events.jsonl"))).unwrap());
    let before = trained(&study.join(".claims/part/finalists"));
    // Nobody has the search: then this is to be begun, not helped with.
    let claims = Claims::open(&study, Claims::SILENCE).unwrap();
    assert_eq!(Helper::new(options).help(&claims).unwrap(), None);
    assert!(matches!(share_finals(&study, options()), Part::Done(_)));
    assert_eq!(trained(&study.join("part/finalists")), before);
    assert_same_finals(&run, &study.join("part"));
    assert!(!study.join(".claims/part/finalists").exists());
}

/// Many at once, which all wait for each other.
#[test]
fn finals_end_in_the_same_bytes_with_any_number_of_helpers() {
    let root = tempfile::tempdir().unwrap();
    let (run, study) = (root.path().join("whole"), root.path().join("study"));
    Search::complete(finals(), &run, options()).unwrap();
    let work = || {
        let claims = Claims::open(&study, Claims::SHORTEST * 4).unwrap();
        let mut helper = Helper::new(options);
        while let Part::Elsewhere(_) = share_finals(&study, options()) {
            if helper.help(&claims).unwrap().is_none() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    assert_same_finals(&run, &study.join("part"));
}
