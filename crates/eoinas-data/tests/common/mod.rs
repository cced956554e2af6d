//! Data that lies beside the project on some machines.

use std::path::{Path, PathBuf};

/// A folder of real data: under `EOINAS_TEST_DATA`, or `shared/data` beside the project. Says so when there is none.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("EOINAS_TEST_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no {}; set EOINAS_TEST_DATA to the folder that holds it", path.display());
    None
}
