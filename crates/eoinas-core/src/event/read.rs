//! From the file of a record to its lines.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::Record;
use crate::error::CoreError;

/// Reads a record line by line; can be asked again while the run goes on.
#[derive(Debug)]
pub struct RecordReader {
    path: PathBuf,
    file: BufReader<File>,
    line: usize,
    offset: u64,
}

/// A line of a record.
#[derive(Debug)]
pub struct RecordLine {
    /// Its number in the file, from 1.
    pub number: usize,
    /// Bytes of the file up to its end.
    pub end: u64,
    /// What it says, or why it cannot be read.
    pub record: Result<Record, CoreError>,
}

impl RecordReader {
    /// Opens a record.
    ///
    /// # Errors
    /// [`CoreError::File`].
    pub fn open(path: &Path) -> Result<Self, CoreError> {
        let wrong = |source| CoreError::File { path: path.to_owned(), source };
        // A device or a pipe may have no end.
        if !fs::metadata(path).map_err(wrong)?.is_file() {
            return Err(wrong(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")));
        }
        let file = BufReader::new(File::open(path).map_err(wrong)?);
        Ok(Self { path: path.to_owned(), file, line: 0, offset: 0 })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line that is whole by now; `None` at the end. Blank lines are passed over. Bytes that are no text are
    /// replaced.
    ///
    /// # Errors
    /// The file cannot be read: [`CoreError::File`]. What is wrong with the line is in [`RecordLine::record`].
    pub fn next_line(&mut self) -> Result<Option<RecordLine>, CoreError> {
        self.take(false)
    }

    /// The rest after the last whole line, which a run that goes on is writing, or one that was killed left behind. Asked
    /// for after [`RecordReader::next_line`] has come to the end.
    ///
    /// # Errors
    /// As [`RecordReader::next_line`].
    pub fn unfinished_line(&mut self) -> Result<Option<RecordLine>, CoreError> {
        self.take(true)
    }

    fn take(&mut self, unfinished: bool) -> Result<Option<RecordLine>, CoreError> {
        loop {
            let wrong = |source| CoreError::File { path: self.path.clone(), source };
            let Some(text) = text(&mut self.file, &mut self.offset, unfinished).map_err(wrong)? else {
                return Ok(None);
            };
            self.line += 1;
            if !text.trim().is_empty() {
                return Ok(Some(RecordLine { number: self.line, end: self.offset, record: Record::from_line(&text) }));
            }
        }
    }
}

/// The next line's text. A line without a break is not passed over unless it is asked for: it may be whole the next time.
fn text(file: &mut BufReader<File>, offset: &mut u64, unfinished: bool) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let length = file.read_until(b'\n', &mut bytes)? as u64;
    let whole = bytes.pop_if(|byte| *byte == b'\n').is_some();
    if !whole && (bytes.is_empty() || !unfinished) {
        file.seek(SeekFrom::Start(*offset))?;
        return Ok(None);
    }
    *offset += length;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Every line of a record. A last line that was not finished is left out.
///
/// # Errors
/// The file cannot be read, or has a line that is no event: [`CoreError::At`] says which.
pub fn read(path: &Path) -> Result<Vec<Record>, CoreError> {
    let mut reader = RecordReader::open(path)?;
    let mut records = Vec::new();
    while let Some(line) = reader.next_line()? {
        let at = |problem| CoreError::At { path: path.to_owned(), line: line.number, problem: Box::new(problem) };
        records.push(line.record.map_err(at)?);
    }
    Ok(records)
}
