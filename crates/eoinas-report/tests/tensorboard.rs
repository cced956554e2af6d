//! Event files, read back by TensorBoard's own reader; skipped where `python3` (or the interpreter in `EOINAS_PYTHON`) has
//! no `tensorboard`.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, process::Command};

use common::{Made, search};
use eoinas_report::tensorboard::{Follower, convert};

const READER: &str = r#"
import sys
try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as error:
    print("missing:", error); sys.exit(0)
run = EventAccumulator(sys.argv[1], size_guidance={"images": 0, "scalars": 0, "histograms": 0})
run.Reload()
tags = run.Tags()
print("scalars", ",".join(sorted(tags["scalars"])))
print("histograms", ",".join(sorted(tags["histograms"])))
print("images", ",".join(sorted(tags["images"])))
print("accuracy", [(e.step, round(e.value, 4)) for e in run.Scalars("epoch/valid_accuracy")])
beta = run.Histograms("beta/normal")[0].histogram_value
print("beta", int(beta.num), round(beta.sum, 3))
for tag in tags["images"]:
    assert run.Images(tag)[0].encoded_image_string.startswith(b"\x89PNG"), tag
"#;

#[test]
fn tensorboard_reads_it_back() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 3, Made::Whole);
    let out = dir.path().join("tensorboard");
    // Three epochs, the evaluation, and the found cell as pictures.
    assert_eq!(convert(dir.path(), &out).unwrap(), 4 + usize::from(cfg!(feature = "png")));
    let python = std::env::var_os("EOINAS_PYTHON").unwrap_or_else(|| "python3".into());
    let Ok(output) = Command::new(python).args(["-c", READER]).arg(&out).output() else {
        println!("skipped: no python3 (set EOINAS_PYTHON to a Python with tensorboard)");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if text.starts_with("missing:") {
        println!("skipped: {} (set EOINAS_PYTHON to a Python with tensorboard)", text.trim());
        return;
    }
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("accuracy [(0, 0.12), (1, 0.17), (2, 0.22)]"), "{text}");
    // 14 edges of 8 ops, the weights of each edge sum to 1.
    assert!(text.contains("beta 112 14.0"), "{text}");
    for tag in [
        "search/entropy_normal",
        "epoch/train_loss",
        "indicator/reduce",
        "derived network, whole validation half/accuracy",
    ] {
        assert!(text.contains(tag), "{tag}: {text}");
    }
    #[cfg(feature = "png")]
    assert!(text.contains("cell found/normal"), "{text}");
}

#[test]
fn a_growing_record_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 3, Made::Whole);
    let path = dir.path().join("events.jsonl");
    let whole = fs::read(&path).unwrap();
    let half = whole.len() / 2;
    fs::write(&path, &whole[..half]).unwrap();
    let mut follower = Follower::new(dir.path(), &dir.path().join("tensorboard")).unwrap();
    let first = follower.catch_up().unwrap();
    assert_eq!(follower.catch_up().unwrap(), 0);
    assert!(!follower.ended());
    // The same file grows; the line that was cut off is read once it is whole.
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(&whole[half..]).unwrap();
    let second = follower.catch_up().unwrap();
    assert!(first > 0 && second > 0 && follower.ended());
    assert_eq!(first + second, convert(dir.path(), &dir.path().join("again")).unwrap());
}
