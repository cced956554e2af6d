//! A tiny run that was stopped after its first step, and its files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use eoinas_core::{CellSpec, Op, SearchSpace, run_folder::names};
use eoinas_train::{Options, Search, SearchConfig, stop::MaxSteps};

use crate::scratch;

/// Contents by the path below the folder that the run lies in.
pub static FILES: LazyLock<BTreeMap<PathBuf, Vec<u8>>> = LazyLock::new(|| {
    let dir = scratch();
    begin(dir.path(), one_step());
    let mut files = BTreeMap::new();
    read(dir.path(), dir.path(), &mut files);
    files
});

/// A run stops after one step more. Its space is as small as can be, as a network of it is built for every input.
pub fn one_step() -> Options {
    let cells = [("normal", false), ("reduce", true)].map(|(name, reduces)| CellSpec::dense(name, 2, 1, reduces));
    let ops = vec![Op::SkipConnect, Op::MaxPool3x3, Op::SepConv3x3];
    let space = SearchSpace::new("small", ops, cells.to_vec()).unwrap();
    let mut options = Options { space: Some(space), ..Options::default() };
    options.rules.push(Box::new(MaxSteps(1)));
    options
}

/// The record of the same run to its end.
pub fn whole_record() -> Vec<u8> {
    let dir = scratch();
    begin(dir.path(), Options::default());
    fs::read(dir.path().join(names::EVENTS)).unwrap()
}

fn begin(dir: &Path, options: Options) {
    let mut config = SearchConfig { epochs: 2, batch_size: 4, ..SearchConfig::quick() };
    config.data.train_images = Some(16);
    (config.network.channels, config.network.cells) = (4, 3);
    Search::create(config, dir, options).unwrap().run().unwrap();
}

fn read(root: &Path, dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, files);
        } else {
            files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}
