//! Any bytes in the place of one file of a run that was stopped; the first byte says which. It goes on or is refused.
#![no_main]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use eoinas_train::{Options, Search, SearchConfig, stop::MaxSteps};
use libfuzzer_sys::fuzz_target;

/// A run that stopped after its first step, and its files.
static RUN: LazyLock<(tempfile::TempDir, Vec<PathBuf>)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let mut config = SearchConfig { epochs: 2, batch_size: 4, ..SearchConfig::quick() };
    config.data.train_images = Some(16);
    (config.network.channels, config.network.cells) = (4, 3);
    let mut options = Options::default();
    options.rules.push(Box::new(MaxSteps(1)));
    Search::create(config, &dir.path().join("run"), options).unwrap().run().unwrap();
    let mut files = Vec::new();
    list(dir.path(), dir.path(), &mut files);
    files.sort();
    (dir, files)
});

fn list(root: &Path, dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_owned());
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    let (run, files) = &*RUN;
    let dir = tempfile::tempdir().unwrap();
    for (index, file) in files.iter().enumerate() {
        let to = dir.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if index == usize::from(which) % files.len() {
            fs::write(to, bytes).unwrap();
        } else {
            fs::copy(run.path().join(file), to).unwrap();
        }
    }
    let mut options = Options::default();
    options.rules.push(Box::new(MaxSteps(1)));
    if let Ok(mut search) = Search::resume(&dir.path().join("run"), options) {
        let _ = search.run();
    }
});
