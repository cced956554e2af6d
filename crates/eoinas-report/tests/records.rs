//! Records of every state: whole, going on, killed, damaged. A page comes of each, and says what is missing.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::{Made, of_numbers, search, training};
use eoinas_core::{Event, event::Record};
use eoinas_report::{
    Options, ReportError,
    plot::{LineChart, Series},
    record::{self, State},
    write,
};

fn page(dir: &Path) -> String {
    let out = dir.join("out");
    let written = write(&[dir.to_owned()], &Options { out: Some(out), ..Options::default() }).unwrap();
    fs::read_to_string(written.page).unwrap()
}

#[test]
fn a_whole_search() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 6, Made::Whole);
    let run = record::read(dir.path()).unwrap();
    assert_eq!((run.state(), run.epochs.len(), run.problems.len()), (State::Finished, 6, 0));
    assert_eq!(run.pruning_epochs(), [2, 4]);
    assert_eq!(run.score().unwrap().0, 0.625);
    let page = page(dir.path());
    for part in [
        "62.50 %",
        "Search ",
        "id=\"cell-normal\"",
        "id=\"cell-reduce\"",
        "id=\"supernet-normal\"",
        "The prunings",
        "id=\"disagreement\"",
        "train_cell -- --genotype",
        "cifar_search --out",
        "lowest indicator",
        "validated, against the next",
        // Two errors of 0.02 together.
        "± 2.8 points",
        ", within the noise",
        "were no worse by more than one",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("id=\"missing\""));
    // Self-contained: nothing is fetched.
    for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let pictures = dir.path().join("out/pictures");
    for name in [
        "cell-normal.svg",
        "cell-normal.dot",
        "cell-normal.csv",
        "accuracy.svg",
        "weights-of-the-edges-normal-cell.svg",
    ] {
        assert!(pictures.join(name).is_file(), "{name}");
    }
    let tables = fs::read_to_string(dir.path().join("out/tables.md")).unwrap();
    assert!(tables.contains("| eoinas |") || tables.contains("eoinas"), "{tables}");
}

#[test]
fn runs_of_numbers_are_judged_by_r2_and_never_called_accurate() {
    let dir = tempfile::tempdir().unwrap();
    let (found, trained) = (dir.path().join("found"), dir.path().join("trained"));
    [&found, &trained].into_iter().for_each(|dir| fs::create_dir(dir).unwrap());
    search(&found, 6, Made::Whole);
    training(&trained, 1, 3);
    [&found, &trained].into_iter().for_each(|dir| of_numbers(dir));
    for (dir, score) in [(&found, "R2 0.625"), (&trained, "R2 0.61")] {
        let page = page(dir);
        for part in [score, "2 numbers (angle, length)", "Score by R2. Higher is better.", "Mean squared error"] {
            assert!(page.contains(part), "{part}");
        }
        // In the text; names of files and settings may be those of every run.
        let lower = page.to_lowercase();
        let told = ["accuracy<", "accuracy of", "accuracy against", "classified right", "error (%)", "62.50 %"];
        assert!(told.iter().all(|word| !lower.contains(word)), "{:?}", told.map(|word| lower.find(word)));
        assert!(dir.join("out/pictures/r2.svg").is_file());
        assert!(fs::read_to_string(dir.join("out/tables.md")).unwrap().contains("R2 0.6"));
    }
    let out = dir.path().join("both");
    let (both, options) = ([found, trained], Options { out: Some(out), ..Options::default() });
    assert!(fs::read_to_string(write(&both, &options).unwrap().page).unwrap().contains("R2 0.625"));
}

#[test]
fn a_search_that_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 4, Made::GoingOn);
    assert_eq!(record::read(dir.path()).unwrap().state(), State::Unfinished);
    let page = page(dir.path());
    assert!(page.contains("the run goes on, or it was killed") && page.contains("The cell that would be derived now"));
}

#[test]
fn a_record_of_the_first_event_alone() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 0, Made::GoingOn);
    assert!(page(dir.path()).contains("No epoch is complete yet"));
}

#[test]
fn killed_in_the_middle_of_a_line() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 4, Made::GoingOn);
    let path = dir.path().join("events.jsonl");
    let whole = fs::read(&path).unwrap();
    // Whatever the byte at which the record ends, there is a page.
    for share in [0.0, 0.2, 0.5, 0.77, 0.9999] {
        fs::write(&path, &whole[..(whole.len() as f64 * share) as usize]).unwrap();
        assert!(page(dir.path()).contains("</html>"), "{share}");
    }
}

#[test]
fn damaged_records_say_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 6, Made::Whole);
    let path = dir.path().join("events.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    // The first event is garbage, one line is gone, one is of no known event.
    lines[0] = "\u{0}\u{0}\u{0}<script>alert(1)</script>";
    lines.remove(3);
    lines[4] = r#"{"seq":5,"elapsed_seconds":1,"event":"from_the_future"}"#;
    fs::write(&path, lines.join("\n")).unwrap();
    let run = record::read(dir.path()).unwrap();
    assert!(run.started.is_none() && run.is_search() && run.problems.len() >= 4, "{:?}", run.problems);
    assert!(run.space().unwrap().1, "the space is a guess");
    let page = page(dir.path());
    assert!(page.contains("id=\"missing\"") && page.contains("line 1: ") && !page.contains("<script>alert"));
    assert!(page.contains("id=\"cell-normal\""), "what can be read is shown");
}

#[test]
fn names_that_are_html_stay_text() {
    let dir = tempfile::tempdir().unwrap();
    let nasty = "</title><script>alert('x')</script>";
    training(dir.path(), 0, 3);
    let path = dir.path().join("events.jsonl");
    let event = Event::Warning { text: nasty.to_owned() };
    let line = Record { seq: 99, elapsed_seconds: 1.0, event }.to_line();
    fs::write(&path, fs::read_to_string(&path).unwrap() + &line + "\n").unwrap();
    assert!(!page(dir.path()).contains(nasty));
}

#[test]
fn several_seeds_beside_each_other() {
    let dir = tempfile::tempdir().unwrap();
    for seed in [0, 2, 10] {
        let run = dir.path().join(format!("seed-{seed}"));
        fs::create_dir(&run).unwrap();
        training(&run, seed, 4);
    }
    let source = record::open(&[dir.path().to_owned()]).unwrap().remove(0);
    let names: Vec<&str> = source.runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, ["seed-0", "seed-2", "seed-10"]);
    let page = page(dir.path());
    assert!(page.contains("(mean of 3)") && page.contains("id=\"accuracy-against-parameters\""));
    let csv = fs::read_to_string(dir.path().join("out/trained-networks.csv")).unwrap();
    // Errors of 40, 38 and 30 %: mean 36, sample deviation 5.29.
    assert!(csv.contains("36.00 ± 5.29"), "{csv}");
    assert!(
        fs::read_dir(dir.path().join("out"))
            .unwrap()
            .flatten()
            .filter(|e| e.path().extension() == Some("html".as_ref()))
            .count()
            == 4
    );
}

#[test]
fn a_folder_without_a_record_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = write(&[dir.path().to_owned()], &Options::default()).unwrap_err();
    assert!(matches!(error, ReportError::NoRecord { .. }) && error.to_string().contains("events.jsonl"), "{error}");
}

#[test]
fn correlation_from_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("points.csv");
    fs::write(&path, "op,weight,accuracy\nsep_conv_3x3,0.2,0.91\nskip_connect,0.3,0.88\n").unwrap();
    let points = eoinas_report::story::read_points(&path).unwrap();
    assert_eq!(points.len(), 2);
    let section = eoinas_report::story::correlation(&points).unwrap();
    assert!(section.figures[0].caption.contains("Kendall -1"), "{}", section.figures[0].caption);
    fs::write(&path, "a,0.1,0.2\nb,c\n").unwrap();
    assert!(eoinas_report::story::read_points(&path).unwrap_err().to_string().contains("line 2"));
}

/// It took time that grew with the square: a minute.
#[test]
fn long_records_are_drawn_in_a_moment() {
    let dir = tempfile::tempdir().unwrap();
    training(dir.path(), 0, 80_000);
    let run = record::read(dir.path()).unwrap();
    assert_eq!((run.epochs.len(), run.epochs[79_999].what.epoch, run.problems.len()), (80_000, 79_999, 0));
    let points = |epochs: usize| (0..epochs).map(|epoch| (epoch as f64, 0.5)).collect();
    let series = [30_000, 20_000].map(|epochs| Series { points: points(epochs), ..Series::default() });
    let chart = LineChart { series: series.to_vec(), ..LineChart::default() };
    let figure = chart.figure().unwrap().unwrap();
    assert_eq!((figure.table.rows.len(), figure.table.rows[29_999][2].as_str()), (30_000, ""));
}
