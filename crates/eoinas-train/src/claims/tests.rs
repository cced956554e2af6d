use std::{thread, time::Instant};

use super::*;
use crate::SearchConfig;

fn claims(study: &Path) -> Claims {
    Claims::open(study, Claims::SHORTEST).unwrap()
}

fn mine(taken: Taken) -> Claim {
    match taken {
        Taken::Mine(claim) => claim,
        Taken::Others(holder) => panic!("{holder} has it"),
    }
}

/// A claim of a process of another machine, with a sign of life that never changes.
fn of_another(study: &Path, part: &str) {
    let place = study.join(names::CLAIMS).join(part);
    fs::create_dir_all(&place).unwrap();
    let holder = r#"{"host": "elsewhere", "process": 7, "attempt": 1, "token": "x", "machine": "other", "began": 1}"#;
    fs::write(place.join("claim-1"), holder).unwrap();
    fs::write(place.join("beat-1"), "12\n").unwrap();
}

#[test]
fn of_many_that_try_one_has_it() {
    let root = tempfile::tempdir().unwrap();
    for part in ["a/b", "c"] {
        let run = root.path().join(part);
        let won: Vec<Claim> = thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| claims(root.path()).take(&run).unwrap())).collect();
            let taken = all.into_iter().map(|thread| thread.join().unwrap());
            taken.filter_map(|taken| if let Taken::Mine(claim) = taken { Some(claim) } else { None }).collect()
        });
        assert_eq!(won.len(), 1);
        won[0].check().unwrap();
        let Taken::Others(holder) = claims(root.path()).take(&run).unwrap() else { panic!() };
        assert_eq!((holder.process, holder.attempt), (std::process::id(), 1));
    }
}

#[test]
fn what_is_let_go_of_is_free_at_once() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("part");
    let copy = {
        let claim = mine(claims(root.path()).take(&run).unwrap());
        claim.clone()
    };
    assert!(matches!(claims(root.path()).take(&run).unwrap(), Taken::Others(_)));
    drop(copy);
    assert_eq!(mine(claims(root.path()).take(&run).unwrap()).attempt(), 2);
}

#[test]
fn who_is_silent_loses_the_part_and_learns_to_whom() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("part");
    of_another(root.path(), "part");
    let (claims, begun) = (claims(root.path()), Instant::now());
    let claim = loop {
        match claims.take(&run).unwrap() {
            Taken::Mine(claim) => break claim,
            Taken::Others(holder) => assert_eq!(holder.to_string(), "process 7 on elsewhere"),
        }
        thread::sleep(claims.pause());
    };
    assert!(begun.elapsed() >= Claims::SHORTEST && claim.attempt() == 2);
    // Another takes it from here.
    assert!(Claim::make(&claims, &run, 2).unwrap().is_none());
    let next = Claim::make(&claims, &run, 3).unwrap().unwrap();
    let error = claim.check().unwrap_err();
    let me = format!("process {} on ", std::process::id());
    assert!(matches!(&error, TrainError::Lost { attempt: 3, holder, .. } if holder.starts_with(&me)), "{error}");
    next.check().unwrap();
    // The thread that gives signs of life has seen it too, before long.
    let deadline = Instant::now() + Duration::from_secs(20);
    while claim.check_known().is_ok() && Instant::now() < deadline {
        thread::sleep(claims.pause());
    }
    assert!(claim.check_known().is_err());
}

/// As version numbers of Linux's kernel and of containers have it; elsewhere silence alone tells.
#[test]
#[cfg(target_os = "linux")]
fn a_process_of_this_machine_that_is_gone_is_dead_at_once() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("part");
    let claims = claims(root.path());
    drop(mine(claims.take(&run).unwrap()));
    let place = claims.place(&run);
    // This process, as if its number had been another's before.
    let mut holder: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(place.join("claim-1")).unwrap()).unwrap();
    holder["began"] = 1.into();
    fs::write(place.join("claim-1"), holder.to_string()).unwrap();
    fs::write(place.join("beat-1"), "12\n").unwrap();
    assert_eq!(mine(claims.take(&run).unwrap()).attempt(), 2);
}

#[test]
fn a_claim_that_cannot_be_read_is_one_of_somebody() {
    let root = tempfile::tempdir().unwrap();
    of_another(root.path(), "part");
    fs::write(root.path().join(".claims/part/claim-1"), "").unwrap();
    let Taken::Others(holder) = claims(root.path()).take(&root.path().join("part")).unwrap() else { panic!() };
    assert_eq!(holder.to_string(), "another process");
}

#[test]
fn a_claim_that_is_removed_is_put_back_by_its_holder() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("part");
    let claims = claims(root.path());
    let claim = mine(claims.take(&run).unwrap());
    let (place, begun) = (claims.place(&run), Instant::now());
    while !place.join("beat-1").exists() && begun.elapsed() < Duration::from_secs(20) {
        thread::sleep(claims.pause());
    }
    fs::remove_file(place.join("claim-1")).unwrap();
    // Nobody else gets it: its signs of life are there.
    let Taken::Others(holder) = claims.take(&run).unwrap() else { panic!() };
    assert_eq!((holder.attempt, holder.to_string()), (1, "another process".to_owned()));
    claim.check().unwrap();
    let Taken::Others(holder) = claims.take(&run).unwrap() else { panic!() };
    assert_eq!(holder.process, std::process::id());
    // One that is gone as well has left its number: the next goes on from what it has saved.
    drop(claim);
    fs::remove_file(place.join("claim-1")).unwrap();
    assert_eq!(mine(claims.take(&run).unwrap()).attempt(), 2);
}

#[test]
fn a_part_of_which_all_is_removed_begins_anew() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("part");
    let claims = claims(root.path());
    let claim = mine(claims.take(&run).unwrap());
    // A sign of life that is written meanwhile keeps the folder.
    let begun = Instant::now();
    while fs::remove_dir_all(claims.place(&run)).is_err() && begun.elapsed() < Duration::from_secs(20) {}
    assert!(matches!(claim.check().unwrap_err(), TrainError::Removed { path } if path == run));
    let next = mine(claims.take(&run).unwrap());
    assert_eq!(next.attempt(), 1);
    assert!(matches!(claim.check().unwrap_err(), TrainError::Removed { .. }));
    // The end of the one who lost it is not that of the other.
    drop(claim);
    next.check().unwrap();
    assert!(matches!(claims.take(&run).unwrap(), Taken::Others(_)));
}

#[test]
fn of_many_that_note_settings_all_have_those_of_one() {
    let root = tempfile::tempdir().unwrap();
    let study = root.path().join("study");
    let all: Vec<Result<()>> = thread::scope(|scope| {
        let note = |of: u64| note(root.path(), "study.json", &SearchConfig { seed: of % 2, ..SearchConfig::quick() });
        let all: Vec<_> = (0..8).map(|of| scope.spawn(move || note(of))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(all.iter().filter(|noted| noted.is_ok()).count(), 4);
    for error in all.into_iter().filter_map(std::result::Result::err) {
        assert!(matches!(&error, TrainError::OtherSettings { setting, .. } if setting == "seed"), "{error}");
    }
    assert!(!are_noted(&study, "study.json", &SearchConfig::quick()).unwrap());
    note(&study, "study.json", &SearchConfig::quick()).unwrap();
    assert!(are_noted(&study, "study.json", &SearchConfig::quick()).unwrap());
    fs::write(study.join("study.json"), "{").unwrap();
    assert!(matches!(note(&study, "study.json", &SearchConfig::quick()), Err(TrainError::Invalid { .. })));
}
