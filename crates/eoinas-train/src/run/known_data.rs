//! The files that a run learns from, so that it goes on with the same ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    time::UNIX_EPOCH,
};

use eoinas_core::{counted, run_folder::names};
use eoinas_data::{DataError, PictureFiles, SourceKind, is_litter};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{checkpoint::hex, options::Options, plain, run_dir::RunDir, run_writer::RunWriter};
use crate::error::{Result, TrainError};

/// Files of up to so many bytes in all are hashed when a run begins; of more, names, lengths and times alone are known.
const HASHED: u64 = 1 << 30;
/// So many names are said where several files differ.
const SAID: usize = 3;

/// A folder of images, and what is in it.
#[derive(Clone, Copy, Debug)]
pub struct DataFolder<'a> {
    /// What set it holds.
    pub kind: SourceKind,
    /// Which files are its pictures.
    pub files: PictureFiles,
    /// Where it is.
    pub dir: &'a Path,
    /// The table that names its pictures and their classes, where there is one.
    pub labels: Option<&'a Path>,
}

/// `data.json`: every file that images or classes are read from, by its path below the folder.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known(BTreeMap<String, Mark>);

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// It cannot be opened: nothing is learned from it, and something as soon as it can be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unreadable: bool,
}

impl<'a> DataFolder<'a> {
    /// That of the settings, unless the images were handed over.
    pub fn of(kind: SourceKind, dir: Option<&'a Path>, files: PictureFiles, options: &Options) -> Option<Self> {
        let dir = dir.filter(|_| options.dataset.is_none() && !kind.is_embedded())?;
        Some(Self { kind, files, dir, labels: None })
    }

    /// Notes the files in the folder of a new run.
    pub(super) fn note(self, run: &RunWriter) -> Result<()> {
        run.write_json(names::DATA, &self.known()?)
    }

    /// Whether they are those that the other runs of a study learn from: the first one notes them in the study's folder, where
    /// there is one. What the user should know, where it cannot be told.
    pub(crate) fn check_study(self, study: Option<&Path>) -> Result<Option<String>> {
        let Some(study) = study else { return Ok(None) };
        let path = study.join(names::DATA);
        if path.exists() {
            return self.check(&RunDir::at(study));
        }
        let json = serde_json::to_string_pretty(&self.known()?).map_err(|error| TrainError::invalid(&path, error))?;
        fs::create_dir_all(study).map_err(TrainError::write(study))?;
        match plain::write_new(&path, &(json + "\n")) {
            // Another process of the study was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.check(&RunDir::at(study)),
            made => made.map(|()| None).map_err(TrainError::write(&path)),
        }
    }

    fn known(self) -> Result<Known> {
        let mut files = self.files()?;
        if files.values().map(|mark| mark.bytes).sum::<u64>() <= HASHED {
            for (name, mark) in files.iter_mut().filter(|(_, mark)| !mark.unreadable) {
                mark.sha256 = Some(self.hash(name)?);
            }
        }
        Ok(Known(files))
    }

    /// Whether they are still what the run noted. What the user should know, where it cannot be told.
    pub(crate) fn check(self, run: &RunDir) -> Result<Option<String>> {
        let dir = self.dir.display();
        if !self.dir.is_dir() {
            // Whoever opens the images says more.
            return Ok(None);
        }
        if !run.join(names::DATA).exists() {
            return Ok(Some(format!(
                "the run was begun by version 0.1.0, which did not note its images: whether those in {dir} are still the \
                 same is not checked"
            )));
        }
        let Known(before) = run.read_json(names::DATA)?;
        let now = self.files()?;
        let other = |what: String| Err(TrainError::OtherData { path: self.dir.to_owned(), what });
        if let Some(what) = names_that_differ(&before, &now) {
            return other(what);
        }
        for (unreadable, how) in [(true, "unreadable now"), (false, "readable now, and was not")] {
            let differs = |(name, was): &(&String, &Mark)| {
                was.unreadable != unreadable && now.get(*name).is_some_and(|is| is.unreadable == unreadable)
            };
            let names: Vec<&String> = before.iter().filter(differs).map(|(name, _)| name).collect();
            if !names.is_empty() {
                return other(format!("{} {how}", listed(names.into_iter())));
            }
        }
        let (mut changed, mut unknown) = (Vec::new(), 0);
        for (name, was) in &before {
            let differs = |is: &&Mark| !is.unreadable && (is.bytes != was.bytes || is.modified != was.modified);
            let Some(is) = now.get(name).filter(differs) else { continue };
            match &was.sha256 {
                _ if is.bytes != was.bytes => changed.push(name),
                // A copy, or a `touch`: the content decides.
                Some(hash) if *hash != self.hash(name)? => changed.push(name),
                Some(_) => {}
                None => unknown += 1,
            }
        }
        if !changed.is_empty() {
            return other(format!("{} changed", listed(changed.into_iter())));
        }
        Ok((unknown > 0).then(|| {
            let files = counted(unknown, "file", "files");
            let have = if unknown == 1 { "has" } else { "have" };
            format!(
                "{files} in {dir} {have} other times than when the run began, and the same lengths; as there are more \
                 than {} MiB, their content was not noted and is not checked",
                HASHED >> 20
            )
        }))
    }

    fn hash(self, name: &str) -> Result<String> {
        let path = self.dir.join(name);
        let mut hash = Sha256::new();
        fs::File::open(&path)
            .and_then(|mut file| io::copy(&mut file, &mut HashWriter(&mut hash)))
            .map_err(unread(&path))?;
        Ok(hex(&hash.finalize()))
    }

    /// Lengths and times of the files, which lie in the folder or up to two folders below it; of all pictures, anywhere below.
    fn files(self) -> Result<BTreeMap<String, Mark>> {
        let mut files = BTreeMap::new();
        if let Some(table) = self.labels {
            // Paths of their own stand for themselves where they are joined to that of the folder.
            let table = std::path::absolute(table).unwrap_or_else(|_| table.to_owned());
            for name in labelled(&table)?.into_iter().chain([table.to_string_lossy().into_owned()]) {
                let path = self.dir.join(&name);
                if let Some(found) = Mark::of(&path, fs::metadata(&path)) {
                    files.insert(name, found);
                }
            }
            return Ok(files);
        }
        self.walk(Path::new(""), 0, &mut files)?;
        Ok(files)
    }

    fn walk(self, below: &Path, depth: usize, files: &mut BTreeMap<String, Mark>) -> Result<()> {
        let dir = self.dir.join(below);
        let entries = match fs::read_dir(&dir) {
            // Whoever opens the images says so where one of its pictures is needed.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            entries => entries.map_err(unread(&dir))?,
        };
        for entry in entries {
            let name = entry.map_err(unread(&dir))?.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let (path, place) = (dir.join(&name), below.join(&name));
            let found = fs::metadata(&path);
            if found.as_ref().is_ok_and(fs::Metadata::is_dir) {
                if self.looks_into(&path, depth) {
                    self.walk(&place, depth + 1, files)?;
                }
            } else if found.as_ref().map_or(true, fs::Metadata::is_file)
                && self.reads(&name.to_string_lossy().to_lowercase())
                && let Some(found) = Mark::of(&path, found)
            {
                files.insert(place.to_string_lossy().replace('\\', "/"), found);
            }
        }
        Ok(())
    }

    /// Whether the images may lie in this folder.
    fn looks_into(self, folder: &Path, depth: usize) -> bool {
        let all = self.kind == SourceKind::Folder && self.files == PictureFiles::All;
        // In a class links to folders are not followed, and a class lies up to two folders deep. What runs noted that were
        // begun with PNG and JPEG alone, folders of tools included, is noted as it was.
        depth < 2 && !all || all && !folder.file_name().is_some_and(is_litter) && (depth < 2 || !folder.is_symlink())
    }

    /// Whether a file of this name may be one of the set.
    fn reads(self, name: &str) -> bool {
        match self.kind {
            SourceKind::Embedded | SourceKind::EmbeddedV2 => false,
            SourceKind::Cifar10 | SourceKind::Cifar100 => name.ends_with(".bin") || name.ends_with(".txt"),
            SourceKind::Mnist => name.contains("ubyte"),
            SourceKind::Folder => self.files.has(name),
        }
    }
}

/// The files that a table names.
#[cfg(feature = "images")]
fn labelled(table: &Path) -> Result<Vec<String>> {
    Ok(eoinas_data::labelled_files(table)?)
}

/// None where this program cannot read tables, which opening the images says.
#[cfg(not(feature = "images"))]
fn labelled(_: &Path) -> Result<Vec<String>> {
    Ok(Vec::new())
}

impl Mark {
    /// That of what was found there; none where there is nothing, or a link that leads nowhere.
    fn of(path: &Path, found: io::Result<fs::Metadata>) -> Option<Self> {
        let found = match found {
            Ok(found) => found,
            // Who may not look at it cannot know more.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Some(Self { bytes: 0, modified: 0, sha256: None, unreadable: true });
            }
            Err(_) => return None,
        };
        let modified = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or_default();
        // What is no file may wait for ever to be opened.
        let unreadable = !found.is_file() || fs::File::open(path).is_err();
        Some(Self { bytes: found.len(), modified, sha256: None, unreadable })
    }
}

/// For a file or folder of the user's that cannot be read.
fn unread(path: &Path) -> impl Fn(io::Error) -> TrainError {
    move |source| DataError::File { path: path.to_owned(), doing: "read", source }.into()
}

/// Which folders, and else which files, are gone or new.
fn names_that_differ(before: &BTreeMap<String, Mark>, now: &BTreeMap<String, Mark>) -> Option<String> {
    fn folders(files: &BTreeMap<String, Mark>) -> BTreeSet<&str> {
        files.keys().filter_map(|name| Some(name.rsplit_once('/')?.0)).collect()
    }
    fn files(files: &BTreeMap<String, Mark>) -> BTreeSet<&str> {
        files.keys().map(String::as_str).collect()
    }
    let differ = |kind: &str, before: BTreeSet<&str>, now: BTreeSet<&str>| {
        let sides = [(before.difference(&now), "gone"), (now.difference(&before), "new")];
        let said = sides.into_iter().filter_map(|(names, how)| {
            let names: Vec<&&str> = names.collect();
            (!names.is_empty()).then(|| format!("{kind}{} {how}", listed(names.into_iter())))
        });
        let said = said.collect::<Vec<_>>();
        (!said.is_empty()).then(|| said.join(", "))
    };
    differ("the folder ", folders(before), folders(now)).or_else(|| differ("", files(before), files(now)))
}

fn listed<T: AsRef<str>>(names: impl ExactSizeIterator<Item = T>) -> String {
    let count = names.len();
    let first = names.take(SAID).map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ");
    let verb = if count == 1 { "is" } else { "are" };
    let more = if count > SAID { format!(" and {} more", count - SAID) } else { String::new() };
    format!("{first}{more} {verb}")
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a folder as its absolute path, so that a run finds its images from whatever working directory it goes on.
pub(crate) fn absolute<S: Serializer>(dir: &Option<std::path::PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    // Where there is no working directory the path stays as it is.
    dir.as_ref().map(|dir| std::path::absolute(dir).unwrap_or_else(|_| dir.clone())).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    /// Two classes of two pictures, and a run that noted them.
    fn noted(root: &Path) -> RunWriter {
        for name in ["cat/1.png", "cat/2.png", "dog/1.JPG", "dog/2.png", "dog/notes.txt"] {
            let path = root.join("pictures").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let mut run = RunWriter::create(&root.join("run")).unwrap();
        folder(&root.join("pictures")).note(&run).unwrap();
        run.settle().unwrap();
        run
    }

    fn folder(dir: &Path) -> DataFolder<'_> {
        DataFolder { kind: SourceKind::Folder, files: PictureFiles::All, dir, labels: None }
    }

    #[test]
    fn what_differs_is_named() {
        type Change = fn(&Path);
        let cases: [(Change, &str); 6] = [
            (
                |dir| fs::rename(dir.join("cat"), dir.join("kitten")).unwrap(),
                "the folder `cat` is gone, the folder `kitten` is new",
            ),
            (|dir| fs::remove_file(dir.join("dog/2.png")).unwrap(), "`dog/2.png` is gone"),
            (|dir| fs::write(dir.join("cat/3.png"), "").unwrap(), "`cat/3.png` is new"),
            (|dir| fs::write(dir.join("cat/1.png"), "longer than before").unwrap(), "`cat/1.png` is changed"),
            (|dir| fs::write(dir.join("cat/1.png"), "cat/X.png").unwrap(), "`cat/1.png` is changed"),
            (|dir| (3..9).for_each(|n| fs::write(dir.join(format!("cat/{n}.png")), "").unwrap()), "and 3 more are new"),
        ];
        for (change, said) in cases {
            let root = tempfile::tempdir().unwrap();
            let run = noted(root.path());
            let dir = root.path().join("pictures");
            change(&dir);
            let error = folder(&dir).check(&run).unwrap_err();
            assert!(matches!(&error, TrainError::OtherData { .. }));
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    /// Each run of a study would be right by itself.
    #[test]
    fn images_that_change_between_two_runs_of_a_study_are_noticed() {
        let root = tempfile::tempdir().unwrap();
        noted(root.path());
        let (dir, study) = (root.path().join("pictures"), root.path().join("study"));
        assert_eq!(folder(&dir).check_study(None).unwrap(), None);
        assert_eq!(folder(&dir).check_study(Some(&study)).unwrap(), None);
        assert_eq!(folder(&dir).check_study(Some(&study)).unwrap(), None);
        fs::write(dir.join("cat/1.png"), "cat/X.png").unwrap();
        let error = folder(&dir).check_study(Some(&study)).unwrap_err().to_string();
        assert!(error.contains("`cat/1.png` is changed"), "{error}");
    }

    #[test]
    fn times_and_other_files_do_not_matter() {
        let root = tempfile::tempdir().unwrap();
        let run = noted(root.path());
        let dir = root.path().join("pictures");
        fs::write(dir.join("dog/notes.txt"), "other").unwrap();
        fs::write(dir.join(".hidden.png"), "").unwrap();
        let picture = fs::File::options().write(true).open(dir.join("cat/1.png")).unwrap();
        picture.set_modified(SystemTime::now() + Duration::from_secs(100)).unwrap();
        assert_eq!(folder(&dir).check(&run).unwrap(), None);
        fs::remove_file(run.join(names::DATA)).unwrap();
        assert!(folder(&dir).check(&run).unwrap().unwrap().contains("not checked"));
    }

    /// A picture that may not be read is none that is learned from, now and later.
    #[test]
    #[cfg(unix)]
    fn a_picture_that_cannot_be_opened_is_known_as_such() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let before = noted(root.path());
        let dir = root.path().join("pictures");
        let mode = |mode| fs::set_permissions(dir.join("cat/1.png"), fs::Permissions::from_mode(mode)).unwrap();
        mode(0);
        if fs::File::open(dir.join("cat/1.png")).is_ok() {
            println!("not tested: this user may read everything");
            return;
        }
        let error = folder(&dir).check(&before).unwrap_err().to_string();
        assert!(error.contains("`cat/1.png` is unreadable now"), "{error}");
        let run = RunWriter::create(&root.path().join("other")).unwrap();
        folder(&dir).note(&run).unwrap();
        assert_eq!(folder(&dir).check(&run).unwrap(), None);
        mode(0o600);
        let error = folder(&dir).check(&run).unwrap_err().to_string();
        assert!(error.contains("`cat/1.png` is readable now, and was not"), "{error}");
    }

    /// Whoever leaves out what cannot be read may have one in a table, too.
    #[test]
    #[cfg(feature = "images")]
    fn what_is_no_file_is_known_as_unreadable() {
        let root = tempfile::tempdir().unwrap();
        noted(root.path());
        let run = RunWriter::create(&root.path().join("other")).unwrap();
        let (dir, table) = (root.path().join("pictures"), root.path().join("labels.csv"));
        fs::create_dir(dir.join("9.png")).unwrap();
        fs::write(&table, "file,label\ncat/1.png,cat\n9.png,dog\n").unwrap();
        let labelled = DataFolder { labels: Some(&table), ..folder(&dir) };
        labelled.note(&run).unwrap();
        assert_eq!(labelled.check(&run).unwrap(), None);
        fs::remove_dir(dir.join("9.png")).unwrap();
        fs::write(dir.join("9.png"), "").unwrap();
        let error = labelled.check(&run).unwrap_err().to_string();
        assert!(error.contains("`9.png` is readable now, and was not"), "{error}");
    }

    /// What was left out when a run was begun is left out when it goes on.
    #[test]
    fn a_run_knows_the_files_that_it_reads_alone() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("pictures");
        noted(root.path());
        let before = DataFolder { files: PictureFiles::PngJpeg, ..folder(&dir) };
        let known = |of: DataFolder<'_>| of.files().unwrap().into_keys().collect::<Vec<_>>();
        let first = known(before);
        for more in ["cat/3.webp", "dog/a/b/c/4.png", "dog/a/b/@eaDir/4.png"] {
            fs::create_dir_all(dir.join(more).parent().unwrap()).unwrap();
            fs::write(dir.join(more), more).unwrap();
        }
        assert_eq!(known(before), first);
        let mut all = [first, vec!["cat/3.webp".to_owned(), "dog/a/b/c/4.png".to_owned()]].concat();
        all.sort();
        assert_eq!(known(folder(&dir)), all);
    }
}
