//! `events.jsonl`: every event, one line each.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use eoinas_core::{
    CoreError, Event,
    event::{Record, RecordReader, RunStarted},
};
use sha2::{Digest, Sha256};

use super::{Observer, repair};
use crate::{
    checkpoint::FileEntry,
    error::{Result, TrainError},
};

/// Writes every event to a file, a line each, as it happens.
#[derive(Debug)]
pub struct JsonlRecord {
    path: PathBuf,
    file: File,
    written: Written,
}

/// What a record holds so far, so that a checkpoint can say what it comes after.
#[derive(Clone, Debug, Default)]
struct Written {
    bytes: u64,
    hash: Sha256,
}

impl Written {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
    }

    fn entry(&self) -> FileEntry {
        FileEntry { bytes: self.bytes, sha256: crate::checkpoint::hex(&self.hash.clone().finalize()) }
    }
}

/// The record of a run that goes on.
#[derive(Debug)]
pub struct Resumed {
    /// It, to be written on.
    pub record: JsonlRecord,
    /// The events that it keeps.
    pub kept: Vec<Record>,
    /// What the user should know where the record was damaged.
    pub note: Option<String>,
}

impl JsonlRecord {
    /// A new record. A file that is there already is an error.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path).map_err(TrainError::write(path))?;
        Ok(Self { path: path.to_owned(), file, written: Written::default() })
    }

    /// The same where its folder has another name now.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn moved(self, path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).open(path).map_err(TrainError::write(path))?;
        Ok(Self { path: path.to_owned(), file, ..self })
    }

    /// Goes on with a record that keeps its first `events` lines: those that the checkpoint knows of, and of which it
    /// may know length and hash (`known`). One that is damaged there is mended: what cannot be read is replaced by a note, and
    /// by `started` where it is the first event, and the damaged file is kept beside it.
    ///
    /// # Errors
    /// The file cannot be read or written, or a later version wrote it.
    pub fn resume(path: &Path, events: u64, known: Option<&FileEntry>, started: &RunStarted) -> Result<Resumed> {
        match intact(path, events, known)? {
            Ok((end, kept)) => {
                let file = OpenOptions::new().append(true).open(path).map_err(TrainError::write(path))?;
                file.set_len(end).map_err(TrainError::write(path))?;
                Self::open(path, file, kept, None)
            }
            Err(problem) => {
                let (kept, lost) = repair::mend(path, events, started)?;
                let aside = repair::replace(path, &kept)?;
                let note = format!(
                    "{} was damaged ({problem}) and is mended: {lost} of {events} events are lost; the damaged one is {}",
                    path.display(),
                    aside.map_or("gone".to_owned(), |aside| aside.display().to_string())
                );
                let file = OpenOptions::new().append(true).open(path).map_err(TrainError::write(path))?;
                Self::open(path, file, kept, Some(note))
            }
        }
    }

    fn open(path: &Path, file: File, kept: Vec<Record>, note: Option<String>) -> Result<Resumed> {
        let mut written = Written::default();
        let mut reader = File::open(path).map_err(TrainError::read(path))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match reader.read(&mut buffer).map_err(TrainError::read(path))? {
                0 => break,
                length => written.add(buffer.get(..length).unwrap_or_default()),
            }
        }
        let record = Self { path: path.to_owned(), file, written };
        Ok(Resumed { record, kept, note })
    }

    /// Length and hash of what it holds so far.
    pub(crate) fn entry(&self) -> FileEntry {
        self.written.entry()
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut line = record.to_line();
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        self.written.add(line.as_bytes());
        // A checkpoint counts on the events before it, so they must outlast a power cut as it does.
        if matches!(record.event, Event::CheckpointSaved { .. }) { self.file.sync_data() } else { Ok(()) }
    }
}

/// Where the first `events` lines end, and those lines; or what is wrong with them.
fn intact(path: &Path, events: u64, known: Option<&FileEntry>) -> Result<Result<(u64, Vec<Record>), String>> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Ok(Err("it is no plain file".to_owned()));
    }
    let mut reader = match RecordReader::open(path) {
        Err(CoreError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(Err("it is missing".to_owned()));
        }
        reader => reader?,
    };
    let (mut end, mut kept) = (0, Vec::new());
    for seq in 0..events {
        let Some(line) = reader.next_line()? else {
            return Ok(Err(format!("{seq} events, but the checkpoint comes after {events}")));
        };
        match line.record {
            Ok(record) if record.seq == seq => kept.push(record),
            Ok(record) => {
                return Ok(Err(format!("line {}: event {} where number {seq} belongs", line.number, record.seq)));
            }
            Err(error @ CoreError::Version { .. }) => return Err(error.into()),
            Err(error) => return Ok(Err(format!("line {}: {error}", line.number))),
        }
        end = line.end;
    }
    if let Some(known) = known {
        let bytes = fs::read(path).map_err(TrainError::read(path))?;
        let start = bytes.get(..end as usize).unwrap_or_default();
        let mut written = Written::default();
        written.add(start);
        if written.entry() != *known {
            return Ok(Err("it is not what it was when the checkpoint was saved".to_owned()));
        }
    }
    Ok(Ok((end, kept)))
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
    use crate::{observer::Observers, run::started_for_tests};

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

        let resumed = JsonlRecord::resume(&path, 2, None, &started_for_tests()).unwrap();
        assert_eq!((resumed.kept.len(), resumed.note), (2, None));
        let mut observers = Observers::new(vec![Box::new(resumed.record)], 2, 1.0);
        observers.emit(Event::Resumed { epoch: 0, step: 0, checkpoint: String::new() }).unwrap();
        observers.emit(warning("d")).unwrap();
        assert_eq!(lines(&path), [warning("a"), warning("b"), warning("d")]);
    }

    #[test]
    fn a_record_that_was_damaged_is_mended_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut record = JsonlRecord::create(&path).unwrap();
        for (seq, text) in ["a", "b", "c"].into_iter().enumerate() {
            record.observe(&Record { seq: seq as u64, elapsed_seconds: 1.0, event: warning(text) }).unwrap();
        }
        let known = record.entry();
        let resume = |known| JsonlRecord::resume(&path, 3, known, &started_for_tests()).unwrap();
        assert_eq!(resume(Some(&known)).note, None);
        let whole = fs::read_to_string(&path).unwrap();
        let started = Event::RunStarted(Box::new(started_for_tests()));
        let lost = || warning(repair::LOST);
        type Damage = fn(&str) -> String;
        let cases: [(Damage, Vec<Event>, &str); 6] = [
            (|_| String::new(), vec![started.clone(), lost(), lost()], "0 events, but the checkpoint comes after 3"),
            (|text| text.replacen("\"a\"", "\"a", 1), vec![started.clone(), warning("b"), warning("c")], "line 1: "),
            // Two processes that wrote at once.
            (
                |text| text.lines().flat_map(|line| [line, "\n", line, "\n"]).collect(),
                vec![warning("a"), warning("b"), warning("c")],
                "event 0 where number 1 belongs",
            ),
            (|text| text.lines().skip(1).collect(), vec![started, lost(), lost()], "0 events"),
            // A line that can still be read says something else: the checkpoint knows it.
            (|text| text.replace("\"b\"", "\"x\""), vec![warning("a"), warning("x"), warning("c")], "not what it was"),
            (
                |text| format!("\u{0}{text}"),
                vec![Event::RunStarted(Box::new(started_for_tests())), warning("b"), warning("c")],
                "line 1",
            ),
        ];
        for (number, (damage, events, problem)) in cases.into_iter().enumerate() {
            let damaged = damage(&whole);
            fs::write(&path, &damaged).unwrap();
            let note = resume(Some(&known)).note.unwrap();
            assert!(note.contains(problem), "{note}");
            assert_eq!(lines(&path), events, "{problem}");
            let aside = dir.path().join(format!("events.damaged-{}.jsonl", number + 1));
            assert_eq!(fs::read_to_string(&aside).unwrap(), damaged);
            assert_eq!(resume(None).note, None);
        }
        fs::remove_file(&path).unwrap();
        assert!(resume(Some(&known)).note.unwrap().contains("missing"));
        #[cfg(unix)]
        {
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
            assert!(resume(Some(&known)).note.unwrap().contains("no plain file"));
        }
        let later = "{\"seq\":0,\"elapsed_seconds\":0,\"event\":\"run_started\",\"record_version\":99}\n";
        fs::write(&path, later).unwrap();
        assert!(JsonlRecord::resume(&path, 3, None, &started_for_tests()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let path = Path::new("/dev/full");
        let file = OpenOptions::new().write(true).open(path).unwrap();
        let mut record = JsonlRecord { path: path.to_owned(), file, written: Written::default() };
        let error = record.observe(&Record { seq: 0, elapsed_seconds: 0.0, event: warning("a") }).unwrap_err();
        assert!(error.to_string().contains("/dev/full"), "{error}");
        assert!(matches!(error, TrainError::File { source, .. } if source.kind() == io::ErrorKind::StorageFull));
    }
}
