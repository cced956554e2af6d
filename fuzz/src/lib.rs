//! What reads files from elsewhere, each a target: any bytes end in a result or in an error, whatever they are.
//!
//! A target panics where a promise is broken; whoever feeds it (`tests/short.rs`, `cargo fuzz`) finds the input.
#![allow(clippy::unwrap_used, reason = "a panic is the finding")]

mod checkpoint;
mod genotype;
pub mod mutate;
mod network;
mod pictures;
mod record;
mod sets;
mod stopped_run;
mod table;

use std::{fs, path::Path};

use tempfile::TempDir;

pub use self::{
    checkpoint::checkpoint, genotype::genotype, network::network, pictures::pictures, record::record, sets::sets,
    table::table,
};

/// A folder for the files of one input, in memory where the system has such a place.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A target by its name.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As `cargo fuzz` and the folders of `seeds/` know it.
    pub name: &'static str,
    /// What is fed.
    pub run: fn(&[u8]),
    /// Inputs that are right, where they are made rather than kept in `seeds/`.
    made: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "genotype", run: genotype, made: Vec::new },
    Target { name: "pictures", run: pictures, made: Vec::new },
    Target { name: "sets", run: sets, made: Vec::new },
    Target { name: "network", run: network, made: network::made },
    Target { name: "checkpoint", run: checkpoint, made: checkpoint::made },
    Target { name: "record", run: record, made: record::made },
    Target { name: "table", run: table, made: Vec::new },
];

impl Target {
    /// What mutations begin with: the inputs that were once read wrongly (`seeds/`), and right ones.
    pub fn seeds(self) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(self.name);
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(|path| fs::read(path).unwrap()).chain((self.made)()).collect()
    }
}
