use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;
use eoinas_train::Search;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    scratch,
    stopped_run::{FILES, one_step},
};

/// Bit of the first byte: the hashes that cover the file are made again, so that what they would refuse is read.
const HASHED_AGAIN: u8 = 0x80;
const MANIFEST: &str = "manifest.json";

/// Any bytes in the place of one file of a run that was stopped; the first byte says which. It goes on or is refused.
pub fn checkpoint(bytes: &[u8]) {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    let mut files = FILES.clone();
    let index = usize::from(which & !HASHED_AGAIN) % files.len();
    if let Some(content) = files.values_mut().nth(index) {
        *content = bytes.to_owned();
    }
    if which & HASHED_AGAIN != 0 {
        hash_again(&mut files);
    }
    let dir = scratch();
    for (file, content) in &files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    if let Ok(mut search) = Search::resume(dir.path(), one_step()) {
        let _ = search.run();
    }
}

/// `SHA256SUMS`, and the checkpoint's manifest with what it says of files, record and itself.
fn hash_again(files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let of_folder =
        |name: &str, files: &BTreeMap<PathBuf, Vec<u8>>| files.get(Path::new(name)).map(|file| sha256(file));
    let sums = files.get(Path::new(names::SUMS)).map(|sums| String::from_utf8_lossy(sums).into_owned());
    let sums = sums.unwrap_or_default();
    let line = |line: &str| {
        let (_, name) = line.split_once("  ")?;
        Some(format!("{}  {name}\n", of_folder(name, files)?))
    };
    let sums: String = sums.lines().map(|old| line(old).unwrap_or_else(|| format!("{old}\n"))).collect();
    files.insert(names::SUMS.into(), sums.into_bytes());

    let Some(path) = files.keys().find(|path| path.ends_with(MANIFEST)).cloned() else { return };
    let Ok(mut manifest) = serde_json::from_slice::<Value>(&files[&path]) else { return };
    let entry = |content: &[u8]| json!({ "bytes": content.len(), "sha256": sha256(content) });
    for (name, listed) in manifest.get_mut("files").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(content) = files.get(&path.with_file_name(name)) {
            *listed = entry(content);
        }
    }
    if let (Some(record), Some(fields)) = (files.get(Path::new(names::EVENTS)), manifest.as_object_mut()) {
        fields.insert("record".to_owned(), entry(record));
        let blank = "0".repeat(64);
        fields.insert("sha256".to_owned(), blank.clone().into());
        let text = serde_json::to_string_pretty(&manifest).unwrap() + "\n";
        files.insert(path, text.replacen(&blank, &sha256(text.as_bytes()), 1).into_bytes());
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file of the run in its own place, with and without the hashes made again.
pub fn made() -> Vec<Vec<u8>> {
    let both = |(index, content): (usize, &Vec<u8>)| {
        [0, HASHED_AGAIN].map(|hashed| [&[index as u8 | hashed], &content[..]].concat())
    };
    FILES.values().enumerate().flat_map(both).collect()
}
