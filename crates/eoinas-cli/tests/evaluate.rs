//! `eoinas evaluate` as a process: what a trained network is worth, on a page and as CSV.
#![cfg(all(feature = "images", feature = "report"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use common::{eoinas, run, text};
use image::{Rgb, RgbImage};
use serde_json::Value;

/// Names that are markup and more than one field, where the file system has them.
const CLASSES: [&str; 3] = if cfg!(unix) { ["<i>below", "a,\"b\"", "sides"] } else { ["above", "below", "sides"] };

/// Small pictures: bright above, below, or at both sides; some are of a class that they do not look like.
fn pictures(root: &Path, classes: &[&str], count: u32) {
    for (class, name) in classes.iter().enumerate() {
        fs::create_dir_all(root.join(name)).unwrap();
        for i in 0..count {
            let (width, height) = (20 + 3 * i, 30 + i);
            let looks = if i % 7 == 6 { (class + 1) % 3 } else { class };
            let is_bright = |x: u32, y: u32| match looks {
                0 => 2 * y < height,
                1 => 2 * y >= height,
                _ => (4 * x / width).is_multiple_of(3),
            };
            let colour = |x, y| Rgb([if is_bright(x, y) { 220 } else { 30 }, (10 * i) as u8, 90]);
            let file = if cfg!(unix) { format!("<{i}>,\".png") } else { format!("{i}.png") };
            RgbImage::from_fn(width, height, colour).save(root.join(name).join(file)).unwrap();
        }
    }
}

/// A network that was trained on `data`: its folder, and the result of the training.
fn train(data: &Path, out: &Path, (epochs, size): (&str, &str)) -> (PathBuf, Value) {
    let small = "--genotype darts-v2 --batch-size 8 --channels 4 --cells 3 --json";
    let mut args: Vec<&str> = small.split(' ').collect();
    args.extend(["--data", data.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    args.extend(["--epochs", epochs, "--image-size", size]);
    let output = run("train", &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let trained: Value = serde_json::from_slice(&output.stdout).unwrap();
    (out.join("network"), trained["trained"][0].clone())
}

fn evaluate(network: &Path, args: &[&str]) -> Output {
    run("evaluate", &[&[network.to_str().unwrap()], args].concat())
}

fn json(network: &Path, args: &[&str]) -> Value {
    let output = evaluate(network, &[args, &["--json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn error(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// Everything that a trained network's owner asks of it.
#[test]
fn what_a_training_found_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("pictures");
    pictures(&data, &CLASSES, 14);
    let shown = data.to_str().unwrap();
    let (network, trained) = train(&data, &dir.path().join("run"), ("3", "16"));

    // The folder is the training's: what it held out is evaluated, and the result is the same.
    let found = json(&network, &[shown]);
    assert_eq!((&found["part"], &found["images"]), (&"test".into(), &trained["test_images"]));
    assert_eq!(found["accuracy"], trained["accuracy"]);
    assert_eq!(json(&network, &[shown, "--part", "test", "--threads", "1"])["confusion"], found["confusion"]);
    assert_eq!(json(&network, &[shown, "--part", "train"])["images"], trained["train_images"]);

    let (page, csv) = (dir.path().join("page.html"), dir.path().join("all.csv"));
    let files = ["--out", page.to_str().unwrap(), "--csv", csv.to_str().unwrap()];
    let output = evaluate(&network, &[&[shown, "--part", "all"], &files[..]].concat());
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        said.contains("42 images") && said.contains("95 % interval") && said.contains("confusion matrix"),
        "{said}"
    );

    // The CSV has every picture once, and its columns are what the page counts.
    let mut reader = csv::Reader::from_path(&csv).unwrap();
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header[..4], ["image", "class", "predicted", "probability"]);
    assert_eq!(header[4..], CLASSES.map(|class| format!("p_{class}")));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 42);
    let right = rows.iter().filter(|row| row[1] == row[2]).count();
    assert!(said.contains(&format!("({right} right;")), "{said}");
    for row in &rows {
        assert!(Path::new(&row[0]).is_file() && row[0].contains(&row[1]), "{row:?}");
        let probabilities: Vec<f32> = row.iter().skip(4).map(|p| p.parse().unwrap()).collect();
        assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{row:?}");
        let most = probabilities.iter().copied().fold(0.0, f32::max);
        assert_eq!(row[3].parse::<f32>().unwrap(), most, "{row:?}");
    }

    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains(&format!("The network recognised {right} of 42 pictures")));
    assert_eq!(html.matches("data:image/png;base64,").count(), (42 - right).min(24));
    let names = ["&lt;i&gt;below", "a,&quot;b&quot;", "&gt;,&quot;.png"];
    assert!(!html.contains("<i>below") && !html.contains("src=\"http") && !html.contains(">,\".png"));
    assert!(!cfg!(unix) || names.iter().all(|name| html.contains(name)));

    // What is there stays.
    for (flag, path) in [("--out", &page), ("--csv", &csv)] {
        let before = fs::read(path).unwrap();
        let refused = error(&evaluate(&network, &[shown, flag, path.to_str().unwrap()]));
        assert!(refused.contains("is not overwritten"), "{refused}");
        assert_eq!(fs::read(path).unwrap(), before);
    }
    let folder = dir.path().join("new/pages");
    let written = json(&network, &[shown, "--out", folder.to_str().unwrap()]);
    assert_eq!(written["page"].as_str(), folder.join("evaluation.html").to_str());
    assert!(folder.join("evaluation.html").is_file());
}

/// Windows are cut from large pictures in training; their middle is tested, here as there.
#[test]
fn large_pictures_and_sets_in_files_of_their_own_give_the_trainings_accuracy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("pictures");
    pictures(&data.join("train"), &["above", "below", "sides"], 8);
    pictures(&data.join("test"), &["above", "below", "sides"], 5);
    let (network, trained) = train(&data, &dir.path().join("run"), ("1", "64"));
    let found = json(&network, &[data.to_str().unwrap()]);
    assert_eq!((&found["images"], &found["accuracy"]), (&15.into(), &trained["accuracy"]));
    // One picture of the part that is not the training's, given as a folder of its own.
    let part = json(&network, &[data.join("test").to_str().unwrap()]);
    assert_eq!((&part["part"], &part["accuracy"]), (&"all".into(), &trained["accuracy"]));
    let other = error(&evaluate(&network, &["--dataset", "embedded"]));
    assert!(other.contains("32 x 32 x 3") && other.contains("64 x 64 x 3"), "{other}");
}

#[test]
fn classes_are_matched_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (data, new) = (dir.path().join("pictures"), dir.path().join("new"));
    pictures(&data, &["above", "below", "sides"], 14);
    let (network, _) = train(&data, &dir.path().join("run"), ("3", "16"));
    // The first class of this folder is the network's second.
    fs::create_dir(&new).unwrap();
    fs::rename(data.join("below"), new.join("below")).unwrap();
    let shown = new.to_str().unwrap();
    let found = json(&network, &[shown]);
    assert_eq!(
        (&found["part"], &found["images"], &found["classes"][1]["images"]),
        (&"all".into(), &14.into(), &14.into())
    );
    assert_eq!((&found["classes"][0]["recall"], &found["chance"]["class"]), (&Value::Null, &"below".into()));
    assert!(found["notes"].to_string().contains("no picture of `above`, `sides`"), "{found}");

    fs::write(new.join("below/broken.png"), "no picture").unwrap();
    let broken = error(&evaluate(&network, &[shown]));
    assert!(broken.contains("broken.png") && broken.contains("--skip-unreadable"), "{broken}");
    assert_eq!(json(&network, &[shown, "--skip-unreadable"])["images"], 14);

    pictures(&new, &["zebra"], 1);
    let unknown = error(&evaluate(&network, &[shown]));
    assert!(unknown.contains("no class `zebra`") && unknown.contains("`above`, `below`, `sides`"), "{unknown}");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(error(&evaluate(&network, &[empty.to_str().unwrap()])).contains("nor subfolders"));
    let nowhere = error(&evaluate(&dir.path().join("nowhere"), &[shown]));
    assert!(nowhere.contains("network.json: is missing"), "{nowhere}");
    let flag = error(&evaluate(&network, &["--dataset", "embedded", "--skip-unreadable"]));
    assert!(flag.contains("--skip-unreadable") && flag.contains("a folder of pictures"), "{flag}");
    assert_eq!(evaluate(&network, &[]).status.code(), Some(2));
}

#[test]
fn folders_lists_and_standard_input_are_classified() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("pictures");
    pictures(&data, &["above", "below", "sides"], 7);
    let (network, _) = train(&data, &dir.path().join("run"), ("1", "16"));
    let classify = |args: &[&str], input: Stdio| {
        let mut command = eoinas("classify");
        command.arg(&network).args(args).arg("--json").stdin(input).output().unwrap()
    };
    let images = |output: &Output| -> Vec<String> {
        let lines = text(&output.stdout);
        let image = |line| serde_json::from_str::<Value>(line).unwrap()["image"].as_str().unwrap().to_owned();
        lines.lines().map(image).collect()
    };
    let whole = classify(&[data.to_str().unwrap()], Stdio::null());
    let found = images(&whole);
    assert!(whole.status.success() && found.len() == 21 && found.is_sorted(), "{found:?}");
    assert!(text(&whole.stderr).contains("21 of 21 classified"), "{}", text(&whole.stderr));

    let one = Path::new(&found[8]);
    let piped = classify(&["-"], fs::File::open(one).unwrap().into());
    assert_eq!(images(&piped), ["standard input"]);
    let classes = |output: &Output| serde_json::from_slice::<Value>(&output.stdout).unwrap()["classes"].clone();
    assert_eq!(classes(&piped), classes(&classify(&[one.to_str().unwrap()], Stdio::null())));

    for end in ["\n", "\0", "\r\n"] {
        let list = dir.path().join("list");
        fs::write(&list, [found[3].as_str(), end, found[1].as_str(), end].concat()).unwrap();
        let listed = classify(&["--files-from", "-"], fs::File::open(&list).unwrap().into());
        assert_eq!(images(&listed), [&*found[3], &*found[1]]);
        let listed = classify(&["--files-from", list.to_str().unwrap()], Stdio::null());
        assert_eq!(images(&listed), [&*found[3], &*found[1]]);
    }
    let twice = classify(&["-", "--files-from", "-"], Stdio::null());
    assert!(error(&twice).contains("more than once"));

    fs::write(data.join("above/a.png"), "no picture").unwrap();
    let broken = classify(&[data.to_str().unwrap()], Stdio::null());
    let said = error(&broken);
    assert!(
        said.contains("a.png: unreadable image") && said.contains("21 of 22 classified, 1 could not be read"),
        "{said}"
    );
    assert_eq!(images(&broken), found);
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(error(&classify(&[empty.to_str().unwrap()], Stdio::null())).contains("no pictures in this folder"));
    assert!(error(&classify(&["-"], Stdio::null())).contains("standard input: unreadable image"));
}
