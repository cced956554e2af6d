//! A search that takes a second or two.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::{Event, event::Record};
use eoinas_train::{
    SearchConfig, SearchOptions,
    config::{DataConfig, NetworkConfig},
};

/// 64 embedded images, C = 4, 3 cells, 3 epochs of 2 steps, one of them warm-up.
pub fn tiny() -> SearchConfig {
    SearchConfig {
        epochs: 3,
        batch_size: 16,
        data: DataConfig { train_images: Some(64), ..DataConfig::default() },
        network: NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1 },
        warm_up_epochs: 5,
        ..SearchConfig::quick()
    }
}

pub fn options() -> SearchOptions {
    SearchOptions::default()
}

/// The events of a run, without their times.
pub fn events(run: &Path) -> Vec<Event> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    text.lines().map(|line| Record::from_line(line).unwrap().event).collect()
}

/// The newest checkpoint of a run.
pub fn newest(run: &Path) -> PathBuf {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.pop().unwrap()
}

/// Everything that must be the same in two runs from one seed: events, genotype, and the last checkpoint's files.
pub fn essence(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut essence: Vec<(String, Vec<u8>)> = events(run)
        .iter()
        .enumerate()
        .map(|(index, event)| (format!("event {index}"), serde_json::to_vec(event).unwrap()))
        .collect();
    let checkpoint = newest(run);
    let files = ["state.json", "weights.safetensors", "optimizer.safetensors"].map(|name| checkpoint.join(name));
    for path in files.into_iter().chain(["genotype.txt", "genotype.json"].map(|name| run.join(name))) {
        let name = path.strip_prefix(run).unwrap().display().to_string();
        essence.push((name, fs::read(&path).unwrap()));
    }
    essence
}

/// Compares without printing megabytes.
pub fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (essence(a), essence(b));
    for ((name, x), (other, y)) in a.iter().zip(&b) {
        assert_eq!(name, other);
        assert!(x == y, "{name} differs:\n{}\n{}", shown(x), shown(y));
    }
    assert_eq!(a.len(), b.len());
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}
