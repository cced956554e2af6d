//! The commands around a saved network, as processes: counts, classes of pictures, ONNX.
#![cfg(feature = "images")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{path::Path, process::Output};

use candle_core::Device;
use common::eoinas;
use eoinas_core::models::ModelKind;
use eoinas_core::{NumberInfo, Skeleton, Streams, TargetInfo, ValueKind, zoo};
use eoinas_nn::saved::{self, Framing, Normalisation};
use eoinas_nn::{DerivedNetwork, Operations};
use image::{Rgb, RgbImage};
use serde_json::Value;

/// Runs a command of the program.
fn run(command: &str, args: &[&str]) -> Output {
    eoinas(command).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A network of three classes in `root/net`.
fn save(root: &Path, framing: Framing) -> String {
    let pixels = Normalisation { mean: vec![0.5; 3], std: vec![0.25; 3], ..Normalisation::default() };
    save_with(root, (32, 32), &TargetInfo::Classes(["ant", "bee", "cat"].map(String::from).to_vec()), &pixels, framing)
}

fn save_with(
    root: &Path,
    (height, width): (usize, usize),
    target: &TargetInfo,
    normalisation: &Normalisation,
    framing: Framing,
) -> String {
    let genotype = zoo::find("darts-v2").unwrap().genotype();
    let skeleton = Skeleton { channels: 4, cells: 3, classes: target.outputs(), ..Skeleton::cifar() };
    let skeleton = skeleton.with_image(normalisation.mean.len(), height, width);
    let (space, operations) = (genotype.space().unwrap(), Operations::built_in());
    let streams = Streams::new(1);
    let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &streams, &Device::Cpu).unwrap();
    let dir = root.join("net");
    saved::save(&dir, &net, target, normalisation, framing).unwrap();
    dir.to_str().unwrap().to_owned()
}

fn picture(root: &Path, name: &str, colour: [u8; 3]) -> String {
    let path = root.join(name);
    RgbImage::from_pixel(50, 40, Rgb(colour)).save(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn pictures_are_classified() {
    for framing in [Framing::Stretch, Framing::Centre] {
        let root = tempfile::tempdir().unwrap();
        let model = save(root.path(), framing);
        let (red, blue) = (picture(root.path(), "red.png", [250, 9, 9]), picture(root.path(), "blue.png", [9, 9, 250]));
        let text = stdout(&run("classify", &[&model, &red, &blue, "--top", "2"]));
        assert_eq!(text.lines().count(), 6, "{text}");
        let text = stdout(&run("classify", &[&model, &red, &blue, "--json"]));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), lines[0]["image"].as_str()), (2, Some(red.as_str())));
        let probabilities: Vec<f64> = lines[0]["classes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|class| class["probability"].as_f64().unwrap())
            .collect();
        assert_eq!(probabilities.len(), 3);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{text}");
        assert!(probabilities.is_sorted_by(|a, b| a >= b), "{text}");
    }
}

#[test]
fn numbers_labels_and_signals_get_answers_of_their_kind() {
    let pixels = Normalisation { mean: vec![0.5; 3], std: vec![0.25; 3], ..Normalisation::default() };
    let number = |name: &str, unit: &str| NumberInfo { name: name.into(), unit: unit.into(), mean: 1000.0, std: 1e-6 };
    let numbers = TargetInfo::Numbers(vec![number("angle", "degrees"), number("ratio", "")]);
    let json = |model: &str, input: &str| -> Value {
        serde_json::from_str(&stdout(&run("classify", &[model, input, "--json"]))).unwrap()
    };

    let root = tempfile::tempdir().unwrap();
    let red = picture(root.path(), "red.png", [250, 9, 9]);
    let model = save_with(root.path(), (32, 32), &numbers, &pixels, Framing::Stretch);
    let text = stdout(&run("classify", &[&model, &red]));
    // So near its mean that the network cannot say anything else.
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), ["  1000 degrees  angle", "  1000  ratio"], "{text}");
    #[cfg(feature = "report")]
    {
        let error = failure(&run("evaluate", &[&model, "--dataset", "embedded"]));
        assert!(error.contains("the network says numbers, whose score is the R2"), "{error}");
    }
    let line = json(&model, &red);
    assert_eq!((&line["numbers"][0]["name"], &line["numbers"][0]["unit"]), (&"angle".into(), &"degrees".into()));
    assert!((line["numbers"][0]["value"].as_f64().unwrap() - 1000.0).abs() < 1.0, "{line}");
    let out = root.path().join("numbers.onnx");
    let text = stdout(&run("export", &[&model, "--out", out.to_str().unwrap()]));
    assert!(text.contains("pixels from 0 to 255 -> numbers [n, 2]"), "{text}");

    let root = tempfile::tempdir().unwrap();
    let red = picture(root.path(), "red.png", [250, 9, 9]);
    let labels = TargetInfo::Labels(vec!["disc".into(), "ring".into()]);
    let model = save_with(root.path(), (32, 32), &labels, &pixels, Framing::Stretch);
    let line = json(&model, &red);
    let label = |name: &str| {
        let of = line["labels"].as_array().unwrap().iter().find(|label| label["label"] == name).unwrap();
        of["probability"].as_f64().unwrap()
    };
    assert!((0.0..=1.0).contains(&label("disc")) && (0.0..=1.0).contains(&label("ring")), "{line}");
    let out = root.path().join("labels.onnx");
    let text = stdout(&run("export", &[&model, "--out", out.to_str().unwrap()]));
    assert!(text.contains("-> labels [n, 2]"), "{text}");

    let root = tempfile::tempdir().unwrap();
    let values = Normalisation { mean: vec![0.0; 2], std: vec![1.0; 2], values: ValueKind::Floats };
    let tones = TargetInfo::Classes(vec!["low".into(), "high".into()]);
    let model = save_with(root.path(), (1, 16), &tones, &values, Framing::Stretch);
    let signal = root.path().join("signal.csv");
    std::fs::write(&signal, "0.5, -1\n".repeat(16)).unwrap();
    let line = json(&model, signal.to_str().unwrap());
    assert_eq!(line["classes"].as_array().unwrap().len(), 2, "{line}");
    std::fs::write(&signal, "0.5, -1\n".repeat(15)).unwrap();
    let error = failure(&run("classify", &[&model, signal.to_str().unwrap()]));
    assert!(
        error.contains("signal.csv") && error.contains("30 numbers") && error.contains("32 (1 x 16 x 2"),
        "{error}"
    );
    std::fs::write(&signal, "0.5, much\n").unwrap();
    assert!(failure(&run("classify", &[&model, signal.to_str().unwrap()])).contains("`much`"));
    let out = root.path().join("signal.onnx");
    let text = stdout(&run("export", &[&model, "--out", out.to_str().unwrap()]));
    assert!(text.contains("images [n, 2, 1, 16] of floats as the data has them -> logits [n, 2]"), "{text}");
}

#[test]
fn an_unreadable_picture_does_not_stop_the_others() {
    let root = tempfile::tempdir().unwrap();
    let model = save(root.path(), Framing::Stretch);
    let red = picture(root.path(), "red.png", [250, 9, 9]);
    let broken = root.path().join("broken.png");
    std::fs::write(&broken, "no picture").unwrap();
    let output = run("classify", &[&model, broken.to_str().unwrap(), &red]);
    assert!(failure(&output).contains("broken.png"));
    assert!(String::from_utf8(output.stdout).unwrap().contains("red.png"));
    let nowhere = root.path().join("nowhere");
    assert!(failure(&run("classify", &[nowhere.to_str().unwrap(), &red])).contains("network.json: is missing"));
}

#[test]
fn a_network_is_exported_once() {
    let root = tempfile::tempdir().unwrap();
    let (model, out) = (save(root.path(), Framing::Stretch), root.path().join("net.onnx"));
    let args = [model.as_str(), "--out", out.to_str().unwrap()];
    let text = stdout(&run("export", &args));
    assert!(text.contains("images [n, 3, 32, 32] of pixels from 0 to 255 -> logits [n, 3]"), "{text}");
    assert!(out.metadata().unwrap().len() > 10_000);
    assert!(failure(&run("export", &args)).contains("is not overwritten"));
}

#[test]
fn cells_are_counted_by_name_and_from_files() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("found.txt");
    std::fs::write(&file, zoo::find("darts-v2").unwrap().genotype().to_string()).unwrap();
    let text = stdout(&run("count", &["DARTS_V2", file.to_str().unwrap(), "--json"]));
    let rows: Value = serde_json::from_str(&text).unwrap();
    for row in rows.as_array().unwrap() {
        assert_eq!(row["cifar"]["parameters"], 3_349_342);
        assert_eq!(row["imagenet"]["multiply_adds"], 529_911_552);
    }
    let table = stdout(&run("count", &[]));
    assert_eq!(table.lines().count(), 2 + zoo::all().count() + ModelKind::ALL.len(), "{table}");
    assert!(failure(&run("count", &["nothing"])).contains("pc-darts-cifar"));
}

#[test]
fn networks_are_counted_beside_cells() {
    let rows = |args: &[&str]| -> Value { serde_json::from_str(&stdout(&run("count", args))).unwrap() };
    let mixed = rows(&["darts-v2", "ResNet110", "mobilenet-v2", "--json"]);
    assert_eq!((&mixed[0]["cell"], &mixed[0]["network"]), (&"darts-v2".into(), &Value::Null));
    assert_eq!((&mixed[1]["network"], &mixed[1]["cell"]), (&"resnet-110".into(), &Value::Null));
    assert_eq!((&mixed[1]["cifar"]["parameters"], &mixed[1]["imagenet"]), (&1_727_962.into(), &Value::Null));
    assert_eq!(mixed[2]["imagenet"]["multiply_adds"], 300_774_272);
    let narrow = rows(&["mobilenet-v2", "shufflenet", "--width", "0.5", "--json"]);
    assert_eq!(narrow[0]["imagenet"]["parameters"], 1_968_680);
    assert_eq!(narrow[1]["imagenet"]["parameters"], 1_865_728);
    // A depth of one form only.
    let dense = rows(&["densenet-bc", "--depth", "169", "--json"]);
    assert_eq!((&dense[0]["cifar"], &dense[0]["imagenet"]["parameters"]), (&Value::Null, &14_149_480.into()));
    assert_eq!(rows(&["--width", "0.5", "--json"]).as_array().unwrap().len(), ModelKind::ALL.len());
    for (args, part) in [
        (vec!["resnet-101"], "is `resnet-110` meant?"),
        (vec!["darts-v22"], "is `darts-v2` meant?"),
        (vec!["darts-v2", "--width", "2"], "darts-v2 is a cell; --width and --depth are of networks"),
        (vec!["resnet-20", "--width", "0"], "width is 0; expected a positive number"),
        (vec!["resnet-20", "--depth", "21"], "depth is 21; expected 6n + 2 layers"),
        (vec!["mobilenet-v3", "--depth", "21"], "mobilenet-v3 has one depth"),
    ] {
        let error = failure(&run("count", &args));
        assert!(error.contains(part), "{args:?}: {error}");
    }
    assert!(zoo::all().all(|cell| cell.name.parse::<ModelKind>().is_err()), "a name is a cell's or a network's");
}

#[test]
#[cfg(target_os = "linux")]
fn a_description_of_images_that_no_memory_has_room_for_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let pixels = Normalisation { mean: vec![0.5; 3], std: vec![0.25; 3], ..Normalisation::default() };
    let classes = TargetInfo::Classes(["red", "blue"].map(String::from).to_vec());
    let model = save_with(root.path(), (32, 32), &classes, &pixels, Framing::Stretch);
    let path = Path::new(&model).join(saved::NETWORK);
    let mut text = std::fs::read_to_string(&path).unwrap();
    for (name, from, to) in [("channels", 4, 1 << 14), ("height", 32, 1 << 14), ("width", 32, 1 << 14)] {
        text = text.replacen(&format!("\"{name}\": {from}"), &format!("\"{name}\": {to}"), 1);
    }
    std::fs::write(&path, text).unwrap();
    let picture = picture(root.path(), "red.png", [250, 9, 9]);
    let error = failure(&run("classify", &[&model, &picture]));
    assert!(error.contains("network.json: the network needs at least "), "{error}");
    assert!(error.contains(" GiB for an image, and ") && error.contains("16384 x 16384 pixels"), "{error}");
    #[cfg(feature = "report")]
    {
        let error = failure(&run("evaluate", &[&model, root.path().to_str().unwrap()]));
        assert!(error.contains(" GiB for 64 images at a time, and "), "{error}");
    }
    for (args, sizes) in [
        (&["step", "--channels", "16384"][..], "lower --batch, --channels, --cells or --size"),
        (&["inference", "resnet-20", "--image-size", "90000"], "lower --batch or --image-size"),
        (&["inference", "gdas", "--channels", "16384", "--train"], "--channels, --cells or --image-size"),
    ] {
        let error = failure(&run("bench", args));
        assert!(error.contains("the network needs at least ") && error.contains(sizes), "{error}");
    }
}
