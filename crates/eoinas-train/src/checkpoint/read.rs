//! Reading a checkpoint, with everything checked.

use std::{collections::BTreeMap, fs, io, path::Path};

use crate::{method::Identity, settings::first_difference};
use candle_core::Device;
use serde::de::DeserializeOwned;

use super::{
    Checkpoint, CheckpointError, FORMAT, FileEntry, MANIFEST, Manifest, STATE, Subject, Tensors, VERSION,
    error::Result, sha256,
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
            state = Some(serde_json::from_slice(&bytes).map_err(|source| CheckpointError::Json { path, source })?);
        } else if let Some(name) = name.strip_suffix(".safetensors") {
            let loaded = candle_core::safetensors::load_buffer(&bytes, device)
                .map_err(|error| CheckpointError::Tensor { path, message: error.to_string() })?;
            tensors.insert(name.to_owned(), loaded.into_iter().collect::<Tensors>());
        }
    }
    let state = state.ok_or_else(|| CheckpointError::Missing { path: folder.join(STATE) })?;
    let Manifest { step, elapsed_seconds, events, .. } = manifest;
    Ok(Checkpoint { step, elapsed_seconds, events, state, tensors })
}

/// The method that the checkpoint in `folder` says it belongs to; those of version 0.1.0 do not say.
pub(crate) fn method_of(folder: &Path, subject: &Subject) -> Result<Option<Identity>> {
    Ok(read_manifest(folder, subject)?.subject.method)
}

fn read_manifest(folder: &Path, subject: &Subject) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let json_error = |source| CheckpointError::Json { path: path.clone(), source };
    let bytes = fs::read(&path).map_err(|source| missing_or_unreadable(&path, source))?;
    // The version decides what the other fields are, so it is looked at first.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(json_error)?;
    let text = |field: &str| match value.get(field) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "absent".to_owned(),
    };
    let check = |field: &'static str, expected: &str, got: &str| {
        if expected == got {
            return Ok(());
        }
        Err(CheckpointError::Mismatch { path: path.clone(), field, expected: expected.into(), got: got.into() })
    };
    check("format", FORMAT, &text("format"))?;
    check("version", &VERSION.to_string(), &text("version"))?;
    let manifest: Manifest = serde_json::from_value(value).map_err(json_error)?;
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
    let bytes = fs::read(path).map_err(|source| missing_or_unreadable(path, source))?;
    let damaged = |field, expected: &dyn ToString, got: &dyn ToString| CheckpointError::Damaged {
        path: path.to_owned(),
        field,
        expected: expected.to_string(),
        got: got.to_string(),
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

fn missing_or_unreadable(path: &Path, source: io::Error) -> CheckpointError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => CheckpointError::Missing { path },
        _ => CheckpointError::Read { path, source },
    }
}
