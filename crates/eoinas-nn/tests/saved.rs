//! Saved networks: that they come back as they were, and what is wrong with broken ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

#[path = "common/nets.rs"]
mod nets;

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use common::flat;
use eoinas_core::{
    CellSpec, Genotype, NumberInfo, Op, SearchSpace, Skeleton, Streams, TargetInfo, TargetKind, ValueKind, count, zoo,
};
use eoinas_nn::saved::{self, Framing, Normalisation, SavedNetwork};
use eoinas_nn::{DerivedNetwork, NnError, Operations, PassOptions, Supernet, Wanted};
use nets::batch;
use tempfile::TempDir;

fn skeleton() -> Skeleton {
    Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() }.with_image(3, 32, 32)
}

fn network(name: &str, skeleton: &Skeleton) -> DerivedNetwork {
    let genotype = zoo::find(name).unwrap().genotype();
    let (space, operations) = (genotype.space().unwrap(), Operations::built_in());
    let streams = Streams::new(3);
    DerivedNetwork::with_auxiliary(&genotype, &space, skeleton, &operations, &streams, &Device::Cpu).unwrap()
}

fn classes() -> TargetInfo {
    TargetInfo::Classes(["ant", "bee", "cat", "dog", "eel"].map(String::from).to_vec())
}

fn normalisation() -> Normalisation {
    Normalisation { mean: vec![0.1, 0.5, 0.25], std: vec![0.25, 0.5, 0.125], ..Normalisation::default() }
}

fn save(dir: &Path, network: &DerivedNetwork) -> Result<(), NnError> {
    saved::save(dir, network, &classes(), &normalisation(), Framing::Centre)
}

/// A saved network in a folder of its own.
fn saved(name: &str, skeleton: &Skeleton) -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("net");
    save(&dir, &network(name, skeleton)).unwrap();
    (root, dir)
}

fn build(dir: &Path) -> Result<DerivedNetwork, NnError> {
    SavedNetwork::read(dir)?.build(&Operations::built_in(), &Device::Cpu)
}

#[test]
fn a_network_comes_back_as_it_was() {
    let bench = Skeleton { classes: 5, ..Skeleton::nas_bench_201(1) };
    for (name, skeleton) in [("darts-v2", skeleton()), ("nasnet-a", skeleton()), ("nas-bench-201-best", bench)] {
        let net = network(name, &skeleton);
        let batch = batch(&skeleton, 6, 0);
        net.train_pass(&batch, &PassOptions { auxiliary_weight: 0.4, ..PassOptions::default() }).unwrap();
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("net");
        save(&dir, &net).unwrap();
        let there = SavedNetwork::read(&dir).unwrap();
        assert_eq!(&there.description.architecture, net.architecture());
        assert_eq!(there.description.architecture.skeleton(), Some(&skeleton));
        assert_eq!((there.description.target.clone(), there.description.framing), (classes(), Framing::Centre));
        assert_eq!(there.description.normalisation, normalisation());
        let back = there.build(&Operations::built_in(), &Device::Cpu).unwrap();
        assert_eq!(back.evaluate(&batch).unwrap().loss, net.evaluate(&batch).unwrap().loss, "{name}");
        assert!(back.parameters().iter().all(|(_, parameter)| !parameter.name().starts_with("auxiliary")));
        let names: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["net"], "nothing else is left");
    }
}

#[test]
fn nothing_is_overwritten() {
    let (_root, dir) = saved("darts-v2", &skeleton());
    let before = fs::read(dir.join("network.json")).unwrap();
    let error = save(&dir, &network("darts-v1", &skeleton())).unwrap_err();
    assert!(matches!(error, NnError::Exists { ref path } if *path == dir), "{error}");
    assert_eq!(fs::read(dir.join("network.json")).unwrap(), before);
    let file = dir.with_file_name("file");
    fs::write(&file, "mine").unwrap();
    assert!(matches!(save(&file, &network("darts-v1", &skeleton())), Err(NnError::Exists { .. })));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    // An empty folder is as good as none.
    let empty = dir.with_file_name("empty");
    fs::create_dir(&empty).unwrap();
    save(&empty, &network("darts-v1", &skeleton())).unwrap();
    assert!(build(&empty).is_ok());
    let error = save(&dir.join("no/parent"), &network("darts-v1", &skeleton())).unwrap_err();
    assert!(matches!(error, NnError::File { done: "written", .. }), "{error}");
}

#[test]
fn weights_of_another_network_are_named() {
    let (_root, dir) = saved("darts-v2", &skeleton());
    let (_other_root, other) = saved("darts-v2", &Skeleton { channels: 6, ..skeleton() });
    fs::copy(other.join("model.safetensors"), dir.join("model.safetensors")).unwrap();
    let error = build(&dir).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, NnError::Weights { .. }) && text.contains(" has shape ["), "{text}");
    assert!(text.contains("cells.0.edges.0.sep_conv_3x3.0.bn.beta") && text.contains("[6]") && text.contains("[4]"));

    let (_other_root, other) = saved("darts-v1", &skeleton());
    fs::copy(other.join("model.safetensors"), dir.join("model.safetensors")).unwrap();
    let error = build(&dir).unwrap_err();
    assert!(matches!(error, NnError::Weights { .. }), "{error}");
}

/// The description with one text replaced by another.
fn with_text(dir: &Path, from: &str, to: &str) -> NnError {
    let path = dir.join("network.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let error = build(dir).unwrap_err();
    fs::write(&path, text).unwrap();
    assert!(error.to_string().contains(&dir.display().to_string()), "{error}");
    error
}

/// What is wrong with a description.
fn problem(error: &NnError) -> &str {
    match error {
        NnError::Description { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

/// A space of three kinds, placed by a skeleton of one's own: all three are searched, counted, trained and saved.
#[test]
fn three_kinds_are_all_in_the_network() {
    let cell = |name, reduction| CellSpec::dense(name, 2, 1, reduction);
    let cells = vec![cell("early", false), cell("down", true), cell("late", false)];
    let space = SearchSpace::new("three", vec![Op::SkipConnect, Op::SepConv3x3, Op::NorConv1x1], cells).unwrap();
    let skeleton =
        Skeleton { channels: 4, ..skeleton() }.with_layers(["early", "down", "early", "late", "down", "late"]);
    let (operations, streams) = (Operations::built_in(), Streams::new(3));
    let supernet = Supernet::new(&space, &skeleton, &operations, &streams, &Device::Cpu).unwrap();
    let gates = nets::path(&space, &supernet.alive(), 1);
    let batch = batch(&skeleton, 6, 0);
    let output = supernet.pass(&batch, &gates, Wanted::GATES, &PassOptions::default()).unwrap();
    assert_eq!(output.ops_run, 6 * 2);
    for (kind, edges) in output.gate_gradients.unwrap().kinds.iter().enumerate() {
        assert!(edges.iter().flatten().all(|gate| gate.value != 0.0), "kind {kind} is in the network");
    }

    let text = |late: &str| {
        let cell = |name, op| format!("{name}=[('sep_conv_3x3', 0), ('{op}', 1)], {name}_concat=[2]");
        let cells = [cell("early", "skip_connect"), cell("down", "nor_conv_1x1"), cell("late", late)];
        format!("Genotype({})", cells.join(", "))
    };
    let count = |late: &str| {
        let genotype = Genotype::parse_in(&text(late), &space).unwrap();
        let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &streams, &Device::Cpu).unwrap();
        let counted = count::network(&genotype, &skeleton, &space).unwrap().parameters;
        assert_eq!(net.parameters().count(), counted);
        (net, counted)
    };
    // Two cells of the kind `late`, of 8 and of 16 channels, get a 1x1 convolution with its BatchNorm.
    let ((net, with), (_, without)) = (count("nor_conv_1x1"), count("skip_connect"));
    assert_eq!(with - without, (8 * 8 + 16) + (16 * 16 + 32));

    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("net");
    net.train_pass(&batch, &PassOptions::default()).unwrap();
    save(&dir, &net).unwrap();
    let again = build(&dir).unwrap();
    assert_eq!((again.skeleton(), again.genotype()), (net.skeleton(), net.genotype()));
    assert_eq!(flat(&again.logits(batch.images()).unwrap()), flat(&net.logits(batch.images()).unwrap()));
    // A reader that knows no placement would build another network: the version says so.
    assert!(fs::read_to_string(dir.join("network.json")).unwrap().contains("\"version\": 2"));
}

#[test]
fn broken_descriptions() {
    let (_root, dir) = saved("darts-v2", &skeleton());
    let error = with_text(&dir, "\"version\": 1", "\"version\": 5");
    assert!(matches!(&error, NnError::Version { field: "version", got, .. } if got == "5"), "{error}");
    let error = with_text(&dir, "\"version\": 1", "\"version\": 3");
    assert!(error.to_string().contains("version 3 says by `target` alone what the outputs are"), "{error}");
    let error = with_text(&dir, "eoinas-network", "eoinas-genotype");
    assert!(matches!(error, NnError::Version { field: "format", .. }), "{error}");
    let error = with_text(&dir, "\"ant\",", "");
    assert!(problem(&error).contains("4 classes are named, but the network has 5 outputs"), "{error}");
    let error = with_text(&dir, "0.125", "0.0");
    assert!(problem(&error).starts_with("normalisation: "), "{error}");
    let error = with_text(&dir, "0.125", "0.125, 0.125");
    assert!(problem(&error).starts_with("normalisation: "), "{error}");
    let error = with_text(&dir, "sep_conv_3x3", "sep_konv_3x3");
    assert!(problem(&error).starts_with("genotype: line 1, column "), "{error}");
    let error = with_text(&dir, "\"channels\": 4", "\"channels\": 0");
    assert!(problem(&error).starts_with("network.channels is 0; expected "), "{error}");
    let error = with_text(&dir, "\"channels\": 4", "\"channels\": 16384");
    assert!(
        matches!(&error, NnError::Weights { problem, .. } if problem.contains("describes a network of")),
        "{error}"
    );
    let error = with_text(&dir, "\"skeleton\"", "\"skelett\"");
    assert!(problem(&error).starts_with("is not the description of a network: "), "{error}");
    let error = with_text(&dir, "{", "");
    assert!(problem(&error).starts_with("is not the description of a network: "), "{error}");
}

/// What earlier programs cannot read is of a version that they refuse.
#[test]
fn other_tasks_and_inputs_come_back_and_have_a_version_of_their_own() {
    let number = |name: &str| NumberInfo { name: name.into(), unit: "degrees".into(), mean: 90.0, std: 52.0 };
    let numbers = TargetInfo::Numbers(["a", "b", "c", "d", "e"].map(number).to_vec());
    let labels = TargetInfo::Labels(classes().names().into_iter().map(str::to_owned).collect());
    let floats = Normalisation { values: ValueKind::Floats, ..normalisation() };
    for (target, inputs) in [(&numbers, normalisation()), (&labels, normalisation()), (&classes(), floats.clone())] {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("net");
        saved::save(&dir, &network("darts-v2", &skeleton()), target, &inputs, Framing::Stretch).unwrap();
        let there = SavedNetwork::read(&dir).unwrap();
        assert_eq!((&there.description.target, &there.description.normalisation), (target, &inputs));
        let kind = there.build(&Operations::built_in(), &Device::Cpu).unwrap().task().kind();
        assert_eq!(kind, target.kind());
        let text = fs::read_to_string(dir.join("network.json")).unwrap();
        assert!(text.contains("\"version\": 3") && text.contains("\"target\": {"), "{text}");
        assert!(!text.contains("\n  \"classes\""), "{text}");
        if target.kind() == TargetKind::Numbers {
            let error = with_text(&dir, "\"std\": 52.0", "\"std\": 0.0");
            assert!(error.to_string().contains("target: std of `a` is 0; expected a finite number above 0"), "{error}");
        }
    }
    let values = floats.apply_floats(&[0.35, 0.5, 0.25]);
    assert!(values.iter().zip([1.0, 0.0, 0.0]).all(|(got, want)| (got - want).abs() < 1e-6), "{values:?}");
}

#[test]
fn missing_and_damaged_files() {
    let (root, dir) = saved("darts-v2", &skeleton());
    let model = dir.join("model.safetensors");
    let bytes = fs::read(&model).unwrap();
    fs::write(&model, &bytes[..bytes.len() / 2]).unwrap();
    let error = build(&dir).unwrap_err();
    let cut = "is no file of weights, or was cut short";
    assert!(matches!(&error, NnError::Weights { problem, .. } if problem.starts_with(cut)), "{error}");
    fs::remove_file(&model).unwrap();
    assert!(matches!(build(&dir), Err(NnError::Missing { path }) if path == model));
    let nowhere = root.path().join("nowhere");
    let error = build(&nowhere).unwrap_err();
    assert!(matches!(error, NnError::Missing { ref path } if *path == nowhere.join("network.json")), "{error}");
}

#[test]
fn weights_that_no_network_has_are_refused() {
    let (_root, dir) = saved("darts-v2", &skeleton());
    let model = dir.join("model.safetensors");
    let whole = candle_core::safetensors::load(&model, &Device::Cpu).unwrap();
    let of = |end: &str| whole.keys().find(|name| name.ends_with(end)).unwrap().clone();
    let cases = [
        ("running_var", -0.5, "no variance"),
        ("running_var", f32::INFINITY, "no finite number"),
        ("weight", f32::NAN, "no finite number"),
    ];
    for (end, value, problem) in cases {
        let (mut tensors, name) = (whole.clone(), of(end));
        let shape = whole[&name].shape().clone();
        tensors.insert(name.clone(), Tensor::full(value, shape, &Device::Cpu).unwrap());
        candle_core::safetensors::save(&tensors, &model).unwrap();
        let error = build(&dir).unwrap_err();
        let named = format!("{name} has ");
        assert!(matches!(&error, NnError::Weights { problem, .. } if problem.starts_with(&named)), "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[test]
fn names_that_do_not_match_are_not_saved() {
    let root = tempfile::tempdir().unwrap();
    let (dir, net) = (root.path().join("net"), network("darts-v2", &skeleton()));
    let four = TargetInfo::Labels(classes().names()[1..].iter().map(ToString::to_string).collect());
    let error = saved::save(&dir, &net, &four, &normalisation(), Framing::Stretch).unwrap_err();
    assert!(problem(&error).contains("4 labels are named, but the network has 5 outputs"), "{error}");
    assert!(!dir.exists());
}

#[test]
fn pixels_are_normalised_by_channel() {
    let values = normalisation().apply(&[255, 0, 51, 0, 255, 102]);
    let want = [3.6, -1.0, -0.4, -0.4, 1.0, 1.2];
    assert!(values.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6), "{values:?}");
}
