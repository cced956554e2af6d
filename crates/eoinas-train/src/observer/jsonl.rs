//! `events.jsonl`: every event, one line each.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use eoinas_core::{Event, event::Record};

use super::{Observer, ObserverError};

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
    pub fn create(path: &Path) -> Result<Self, ObserverError> {
        let file = File::create_new(path).map_err(write_error(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Goes on with a record that keeps its first `events` lines: those that the checkpoint knows of. Returns their
    /// content too.
    ///
    /// # Errors
    /// The file cannot be read or written, has fewer lines than that, or a line that is no event.
    pub fn resume(path: &Path, events: u64) -> Result<(Self, Vec<Record>), ObserverError> {
        let read_error = |source| ObserverError::Read { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(read_error)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(read_error)?;
        let wrong = |line: u64, problem: String| ObserverError::Record { path: path.to_owned(), line, problem };
        let mut kept = 0;
        let mut records = Vec::new();
        for (seq, line) in (0..events).zip(text.split_inclusive('\n')) {
            let record = Record::from_line(line.trim_end()).map_err(|error| wrong(seq + 1, error.to_string()))?;
            if record.seq != seq {
                return Err(wrong(seq + 1, format!("event {} where number {seq} belongs", record.seq)));
            }
            kept += line.len() as u64;
            records.push(record);
        }
        let got = records.len() as u64;
        if got < events {
            return Err(wrong(got, format!("{got} events, but the checkpoint comes after {events}")));
        }
        file.set_len(kept).map_err(write_error(path))?;
        Ok((Self { path: path.to_owned(), file }, records))
    }

    /// Every line of a record. A last line that was not finished is left out.
    ///
    /// # Errors
    /// The file cannot be read, or has a line that is no event.
    pub fn read(path: &Path) -> Result<Vec<Record>, ObserverError> {
        let text = fs::read_to_string(path).map_err(|source| ObserverError::Read { path: path.to_owned(), source })?;
        let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let record = |(index, line)| {
            let wrong = |problem| ObserverError::Record { path: path.to_owned(), line: index + 1, problem };
            Record::from_line(line).map_err(|error| wrong(error.to_string()))
        };
        (0u64..).zip(lines).map(record).collect()
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
    fn observe(&mut self, record: &Record) -> Result<(), ObserverError> {
        if matches!(record.event, Event::Resumed { .. }) {
            return Ok(());
        }
        self.write(record).map_err(write_error(&self.path))
    }
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> ObserverError + '_ {
    move |source| ObserverError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
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

        assert_eq!(JsonlRecord::read(&path).unwrap().len(), 3);

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
        assert!(matches!(JsonlRecord::resume(&path, 1), Err(ObserverError::Record { line: 1, .. })));
        assert!(matches!(JsonlRecord::resume(&dir.path().join("no"), 1), Err(ObserverError::Read { .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let path = Path::new("/dev/full");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let mut record = JsonlRecord { path: path.to_owned(), file };
        let error = record.observe(&Record { seq: 0, elapsed_seconds: 0.0, event: warning("a") }).unwrap_err();
        assert!(error.to_string().contains("/dev/full"), "{error}");
        assert!(matches!(error, ObserverError::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull));
    }
}
