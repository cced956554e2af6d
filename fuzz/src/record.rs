use std::fs;

use eoinas_core::run_folder::names;
use eoinas_report::Options;

use crate::{scratch, stopped_run};

/// Any bytes as the record of a run: the report of what can be read of it is written into its own folder, and nowhere else.
pub fn record(bytes: &[u8]) {
    let dir = scratch();
    let (run, out) = (dir.path().join("run"), dir.path().join("report"));
    fs::create_dir(&run).unwrap();
    fs::write(run.join(names::EVENTS), bytes).unwrap();
    let options = Options { out: Some(out), tensorboard: true, ..Options::default() };
    let _ = eoinas_report::write(std::slice::from_ref(&run), &options);
    assert_eq!(fs::read_dir(&run).unwrap().count(), 1);
    assert!(fs::read_dir(dir.path()).unwrap().count() <= 2);
}

pub fn made() -> Vec<Vec<u8>> {
    vec![stopped_run::whole_record()]
}
