//! Writes what mutations begin with into `fuzz/corpus/TARGET`, where `cargo fuzz` looks for it.
#![allow(clippy::unwrap_used, reason = "a tool of those who test")]

use std::{fs, path::Path};

fn main() {
    for target in eoinas_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
        fs::create_dir_all(&folder).unwrap();
        for (index, seed) in target.seeds().iter().enumerate() {
            fs::write(folder.join(format!("seed-{index}")), seed).unwrap();
        }
    }
}
