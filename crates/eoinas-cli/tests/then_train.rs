//! `eoinas search --then-train` as a process: from images to a saved network, interrupted in either part.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path, process::Command, thread::sleep, time::Duration};

use common::{assert_same, cifar, eoinas, run, start, text};
use eoinas_nn::saved::SavedNetwork;

const TINY: [&str; 18] = [
    "--preset",
    "quick",
    "--then-train",
    "--epochs",
    "8",
    "--train-epochs",
    "3",
    "--train-images",
    "128",
    "--batch-size",
    "16",
    "--channels",
    "4",
    "--cells",
    "3",
    "--threads",
    "1",
    "--out",
];

/// Where nothing is said of what is searched for and how.
#[test]
fn a_search_without_flags_is_all_that_there_is_to_show() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let output = run("search", &["--max-steps", "1", "--out", out.to_str().unwrap()]);
    let said = text(&output.stderr);
    if said.contains("for one epoch of these settings") {
        println!("skipped: this machine is too busy for a search in three minutes");
        return;
    }
    assert!(output.status.success(), "{said}");
    let read =
        |name: &str| -> serde_json::Value { serde_json::from_slice(&fs::read(out.join(name)).unwrap()).unwrap() };
    let config = read("config.json");
    assert_eq!((&config["preset"], &config["data"]["dataset"]), (&"recommended".into(), &"embedded-v2".into()));
    assert!(["training.json", "baselines.json", "time.json"].iter().all(|plan| out.join(plan).exists()));
    // A training this short is what its finals are, too, and as long unless that leaves time over or takes too much.
    let (training, finalists) = (read("training.json"), &config["finalists"]);
    for setting in ["batch_size", "network"] {
        assert_eq!(finalists[setting], training[setting], "{setting}");
    }
}

/// What follows several seeds goes on, too, and of a few images a data set of photographs has a search as a folder of pictures has.
#[test]
fn what_follows_several_seeds_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("cifar"), dir.path().join("out"));
    cifar(&data, 2);
    let flags = ["--data", data.to_str().unwrap(), "--seeds", "2", "--channels", "4", "--cells", "3", "--then-train"];
    let more = ["--train-epochs", "2", "--out", out.to_str().unwrap()];
    let output = run("search", &[&flags[..], &more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let network = out.join("training/network/model.safetensors");
    let before = fs::read(&network).unwrap();
    fs::remove_dir_all(out.join("training")).unwrap();
    let output = run("search", &["--resume", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fs::read(&network).unwrap(), before);
}

/// Finals of minutes find nothing better among photographs than what is known in seconds: the training has their time.
#[test]
fn of_photographs_the_training_has_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("cifar"), dir.path().join("out"));
    cifar(&data, 400);
    let search = |out: &Path, more: &[&str]| {
        let flags =
            ["--data", data.to_str().unwrap(), "--time", "120s", "--channels", "4", "--cells", "3", "--max-steps", "1"];
        let output = eoinas("search").args(flags).args(more).arg("--out").arg(out).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let config: serde_json::Value = serde_json::from_slice(&fs::read(out.join("config.json")).unwrap()).unwrap();
        (config, text(&output.stderr))
    };
    let (config, said) = search(&out, &["--then-train"]);
    let finalists = &config["finalists"];
    assert_eq!(
        (&finalists["candidates"], &finalists["drawn"], &config["epochs"]),
        (&1.into(), &1000.into(), &1.into())
    );
    let seconds = said.split("the training: ").nth(1).and_then(|plan| plan.split(", ").nth(1));
    let seconds: f64 = seconds.and_then(|seconds| seconds.split(' ').next()).unwrap().parse().unwrap();
    assert!(seconds > 60.0 && seconds <= 120.0, "{said}");
    // Nor is more asked for than there is time for.
    let flags =
        ["--data", data.to_str().unwrap(), "--time", "60s", "--then-train", "--train-epochs", "100000", "--out"];
    let output = eoinas("search").args(flags).arg(dir.path().join("long")).output().unwrap();
    assert!(text(&output.stderr).contains("--train-epochs is 100000; expected at most"), "{}", text(&output.stderr));
    // A search alone has nothing else to spend it on, and who asks for finals has them.
    assert_ne!(search(&dir.path().join("alone"), &[]).0["finalists"]["candidates"], 1);
    assert!(said.contains("of 2000 images"), "{said}");
    let asked = search(&dir.path().join("asked"), &["--then-train", "--finalists", "3"]);
    assert_ne!(asked.0["finalists"]["candidates"], 1);
}

#[test]
fn from_images_to_a_network_that_classifies() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let output = run("search", &[&TINY[..], &[out.to_str().unwrap(), "--baselines"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for part in [
        "of a random cell, trained alike",
        "a linear classifier on the pixels",
        "10.00 %  naming the same class always",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("test pictures are right") && said.contains("eoinas classify "), "{said}");
    let saved = SavedNetwork::read(&out.join("training/network")).unwrap();
    assert_eq!(saved.description.target.outputs(), 10);
    // Whatever is done is not done again.
    let again = run("search", &["--resume", out.to_str().unwrap()]);
    assert_eq!(text(&again.stdout), said, "{}", text(&again.stderr));
}

#[test]
#[cfg(unix)]
fn goes_on_with_the_part_that_was_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, stopped) = (dir.path().join("whole"), dir.path().join("stopped"));
    assert!(run("search", &[&TINY[..], &[whole.to_str().unwrap()]].concat()).status.success());
    let path = stopped.to_str().unwrap();
    let mut child = start("search", &[&TINY[..], &[path]].concat());
    // Once in the search, then in the training.
    for sign in ["checkpoints/step-000000004", "training/checkpoints"] {
        while !stopped.join(sign).is_dir() {
            sleep(Duration::from_millis(1));
        }
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{errors}");
        assert!(errors.contains("stopped: interrupted") && errors.contains("eoinas search --resume"));
        assert!(!stopped.join("training/result.json").exists());
        child = start("search", &["--resume", path, "--threads", "2"]);
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_same(&whole, &stopped, &["genotype.txt", "genotype.json"]);
    let network = |run: &Path| fs::read(run.join("training/network/model.safetensors")).unwrap();
    assert!(network(&whole) == network(&stopped));
}

#[test]
fn the_network_keeps_to_the_limits_that_were_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let asked = ["--baselines", "--max-parameters", "9k", "--max-multiply-adds", "2M", "--json"];
    let output = run("search", &[&TINY[..], &[out.to_str().unwrap()], &asked].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    let trained = &json["trained"];
    for of in [&json, trained, &json["baselines"]["random_cell"]] {
        let (parameters, multiply_adds) = (of["parameters"].as_u64().unwrap(), of["multiply_adds"].as_u64().unwrap());
        assert!(parameters <= 9000 && multiply_adds <= 2_000_000, "{of}");
    }
    for name in ["parameters", "multiply_adds", "channels", "cells"] {
        assert_eq!(json[name], trained[name], "{name}");
    }
    assert!(json["paper_form"]["parameters"].as_u64().unwrap() > 1_000_000 && json["paper_form"]["cells"] == 20);
    let saved = SavedNetwork::read(&out.join("training/network")).unwrap();
    assert_eq!(
        saved.description.architecture.skeleton().unwrap().channels as u64,
        trained["channels"].as_u64().unwrap()
    );

    let nowhere = dir.path().join("nowhere");
    let output = run("search", &[&TINY[..], &[nowhere.to_str().unwrap(), "--max-parameters", "100"]].concat());
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("--max-parameters is 100; expected at least"), "{error}");
    assert!(error.contains("the smallest of all takes") && !nowhere.exists(), "{error}");
}

#[test]
fn a_training_goes_on_with_what_the_finals_have_trained() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (settings, out, planned) = (at("settings.toml"), at("out"), at("planned"));
    let finals = "[finalists]\ncandidates = 2\nrandom = 1.0\nepochs = 1\nreduction = 1000\nheld_out = 0.25\nbatch_size = 16\n\
        learning_rate_end = 0.03\n[finalists.network]\nchannels = 3\ncells = 3\n";
    fs::write(&settings, finals).unwrap();
    let small = ["--train-images", "64", "--epochs", "1", "--channels", "4", "--cells", "3", "--threads", "1"];
    let flags = ["--config", settings.to_str().unwrap(), "--out"];
    let search =
        |out: &Path, more: &[&str]| run("search", &[&small[..], &flags, &[out.to_str().unwrap()], more].concat());
    let output = search(&out, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // What `--time` plans.
    search(&planned, &["--then-train", "--train-epochs", "4", "--max-steps", "1"]);
    fs::copy(planned.join("training.json"), out.join("training.json")).unwrap();
    fs::write(out.join("going-on.json"), r#"{"epochs": 2, "learning_rate": 0.03}"#).unwrap();
    let stopped = run("search", &["--resume", out.to_str().unwrap(), "--max-steps", "1"]);
    assert!(text(&stopped.stderr).contains("stopped"), "{}", text(&stopped.stderr));
    let first = out.join("training/checkpoints/step-000000000/weights.safetensors");
    let read = |path: &Path| -> serde_json::Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let config = read(&out.join("training/config.json"));
    let network = Path::new(config["init"]["network"].as_str().unwrap());
    assert!(network.starts_with(out.join("finalists/round-1")), "{network:?}");
    let rate = &config["weights"]["learning_rate"];
    assert_eq!((&config["epochs"], &rate["start"], &rate["end"]), (&2.into(), &0.03.into(), &0.0.into()));
    // It began with all of the winner's weights, those of the head, too.
    let tensors = |path: &Path| candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();
    let (begun, winner) = (tensors(&first), tensors(&network.join("model.safetensors")));
    let values = |of: &candle_core::Tensor| of.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(winner.contains_key("classifier.weight"));
    assert!(winner.iter().all(|(name, tensor)| values(tensor) == values(&begun[name])));
    // What has begun goes on wherever the folder is.
    let moved = at("moved");
    fs::rename(&out, &moved).unwrap();
    let output = run("search", &["--resume", moved.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let trained = read(&moved.join("training/result.json"));
    let found = read(&moved.join("result.json"));
    assert_eq!(trained["genotype"], found["genotype"]);
}
