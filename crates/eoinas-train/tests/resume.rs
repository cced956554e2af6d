//! A run that is stopped or killed and resumed ends in the same bytes as one that is not.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::*;
use eoinas_core::Event;
use eoinas_train::{
    Found, Outcome, Search, SearchConfig, StopReason, TrainError,
    machine::with_threads,
    stop::{Interrupt, MaxSteps},
};

fn run_to_end(config: SearchConfig, run: &Path) {
    let outcome = Search::create(config, run, options()).unwrap().run().unwrap();
    assert!(matches!(outcome, Outcome::Done(_)));
}

fn run_steps(run: &Path, config: Option<SearchConfig>, steps: u64) -> Outcome<Found> {
    let mut options = options();
    options.rules.push(Box::new(MaxSteps(steps)));
    let mut search = match config {
        Some(config) => Search::create(config, run, options).unwrap(),
        None => Search::resume(run, options).unwrap(),
    };
    search.run().unwrap()
}

#[test]
fn stopping_anywhere_and_resuming_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    run_to_end(tiny(), &whole);
    // 3 epochs of 2 steps: in the warm-up, at the end of an epoch, within a later epoch, at the end.
    for stops in [vec![0], vec![1], vec![2, 1], vec![3], vec![1, 1, 1, 1, 1], vec![6]] {
        let run = dir.path().join(format!("{stops:?}"));
        for (index, &steps) in stops.iter().enumerate() {
            let outcome = run_steps(&run, (index == 0).then(tiny), steps);
            if steps < 6 {
                assert_eq!(outcome, Outcome::Stopped(StopReason::MaxSteps { steps }), "{stops:?}");
            }
        }
        if let Ok(mut search) = Search::resume(&run, options()) {
            assert!(matches!(search.run().unwrap(), Outcome::Done(_)));
        }
        assert_same(&whole, &run);
    }
}

#[test]
fn the_mixture_resumes_to_the_same_bytes_too() {
    let config = SearchConfig {
        epochs: 2,
        ..SearchConfig { network: tiny().network, data: tiny().data, ..SearchConfig::authors() }
    };
    let config = SearchConfig { batch_size: 16, ..config };
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    run_to_end(config.clone(), &whole);
    run_steps(&parts, Some(config), 3);
    assert!(matches!(Search::resume(&parts, options()).unwrap().run().unwrap(), Outcome::Done(_)));
    assert_same(&whole, &parts);
}

#[test]
fn one_and_two_threads_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let runs = [1, 2, 3].map(|threads| {
        let run = dir.path().join(threads.to_string());
        with_threads(Some(threads), || run_to_end(tiny(), &run)).unwrap();
        run
    });
    assert_same(&runs[0], &runs[1]);
    assert_same(&runs[0], &runs[2]);
}

#[test]
fn a_checkpoint_that_was_half_written_is_swept_away() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, run) = (dir.path().join("whole"), dir.path().join("run"));
    run_to_end(tiny(), &whole);
    run_steps(&run, Some(tiny()), 2);
    let half = run.join("checkpoints/.tmp-step-000000004");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("weights.safetensors"), b"half").unwrap();
    // Killed in the middle of a line, too.
    let mut events = fs::read(run.join("events.jsonl")).unwrap();
    events.extend_from_slice(b"{\"seq\":99,");
    fs::write(run.join("events.jsonl"), events).unwrap();
    assert!(matches!(Search::resume(&run, options()).unwrap().run().unwrap(), Outcome::Done(_)));
    assert!(!half.exists());
    assert_same(&whole, &run);
}

#[test]
fn an_interrupt_saves_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let interrupt = Interrupt::default();
    let mut options = options();
    options.rules.push(Box::new(interrupt.clone()));
    let mut search = Search::create(tiny(), &run, options).unwrap();
    interrupt.raise();
    assert_eq!(search.run().unwrap(), Outcome::Stopped(StopReason::Interrupted));
    assert!(newest(&run).join("manifest.json").exists());
}

#[test]
fn a_finished_run_is_not_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    run_to_end(SearchConfig { epochs: 1, ..tiny() }, &run);
    let error = Search::resume(&run, options()).unwrap_err();
    assert!(matches!(&error, TrainError::Finished { .. }));
    assert!(error.to_string().contains("is finished: Genotype(normal="), "{error}");
}

#[test]
fn only_the_last_two_checkpoints_and_the_best_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    run_to_end(SearchConfig { epochs: 6, ..tiny() }, &run);
    let count = fs::read_dir(run.join("checkpoints")).unwrap().count();
    assert!((2..=3).contains(&count), "{count}");
    assert!(newest(&run).ends_with("step-000000012"));
}

#[test]
fn a_folder_has_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let search = Search::create(tiny(), &run, options()).unwrap();
    for error in [Search::resume(&run, options()).unwrap_err(), Search::complete(tiny(), &run, options()).unwrap_err()]
    {
        assert!(matches!(&error, TrainError::Busy { .. }), "{error}");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    }
    drop(search);
    assert!(matches!(Search::resume(&run, options()).unwrap().run().unwrap(), Outcome::Done(_)));
}

#[test]
fn a_finished_run_is_read_without_its_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    run_to_end(tiny(), &run);
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let before = fs::read(run.join("result.json")).unwrap();
    assert!(matches!(Search::complete(tiny(), &run, options()).unwrap(), Outcome::Done(_)));
    assert_eq!(fs::read(run.join("result.json")).unwrap(), before);
}

mod damaged {
    use super::*;

    /// A stopped run, damaged by `damage` in its newest checkpoint, and the error when it is resumed.
    fn resumed(damage: impl FnOnce(&Path)) -> TrainError {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        run_steps(&run, Some(tiny()), 1);
        damage(&newest(&run));
        Search::resume(&run, options()).unwrap_err()
    }

    fn edit(folder: &Path, from: &str, to: &str) {
        let path = folder.join("manifest.json");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    #[test]
    fn each_missing_file_is_named() {
        for name in ["manifest.json", "state.json", "weights.safetensors", "optimizer.safetensors"] {
            let error = resumed(|folder| fs::remove_file(folder.join(name)).unwrap());
            assert!(error.to_string().contains(name) && error.to_string().contains("missing"), "{error}");
        }
    }

    #[test]
    fn each_corrupted_file_is_named_with_its_field() {
        for name in ["state.json", "weights.safetensors", "optimizer.safetensors"] {
            let error = resumed(|folder| {
                let mut bytes = fs::read(folder.join(name)).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(folder.join(name), bytes).unwrap();
            });
            let text = error.to_string();
            assert!(text.contains(name) && text.contains("sha256") && text.contains("move this"), "{text}");
            let error = resumed(|folder| fs::write(folder.join(name), b"short").unwrap());
            assert!(error.to_string().contains("bytes is 5"), "{error}");
        }
    }

    #[test]
    fn a_manifest_that_is_no_json_or_of_something_else_is_refused() {
        let error = resumed(|folder| fs::write(folder.join("manifest.json"), b"{ not json").unwrap());
        assert!(error.to_string().contains("manifest.json is not what a checkpoint has there"), "{error}");
        for (from, to, field) in [
            ("\"version\": 2", "\"version\": 3", "version is `3`, expected `1` or `2`"),
            ("eoinas-checkpoint", "zip", "format is `zip`"),
            ("\"kind\": \"search\"", "\"kind\": \"train\"", "subject.kind is `train`, expected `search`"),
            ("\"name\": \"darts\"", "\"name\": \"mine\"", "subject.name is `mine`, expected `darts`"),
        ] {
            let error = resumed(|folder| edit(folder, from, to)).to_string();
            assert!(error.contains("manifest.json") && error.contains(field), "{error}");
        }
    }

    #[test]
    fn another_space_of_the_same_name_is_refused() {
        let error = resumed(|folder| {
            let path = folder.join("manifest.json");
            let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            value["subject"]["sha256"] = "0".into();
            fs::write(path, value.to_string()).unwrap();
        });
        assert!(matches!(&error, TrainError::Mismatch { field: "subject.sha256", .. }));
    }

    #[test]
    fn a_folder_without_checkpoints_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = Search::resume(&dir.path().join("nowhere"), options()).unwrap_err().to_string();
        assert!(error.contains("nowhere"), "{error}");
        let run = dir.path().join("run");
        drop(Search::create(tiny(), &run, options()).unwrap());
        fs::remove_dir_all(run.join("checkpoints")).unwrap();
        let error = Search::resume(&run, options()).unwrap_err().to_string();
        assert!(error.contains("holds no checkpoint"), "{error}");
    }

    #[test]
    fn a_manifest_that_was_changed_is_refused() {
        for (from, to) in
            [("\"events\": ", "\"events\": 1"), ("\"step\": 1", "\"step\": 2"), ("\"sha256\"", "\"sha257\"")]
        {
            let error = resumed(|folder| edit(folder, from, to)).to_string();
            assert!(error.contains("manifest.json") && error.contains("sha256"), "{error}");
        }
    }

    #[test]
    fn nothing_but_plain_files_of_the_checkpoint_is_read() {
        for name in ["../../config.json", "/dev/zero", "extra.json"] {
            // Version 1 had no hash of the manifest.
            let error = resumed(|folder| {
                let path = folder.join("manifest.json");
                let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                value["version"] = 1.into();
                value.as_object_mut().unwrap().remove("sha256");
                value["files"][name] = value["files"]["state.json"].clone();
                fs::write(path, value.to_string()).unwrap();
            });
            assert!(
                error.to_string().contains(&format!("lists `{name}`, which is no file of a checkpoint")),
                "{error}"
            );
        }
        #[cfg(unix)]
        {
            let error = resumed(|folder| {
                let path = folder.join("weights.safetensors");
                fs::rename(&path, folder.join("elsewhere")).unwrap();
                std::os::unix::fs::symlink("elsewhere", &path).unwrap();
            });
            assert!(error.to_string().contains("no plain file but a link"), "{error}");
        }
    }

    #[test]
    fn settings_that_were_changed_are_refused() {
        let error = resumed(|folder| {
            let path = folder.ancestors().nth(2).unwrap().join("config.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains("0.025"));
            fs::write(path, text.replacen("0.025", "2.025", 1)).unwrap();
        });
        assert!(matches!(&error, TrainError::Changed { .. }), "{error}");
        assert!(error.to_string().contains("config.json"), "{error}");
        // Nor does it help to take away what says so.
        let error = resumed(|folder| {
            fs::remove_file(folder.ancestors().nth(2).unwrap().join("SHA256SUMS")).unwrap();
        });
        assert!(matches!(&error, TrainError::Changed { path, .. } if path.ends_with("SHA256SUMS")), "{error}");
    }

    /// How the vector instructions were named for a while.
    #[test]
    fn the_same_instructions_by_an_earlier_name_are_the_same() {
        let made_on = |vectors: &str| -> eoinas_train::checkpoint::MadeOn {
            serde_json::from_value(serde_json::json!({ "vectors": vectors, "device": "cpu" })).unwrap()
        };
        assert_eq!(made_on("level(avx512)"), made_on("avx512"));
        assert_eq!(made_on("avx2").to_string(), "cpu with avx2 instructions");
    }

    #[test]
    fn a_checkpoint_of_version_1_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, run) = (dir.path().join("whole"), dir.path().join("run"));
        run_to_end(tiny(), &whole);
        run_steps(&run, Some(tiny()), 3);
        let path = newest(&run).join("manifest.json");
        let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        value["version"] = 1.into();
        for field in ["sha256", "record", "made_on"] {
            value.as_object_mut().unwrap().remove(field).unwrap();
        }
        fs::write(path, value.to_string()).unwrap();
        fs::remove_file(run.join("SHA256SUMS")).unwrap();
        // It took a folder beside the embedded set, and did not look into it.
        let config = run.join("config.json");
        let settings = fs::read_to_string(&config).unwrap();
        fs::write(&config, settings.replacen("\"dir\": null", "\"dir\": \"pictures\"", 1)).unwrap();
        assert!(matches!(Search::resume(&run, options()).unwrap().run().unwrap(), Outcome::Done(_)));
        assert_same(&whole, &run);
    }

    #[test]
    fn one_that_was_made_elsewhere_is_gone_on_with_and_it_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        run_steps(&run, Some(tiny()), 3);
        let path = newest(&run).join("manifest.json");
        let mut value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        value["version"] = 1.into();
        value.as_object_mut().unwrap().remove("sha256").unwrap();
        value["made_on"] = serde_json::json!({ "vectors": "sve", "device": "cuda" });
        fs::write(path, value.to_string()).unwrap();
        drop(Search::resume(&run, options()).unwrap());
        let said =
            |event: &Event| matches!(event, Event::Warning { text } if text.contains("cuda with sve instructions"));
        assert!(events(&run).iter().any(said));
    }

    #[test]
    fn a_record_that_is_lost_or_damaged_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, run) = (dir.path().join("whole"), dir.path().join("run"));
        run_to_end(tiny(), &whole);
        run_steps(&run, Some(tiny()), 3);
        let path = run.join("events.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("epoch_end", "epoch_eng", 1)).unwrap();
        assert!(matches!(Search::resume(&run, options()).unwrap().run().unwrap(), Outcome::Done(_)));
        let (whole, mended) = (events(&whole), events(&run));
        // The note stands where it went on.
        let notes = mended.iter().filter(|event| matches!(event, Event::Warning { text } if text.contains("damaged")));
        assert_eq!((notes.count(), mended.len()), (2, whole.len() + 1));
        assert!(run.join("events.damaged-1.jsonl").is_file());
        assert_eq!(whole.last(), mended.last());
    }
}
