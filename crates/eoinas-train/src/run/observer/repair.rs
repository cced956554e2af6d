//! Mending a record that was damaged.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use eoinas_core::{
    Event,
    event::{Record, RecordReader, RunStarted},
};

use crate::error::{Result, TrainError};

/// What stands where an event was lost.
pub(super) const LOST: &str = "the event that stood here was lost: the record was damaged and has been mended";

/// Far more than a damage takes: what is missing beyond that was never there.
const MOST: u64 = 1 << 20;

/// The first `events` events as far as they can be read, and how many were lost. The first one is made anew.
pub(super) fn mend(path: &Path, events: u64, started: &RunStarted) -> Result<(Vec<Record>, u64)> {
    let mut found = readable(path, events);
    let lost = events - found.len() as u64;
    if lost > MOST {
        return Err(TrainError::invalid(
            path,
            format!("{lost} of the {events} events that the checkpoint knows are missing"),
        ));
    }
    let mut elapsed_seconds = 0.0;
    let records = (0..events).map(|seq| {
        let event = || {
            if seq == 0 {
                Event::RunStarted(Box::new(started.clone()))
            } else {
                Event::Warning { text: LOST.to_owned() }
            }
        };
        let record = found.remove(&seq).unwrap_or_else(|| Record { seq, elapsed_seconds, event: event() });
        elapsed_seconds = record.elapsed_seconds;
        record
    });
    Ok((records.collect(), lost))
}

/// Every event below `events` that can be read, the first of those with one number.
fn readable(path: &Path, events: u64) -> BTreeMap<u64, Record> {
    let mut found = BTreeMap::new();
    let Ok(mut reader) = RecordReader::open(path) else { return found };
    while let Ok(Some(line)) = reader.next_line() {
        if let Ok(record) = line.record
            && record.seq < events
        {
            found.entry(record.seq).or_insert(record);
        }
    }
    found
}

/// Puts these events in the place of the damaged file, which is kept beside it under the name that is returned.
pub(super) fn replace(path: &Path, records: &[Record]) -> Result<Option<PathBuf>> {
    let temporary = path.with_extension("tmp");
    let write = || {
        let mut file = File::create(&temporary)?;
        records.iter().try_for_each(|record| writeln!(file, "{}", record.to_line()))?;
        file.sync_all()
    };
    write().map_err(TrainError::write(&temporary))?;
    let names = (1u64..).map(|number| path.with_extension(format!("damaged-{number}.jsonl")));
    let found = fs::symlink_metadata(path).ok();
    let aside = found.as_ref().and_then(|_| names.into_iter().find(|aside| fs::symlink_metadata(aside).is_err()));
    if let (Some(aside), Some(found)) = (&aside, found) {
        // A copy: at no moment is there no record. What is no plain file may have no end.
        let kept = if found.is_file() { fs::copy(path, aside).map(drop) } else { fs::rename(path, aside) };
        kept.map_err(TrainError::write(aside))?;
    }
    fs::rename(&temporary, path).map_err(TrainError::write(path))?;
    Ok(aside)
}
