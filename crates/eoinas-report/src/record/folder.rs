//! What folders hold: one run, several of one kind, or a study with variants, seeds and parts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::{self, Kind, names};

use super::{read::read, run::Run};
use crate::error::{ReportError, Result};

/// One run, or several that differ by their seed alone and are averaged.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name in tables and figures.
    pub name: String,
    /// The folder that was given.
    pub dir: PathBuf,
    /// The run, or the seeds or trials in the order of their names, numbers by value.
    pub runs: Vec<Run>,
    /// Whether the runs are seeds or trials.
    pub several: bool,
    /// Its folder below that of all sources, that no other source has.
    pub folder: PathBuf,
    /// Folders of runs below `dir` that have lost their record; told by the first source of `dir`.
    pub lost: Vec<PathBuf>,
}

impl Source {
    /// Where what belongs to a run stands among other sources: `folder`, or `folder/run` of several.
    pub fn place(&self, run: &Run) -> PathBuf {
        if self.several { self.folder.join(&run.name) } else { self.folder.clone() }
    }

    /// What a run of it is called: `name`, or `name/run` of several.
    pub fn title(&self, run: &Run) -> String {
        match self.name.split_once(", ") {
            _ if !self.several => self.name.clone(),
            Some((name, how)) => format!("{name}/{}, {how}", run.name),
            None => format!("{}/{}", self.name, run.name),
        }
    }
}

/// How far below the given folder runs are looked for: variant, seed, part, and one more.
const DEPTH: usize = 4;

/// Reads the records in these folders: of a run, of seeds or trials (`seed-0`, `random-1`), of a study (`VARIANT/seed-0/search`),
/// or of a search with its training. Runs that differ by the seed alone become one source, all others one each.
///
/// # Errors
/// A folder, and those below it, have no `events.jsonl` that can be opened.
pub fn open(dirs: &[PathBuf]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for dir in dirs {
        sources.extend(open_one(dir)?);
    }
    tell_apart(&mut sources);
    Ok(sources)
}

fn open_one(dir: &Path) -> Result<Vec<Source>> {
    let dir = if dir.ends_with(names::EVENTS) { dir.parent().unwrap_or(dir) } else { dir };
    let base = base_name(&dir.canonicalize().map_err(ReportError::read(dir))?);
    fs::read_dir(dir).map_err(ReportError::read(dir))?;
    let (mut places, mut lost) = (Vec::new(), Vec::new());
    collect(dir, &mut Vec::new(), &mut places, &mut lost);
    lost.sort();
    let claims = dir.join(names::CLAIMS);
    // One search that processes share is in a study of its own there.
    for claims in [claims.join(names::CLAIMS), claims] {
        collect_unfinished(&claims, &mut Vec::new(), &mut places);
    }
    places.sort_by_cached_key(|(place, _)| place.iter().map(|part| order(part)).collect::<Vec<_>>());
    let mut sources: Vec<Source> = Vec::new();
    for (place, folder) in places {
        let run = read(&folder)?;
        let trial = place.iter().rposition(|part| run_folder::is_one_of_several(part));
        let others: Vec<&str> =
            place.iter().enumerate().filter(|(at, _)| Some(*at) != trial).map(|(_, part)| part.as_str()).collect();
        let run = match trial.and_then(|at| place.get(at)) {
            Some(name) => Run { name: name.clone(), ..run },
            None => run,
        };
        let folder = others.iter().fold(PathBuf::from(&base), |path, part| path.join(part));
        match sources.iter_mut().find(|source| source.several && trial.is_some() && source.folder == folder) {
            Some(source) => source.runs.push(run),
            None => sources.push(Source {
                name: name(&base, &others, trial.is_some() || is_of_seed(&base)),
                dir: dir.to_owned(),
                runs: vec![run],
                several: trial.is_some(),
                folder,
                lost: Vec::new(),
            }),
        }
    }
    let first = sources.first_mut().ok_or_else(|| ReportError::NoRecord { path: dir.to_owned() })?;
    first.lost = lost;
    Ok(sources)
}

/// A run's place, as names on the way to it, and the folder where it is.
type Place = (Vec<String>, PathBuf);

/// The folders with a record below `dir`, and those that look like a run's and have none.
fn collect(dir: &Path, way: &mut Vec<String>, found: &mut Vec<Place>, lost: &mut Vec<PathBuf>) {
    match run_folder::kind(dir) {
        Some(Kind::Run) => found.push((way.clone(), dir.to_owned())),
        Some(Kind::Lost) => lost.push(dir.to_owned()),
        _ => {}
    }
    if way.len() >= DEPTH {
        return;
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') && !run_folder::is_part_of_run(&name) {
            way.push(name);
            collect(&entry.path(), way, found, lost);
            way.pop();
        }
    }
}

/// The runs of a study that processes work on, below the folder `claims`: of each that is not in its place yet the newest
/// attempt.
fn collect_unfinished(claims: &Path, way: &mut Vec<String>, found: &mut Vec<Place>) {
    let mut newest: Option<(u32, PathBuf)> = None;
    for entry in fs::read_dir(claims).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(number) = name.strip_prefix(names::ATTEMPT) {
            let of_run = run_folder::kind(&entry.path()) == Some(Kind::Run);
            newest = newest.max(number.parse().ok().filter(|_| of_run).map(|number| (number, entry.path())));
        } else if way.len() < DEPTH && !name.starts_with('.') {
            way.push(name);
            collect_unfinished(&entry.path(), way, found);
            way.pop();
        }
    }
    if let Some((_, folder)) = newest.filter(|_| found.iter().all(|(place, _)| place != way)) {
        found.push((way.clone(), folder));
    }
}

/// A folder's name; of a seed's, that of what it is a seed of before it.
fn base_name(dir: &Path) -> String {
    let name = |dir: &Path| dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = name(dir).unwrap_or_else(|| "runs".to_owned());
    match dir.parent().and_then(name) {
        Some(parent) if run_folder::is_one_of_several(&own) => format!("{parent}/{own}"),
        _ => own,
    }
}

/// Whether a base name is that of a seed's folder.
fn is_of_seed(base: &str) -> bool {
    base.rsplit('/').next().is_some_and(run_folder::is_one_of_several)
}

/// `lambda-0.1` of `lambda-0.1/search`, `eoinas, cutout` of `eoinas/train-cutout`, where that is part of a study: elsewhere, what
/// a training that was made by hand is called says nothing of a change.
fn name(base: &str, parts: &[&str], of_study: bool) -> String {
    let (part, before) = parts.split_last().map_or(("", parts), |(last, before)| (*last, before));
    let joined = |parts: &[&str]| if parts.is_empty() { base.to_owned() } else { parts.join("/") };
    if run_folder::is_plain(part) {
        return joined(before);
    }
    match run_folder::change(part).filter(|_| of_study) {
        Some(how) => format!("{}, {how}", joined(before)),
        None => joined(parts),
    }
}

/// What the given folders are called together.
pub fn title(sources: &[Source]) -> String {
    let mut names: Vec<String> = Vec::new();
    for source in sources {
        let name = base_name(&source.dir.canonicalize().unwrap_or_else(|_| source.dir.clone()));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// Gives sources of one kind and name the name of their folder, too, and every source a folder of its own.
fn tell_apart(sources: &mut [Source]) {
    let key = |source: &Source| (source.name.clone(), source.runs.first().is_some_and(Run::is_search));
    let keys: Vec<_> = sources.iter().map(key).collect();
    let mut folders = BTreeSet::new();
    for (index, source) in sources.iter_mut().enumerate() {
        if keys.iter().filter(|key| Some(*key) == keys.get(index)).count() > 1 {
            let full = source.dir.canonicalize().unwrap_or_default();
            let own = base_name(&full);
            let above = full.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
            let before = if source.name.starts_with(&own) { above.unwrap_or_default() } else { own };
            source.name = format!("{before}/{}", source.name);
            source.folder = Path::new(&before).join(&source.folder);
        }
        let free = |number: &usize| !folders.contains(&numbered(&source.folder, *number));
        source.folder = numbered(&source.folder, (1..).find(free).unwrap_or(1));
        folders.insert(source.folder.clone());
    }
}

fn numbered(folder: &Path, number: usize) -> PathBuf {
    if number == 1 { folder.to_owned() } else { PathBuf::from(format!("{}-{number}", folder.display())) }
}

/// `seed-2` comes before `seed-10`, `lambda-0.1` before `lambda-2`.
fn order(name: &str) -> (String, u64, String) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = name.get(stem.len()..).and_then(|digits| digits.parse::<f64>().ok()).unwrap_or(0.0);
    // Bits of numbers that are not negative are in the numbers' order.
    (stem.to_owned(), number.to_bits(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_attempt_at_what_is_not_done_is_shown() {
        let root = tempfile::tempdir().unwrap();
        let claims = root.path().join(names::CLAIMS);
        for run in ["gdas/seed-0/search/attempt-2", "gdas/seed-0/search/attempt-10", "eoinas/seed-0/search/attempt-1"] {
            fs::create_dir_all(claims.join(run)).unwrap();
            fs::write(claims.join(run).join(names::EVENTS), "").unwrap();
        }
        // Begun and not settled.
        fs::create_dir_all(claims.join("gdas/seed-0/search/attempt-11")).unwrap();
        let done = ["eoinas", "seed-0", "search"].map(str::to_owned).to_vec();
        let mut found = vec![(done.clone(), root.path().join("eoinas/seed-0/search"))];
        collect_unfinished(&claims, &mut Vec::new(), &mut found);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0, ["gdas", "seed-0", "search"]);
        assert!(found[1].1.ends_with("gdas/seed-0/search/attempt-10"));
    }

    #[test]
    fn one_search_that_processes_share_is_shown_without_its_finals() {
        let root = tempfile::tempdir().unwrap();
        let search = root.path().join(".claims/.claims/search");
        for run in ["attempt-1", "finalists/round-1/cell-1", "finalists/.claims/round-1/cell-2/attempt-1"] {
            fs::create_dir_all(search.join(run)).unwrap();
            fs::write(search.join(run).join(names::EVENTS), "").unwrap();
        }
        let sources = open(&[root.path().to_owned()]).unwrap();
        let runs: Vec<usize> = sources.iter().map(|source| source.runs.len()).collect();
        assert_eq!(runs, [1]);
    }

    #[test]
    fn a_training_by_hand_is_no_change_of_a_study() {
        assert_eq!(name("study", &["eoinas", "train-cutout"], true), "eoinas, cutout");
        assert_eq!(name("study", &["eoinas", "search"], true), "eoinas");
        assert_eq!(name("runs", &["train-embedded-quick"], false), "train-embedded-quick");
        assert!(is_of_seed("eoinas/seed-3") && !is_of_seed("runs"));
    }
}
