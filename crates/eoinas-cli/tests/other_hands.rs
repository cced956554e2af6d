//! A network in other hands: the Python program of docs/ONNX.md says of pictures of any size what `classify` says. Skipped
//! where the Python in `EOINAS_PYTHON`, else `python3`, lacks numpy, onnxruntime or Pillow.
#![cfg(feature = "images")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;
#[path = "common/striped.rs"]
mod striped;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use common::eoinas;
use eoinas_nn::saved::Framing;
use serde_json::Value;
use striped::{CLASSES, pictures, trained};

/// Probabilities by the names of the classes.
type Answer = BTreeMap<String, f64>;

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A Python with what the document's program needs, or why there is none.
fn python() -> Option<OsString> {
    let python = std::env::var_os("EOINAS_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(&python).args(["-c", "import numpy, onnxruntime, PIL"]).output();
    let problem = match output {
        Ok(output) if output.status.success() => return Some(python),
        Ok(output) => String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned(),
        Err(error) => error.to_string(),
    };
    println!("skipped: {}: {problem} (set EOINAS_PYTHON to one with numpy, onnxruntime and pillow)", python.display());
    None
}

/// The block of Python in the document that has `mark`, as a file.
fn program(folder: &Path, mark: &str) -> PathBuf {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ONNX.md");
    let text = fs::read_to_string(document).unwrap();
    let block = text.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    let path = folder.join("program.py");
    fs::write(&path, block.into_iter().find(|block| block.contains(mark)).unwrap()).unwrap();
    path
}

fn answers(lines: &str, of: impl Fn(&Value) -> Answer) -> Vec<Answer> {
    lines.lines().map(|line| of(&serde_json::from_str(line).unwrap())).collect()
}

/// What the program says of the pictures.
fn ours(network: &Path, pictures: &[PathBuf]) -> Vec<Answer> {
    let output = eoinas("classify").arg(network).args(pictures).arg("--json").output().unwrap();
    answers(&stdout(&output), |line| {
        let class =
            |class: &Value| (class["class"].as_str().unwrap().to_owned(), class["probability"].as_f64().unwrap());
        line["classes"].as_array().unwrap().iter().map(class).collect()
    })
}

/// What the document's program says of them, with a file of `export`.
fn theirs((python, program): (&OsStr, &Path), network: &Path, flags: &[&str], pictures: &[PathBuf]) -> Vec<Answer> {
    let model = PathBuf::from(format!("{}{}.onnx", network.display(), flags.concat()));
    stdout(&eoinas("export").arg(network).arg("--out").arg(&model).args(flags).output().unwrap());
    let output = Command::new(python).arg(program).arg(&model).args(pictures).output().unwrap();
    answers(&stdout(&output), |line| {
        let all = line["probabilities"].as_object().unwrap();
        all.iter().map(|(name, value)| (name.clone(), value.as_f64().unwrap())).collect()
    })
}

fn first(answer: &Answer) -> &str {
    answer.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0
}

/// The largest difference in a probability, of those pictures alone that are compressed without loss: decoders of JPEG
/// differ by a level or two.
fn worst(ours: &[Answer], theirs: &[Answer], pictures: &[PathBuf]) -> f64 {
    let lossless = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "png");
    let pairs = ours.iter().zip(theirs).zip(pictures).filter(|(_, path)| lossless(path));
    let differences = pairs.flat_map(|((a, b), _)| a.iter().map(|(name, value)| (value - b[name]).abs()));
    differences.fold(0.0, f64::max)
}

#[test]
fn python_says_what_classify_says() {
    let Some(python) = python() else { return };
    let root = tempfile::tempdir().unwrap();
    let program = program(root.path(), "def prepare");
    let pictures = pictures(&root.path().join("pictures"), 200);
    for (framing, channels) in [(Framing::Stretch, 3), (Framing::Centre, 3), (Framing::Centre, 1)] {
        let what = format!("{framing:?}, {channels} channels");
        let network = root.path().join(format!("{framing:?}-{channels}"));
        trained(&network, &pictures, framing, channels);
        let ours = ours(&network, &pictures);
        assert_eq!(ours.len(), pictures.len());
        // Answers that hardly differ from each other would agree whatever was done to the pictures.
        for class in CLASSES {
            let said = ours.iter().filter(|answer| first(answer) == class).count();
            assert!(said >= 20, "{what}: {class} is said of {said} pictures");
        }
        let open = ours.iter().filter(|answer| answer[first(answer)] < 0.99).count();
        assert!(open >= 60, "{what}: {open} answers leave something open");
        let command = (python.as_os_str(), program.as_path());
        let prepared = theirs(command, &network, &[], &pictures);
        let difference = worst(&ours, &prepared, &pictures);
        let any_size = theirs(command, &network, &["--any-size"], &pictures);
        let same = ours.iter().zip(&any_size).filter(|(a, b)| first(a) == first(b)).count();
        let of_any_size = worst(&ours, &any_size, &pictures);
        println!("{what}: {difference:.1e} where prepared, {of_any_size:.1e} with any size, {same} of 200 the same");
        assert!(difference < 1e-3, "{what}: prepared as documented, probabilities differ by {difference:e}");
        assert!(same >= 198, "{what}: {same} of {} pictures have the same first class", pictures.len());
    }
}
