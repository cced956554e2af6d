//! Reading a checkpoint, with everything checked.

use std::{collections::BTreeMap, fmt::Display, fs, io, path::Path};

use candle_core::Device;
use serde::de::DeserializeOwned;

use super::{Checkpoint, FORMAT, FileEntry, MANIFEST, Manifest, STATE, Subject, Tensors, VERSION, sha256};
use crate::{
    error::{Result, TrainError},
    method::Identity,
    run::first_difference,
};

/// Reads the checkpoint in `folder`, which must belong to `subject`. Tensors arrive on `device`.
pub fn read<S: DeserializeOwned>(folder: &Path, subject: &Subject, device: &Device) -> Result<Checkpoint<S>> {
    let manifest = read_manifest(folder, subject)?;
    let mut state = None;
    let mut tensors = BTreeMap::new();
    for (name, entry) in &manifest.files {
        let path = folder.join(name);
        let bytes = read_checked(&path, entry)?;
        if name == STATE {
            state = Some(serde_json::from_slice(&bytes).map_err(not_a_checkpoint(&path))?);
        } else if let Some(name) = name.strip_suffix(".safetensors") {
            let loaded = candle_core::safetensors::load_buffer(&bytes, device)
                .map_err(|error| TrainError::damaged(&path, format!("has no tensors: {error}")))?;
            tensors.insert(name.to_owned(), loaded.into_iter().collect::<Tensors>());
        }
    }
    let state = state.ok_or_else(|| TrainError::damaged(&folder.join(STATE), "is missing"))?;
    let Manifest { step, elapsed_seconds, events, .. } = manifest;
    Ok(Checkpoint { step, elapsed_seconds, events, state, tensors })
}

/// The method that the checkpoint in `folder` says it belongs to; those of version 0.1.0 do not say.
pub(crate) fn method_of(folder: &Path, subject: &Subject) -> Result<Option<Identity>> {
    Ok(read_manifest(folder, subject)?.subject.method)
}

fn read_manifest(folder: &Path, subject: &Subject) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let bytes = fs::read(&path).map_err(missing_or_unreadable(&path))?;
    // The version decides what the other fields are, so it is looked at first.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(not_a_checkpoint(&path))?;
    let text = |field: &str| match value.get(field) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "absent".to_owned(),
    };
    let check = |field: &'static str, expected: &str, got: &str| {
        if expected == got {
            return Ok(());
        }
        Err(TrainError::Mismatch { path: path.clone(), field, expected: expected.into(), got: got.into() })
    };
    check("format", FORMAT, &text("format"))?;
    check("version", &VERSION.to_string(), &text("version"))?;
    let manifest: Manifest = serde_json::from_value(value).map_err(not_a_checkpoint(&path))?;
    check("subject.kind", &subject.kind, &manifest.subject.kind)?;
    check("subject.name", &subject.name, &manifest.subject.name)?;
    check("subject.sha256", &subject.sha256, &manifest.subject.sha256)?;
    if let (Some(expected), Some(got)) = (&subject.method, &manifest.subject.method) {
        let (expected, got) = apart(expected, got);
        check("subject.method", &expected, &got)?;
    }
    Ok(manifest)
}

/// Two methods as a message tells them apart: those of one name by the first setting that differs.
fn apart(a: &Identity, b: &Identity) -> (String, String) {
    match first_difference("", &a.settings, &b.settings) {
        Some((setting, of_a, of_b)) if a.name == b.name && !setting.is_empty() => {
            (format!("{} with {setting} = {of_a}", a.name), format!("{} with {setting} = {of_b}", b.name))
        }
        _ => (a.to_string(), b.to_string()),
    }
}

fn read_checked(path: &Path, entry: &FileEntry) -> Result<Vec<u8>> {
    let bytes = fs::read(path).map_err(missing_or_unreadable(path))?;
    let damaged = |field: &str, expected: &dyn Display, got: &dyn Display| {
        let problem = format!("is damaged: {field} is {got}, the manifest says {expected}");
        TrainError::damaged(path, problem)
    };
    if bytes.len() as u64 != entry.bytes {
        return Err(damaged("bytes", &entry.bytes, &bytes.len()));
    }
    let hash = sha256(&bytes);
    if hash != entry.sha256 {
        return Err(damaged("sha256", &entry.sha256, &hash));
    }
    Ok(bytes)
}

fn missing_or_unreadable(path: &Path) -> impl Fn(io::Error) -> TrainError {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => TrainError::damaged(path, "is missing"),
        _ => TrainError::read(path)(source),
    }
}

fn not_a_checkpoint(path: &Path) -> impl Fn(serde_json::Error) -> TrainError {
    move |error| TrainError::damaged(path, format!("is not what a checkpoint has there: {error}"))
}
