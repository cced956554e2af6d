//! A network in other hands: the programs of docs/ONNX.md say of pictures of any size what `classify` says. Python's is skipped
//! where the Python in `EOINAS_PYTHON`, else `python3`, lacks numpy, onnxruntime or Pillow, Rust's where `EOINAS_TRACT` does not
//! name it, built.
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

/// The Rust program of the document, built, or why there is none.
fn tract() -> Option<OsString> {
    let program = std::env::var_os("EOINAS_TRACT");
    let problem = match &program {
        Some(path) if Path::new(path).is_file() => return program,
        Some(path) => format!("{} is no file", path.display()),
        None => "EOINAS_TRACT is not set".to_owned(),
    };
    println!("skipped: {problem}: build tests/tract and set EOINAS_TRACT (docs/ONNX.md)");
    None
}

/// A file of the sources, by its path from the root.
fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The block of code in the document that has `mark`.
fn block(language: &str, mark: &str) -> String {
    let text = source("docs/ONNX.md");
    let start = format!("```{language}\n");
    let mut blocks = text.split(&start).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.contains(mark)).unwrap().to_owned()
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

/// What one of the document's programs says of them, with a file of `export`.
fn theirs(program: &[&OsStr], network: &Path, flags: &[&str], pictures: &[PathBuf]) -> Vec<Answer> {
    let model = PathBuf::from(format!("{}{}.onnx", network.display(), flags.concat()));
    stdout(&eoinas("export").arg(network).arg("--out").arg(&model).args(flags).output().unwrap());
    let output = Command::new(program[0]).args(&program[1..]).arg(&model).args(pictures).output().unwrap();
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

/// `program` says of 200 pictures what `classify` says, for networks that see the whole or the middle, in colour and in grey.
fn says_what_classify_says(program: &[&OsStr]) {
    let root = tempfile::tempdir().unwrap();
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
        let prepared = theirs(program, &network, &[], &pictures);
        let difference = worst(&ours, &prepared, &pictures);
        let any_size = theirs(program, &network, &["--any-size"], &pictures);
        let same = ours.iter().zip(&any_size).filter(|(a, b)| first(a) == first(b)).count();
        let of_any_size = worst(&ours, &any_size, &pictures);
        println!("{what}: {difference:.1e} where prepared, {of_any_size:.1e} with any size, {same} of 200 the same");
        assert!(difference < 1e-3, "{what}: prepared as documented, probabilities differ by {difference:e}");
        assert!(same >= 198, "{what}: {same} of {} pictures have the same first class", pictures.len());
    }
}

#[test]
fn python_says_what_classify_says() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program.py");
    fs::write(&program, block("python", "def prepare")).unwrap();
    says_what_classify_says(&[&python, program.as_os_str()]);
}

#[test]
fn rust_says_what_classify_says() {
    let Some(program) = tract() else { return };
    says_what_classify_says(&[&program]);
}

#[test]
fn the_rust_program_stands_in_the_document() {
    assert!(block("rust", "fn prepare") == source("tests/tract/src/main.rs"), "docs/ONNX.md and tests/tract differ");
}
