//! Every file of a stopped run truncated, flipped, replaced.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    case::{Case, Reference},
    count::End,
};

/// What is done to a file.
type Damage = fn(&Path, &mut Random);

/// Damages files of a copy of a run that was stopped in its middle, one at a time, `tries` in all (0: every file once in every way),
/// and goes on.
pub fn all(reference: &Reference, root: &Path, tries: usize) -> Vec<End> {
    let stopped = root.join("stopped");
    let mut arguments = reference.case.begin(&stopped);
    // A study has no such flag: its whole folder is damaged.
    let stops = arguments.iter().all(|word| word != "compare");
    if stops {
        arguments.extend(["--max-steps".to_owned(), "1".to_owned()]);
    }
    assert!(Case::program().args(arguments).output().unwrap().status.success());
    let mut files = files(&stopped);
    if !stops {
        // What is delivered is not looked at again.
        files.retain(|file| !reference.case.results.iter().any(|name| file == Path::new(name)));
    }
    let mut random = Random(7);
    let damages: [(&str, Damage); 6] = [
        ("emptied", |path, _| fs::write(path, "").unwrap()),
        ("cut", |path, random| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..random.below(bytes.len())]).unwrap();
        }),
        ("flipped", |path, random| {
            let mut bytes = fs::read(path).unwrap();
            if !bytes.is_empty() {
                let (at, bit) = (random.below(bytes.len()), random.below(8));
                bytes[at] ^= 1 << bit;
            }
            fs::write(path, bytes).unwrap();
        }),
        ("made of a digit more", |path, _| {
            let bytes = fs::read(path).unwrap();
            let at = bytes.iter().position(u8::is_ascii_digit).unwrap_or_default();
            fs::write(path, [&bytes[..at], b"9", &bytes[at..]].concat()).unwrap();
        }),
        ("removed", |path, _| fs::remove_file(path).unwrap()),
        ("made a link to a device", |path, _| {
            fs::remove_file(path).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        }),
    ];
    let all = damages.iter().flat_map(|damage| files.iter().map(move |file| (damage, file)));
    let ways = files.len() * damages.len();
    let tries = if tries == 0 { ways } else { tries };
    let mut all: Vec<_> = all.cycle().take(tries.max(ways)).collect();
    // In no particular order, so that a short campaign has some of each.
    for at in 0..all.len() {
        let other = random.below(all.len());
        all.swap(at, other);
    }
    all.truncate(tries);
    all.into_iter()
        .map(|((how, damage), file)| {
            let out = root.join("damaged");
            let _ = fs::remove_dir_all(&out);
            copy(&stopped, &out);
            damage(&out.join(file), &mut random);
            named(reference.go_on(&out, &format!("{} {how}", file.display())), file)
        })
        .collect()
}

/// A refusal names the file.
fn named(end: End, file: &Path) -> End {
    let name = file.file_name().unwrap().to_str().unwrap();
    match end {
        // "case: what was done: what was said".
        End::Refused(what) if !what.splitn(3, ": ").nth(2).is_some_and(|said| said.contains(name)) => {
            End::Nameless(what)
        }
        other => other,
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let mut entries: Vec<_> = fs::read_dir(dir.join(&below)).unwrap().map(Result::unwrap).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let place = below.join(entry.file_name());
            if entry.path().is_dir() { folders.push(place) } else { found.push(place) }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let path = to.join(&file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(from.join(file), path).unwrap();
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}
