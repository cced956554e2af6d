//! `events.jsonl`: every event, one line each.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use eoinas_core::{
    Event,
    event::{Record, RecordReader},
};

use super::Observer;
use crate::error::{Result, TrainError};

/// Writes every event to a file, a line each, as it happens.
#[derive(Debug)]
pub struct JsonlRecord {
    path: PathBuf,
    file: File,
}

impl JsonlRecord {
    /// A new record. A file that is there already is an error.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path).map_err(TrainError::write(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Goes on with a record that keeps its first `events` lines: those that the checkpoint knows of. Returns their
    /// content too.
    ///
    /// # Errors
    /// The file cannot be read or written, has fewer lines than that, or a line that is no event.
    pub fn resume(path: &Path, events: u64) -> Result<(Self, Vec<Record>)> {
        let mut reader = RecordReader::open(path)?;
        let file = OpenOptions::new().append(true).open(path).map_err(TrainError::write(path))?;
        let wrong = |line: u64, problem: String| TrainError::invalid(path, format!("line {line}: {problem}"));
        let mut kept = 0;
        let mut records = Vec::new();
        for seq in 0..events {
            let Some(line) = reader.next_line()? else {
                return Err(wrong(seq, format!("{seq} events, but the checkpoint comes after {events}")));
            };
            let number = line.number as u64;
            let record = line.record.map_err(|error| wrong(number, error.to_string()))?;
            if record.seq != seq {
                return Err(wrong(number, format!("event {} where number {seq} belongs", record.seq)));
            }
            kept = line.end;
            records.push(record);
        }
        file.set_len(kept).map_err(TrainError::write(path))?;
        Ok((Self { path: path.to_owned(), file }, records))
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut line = record.to_line();
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        // A checkpoint counts on the events before it, so they must outlast a power cut as it does.
        if matches!(record.event, Event::CheckpointSaved { .. }) { self.file.sync_data() } else { Ok(()) }
    }
}

impl Observer for JsonlRecord {
    fn observe(&mut self, record: &Record) -> Result<()> {
        if matches!(record.event, Event::Resumed { .. }) {
            return Ok(());
        }
        self.write(record).map_err(TrainError::write(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::observer::Observers;

    fn warning(text: &str) -> Event {
        Event::Warning { text: text.to_owned() }
    }

    fn lines(path: &Path) -> Vec<Event> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| Record::from_line(line).unwrap().event).collect()
    }

    #[test]
    fn a_resumed_record_goes_on_after_the_events_that_it_keeps() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut observers = Observers::new(vec![Box::new(JsonlRecord::create(&path).unwrap())], 0, 0.0);
        for text in ["a", "b", "c"] {
            observers.emit(warning(text)).unwrap();
        }
        assert!(JsonlRecord::create(&path).is_err());
        // Killed while the next line was written.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"seq\":3,\"ela").unwrap();

        let (record, kept) = JsonlRecord::resume(&path, 2).unwrap();
        assert_eq!(kept.len(), 2);
        let mut observers = Observers::new(vec![Box::new(record)], 2, 1.0);
        observers.emit(Event::Resumed { epoch: 0, step: 0, checkpoint: String::new() }).unwrap();
        observers.emit(warning("d")).unwrap();
        assert_eq!(lines(&path), [warning("a"), warning("b"), warning("d")]);
    }

    #[test]
    fn a_record_that_lacks_events_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut record = JsonlRecord::create(&path).unwrap();
        record.observe(&Record { seq: 0, elapsed_seconds: 0.0, event: warning("a") }).unwrap();
        let error = JsonlRecord::resume(&path, 2).unwrap_err().to_string();
        assert!(error.contains("1 events, but the checkpoint comes after 2"), "{error}");
        fs::write(&path, "nonsense\n").unwrap();
        assert!(
            matches!(JsonlRecord::resume(&path, 1), Err(TrainError::Invalid { problem, .. }) if problem.starts_with("line 1: "))
        );
        assert!(matches!(JsonlRecord::resume(&dir.path().join("no"), 1), Err(TrainError::Record(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let path = Path::new("/dev/full");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let mut record = JsonlRecord { path: path.to_owned(), file };
        let error = record.observe(&Record { seq: 0, elapsed_seconds: 0.0, event: warning("a") }).unwrap_err();
        assert!(error.to_string().contains("/dev/full"), "{error}");
        assert!(matches!(error, TrainError::File { source, .. } if source.kind() == io::ErrorKind::StorageFull));
    }
}
