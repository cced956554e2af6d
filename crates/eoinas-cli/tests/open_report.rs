//! `--open-report` as a process: the page is written when a run ends and when it is stopped, and given to the system's
//! opener, for which a script stands here.
#![cfg(all(feature = "report", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, thread::sleep, time::Duration};

use common::{eoinas, text};

const TINY: &str = "--preset quick --then-train --train-epochs 1 --epochs 1 --train-images 64 --batch-size 16 --channels 4 --cells 3 \
                    --threads 1 --quiet --open-report";

/// What a run of `eoinas search` says on stderr, and which page was opened; the opener stands in `dir`.
fn opened(dir: &Path, args: &[&str]) -> (String, String) {
    let told = dir.join("opened");
    let _ = fs::remove_file(&told);
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
    let output = eoinas("search").args(args).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The opener is not waited for.
    for _ in 0..200 {
        match fs::read_to_string(&told) {
            Ok(page) if page.ends_with('\n') => return (text(&output.stderr), page.trim().to_owned()),
            _ => sleep(Duration::from_millis(50)),
        }
    }
    (text(&output.stderr), String::new())
}

#[test]
fn the_page_of_a_stopped_run_and_of_a_finished_one() {
    let dir = tempfile::tempdir().unwrap();
    let opener = dir.path().join("xdg-open");
    fs::write(&opener, format!("#!/bin/sh\necho \"$1\" > '{}'\n", dir.path().join("opened").display())).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let out = dir.path().join("out");
    let folder = out.to_str().unwrap();
    let page = out.join("report.html");

    let stop: Vec<&str> = TINY.split_whitespace().chain(["--max-steps", "1", "--out", folder]).collect();
    let (said, shown) = opened(dir.path(), &stop);
    assert_eq!(Path::new(&shown), page, "{said}");
    assert!(said.contains("go on with") && said.contains("the report: "), "{said}");
    assert!(fs::read_to_string(&page).unwrap().contains("The run stopped before its end"));

    let (said, shown) = opened(dir.path(), &["--resume", folder, "--quiet", "--open-report"]);
    assert_eq!(Path::new(&shown), page, "{said}");
    // The search and the training that followed it.
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("Trained networks") && html.contains("Searches"), "{said}");

    // A page that somebody else made stays, and the run's result is the same.
    fs::write(&page, "my notes").unwrap();
    let (said, shown) = opened(dir.path(), &["--resume", folder, "--quiet", "--open-report"]);
    assert!(shown.is_empty() && said.contains("report.html"), "{said}");
    assert_eq!(fs::read_to_string(&page).unwrap(), "my notes");
}
