//! Any bytes as the record of a run: the report of what can be read of it is written into its own folder, and nowhere else.
#![no_main]

use std::fs;

use eoinas_report::Options;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir().unwrap();
    let (run, out) = (dir.path().join("run"), dir.path().join("report"));
    fs::create_dir(&run).unwrap();
    fs::write(run.join("events.jsonl"), bytes).unwrap();
    let options = Options { out: Some(out), tensorboard: true, ..Options::default() };
    let _ = eoinas_report::write(&[run.clone()], &options);
    assert_eq!(fs::read_dir(&run).unwrap().count(), 1);
    assert!(fs::read_dir(dir.path()).unwrap().count() <= 2);
});
