//! Pictures and their classes by a table: CSV with the columns `file` and `label`, and `split` where it has one.

use super::class::Class;
use super::hold_out::parts_of;
use super::list::{FolderList, quoted};
use super::{FolderConfig, Unreadable, parts};
use crate::error::{DataError, Result};
use eoinas_core::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// A row.
struct Row {
    line: u64,
    file: String,
    label: String,
    /// In small letters.
    split: Option<String>,
}

/// The files that a table names, as it names them.
///
/// # Errors
/// [`DataError::File`], and [`DataError::Table`] for a row that cannot be used.
pub fn labelled_files(table: impl AsRef<Path>) -> Result<Vec<String>> {
    Ok(rows(table.as_ref())?.into_iter().map(|row| row.file).collect())
}

/// The pictures of `table`, which lie in `dir`; in the order of classes and files, whatever that of the rows.
pub(super) fn list(table: &Path, dir: &Path, config: &FolderConfig) -> Result<FolderList> {
    let rows = rows(table)?;
    let wrong = |line: u64, problem: String| DataError::Table { path: table.into(), line, problem };
    for row in &rows {
        // Where unreadable pictures are left out, the decoder names this one with them.
        if config.unreadable == Unreadable::Fail && !dir.join(&row.file).is_file() {
            let problem =
                format!("there is no file `{}` in {}; put it there, or remove the row", row.file, dir.display());
            return Err(wrong(row.line, problem));
        }
    }
    let classes: Vec<String> = rows.iter().map(|row| row.label.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let splits: Vec<String> =
        rows.iter().filter_map(|row| row.split.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let (train_name, test_name) = (parts::train(&splits), parts::test(&splits));
    let (mut train, mut test, mut left_out) = (Vec::new(), Vec::new(), BTreeMap::new());
    for row in &rows {
        let label = classes.binary_search(&row.label).unwrap_or_default() as u32;
        let entry = (dir.join(&row.file), label);
        match row.split.as_deref() {
            None => train.push(entry),
            Some(split) if Some(split) == train_name => train.push(entry),
            Some(split) if Some(split) == test_name => test.push(entry),
            Some(split) if parts::is_part(split) => *left_out.entry(split).or_insert(0usize) += 1,
            Some(split) => {
                let problem =
                    format!("the split is `{split}`; expected `train`, or `test`, `val`, `validation` or `dev`");
                return Err(wrong(row.line, problem));
            }
        }
    }
    let by_class = |entries: &mut Vec<(PathBuf, u32)>| entries.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    by_class(&mut train);
    by_class(&mut test);
    let mut notes: Vec<String> = Vec::new();
    notes.extend(
        left_out
            .iter()
            .map(|(split, count)| format!("{} of the split `{split}` left out", counted(*count, "row", "rows"))),
    );
    notes.extend(unnamed(dir, &rows, config));
    Ok(match test.is_empty() {
        true => parts_of(classes, train, notes, config, "no row of a split `test`"),
        false => FolderList { classes, train, test, notes, held_out: None },
    })
}

/// How many pictures there are that the table does not name.
fn unnamed(dir: &Path, rows: &[Row], config: &FolderConfig) -> Option<String> {
    let named: BTreeSet<PathBuf> = rows.iter().map(|row| dir.join(&row.file)).collect();
    // Where the folder has others that cannot be read, nothing is said: none of them is needed.
    let there = Class::read(dir, config.files).unwrap_or_default().images;
    let others: Vec<String> =
        there.iter().filter(|path| !named.contains(*path)).map(|path| path.display().to_string()).collect();
    let first: Vec<&str> = others.iter().take(3).map(String::as_str).collect();
    let more = if others.len() > first.len() { ", ..." } else { "" };
    let pictures =
        counted(others.len(), "picture that the table does not name", "pictures that the table does not name");
    let note = || format!("{pictures} left out: {}{more}", quoted(&first));
    (!others.is_empty()).then(note)
}

/// The path of a file below the folder of the pictures, in one spelling.
fn below(file: &str) -> std::result::Result<String, String> {
    let mut parts = Vec::new();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(format!(
                    "`{file}` is not below the folder of the pictures; give its path from there, or the folder that holds all"
                ));
            }
        }
    }
    Ok(parts.join("/"))
}

/// Bytes of a table, at most: some for each of as many pictures as a set can have.
const LARGEST: u64 = 4 << 30;

fn rows(table: &Path) -> Result<Vec<Row>> {
    let wrong = |line: u64, problem: String| DataError::Table { path: table.into(), line, problem };
    let bytes = eoinas_core::file::read(table, LARGEST).map_err(DataError::read(table))?;
    // A reader's position is before the empty lines that it skips.
    let line_of = |position: Option<&csv::Position>| {
        let (line, byte) = position.map_or((1, 0), |position| (position.line(), position.byte()));
        let rest = bytes.get(byte as usize..).unwrap_or_default();
        line + rest.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|byte| **byte == b'\n').count() as u64
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let unread = |error: csv::Error| {
        let line = line_of(error.position());
        wrong(line, format!("{error}; every row has as many columns as the first, of UTF-8, separated by commas"))
    };
    let header = reader.headers().map_err(unread)?.clone();
    let column = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
    let (Some(file), Some(label)) = (column("file"), column("label")) else {
        let got: Vec<&str> = header.iter().collect();
        let problem =
            format!("the columns are {}; expected a first line `file,label` or `file,label,split`", quoted(&got));
        return Err(wrong(1, problem));
    };
    let split = column("split");
    let (mut rows, mut known) = (Vec::new(), BTreeMap::new());
    for record in reader.records() {
        let record = record.map_err(unread)?;
        let line = line_of(record.position());
        let cell = |column: usize, name: &str| match record.get(column) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(wrong(line, format!("the column `{name}` is empty; give its value, or remove the row"))),
        };
        let row = Row {
            line,
            file: below(&cell(file, "file")?).map_err(|problem| wrong(line, problem))?,
            label: cell(label, "label")?,
            split: split.map(|split| cell(split, "split")).transpose()?.map(|split| split.to_lowercase()),
        };
        if let Some(before) = known.insert(row.file.clone(), line) {
            return Err(wrong(line, format!("`{}` is in line {before} already; a picture has one class", row.file)));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(wrong(1, "there is no row below the columns; give one for each picture".into()));
    }
    Ok(rows)
}
