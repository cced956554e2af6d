//! The table of contents of a checkpoint.

use std::{collections::BTreeMap, fmt};

use candle_core::{Device, DeviceLocation};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use eoinas_core::{Genotype, SearchSpace, Skeleton, models::ModelConfig};

use crate::method::Identity;

/// `format` of every manifest.
pub const FORMAT: &str = "eoinas-checkpoint";
/// The version written.
pub const VERSION: u32 = 2;
/// The versions read. Version 1 has no hash of the manifest itself and none of the record.
pub const VERSIONS: [u32; 2] = [1, VERSION];
/// File name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// File name of the state.
pub const STATE: &str = "state.json";

/// What kind of run a checkpoint belongs to, and what it searches or trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `search`, `train`, ...
    pub kind: String,
    /// Name of the search space, or of the genotype.
    pub name: String,
    /// Hash of the whole definition, so that two spaces of one name are told apart.
    pub sha256: String,
    /// The method of a search with its settings. `None`: a training, or any method; version 0.1.0 wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Identity>,
}

impl Subject {
    /// The subject of a search in `space`, with whatever method.
    pub fn search(space: &SearchSpace) -> Self {
        let definition = serde_json::to_vec(space).unwrap_or_default();
        Self { kind: "search".to_owned(), name: space.name().to_owned(), sha256: sha256(&definition), method: None }
    }

    /// The same with this method.
    #[must_use]
    pub fn by(self, method: Identity) -> Self {
        Self { method: Some(method), ..self }
    }

    /// The subject of a training of `genotype` in a network of this shape.
    pub fn training(genotype: &Genotype, skeleton: &Skeleton) -> Self {
        let definition = format!("{}{}", genotype.to_json(), serde_json::to_string(skeleton).unwrap_or_default());
        Self {
            kind: "train".to_owned(),
            name: genotype.to_string(),
            sha256: sha256(definition.as_bytes()),
            method: None,
        }
    }

    /// The subject of a training of a human-designed network.
    pub fn model(model: &ModelConfig, images: [usize; 3], outputs: usize) -> Self {
        let definition = serde_json::to_string(&(model, images, outputs)).unwrap_or_default();
        Self { kind: "train".to_owned(), name: model.to_string(), sha256: sha256(definition.as_bytes()), method: None }
    }

    /// The same where it began with weights of this digest, and the learning rate of what has them is multiplied by `rate`.
    #[must_use]
    pub fn from_weights(self, digest: &str, rate: f64) -> Self {
        let sha256 = sha256(format!("{} {digest} {rate}", self.sha256).as_bytes());
        Self { sha256, ..self }
    }
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: String,
    /// One of [`VERSIONS`].
    pub version: u32,
    /// SHA-256 of the manifest with 64 zeros here, since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What the run searches or trains.
    pub subject: Subject,
    /// Steps done in the whole run.
    pub step: u64,
    /// Seconds that the run has taken so far, over all its sessions.
    pub elapsed_seconds: f64,
    /// Events of the record that the checkpoint knows of; a resumed run drops later ones.
    pub events: u64,
    /// Length and hash of those events in `events.jsonl`, since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<FileEntry>,
    /// What computed it, since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_on: Option<MadeOn>,
    /// Every other file of the checkpoint.
    pub files: BTreeMap<String, FileEntry>,
}

impl Manifest {
    /// That of a checkpoint after `step` steps of a run of which nothing else is known yet.
    pub fn new(subject: Subject, step: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            sha256: None,
            subject,
            step,
            elapsed_seconds: 0.0,
            events: 0,
            record: None,
            made_on: None,
            files: BTreeMap::new(),
        }
    }

    /// As JSON, with its hash.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        let blank = "0".repeat(64);
        let text = serde_json::to_string_pretty(&Self { sha256: Some(blank.clone()), ..self.clone() })? + "\n";
        Ok(text.replacen(&blank, &sha256(text.as_bytes()), 1))
    }

    /// Whether this is the manifest that `text` says, and `text` what was written. Those of version 1 cannot be checked.
    pub(super) fn is_intact(&self, text: &str) -> bool {
        match &self.sha256 {
            Some(hash) => sha256(text.replacen(hash, &"0".repeat(64), 1).as_bytes()) == *hash,
            None => self.version < VERSION,
        }
    }
}

/// What computed a checkpoint. Runs that go on elsewhere may end in other bytes: sums are rounded in another order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeOn {
    /// Vector instructions of the CPU's kernels: `avx512`, `avx2`, `portable`.
    #[serde(deserialize_with = "vectors")]
    pub vectors: String,
    /// `cpu`, `cuda` or `metal`.
    pub device: String,
}

impl MadeOn {
    /// What computes here.
    pub fn here(device: &Device) -> Self {
        let device = match device.location() {
            DeviceLocation::Cpu => "cpu",
            DeviceLocation::Cuda { .. } => "cuda",
            DeviceLocation::Metal { .. } => "metal",
        };
        let vectors = eoinas_kernels::simd::Level::current().name();
        Self { vectors: vectors.to_owned(), device: device.to_owned() }
    }
}

/// The name of vector instructions; some have been written as `level(avx512)`.
fn vectors<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    let within = name.strip_prefix("level(").and_then(|name| name.strip_suffix(')'));
    Ok(within.map(str::to_owned).unwrap_or(name))
}

impl fmt::Display for MadeOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} instructions", self.device, self.vectors)
    }
}

/// One file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// In hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
