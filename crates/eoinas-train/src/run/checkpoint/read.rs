//! Reading a checkpoint, with everything checked.

use std::{collections::BTreeMap, ffi::OsStr, fmt::Display, fs, io, path::Path};

use candle_core::Device;
use serde::de::DeserializeOwned;

use super::{
    Checkpoint, FORMAT, FileEntry, MANIFEST, Manifest, STATE, Subject, Tensors, VERSIONS, content::not_finite, sha256,
};
use crate::{
    error::{Result, TrainError},
    method::Identity,
    run::{first_difference, plain},
};

/// Reads the checkpoint in `folder`, which must belong to `subject`. Tensors arrive on `device`.
pub fn read<S: DeserializeOwned>(folder: &Path, subject: &Subject, device: &Device) -> Result<Checkpoint<S>> {
    let manifest = read_manifest(folder, subject)?;
    let mut state = None;
    let mut tensors = BTreeMap::new();
    for (name, entry) in &manifest.files {
        let path = folder.join(name);
        // Nothing but files of this folder, whatever the manifest says.
        let tensor_file = name.strip_suffix(".safetensors");
        if Path::new(name).file_name() != Some(OsStr::new(name)) || (tensor_file.is_none() && name != STATE) {
            let problem = format!("lists `{name}`, which is no file of a checkpoint");
            return Err(TrainError::damaged(&folder.join(MANIFEST), problem));
        }
        let bytes = read_checked(&path, entry)?;
        if let Some(name) = tensor_file {
            tensors.insert(name.to_owned(), read_tensors(&path, &bytes, device)?);
        } else {
            state = Some(serde_json::from_slice(&bytes).map_err(not_a_checkpoint(&path))?);
        }
    }
    let state = state.ok_or_else(|| TrainError::damaged(&folder.join(STATE), "is missing"))?;
    Ok(Checkpoint { manifest, state, tensors })
}

/// Whether the checkpoint in `folder` is what its manifest says, whatever it belongs to.
pub fn is_whole(folder: &Path) -> bool {
    let intact = |bytes: Vec<u8>| {
        let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
        manifest.is_intact(&String::from_utf8_lossy(&bytes)).then_some(manifest)
    };
    let manifest = plain::read(&folder.join(MANIFEST), plain::LIMIT).ok().and_then(intact);
    let is_there = |(name, entry): (&String, &FileEntry)| read_checked(&folder.join(name), entry).is_ok();
    manifest.is_some_and(|manifest| manifest.files.iter().all(is_there))
}

fn read_tensors(path: &Path, bytes: &[u8], device: &Device) -> Result<Tensors> {
    let no_tensors = |error: &dyn Display| TrainError::damaged(path, format!("has no tensors: {error}"));
    // Versions before 0.2 wrote whatever there was.
    if let Some((name, value)) = not_finite(bytes).map_err(|error| no_tensors(&error))? {
        return Err(TrainError::damaged(path, format!("cannot be gone on with: {value} in the tensor {name}")));
    }
    let loaded = candle_core::safetensors::load_buffer(bytes, device).map_err(|error| no_tensors(&error))?;
    Ok(loaded.into_iter().collect())
}

/// What the checkpoint in `folder`, which must belong to `subject`, says of itself.
fn read_manifest(folder: &Path, subject: &Subject) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let bytes = plain::read(&path, plain::LIMIT).map_err(missing_or_unreadable(&path))?;
    // The version decides what the other fields are, so it is looked at first.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(not_a_checkpoint(&path))?;
    let text = |field: &str| match value.get(field) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "absent".to_owned(),
    };
    let wrong = |field: &'static str, expected: String, got: String| TrainError::Mismatch {
        path: path.clone(),
        field,
        expected,
        got,
    };
    let check = |field: &'static str, expected: &str, got: &str| {
        if expected == got { Ok(()) } else { Err(wrong(field, expected.to_owned(), got.to_owned())) }
    };
    check("format", FORMAT, &text("format"))?;
    let versions = VERSIONS.map(|version| version.to_string());
    if !versions.contains(&text("version")) {
        return Err(wrong("version", versions.join("` or `"), text("version")));
    }
    let manifest: Manifest = serde_json::from_value(value).map_err(not_a_checkpoint(&path))?;
    check("subject.kind", &subject.kind, &manifest.subject.kind)?;
    check("subject.name", &subject.name, &manifest.subject.name)?;
    check("subject.sha256", &subject.sha256, &manifest.subject.sha256)?;
    if let (Some(expected), Some(got)) = (&subject.method, &manifest.subject.method) {
        let (expected, got) = apart(expected, &got.clone().completed());
        check("subject.method", &expected, &got)?;
    }
    if !manifest.is_intact(&String::from_utf8_lossy(&bytes)) {
        return Err(TrainError::damaged(&path, "is damaged: its sha256 is not that of its content"));
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
    let damaged = |field: &str, expected: &dyn Display, got: &dyn Display| {
        let problem = format!("is damaged: {field} is {got}, the manifest says {expected}");
        TrainError::damaged(path, problem)
    };
    // Asked for first, so that no more is read than there is to be.
    let found = fs::symlink_metadata(path).map_err(missing_or_unreadable(path))?;
    if found.is_file() && found.len() != entry.bytes {
        return Err(damaged("bytes", &entry.bytes, &found.len()));
    }
    let bytes = plain::read(path, entry.bytes).map_err(missing_or_unreadable(path))?;
    let hash = sha256(&bytes);
    if hash != entry.sha256 {
        return Err(damaged("sha256", &entry.sha256, &hash));
    }
    Ok(bytes)
}

fn missing_or_unreadable(path: &Path) -> impl Fn(io::Error) -> TrainError {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => TrainError::damaged(path, "is missing"),
        io::ErrorKind::InvalidData => TrainError::damaged(path, format!("cannot be trusted: {source}")),
        _ => TrainError::read(path)(source),
    }
}

fn not_a_checkpoint(path: &Path) -> impl Fn(serde_json::Error) -> TrainError {
    move |error| TrainError::damaged(path, format!("is not what a checkpoint has there: {error}"))
}
