//! Folders of studies: variants, seeds, parts; what belongs together, the tables, what is missing and what stays.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::{Made, search, training, training_of};
use eoinas_core::{CellKind, EdgeId};
use eoinas_report::{Options, ReportError, Table, record, tables, write};

/// Two variants of two seeds with their trainings, as `examples/ablation.rs` leaves them.
fn ablation(dir: &Path) {
    for (variant, method) in [("lambda-2", "eoinas"), ("lambda-0.1", "gdas")] {
        for seed in [0, 1] {
            let seed_dir = dir.join(variant).join(format!("seed-{seed}"));
            for part in ["search", "train", "train-cutout"] {
                fs::create_dir_all(seed_dir.join(part)).unwrap();
            }
            search(&seed_dir.join("search"), 6, Made::Whole);
            let path = seed_dir.join("search/events.jsonl");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("\"method\":\"eoinas\"", &format!("\"method\":\"{method}\""))).unwrap();
            training_of("eoinas-a", &seed_dir.join("train"), seed, 3, false);
            training_of("eoinas-a", &seed_dir.join("train-cutout"), seed, 3, true);
        }
    }
}

fn column<'a>(table: &'a Table, name: &str) -> Vec<&'a str> {
    let at = table.header.iter().position(|header| header == name);
    at.map(|at| table.rows.iter().map(|row| row[at].as_str()).collect()).unwrap_or_default()
}

#[test]
fn an_ablation_has_the_names_that_a_person_chose_and_the_tables_of_the_paper() {
    let dir = tempfile::tempdir().unwrap();
    let study = dir.path().join("study");
    ablation(&study);
    let sources = record::open(std::slice::from_ref(&study)).unwrap();
    let names: Vec<(&str, usize)> = sources.iter().map(|source| (source.name.as_str(), source.runs.len())).collect();
    let of = |name| [(name, 2), (name, 2)];
    assert_eq!(names[..3], [of("lambda-0.1")[0], of("lambda-0.1")[1], ("lambda-0.1, cutout", 2)]);
    assert_eq!(names[3..], [of("lambda-2")[0], of("lambda-2")[1], ("lambda-2, cutout", 2)]);
    assert_eq!(sources[2].title(&sources[2].runs[1]), "lambda-0.1/seed-1, cutout");

    let ablation = tables::ablation(&sources);
    assert_eq!(column(&ablation, "Architecture"), ["lambda-0.1", "lambda-2"]);
    assert_eq!((column(&ablation, "GOP"), column(&ablation, "OII")), (vec!["×", "✓"], vec!["×", "✓"]));
    // Each variant by the trainings beside its own searches, though all found the same cell: 40 and 39 %, 30 and 29 %.
    assert_eq!(column(&ablation, "Test error (%)"), ["39.50 ± 0.71"; 2]);
    assert_eq!(column(&ablation, "Test error, cutout (%)"), ["29.50 ± 0.71"; 2]);
    assert_eq!(column(&ablation, "Validation error (%)"), ["37.50"; 2]);
    assert_eq!(column(&ablation, "Runs"), ["2", "2"]);

    let trained = tables::trained(&sources);
    assert_eq!(column(&trained, "Architecture"), ["lambda-0.1", "lambda-0.1, cutout", "lambda-2", "lambda-2, cutout"]);
    assert_eq!(column(&trained, "Search method"), ["gdas", "gdas", "eoinas", "eoinas"]);
    assert_eq!(column(&tables::searches(&sources), "Search")[0], "lambda-0.1/seed-0");

    let written = write(std::slice::from_ref(&study), &Options::default()).unwrap();
    for name in ["tables.md", "ablation.csv", "trained-networks.csv", "searches.csv", "report.html"] {
        assert!(study.join(name).is_file(), "{name}");
    }
    let page = fs::read_to_string(written.page).unwrap();
    for part in
        ["<h1>study</h1>", "4 searches and 8 trainings on embedded; all are finished.", "lambda-0.1/seed-1, cutout"]
    {
        assert!(page.contains(part), "{part}");
    }
    // Every run has a page of its own.
    let pages = fs::read_dir(&study).unwrap().flatten();
    assert_eq!(pages.filter(|file| file.path().extension() == Some("html".as_ref())).count(), 13);
}

#[test]
fn a_correlation_study_has_figure_1() {
    let dir = tempfile::tempdir().unwrap();
    let study = dir.path().join("study");
    // Better in the order of their names, and by the seed.
    let ops = ["avg_pool_3x3", "max_pool_3x3", "sep_conv_3x3"];
    for seed in [0, 1] {
        let seed_dir = study.join(format!("eoinas/seed-{seed}"));
        fs::create_dir_all(seed_dir.join("search")).unwrap();
        search(&seed_dir.join("search"), 6, Made::Whole);
        for (rank, op) in (0..).zip(ops) {
            let run = seed_dir.join(format!("normal-0-{op}"));
            fs::create_dir(&run).unwrap();
            training_of("darts-v2", &run, 10 * rank + seed, 2, false);
        }
        // None of the study's: no such op, no such cell, no edge.
        for other in ["normal-0-conv_9x9", "left-0-sep_conv_3x3", "normal-x-sep_conv_3x3", "notes"] {
            fs::create_dir(seed_dir.join(other)).unwrap();
            training_of("darts-v2", &seed_dir.join(other), 0, 2, false);
        }
    }
    write(std::slice::from_ref(&study), &Options::default()).unwrap();
    let id = "accuracy-on-its-own-against";
    let csv = |what: &str| {
        let path = study.join(format!("pictures/{id}-{what}-c-k-2-0-of-the-normal-cell-eoinas.csv"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    // What the search said after epoch 2, before the first pruning, and the trainings' accuracies.
    let searches = record::open(&[study.join("eoinas/seed-1/search")]).unwrap();
    let (_, shot) = searches[0].runs[0].snapshots().find(|(epoch, _)| *epoch == 2).unwrap();
    let op = EdgeId::new(CellKind(0), 0).op(2);
    let said = [shot.beta[op], shot.indicator.as_ref().unwrap()[op].unwrap()];
    for (what, said) in ["weight", "indicator"].into_iter().zip(said) {
        let csv = csv(what);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 7, "{csv}");
        let values = lines.iter().find_map(|line| line.strip_prefix("\"avg_pool_3x3, seed-1\",")).unwrap();
        let values: Vec<f64> = values.split(',').map(|value| value.parse().unwrap()).collect();
        assert!((values[0] - said).abs() < 1e-4 && (values[1] - 0.61).abs() < 1e-9, "{values:?}, {said}");
    }
    let page = fs::read_to_string(study.join("report.html")).unwrap();
    assert!(page.contains("How good each op is on its own") && page.contains("mean and deviation over the seeds"));
}

#[test]
fn what_a_correlation_trained_is_none_of_an_ablation_in_the_same_folder() {
    let dir = tempfile::tempdir().unwrap();
    ablation(dir.path());
    let before = tables::ablation(&record::open(&[dir.path().to_owned()]).unwrap());
    // Of the found cell, as a training of the ablation is.
    for seed in [0, 1] {
        let run = dir.path().join(format!("lambda-2/seed-{seed}/normal-0-sep_conv_3x3"));
        fs::create_dir(&run).unwrap();
        training_of("eoinas-a", &run, 20 + seed, 3, false);
    }
    let sources = record::open(&[dir.path().to_owned()]).unwrap();
    assert_eq!(tables::ablation(&sources), before);
    assert!(column(&tables::trained(&sources), "Architecture").contains(&"lambda-2/normal-0-sep_conv_3x3"));
}

#[test]
fn a_search_with_its_training() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("mine");
    fs::create_dir_all(run.join("training")).unwrap();
    search(&run, 6, Made::Whole);
    training_of("eoinas-a", &run.join("training"), 0, 3, false);
    let sources = record::open(std::slice::from_ref(&run)).unwrap();
    assert_eq!(sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["mine", "mine"]);
    assert_ne!(sources[0].folder, sources[1].folder);
    assert_eq!(column(&tables::trained(&sources), "Search method"), ["eoinas"]);
}

/// The page of `eoinas images`: what came of it first, then what led there.
#[test]
fn a_trained_network_leads_the_page_of_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("my pictures");
    for part in ["search", "training", "baselines/random-cell", "baselines/mobilenet-v2"] {
        fs::create_dir_all(run.join(part)).unwrap();
    }
    search(&run.join("search"), 6, Made::Whole);
    training_of("eoinas-a", &run.join("training"), 0, 3, false);
    training_of("darts-v2", &run.join("baselines/random-cell"), 5, 3, false);
    training_of("darts-v1", &run.join("baselines/mobilenet-v2"), 1, 3, false);
    let page = || {
        let written = write(std::slice::from_ref(&run), &Options::default()).unwrap();
        assert!(written.runs[0].starts_with("my pictures: training"), "{:?}", written.runs);
        fs::read_to_string(written.page).unwrap()
    };
    assert!(page().contains("by guessing one of 2 classes"));
    let linear = r#"{ "accuracy": 0.555, "largest_class": 0.525, "test_images": 1000 }"#;
    fs::write(run.join("linear-classifier.json"), linear).unwrap();
    let page = page();
    let parts = [
        "<h1>The network recognises 60.00 % of the test images</h1>",
        // Wilson's interval of 600 of 1,000.
        "between 56.9 and 63.0 %",
        "by saying always the most frequent class",
        "a random cell</td><td>65.00\u{a0}%</td><td>+5.0\u{a0}±\u{a0}2.2",
        "mobilenet-v2</td><td>61.00\u{a0}%</td><td>+1.0\u{a0}±\u{a0}2.2",
        "a linear classifier</td><td>55.50\u{a0}%</td><td>-4.5\u{a0}±\u{a0}2.2",
        "--example classify -- &#39;",
        "Its cells",
        "Training: my pictures",
        "Search: my pictures",
        "<details class=\"run\"><summary>Training: baselines/random-cell",
        "All runs beside each other",
    ];
    let places = parts.map(|part| page.find(part).unwrap_or_else(|| panic!("{part}")));
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
    // They are not drawn again for the search.
    assert!(!page.contains("The found cell"));
}

#[test]
fn folders_of_one_name_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let dirs = ["a/train", "b/train", "c/seed-0"].map(|name| dir.path().join(name));
    for (seed, path) in (0..).zip(&dirs) {
        fs::create_dir_all(path).unwrap();
        training(path, seed, 2);
    }
    let sources = record::open(&dirs).unwrap();
    assert_eq!(
        sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(),
        ["a/train", "b/train", "c/seed-0"]
    );
}

#[test]
fn a_lost_record_is_named() {
    let dir = tempfile::tempdir().unwrap();
    ablation(dir.path());
    let lost = dir.path().join("lambda-2/seed-1/search");
    fs::remove_file(lost.join("events.jsonl")).unwrap();
    fs::write(lost.join("config.json"), "{}").unwrap();
    fs::create_dir(lost.join("checkpoints")).unwrap();
    let page = write(&[dir.path().to_owned()], &Options::default()).unwrap().page;
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("These runs have no events.jsonl") && page.contains("seed-1/search"));
}

#[test]
fn what_is_no_report_stays() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 6, Made::Whole);
    let write = || write(&[dir.path().to_owned()], &Options::default());
    for name in ["report.html", "searches.csv"] {
        let path = dir.path().join(name);
        fs::write(&path, "mine").unwrap();
        let error = write().unwrap_err();
        assert!(matches!(error, ReportError::Taken { .. }) && error.to_string().contains(name), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(&path).unwrap();
    }
    write().unwrap();
    // An earlier report is replaced.
    write().unwrap();
}
