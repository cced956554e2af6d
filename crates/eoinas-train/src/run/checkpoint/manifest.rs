//! The table of contents of a checkpoint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use eoinas_core::{Genotype, SearchSpace, Skeleton};

use crate::method::Identity;

/// `format` of every manifest.
pub const FORMAT: &str = "eoinas-checkpoint";
/// The version written, and the only one read.
pub const VERSION: u32 = 1;
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
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`].
    pub version: u32,
    /// What the run searches or trains.
    pub subject: Subject,
    /// Steps done in the whole run.
    pub step: u64,
    /// Seconds that the run has taken so far, over all its sessions.
    pub elapsed_seconds: f64,
    /// Events of the record that the checkpoint knows of; a resumed run drops later ones.
    pub events: u64,
    /// Every other file of the checkpoint.
    pub files: BTreeMap<String, FileEntry>,
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
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
