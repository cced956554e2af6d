//! Searches and trainings that take a second or two.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::{Event, Genotype, event::Record};
use eoinas_train::{
    MethodKind, Options, SearchConfig, TrainConfig,
    config::{DataConfig, NetworkConfig},
    methods::EoiNas,
    training::TrainDataConfig,
};
use sha2::Digest;

/// 64 embedded images, C = 4, 3 cells, 3 epochs of 2 steps, one of them warm-up.
pub fn tiny() -> SearchConfig {
    SearchConfig {
        epochs: 3,
        batch_size: 16,
        data: DataConfig { train_images: Some(64), ..DataConfig::default() },
        network: NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1, layers: None, max_ops: None },
        method: EoiNas { warm_up_epochs: 5, ..EoiNas::quick() }.into(),
        ..SearchConfig::quick()
    }
}

/// Another method in so many epochs, without warm-up.
pub fn of(method: MethodKind, epochs: usize) -> SearchConfig {
    let config = SearchConfig { epochs, ..tiny() }.with_method(method);
    // Epochs are initialisations where nothing is trained. P-DARTS and those without a warm-up have no such setting.
    let config = SearchConfig { epochs, ..config };
    config.with_setting("warm_up_epochs", "0").unwrap_or(config)
}

/// The same with another setting.
pub fn set(config: &SearchConfig, name: &str, value: &str) -> SearchConfig {
    config.with_setting(name, value).unwrap()
}

pub fn options() -> Options {
    Options::default()
}

/// 40 embedded images, 12 to test on, C = 4, 3 cells, 3 epochs of 3 updates of two mini-batches (the last has one), and
/// everything that a training can have.
pub fn tiny_training() -> TrainConfig {
    TrainConfig {
        epochs: 3,
        batch_size: 8,
        accumulate: 2,
        data: TrainDataConfig { train_images: Some(40), test_images: Some(12), ..TrainDataConfig::default() },
        network: NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1, layers: None, max_ops: None },
        drop_path: 0.2,
        label_smoothing: 0.1,
        average: Some(0.9),
        ..TrainConfig::paper_cifar()
    }
}

/// A cell with ops of every family.
pub fn cell() -> Genotype {
    let normal = "[('sep_conv_3x3', 0), ('skip_connect', 1), ('dil_conv_3x3', 0), ('max_pool_3x3', 2), \
                  ('avg_pool_3x3', 1), ('skip_connect', 3), ('sep_conv_5x5', 2), ('dil_conv_5x5', 0)]";
    let reduce = "[('max_pool_3x3', 0), ('skip_connect', 1), ('skip_connect', 2), ('sep_conv_3x3', 0), \
                  ('skip_connect', 2), ('dil_conv_3x3', 1), ('sep_conv_3x3', 2), ('avg_pool_3x3', 1)]";
    let concat = "range(2, 6)";
    let text = format!("Genotype(normal={normal}, normal_concat={concat}, reduce={reduce}, reduce_concat={concat})");
    Genotype::parse(&text).unwrap()
}

/// The events of a run, without their times.
pub fn events(run: &Path) -> Vec<Event> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    text.lines().map(|line| Record::from_line(line).unwrap().event).collect()
}

/// Lists the settings of a run as they are now, so that what was changed in them is found out by something else.
pub fn list_settings(run: &Path) {
    let hash = sha2::Sha256::digest(fs::read(run.join("config.json")).unwrap());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(run.join("SHA256SUMS"), format!("{hash}  config.json\n")).unwrap();
}

/// The newest checkpoint of a run.
pub fn newest(run: &Path) -> PathBuf {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.pop().unwrap()
}

/// Everything that must be the same in two runs from one seed: events, genotype or model, and the last checkpoint's files.
pub fn essence(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut essence: Vec<(String, Vec<u8>)> = events(run)
        .iter()
        .enumerate()
        .map(|(index, event)| (format!("event {index}"), serde_json::to_vec(event).unwrap()))
        .collect();
    let checkpoint = newest(run);
    let files = ["state.json", "weights.safetensors", "optimizer.safetensors", "average.safetensors"];
    let files = files.map(|name| checkpoint.join(name)).into_iter().filter(|path| path.exists());
    // A training of a human-designed network has no genotype.
    let design: &[&str] =
        if run.join("model.json").exists() { &["model.json"] } else { &["genotype.txt", "genotype.json"] };
    for path in files.chain(design.iter().map(|name| run.join(name))) {
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
