//! The folder of an attempt at a part, and what the next one takes from it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::{self, Kind, names};

use super::highest;
use crate::{
    checkpoint,
    error::{Result, TrainError},
    run::plain,
};

/// Where the holder of that number works.
pub(super) fn folder(place: &Path, number: u32) -> PathBuf {
    place.join(format!("{}{number}", names::ATTEMPT))
}

/// Where that is while it is copied.
fn half(place: &Path, number: u32) -> PathBuf {
    place.join(format!(".tmp-{}{number}", names::ATTEMPT))
}

/// Where a run goes that is not done and was in the part's place, as programs left it that knew no claims. Nothing is there.
pub(super) fn before(place: &Path) -> PathBuf {
    let folder = folder(place, 0);
    remove(&folder);
    folder
}

/// Makes the folder of attempt `number` from what the newest earlier one has saved, or what a program that knew no claims left in
/// the folder `run`. Where there is nothing to go on with, there is no folder afterwards.
pub(super) fn prepare(place: &Path, run: &Path, number: u32) -> Result<()> {
    let target = folder(place, number);
    let earlier = (1..number).rev().map(|number| folder(place, number));
    for source in earlier.chain([run.to_owned()]).filter(|source| source.is_dir()) {
        let temporary = half(place, number);
        let copied = copy_run(&source, &temporary);
        if !matches!(copied, Ok(true)) {
            remove(&temporary);
            copied.map_err(TrainError::write(&temporary))?;
            continue;
        }
        fs::rename(&temporary, &target).map_err(TrainError::write(&target))?;
        return plain::sync_folder(place).map_err(TrainError::write(place));
    }
    Ok(())
}

/// Removes the attempts at a part that is done and what was within it, or the attempts before the last one. Who still writes there
/// has lost the part.
pub(super) fn sweep(place: &Path, below: Option<u32>) {
    if below.is_none() {
        remove(&place.join(names::FINALISTS));
    }
    let below = below.unwrap_or_else(|| highest(place).unwrap_or(0).saturating_add(1));
    (0..below).flat_map(|number| [folder(place, number), half(place, number)]).for_each(|folder| remove(&folder));
}

fn remove(folder: &Path) {
    // What cannot be removed is in nobody's way.
    let _ = fs::remove_dir_all(folder);
}

/// Copies what can be gone on with of a run, which somebody may still write: its checkpoints that are whole, then the record,
/// which knows of all of them. Whether there was anything.
fn copy_run(from: &Path, to: &Path) -> io::Result<bool> {
    // Begun and not settled: it begins again.
    let unsettled = fs::read_dir(from)?.flatten().any(|entry| is_temporary(&entry.file_name()));
    if unsettled && !from.join(names::CHECKPOINTS).is_dir() || from.join(".tmp-whole").exists() {
        return Ok(false);
    }
    fs::create_dir_all(to)?;
    // The result is written last. One that comes while this copies may be of files that were copied before they were whole.
    copy_file(&from.join(names::RESULT), &to.join(names::RESULT))?;
    let mut steps = false;
    for (name, folder) in entries(&from.join(names::CHECKPOINTS))? {
        let target = to.join(names::CHECKPOINTS).join(&name);
        copy_all(&folder, &target)?;
        if checkpoint::is_whole(&target) {
            steps = true;
        } else {
            remove(&target);
        }
    }
    for (name, path) in entries(from)? {
        let target = to.join(&name);
        if [names::CHECKPOINTS, names::RESULT, names::LOCK, names::EVENTS].iter().any(|own| name == *own) {
            continue;
        }
        match (path.is_dir(), run_folder::kind(&path)) {
            (true, Some(Kind::Run | Kind::Lost)) => {
                if !copy_run(&path, &target)? {
                    remove(&target);
                }
            }
            (true, _) if name == names::NETWORK => copy_all(&path, &target)?,
            // Finalists, seeds: runs are below.
            (true, _) => {
                copy_run(&path, &target)?;
            }
            (false, _) => copy_file(&path, &target)?,
        }
    }
    copy_file(&from.join(names::EVENTS), &to.join(names::EVENTS))?;
    plain::sync_folder(to)?;
    Ok(steps)
}

/// Copies a folder, whole or not at all, to a place where nothing is.
pub(super) fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    let temporary = to.with_file_name(format!(".tmp-{}", plain::token()));
    let copied = copy_all(from, &temporary).and_then(|()| fs::rename(&temporary, to));
    if copied.is_err() {
        remove(&temporary);
    }
    copied.and_then(|()| to.parent().map_or(Ok(()), plain::sync_folder))
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for (name, path) in entries(from)? {
        if path.is_dir() { copy_all(&path, &to.join(name))? } else { copy_file(&path, &to.join(name))? }
    }
    plain::sync_folder(to)
}

/// What is in a folder, in the order of the names, but for what is not whole; nothing where it is gone.
fn entries(folder: &Path) -> io::Result<Vec<(OsString, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if !is_temporary(&entry.file_name()) {
            found.push((entry.file_name(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".tmp-")
}

/// Copies a plain file. One that is gone since it was listed is not copied, and links and devices never are.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(from).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let copied = File::open(from).and_then(|mut source| {
        let mut target = File::create(to)?;
        io::copy(&mut source, &mut target)?;
        target.sync_all()
    });
    match copied {
        Err(error) if error.kind() == ErrorKind::NotFound && !from.exists() => Ok(()),
        copied => copied,
    }
}
