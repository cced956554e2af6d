//! Checkpoints: a folder `step-000015640` with `manifest.json`, `state.json` and safetensors files.
//!
//! A checkpoint is written to a sibling folder, synced and renamed, so that one that has its name is complete whatever
//! happened while it was written. The reader takes nothing on trust: version, kind of run, space, length and hash of
//! every file are checked before anything is used. Generic over the state, so that searching and training share it.

mod manifest;
mod read;
mod retention;
mod store;

use std::collections::BTreeMap;

use candle_core::Tensor;

pub use manifest::{FORMAT, FileEntry, MANIFEST, Manifest, STATE, Subject, VERSION};
pub use read::read;
pub use retention::{Action, retain};
pub use store::{Store, newest};

pub(crate) use manifest::sha256;
pub(crate) use read::method_of;

/// Named tensors in a fixed order: the content of one safetensors file.
pub type Tensors = BTreeMap<String, Tensor>;

/// Everything that a checkpoint holds.
#[derive(Clone, Debug)]
pub struct Checkpoint<S> {
    /// Steps done in the whole run.
    pub step: u64,
    /// Seconds that the run has taken so far, over all its sessions.
    pub elapsed_seconds: f64,
    /// Events of the record that came before; a resumed run drops later ones.
    pub events: u64,
    /// The state, from `state.json`.
    pub state: S,
    /// Per file (`weights`, `optimizer`), its tensors. Written as `<name>.safetensors`.
    pub tensors: BTreeMap<String, Tensors>,
}
