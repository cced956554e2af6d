//! Checkpoints: a folder `step-000015640` with `manifest.json`, `state.json` and safetensors files.
//!
//! A checkpoint is written to a sibling folder, synced and renamed, so that one that has its name is complete whatever
//! happened while it was written, and everything in it is finite. The reader takes nothing on trust: version, kind of run,
//! space, the hash of the manifest, length and hash of every file are checked before anything is used. Generic over the state, so that searching and training share it.

mod content;
mod manifest;
mod read;
mod retention;
mod store;

use std::collections::BTreeMap;

use candle_core::Tensor;

pub use content::Content;
pub use manifest::{FORMAT, FileEntry, MANIFEST, MadeOn, Manifest, STATE, Subject, VERSION, VERSIONS};
pub use read::{is_whole, read};
pub use retention::{Action, retain};
pub(crate) use store::newest_is_hashed;
pub use store::{Store, newest};

pub(crate) use content::check_reads_back;
pub(crate) use manifest::{hex, sha256};

/// Named tensors in a fixed order: the content of one safetensors file.
pub type Tensors = BTreeMap<String, Tensor>;

/// Everything that a checkpoint holds.
#[derive(Clone, Debug)]
pub struct Checkpoint<S> {
    /// What it is.
    pub manifest: Manifest,
    /// The state, from `state.json`.
    pub state: S,
    /// Per file (`weights`, `optimizer`), its tensors, from `<name>.safetensors`.
    pub tensors: BTreeMap<String, Tensors>,
}
