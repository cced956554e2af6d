//! What is to be classified: files, all files of a folder, names from a list, or what comes in by standard input.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use eoinas_core::{ValueKind, file};
use eoinas_data::{is_litter, is_picture};
use walkdir::{DirEntry, WalkDir};

use crate::Error;

/// One picture or signal.
#[derive(Debug)]
pub(crate) enum Input {
    /// In a file.
    File(PathBuf),
    /// In standard input.
    Standard,
}

impl Input {
    /// What it is called.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Standard => "standard input".to_owned(),
        }
    }
}

/// All inputs that `named` and the list mean, folders file by file in the order of their names; an error stands where one
/// cannot be read.
///
/// # Errors
/// A list that cannot be read or is empty; standard input that is asked for twice.
pub(crate) fn inputs(
    named: &[PathBuf],
    list: Option<&Path>,
    values: ValueKind,
) -> Result<Vec<Result<Input, Error>>, Error> {
    let asked = named.iter().map(PathBuf::as_path).chain(list).filter(|path| is_standard(path)).count();
    if asked > 1 {
        return Err("`-` stands for standard input more than once; it can be read once".into());
    }
    let mut all = Vec::new();
    for path in named {
        if is_standard(path) { all.push(Ok(Input::Standard)) } else { add(path, values, &mut all) }
    }
    if let Some(list) = list {
        for path in listed(list)? {
            add(&path, values, &mut all);
        }
    }
    Ok(all)
}

fn is_standard(path: &Path) -> bool {
    path == "-"
}

fn add(path: &Path, values: ValueKind, all: &mut Vec<Result<Input, Error>>) {
    if !path.is_dir() {
        return all.push(Ok(Input::File(path.to_owned())));
    }
    let before = all.len();
    // Neither hidden folders nor those that tools leave, as trainings have it; one that is named is meant.
    let is_shown = |entry: &DirEntry| {
        let name = entry.file_name();
        let left_out = name.as_encoded_bytes().starts_with(b".") || entry.file_type().is_dir() && is_litter(name);
        entry.depth() == 0 || !left_out
    };
    for entry in WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter().filter_entry(is_shown) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_meant(entry.path(), values) => {
                all.push(Ok(Input::File(entry.into_path())));
            }
            Ok(_) => {}
            Err(error) => all.push(Err(error.into())),
        }
    }
    if all.len() == before {
        let what = match values {
            ValueKind::Bytes => "pictures",
            ValueKind::Floats => "text files (.txt, .csv)",
        };
        all.push(Err(format!("{}: no {what} in this folder nor below it", path.display()).into()));
    }
}

/// Whether a file of a folder is one that the network reads.
fn is_meant(path: &Path, values: ValueKind) -> bool {
    match values {
        ValueKind::Bytes => is_picture(path),
        ValueKind::Floats => {
            path.extension().is_some_and(|end| end.eq_ignore_ascii_case("txt") || end.eq_ignore_ascii_case("csv"))
        }
    }
}

/// The names in a list: one a line, or, as `find -print0` has them, each with a zero byte at its end.
fn listed(list: &Path) -> Result<Vec<PathBuf>, Error> {
    // Not plain files alone: the shell's <(find ...) is a pipe.
    let read = match is_standard(list) {
        true => file::read_from(io::stdin().lock(), file::TEXT),
        false => File::open(list).and_then(|list| file::read_from(list, file::TEXT)),
    };
    let bytes = read.map_err(|error| format!("{}: the list of names cannot be read: {error}", list.display()))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let end = if bytes.contains(&0) { 0 } else { b'\n' };
    let names = bytes.split(|byte| *byte == end).map(|name| match end {
        b'\n' => name.strip_suffix(b"\r").unwrap_or(name),
        _ => name,
    });
    let names: Vec<PathBuf> = names.filter(|name| !name.is_empty()).map(path).collect();
    if names.is_empty() {
        return Err(format!("{}: the list names no picture", list.display()).into());
    }
    Ok(names)
}

#[cfg(unix)]
fn path(name: &[u8]) -> PathBuf {
    <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name).into()
}

#[cfg(not(unix))]
fn path(name: &[u8]) -> PathBuf {
    OsStr::new(String::from_utf8_lossy(name).as_ref()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_tools_are_not_looked_into_unless_they_are_named() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a/1.png", "a/@eaDir/1.png", "__MACOSX/a/1.png", ".hidden/1.png", "a/deep/lost+found/1.png"] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = |path: &str| {
            let found = inputs(&[dir.path().join(path)], None, ValueKind::Bytes).unwrap();
            found.into_iter().map(|input| input.unwrap().name()).collect::<Vec<_>>()
        };
        assert_eq!(found("."), [dir.path().join("./a/1.png").display().to_string()]);
        assert_eq!(found("a/@eaDir").len(), 1);
    }

    #[test]
    fn a_list_names_something_within_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        std::fs::write(&path, "\u{feff}a.png\r\n\nb.png").unwrap();
        assert_eq!(listed(&path).unwrap(), [PathBuf::from("a.png"), PathBuf::from("b.png")]);
        std::fs::write(&path, "\u{feff}\n\r\n").unwrap();
        assert!(listed(&path).unwrap_err().to_string().ends_with("the list names no picture"));
        #[cfg(unix)]
        assert!(listed(Path::new("/dev/zero")).unwrap_err().to_string().contains("more than"));
    }
}
