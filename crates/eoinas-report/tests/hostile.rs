//! Records and folders that were made to do harm, or are called as others are.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{collections::BTreeSet, fs, path::Path};

use common::{Made, search, training};
use eoinas_core::zoo;
use eoinas_report::{Options, Table, cell, write};

/// Every file below a folder with its text.
fn files(dir: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            into.push((path.to_string_lossy().into_owned(), text));
        }
    }
}

#[test]
fn names_in_a_record_are_no_markup_and_no_path() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    fs::create_dir(&run).unwrap();
    fs::write(dir.path().join("victim.svg"), "mine").unwrap();
    search(&run, 6, Made::Whole);
    let record = run.join("events.jsonl");
    let mut text = fs::read_to_string(&record).unwrap();
    // As JSON text, and within the genotype's text, which is JSON text once more.
    let evil = "x/../../victim\\\"><script>alert(1)</script>";
    for (from, to) in [
        ("\"name\":\"normal\"", format!("\"name\":\"{evil}\"")),
        ("\"name\":\"sep_conv_3x3\"", format!("\"name\":\"{evil}\"")),
        ("\"sep_conv_5x5\"", format!("\"{evil}\"")),
        ("\"method\":\"eoinas\"", format!("\"method\":\"{evil}\"")),
        ("\"name\":\"embedded\"", format!("\"name\":\"{evil}\"")),
        ("Genotype(normal=", "Genotype(victim=".to_owned()),
    ] {
        text = text.replace(from, &to);
    }
    fs::write(&record, text).unwrap();
    let out = dir.path().join("out");
    write(&[run], &Options { out: Some(out.clone()), tensorboard: true, ..Options::default() }).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("victim.svg")).unwrap(), "mine");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing is written beside the report");
    let mut all = Vec::new();
    files(&out, &mut all);
    assert!(all.len() > 20);
    for (path, text) in all {
        let name = path.rsplit('/').next().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)), "{name}");
        // CSV files and TensorBoard's hold names as they are: nothing runs there.
        let raw = [".csv", ".dot", ".eoinas"].iter().any(|end| name.ends_with(end));
        assert!(raw || !text.contains("<script>alert"), "{path}");
    }
}

#[test]
fn runs_of_like_names_keep_their_pages() {
    let dir = tempfile::tempdir().unwrap();
    let runs: Vec<_> =
        ["a b", "a-b", "A_B", "report", "\u{65e5}\u{672c}"].iter().map(|name| dir.path().join(name)).collect();
    for (seed, run) in (0..).zip(&runs) {
        fs::create_dir(run).unwrap();
        training(run, seed, 3);
    }
    let out = dir.path().join("out");
    // Twice: the second report finds the same names.
    let mut pages = Vec::new();
    for _ in 0..2 {
        write(&runs, &Options { out: Some(out.clone()), ..Options::default() }).unwrap();
        let mut all = Vec::new();
        files(&out, &mut all);
        all.retain(|(path, _)| path.ends_with(".html"));
        pages.push(
            all.into_iter().map(|(path, _)| path.rsplit('/').next().unwrap().to_owned()).collect::<BTreeSet<_>>(),
        );
    }
    assert_eq!(pages[0], pages[1]);
    let expected = ["a-b.html", "a-b-2.html", "a-b-3.html", "report.html", "report-2.html", "unnamed.html"];
    assert_eq!(pages[0], expected.map(str::to_owned).into());
    let common = fs::read_to_string(out.join("report.html")).unwrap();
    for page in expected.iter().filter(|page| **page != "report.html") {
        assert!(common.contains(&format!("href=\"{page}\"")), "{page}");
        assert!(out.join("pictures").join(page.trim_end_matches(".html")).join("accuracy.svg").is_file(), "{page}");
    }
    for name in ["a b", "a-b", "A_B", "report"] {
        let told = pages[0].iter().filter(|page| *page != "report.html");
        let heading = format!("<h1>Training: {name}</h1>");
        assert_eq!(
            told.filter(|page| fs::read_to_string(out.join(page)).unwrap().contains(&heading)).count(),
            1,
            "{name}"
        );
    }
    // Every anchor is there once.
    let anchors: Vec<&str> = common.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(anchors.iter().collect::<BTreeSet<_>>().len(), anchors.len(), "{anchors:?}");
}

#[test]
fn a_name_ends_no_text_of_dot() {
    let mut cell = zoo::find("darts-v2").unwrap().genotype().cells.remove(0);
    cell.name = "a\"; }\\ evil\n".to_owned();
    let text = cell::dot(&cell);
    assert!(text.starts_with("digraph \"a\\\"; }\\\\ evil \" {\n"), "{text}");
    assert!(text.contains("[label=\"sep_conv_3x3\"]"), "{text}");
}

#[test]
fn markdown_stays_a_table() {
    let mut table = Table::new(["op", "what"]);
    table.rows.push(vec![
        "sep_conv_3x3".to_owned(),
        "<img src=x onerror=alert(1)> | `a` [b](javascript:c) **d** \\\n".to_owned(),
    ]);
    let text = table.to_markdown();
    let row = text.lines().nth(2).unwrap();
    assert!(row.starts_with("| sep_conv_3x3 | &lt;img src=x"), "{row}");
    assert!(row.contains(r"\| \`a\` \[b\](javascript:c) \*\*d\*\* \\ "), "{row}");
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn cells_of_more_nodes_than_memory_has_room_for_are_not_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    fs::create_dir(&run).unwrap();
    search(&run, 2, Made::Whole);
    let record = run.join("events.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    for name in ["nodes", "inputs"] {
        let mut text = text.clone();
        let place = text.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
        text.replace_range(place..=place, "4294967296");
        fs::write(&record, text).unwrap();
        let out = Some(dir.path().join(name));
        write(std::slice::from_ref(&run), &Options { out, tensorboard: true, ..Options::default() }).unwrap();
    }
}
