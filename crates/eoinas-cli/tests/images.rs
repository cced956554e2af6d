//! `eoinas images` as a process: from pictures to a saved network.
#![cfg(feature = "images")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::{eoinas, run, text};
use eoinas_nn::saved::SavedNetwork;

/// Small classes of pictures of several sizes: bright above, bright below.
fn pictures(root: &Path) {
    for (class, bright) in [("above", 0), ("below", 1)] {
        fs::create_dir_all(root.join(class)).unwrap();
        for i in 0..9u32 {
            let (width, height) = (40 + 7 * i, 60 + 5 * i);
            let colour = |_, y| image::Rgb([if (2 * y / height) == bright { 220 } else { 30 }, (10 * i) as u8, 90]);
            let name = format!("{i}.{}", if i % 2 == 0 { "png" } else { "jpg" });
            image::RgbImage::from_fn(width, height, colour).save(root.join(class).join(name)).unwrap();
        }
    }
}

const TINY: [&str; 12] = [
    "--preset",
    "quick",
    "--search-epochs",
    "1",
    "--epochs",
    "2",
    "--image-size",
    "16",
    "--channels",
    "4",
    "--cells",
    "3",
];

#[test]
fn from_pictures_to_a_network() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    pictures(&root);
    let args = [&[root.to_str().unwrap(), "--out", out.to_str().unwrap()], &TINY[..]].concat();
    let only = run("images", &[&[root.to_str().unwrap(), "--estimate"], &TINY[..]].concat());
    assert!(only.status.success(), "{}", text(&only.stderr));
    assert!(text(&only.stdout).contains("on this machine: about"), "{}", text(&only.stdout));
    let recommended = run("images", &[&[root.to_str().unwrap(), "--estimate"], &TINY[2..]].concat());
    assert!(text(&recommended.stdout).contains("to search (1 epoch), about"), "{}", text(&recommended.stdout));
    let refused = run("images", &[&args[..], &["--estimate"]].concat());
    assert!(
        text(&refused.stderr).contains("'--out <DIR>' cannot be used with '--estimate'"),
        "{}",
        text(&refused.stderr)
    );
    let output = run("images", &args);
    let errors = text(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("on this machine: about"), "{errors}");
    assert!(text(&output.stdout).contains("of 2 test pictures are right"), "{}", text(&output.stdout));
    let saved = SavedNetwork::read(&out.join("training/network")).unwrap();
    assert_eq!(saved.description.target.names(), ["above", "below"]);
    // What the network takes the test pictures for is kept for the page.
    let kept: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("training/evaluation.json")).unwrap()).unwrap();
    let counts = kept["counts"].as_array().unwrap().iter().map(|of| of[2].as_u64().unwrap());
    assert_eq!((counts.sum::<u64>(), kept["classes"][1].as_str()), (2, Some("below")));
    let shown = kept["wrong"].as_array().unwrap().iter().chain(kept["right"].as_array().unwrap());
    let names: std::collections::BTreeSet<&str> = shown.map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["above/4.png", "below/4.png"]);
    let page = eoinas("report").arg(&out).output().unwrap();
    assert!(page.status.success(), "{}", text(&page.stderr));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("What was taken for what") && page.contains("above/4.png"), "{page}");
    // Whatever is done is not done again.
    let again = run("images", &["--resume", out.to_str().unwrap()]);
    assert_eq!(text(&again.stdout), text(&output.stdout));
    fs::remove_file(out.join("training/result.json")).unwrap();
    let again = run("images", &["--resume", out.to_str().unwrap()]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    // What was searched with other pictures is not trained.
    fs::remove_dir_all(out.join("training")).unwrap();
    fs::remove_file(root.join("above/0.png")).unwrap();
    let other = run("images", &["--resume", out.to_str().unwrap()]);
    assert!(text(&other.stderr).contains("`above/0.png` is gone"), "{}", text(&other.stderr));
}

/// So few held-out pictures tell no cells apart: the cell that promises the most is taken, unless finals are asked for.
#[test]
fn of_few_pictures_the_cell_is_the_one_that_promises_the_most() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("pictures");
    pictures(&root);
    let read = |out: &str, name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(dir.path().join(out).join(name)).unwrap()).unwrap()
    };
    let search = |out: &str, flags: &[&str]| {
        let out = dir.path().join(out);
        let args = ["--data", root.to_str().unwrap(), "--channels", "4", "--cells", "3", "--batch-size", "8", "--out"];
        let output = run("search", &[&args[..], &[out.to_str().unwrap()], flags].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    search("promise", &[]);
    let said = fs::read_to_string(dir.path().join("promise/log.txt")).unwrap();
    assert!(said.contains("the one of 1000 random ones that promises the most"), "{said}");
    assert_eq!(read("promise", "config.json")["epochs"], 1);
    let found = read("promise", "result.json");
    assert!(found["untrained"].as_bool().unwrap() && found["finalists"].is_null(), "{found}");
    search("other", &["--seed", "1"]);
    assert_ne!(read("other", "result.json")["genotype"], found["genotype"]);
    search("asked", &["--finalists", "2", "--epochs", "1"]);
    assert_eq!(read("asked", "result.json")["finalists"].as_array().unwrap().len(), 2);
}

/// With weights that were trained on other pictures nothing is searched, and the network's own design is trained.
#[test]
fn weights_of_other_pictures_take_the_place_of_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    pictures(&root);
    let pictures = root.to_str().unwrap();
    let network = |design: &[&str], name: &str| {
        let out = dir.path().join(name);
        let few = ["--epochs", "1", "--train-images", "64", "--test-images", "64", "--batch-size", "16", "--out"];
        let trained = run("train", &[design, &few[..], &[out.to_str().unwrap()]].concat());
        assert!(trained.status.success(), "{}", text(&trained.stderr));
        out
    };
    let cell = network(&["--genotype", "darts-v2", "--channels", "4", "--cells", "3"], "cell");
    let from = ["--init", cell.to_str().unwrap()];
    let estimate = run("images", &[&[pictures, "--estimate", "--epochs", "2"], &from[..]].concat());
    let said = text(&estimate.stdout);
    assert!(said.contains("to train (2 epochs); nothing is searched"), "{said} {}", text(&estimate.stderr));
    let small = ["--epochs", "2", "--image-size", "16", "--init-rate", "0", "--out", out.to_str().unwrap()];
    let output = run("images", &[&[pictures], &from[..], &small[..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let began = format!("nothing was searched: it began with the weights of {}", cell.join("network").display());
    assert!(said.contains(&began) && said.contains("stayed as they were below the head"), "{said}");
    assert!(!out.join("search").exists() && !out.join("baselines").exists());
    let [old, new] = [&cell, &out.join("training")].map(|run| {
        let saved = SavedNetwork::read(&run.join("network")).unwrap().description;
        saved.architecture.genotype().unwrap().to_string()
    });
    assert_eq!(old, new);
    // Whatever is done is not done again, and what began needs the other network no more.
    fs::remove_dir_all(&cell).unwrap();
    let again = run("images", &["--resume", out.to_str().unwrap()]);
    assert_eq!(text(&again.stdout), said, "{}", text(&again.stderr));
    let other = run("train", &["--resume", out.to_str().unwrap()]);
    assert!(text(&other.stderr).contains("is a folder of the command `images`"), "{}", text(&other.stderr));
    let page = eoinas("report").arg(&out).output().unwrap();
    assert!(page.status.success(), "{}", text(&page.stderr));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Nothing was searched: it began with the weights of "), "{page}");
    // A human-designed network, too.
    let model = network(&["--network", "conv3-8 pool2/2 average"], "model");
    let chain = dir.path().join("chain");
    let args = [pictures, "--init", model.to_str().unwrap(), "--epochs", "1", "--out", chain.to_str().unwrap()];
    let output = run("images", &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("conv3-8 pool2/2 average"), "{}", text(&output.stdout));
}

#[test]
fn what_makes_no_sense_beside_other_weights_is_refused() {
    let refused = |args: &[&str]| {
        let output = run("images", args);
        assert!(!output.status.success());
        text(&output.stderr)
    };
    for (flag, value) in [
        ("--search-epochs", Some("3")),
        ("--channels", Some("8")),
        ("--cells", Some("5")),
        ("--max-parameters", Some("1M")),
        ("--max-latency", Some("1ms")),
        ("--alone", None),
    ] {
        let args: Vec<&str> = ["pictures", "--init", "model", flag].into_iter().chain(value).collect();
        let errors = refused(&args);
        assert!(errors.contains("'--init <MODEL>' cannot be used with") && errors.contains(flag), "{errors}");
    }
    for more in [&[][..], &["--channels", "8"]] {
        let errors = refused(&[&["pictures", "--init-rate", "0"], more].concat());
        assert!(errors.contains("--init-rate is of the weights of a network"), "{errors}");
    }
    let dir = tempfile::tempdir().unwrap();
    pictures(&dir.path().join("pictures"));
    let root = dir.path().join("pictures");
    let errors = refused(&[root.to_str().unwrap(), "--init", root.to_str().unwrap()]);
    assert!(errors.contains("network.json"), "{errors}");
}

#[test]
fn a_run_goes_on_with_its_own_pictures_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    pictures(&root);
    let search = |arguments: &[&str], from: &Path| {
        let mut command = eoinas("search");
        let output = command.args(arguments).args(["--quiet", "--max-steps", "1"]).current_dir(from).output().unwrap();
        (output.status.success(), text(&output.stderr))
    };
    let small = ["--preset", "quick", "--batch-size", "4", "--channels", "4", "--cells", "3", "--epochs", "3"];
    let begin = [&["--data", "pictures", "--dataset", "folder", "--out", "out"], &small[..]].concat();
    let (done, errors) = search(&begin, dir.path());
    assert!(done, "{errors}");
    // A relative path means the same from elsewhere.
    let resume = ["--resume", out.to_str().unwrap()];
    let (done, errors) = search(&resume, &root);
    assert!(done, "{errors}");
    let class = root.join("above");
    fs::rename(&class, root.join("zenith")).unwrap();
    let (done, errors) = search(&resume, &root);
    assert!(!done && errors.contains("the folder `above` is gone, the folder `zenith` is new"), "{errors}");
    fs::rename(root.join("zenith"), &class).unwrap();
    fs::remove_file(class.join("0.png")).unwrap();
    let (done, errors) = search(&resume, &root);
    assert!(!done && errors.contains("`above/0.png` is gone"), "{errors}");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    let error = |more: &[&str]| {
        let args = [&[root.to_str().unwrap(), "--out", out.to_str().unwrap()], &TINY[..], more].concat();
        let output = run("images", &args);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(!out.exists());
        text(&output.stderr)
    };
    assert!(error(&[]).contains("it is not a folder"), "{}", error(&[]));
    fs::create_dir_all(root.join("cats")).unwrap();
    assert!(error(&[]).contains("cats: no images here"), "{}", error(&[]));
    fs::write(root.join("cats/a.jpg"), b"no picture").unwrap();
    fs::create_dir(root.join("dogs")).unwrap();
    fs::write(root.join("dogs/a.jpg"), b"no picture").unwrap();
    assert!(error(&[]).contains("a.jpg: unreadable image"), "{}", error(&[]));
    assert!(error(&["--skip-unreadable"]).contains("none of 2 can"), "{}", error(&["--skip-unreadable"]));
    fs::remove_dir_all(root.join("dogs")).unwrap();
    image::RgbImage::new(20, 20).save(root.join("cats/b.png")).unwrap();
    image::RgbImage::new(20, 20).save(root.join("cats/c.png")).unwrap();
    assert!(error(&["--skip-unreadable"]).contains("no second class here: `cats` is the only one"));
    fs::create_dir(root.join("dogs")).unwrap();
    image::RgbImage::new(20, 20).save(root.join("dogs/a.png")).unwrap();
    let few = error(&["--skip-unreadable"]);
    assert!(few.contains("1 unreadable image left out") && few.contains("at least 4 of 2 classes"), "{few}");
}

/// Whatever part an unreadable picture is in, an estimate and a run name it, once each.
#[test]
fn unreadable_pictures_of_both_parts_are_named_once() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    pictures(&root);
    // The second picture is learned from, the fifth held out.
    for bad in ["above/1.jpg", "below/4.png"] {
        fs::write(root.join(bad), "no picture").unwrap();
    }
    let args = [&[root.to_str().unwrap(), "--skip-unreadable"], &TINY[..]].concat();
    let out = ["--out", out.to_str().unwrap()];
    for more in [&["--estimate"][..], &out[..]] {
        let output = eoinas("images").args(&args).args(more).output().unwrap();
        let errors = text(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let notes: Vec<&str> = errors.lines().map(str::trim).filter(|line| line.starts_with("note: ")).collect();
        for bad in ["1.jpg", "4.png"] {
            assert_eq!(notes.iter().filter(|note| note.contains(bad)).count(), 1, "{errors}");
        }
        let once: std::collections::BTreeSet<&&str> = notes.iter().collect();
        assert_eq!(once.len(), notes.len(), "{errors}");
    }
}

/// Pictures in one heap, in formats of any kind, whose classes stand in a table.
#[test]
fn a_table_says_what_pictures_are() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("heap"), dir.path().join("out"));
    fs::create_dir_all(&root).unwrap();
    let mut table = "file,label\n".to_owned();
    for i in 0..18u8 {
        let name = format!("{i}.{}", if i % 3 == 0 { "jpg" } else { "png" });
        image::RgbImage::from_pixel(20, 20, image::Rgb([i * 10, 90, 255 * (i % 2)])).save(root.join(&name)).unwrap();
        table += &format!("{name},{}\n", if i % 2 == 0 { "even" } else { "odd" });
    }
    let labels = root.join("labels.csv");
    fs::write(&labels, &table).unwrap();
    let small = "--preset quick --batch-size 4 --channels 4 --cells 3 --epochs 3 --max-steps 1";
    let small: Vec<&str> = small.split(' ').collect();
    let args = ["--labels", labels.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let output = run("search", &[&args[..], &small[..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let record = fs::read_to_string(out.join("events.jsonl")).unwrap();
    assert!(record.contains("training pictures: 8 of even, 8 of odd"), "{record}");
    let resume = ["--resume", out.to_str().unwrap(), "--max-steps", "1"];
    let output = run("search", &resume);
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The table decides what is learned as the pictures do.
    fs::write(&labels, table.replace("2.png,even", "2.png,odd")).unwrap();
    let output = run("search", &resume);
    assert!(
        !output.status.success() && text(&output.stderr).contains("labels.csv` is changed"),
        "{}",
        text(&output.stderr)
    );
    fs::write(&labels, table + "gone.png,odd\n").unwrap();
    let output = run("images", &[&[root.to_str().unwrap(), "--estimate"], &TINY[..], &args[..2]].concat());
    let errors = text(&output.stderr);
    assert!(errors.contains("labels.csv: line 20: there is no file `gone.png` in "), "{errors}");
}

/// A training on the pictures in a folder, as a user sees it.
fn train(root: &Path, out: &Path, more: &[&str]) -> std::process::Output {
    let small = "--genotype darts-v2 --batch-size 4 --channels 4 --cells 3 --epochs 2";
    let mut train = eoinas("train");
    train.args(small.split(' ')).arg("--data").arg(root).arg("--out").arg(out).args(more).output().unwrap()
}

/// The library speaks of its settings, the user of flags.
#[test]
fn notes_name_flags() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    pictures(&root);
    let few = ["--skip-unreadable", "--max-pixels", "8000"];
    let output = train(&root, &out, &few);
    let errors = text(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("make it smaller, or raise --max-pixels)") && !errors.contains("max_pixels"), "{errors}");
    let estimate = eoinas("images").arg(&root).args(few).arg("--estimate").args(TINY).output().unwrap();
    let errors = text(&estimate.stderr);
    assert!(errors.contains("make it smaller, or raise --max-pixels)") && !errors.contains("max_pixels"), "{errors}");
    let notes = errors.lines().filter(|line| line.contains("--max-pixels)") && line.contains("above/8.png"));
    assert_eq!(notes.count(), 1, "{errors}");
    #[cfg(feature = "report")]
    {
        let evaluate =
            eoinas("evaluate").arg(out.join("network")).arg(&root).args(["--part", "all"]).args(few).output().unwrap();
        let errors = text(&evaluate.stderr);
        assert!(errors.contains("raise --max-pixels)") && !errors.contains("max_pixels"), "{errors}");
    }
}

/// Whatever learns refuses them in the same words.
#[test]
fn pictures_of_a_single_class_teach_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    pictures(&root);
    fs::remove_dir_all(root.join("below")).unwrap();
    let expected = format!(
        "error: {}: no second class here: `above` is the only one, and at least 2 classes are needed; make a folder for \
         the pictures of another",
        root.display()
    );
    let refused = |output: std::process::Output| {
        let errors = text(&output.stderr);
        assert!(output.status.code() == Some(1) && errors.contains(&expected), "{errors}");
        assert!(!out.join("config.json").exists(), "{errors}");
    };
    for more in [&[][..], &["--folds", "3"], &["--image-size", "64"]] {
        refused(train(&root, &out, more));
    }
    for command in ["search", "images"] {
        let mut run = eoinas(command);
        if command == "search" {
            run.args(["--preset", "quick", "--epochs", "1", "--data"]);
        }
        refused(run.arg(&root).arg("--out").arg(&out).output().unwrap());
    }
}

/// It is left out as others are that cannot be read, and has to be when the run goes on.
#[test]
#[cfg(unix)]
fn a_picture_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (root, out) = (dir.path().join("pictures"), dir.path().join("out"));
    pictures(&root);
    let picture = root.join("above/5.jpg");
    let mode = |mode| fs::set_permissions(&picture, fs::Permissions::from_mode(mode)).unwrap();
    mode(0);
    if fs::File::open(&picture).is_ok() {
        println!("not tested: this user may read everything");
        return;
    }
    let error = text(&train(&root, &out, &[]).stderr);
    assert!(error.contains("5.jpg: unreadable image: Permission denied"), "{error}");
    assert!(error.contains("set --skip-unreadable") && !error.contains("folder of a run"), "{error}");
    let output = train(&root, &out, &["--skip-unreadable", "--max-steps", "1"]);
    let errors = text(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains("1 unreadable image left out: ") && errors.contains("5.jpg (Permission denied"),
        "{errors}"
    );
    mode(0o600);
    let resume = ["--resume", out.to_str().unwrap()];
    let error = text(&run("train", &resume).stderr);
    assert!(error.contains("`above/5.jpg` is readable now, and was not"), "{error}");
    mode(0);
    let output = run("train", &resume);
    assert!(output.status.success(), "{}", text(&output.stderr));
}
