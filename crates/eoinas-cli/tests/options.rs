//! Options are used or refused, and folders of images mean the same in every command.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use common::{eoinas, run, text};

fn output(command: &str, args: &[&str]) -> Output {
    eoinas(command).args(args).output().unwrap()
}

fn refused(command: &str, args: &[&str]) -> String {
    let output = output(command, args);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{command} {args:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

/// Two classes of pictures, and CIFAR-10 as it is told apart from them.
fn folders(root: &Path) -> (String, String) {
    let (pictures, cifar) = (root.join("my pictures"), root.join("cifar"));
    for (class, shade) in [("dark", 20), ("bright", 230)] {
        fs::create_dir_all(pictures.join(class)).unwrap();
        for i in 0..10u8 {
            let path = pictures.join(class).join(format!("{i}.png"));
            image::RgbImage::from_pixel(12, 10, image::Rgb([shade, shade + i, shade])).save(path).unwrap();
        }
    }
    fs::create_dir(&cifar).unwrap();
    fs::write(cifar.join("data_batch_1.bin"), "x").unwrap();
    (pictures.to_str().unwrap().to_owned(), cifar.to_str().unwrap().to_owned())
}

#[test]
#[cfg(feature = "images")]
fn a_folder_is_looked_at_and_said() {
    let root = tempfile::tempdir().unwrap();
    let (pictures, cifar) = folders(root.path());
    for (command, more) in [("search", &[][..]), ("train", &[])] {
        for (dir, kind, said) in [(&pictures, "folder", "pictures, one folder a class"), (&cifar, "cifar10", "cifar10")]
        {
            let args = [more, &["--data", dir, "--print-config"]].concat();
            let output = output(command, &args);
            assert!(text(&output.stdout).contains(&format!("dataset = \"{kind}\"\n")), "{}", text(&output.stderr));
            assert!(text(&output.stderr).contains(&format!("note: {dir}: {said}")), "{}", text(&output.stderr));
        }
        for (args, part) in [
            (
                &["--data", "/no/such/folder", "--print-config"][..],
                "/no/such/folder: no data set here: it is not a folder",
            ),
            (&["--dataset", "embedded", "--data", &cifar, "--print-config"], "--data is "),
            (&["--image-size", "32", "--print-config"], "--image-size is given; expected a folder of pictures"),
            (&["--skip-unreadable", "--print-config"], "--skip-unreadable is given; expected a folder of pictures"),
            (
                &["--max-pixels", "9", "--data", &cifar, "--print-config"],
                "--max-pixels is given; expected a folder of pictures",
            ),
        ] {
            let error = refused(command, args);
            assert!(error.contains(part), "{command} {args:?}: {error}");
        }
    }
    // A name in a file belongs to the folder in the file.
    let file = root.path().join("mine.toml");
    let with = |content: &str, more: &[&str]| {
        fs::write(&file, content).unwrap();
        output("train", &[&["--config", file.to_str().unwrap(), "--print-config"], more].concat())
    };
    let named = with(&format!("[data]\ndataset = \"cifar10\"\ndir = \"{cifar}\""), &["--data", &pictures]);
    assert!(text(&named.stdout).contains("dataset = \"folder\""), "{}", text(&named.stderr));
    let found = with(&format!("[data]\ndir = \"{pictures}\""), &[]);
    assert!(text(&found.stdout).contains("dataset = \"folder\""), "{}", text(&found.stderr));
    let unused = with(&format!("[data]\ndataset = \"embedded\"\ndir = \"{pictures}\""), &[]);
    assert!(text(&unused.stderr).contains("--data is "), "{}", text(&unused.stderr));
    let unused = with("[data]\nimage_size = 48", &[]);
    assert!(text(&unused.stderr).contains("--image-size is given"), "{}", text(&unused.stderr));
    let other = refused("images", &[&cifar]);
    assert!(
        other.contains("has the files of cifar10, and no folders of pictures; for it: ")
            && other.contains("search --data"),
        "{other}"
    );
    for study in ["ablation", "correlation"] {
        let error = refused(&format!("compare {study}"), &["--data", "/no/such/folder", "--out", "/no/such/out"]);
        assert!(error.contains("/no/such/folder: no data set here"), "{error}");
    }
}

/// What a search prints at its end trains on the images of the search.
#[test]
#[cfg(feature = "images")]
fn the_printed_command_pastes_into_a_shell_and_does_what_it_says() {
    let root = tempfile::tempdir().unwrap();
    let (pictures, _) = folders(root.path());
    let out = root.path().join("it's a run");
    let tiny = "--preset quick --epochs 1 --batch-size 4 --channels 4 --cells 3 --image-size 16 --skip-unreadable";
    let args: Vec<&str> = tiny.split(' ').chain(["--data", &pictures, "--out", out.to_str().unwrap()]).collect();
    let output = run("search", &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("train it: ")).unwrap();
    let trained = root.path().join("trained");
    let line = format!("{line} --epochs 1 --batch-size 4 --channels 4 --cells 3 --quiet --out '{}'", trained.display());
    let shell = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert!(shell.status.success(), "{line}\n{}", text(&shell.stderr));
    let config: serde_json::Value = serde_json::from_slice(&fs::read(trained.join("config.json")).unwrap()).unwrap();
    let data = &config["data"];
    assert_eq!((&data["dataset"], &data["dir"], &data["image_size"]), (&"folder".into(), &pictures.into(), &16.into()));
    assert_eq!(data["skip_unreadable"], true);
}

#[test]
fn options_that_would_not_be_used_are_refused() {
    for (command, args) in [
        ("search", &["--print-config", "--seeds", "3"][..]),
        ("search", &["--print-config", "--then-train"]),
        ("search", &["--print-config", "--time", "20m"]),
        ("search", &["--print-config", "--out", "x"]),
        ("search", &["--resume", "x", "--image-size", "32"]),
        ("train", &["--print-config", "--seeds", "3"]),
        ("train", &["--print-config", "--json"]),
        ("train", &["--resume", "x", "--max-pixels", "3"]),
        ("bench step", &["--path", "mixture", "--draw", "balanced"]),
        ("bench step", &["--profile"]),
        #[cfg(feature = "images")]
        ("images", &["--resume", "x", "--epochs", "7"]),
        #[cfg(feature = "images")]
        ("images", &["--resume", "x", "--image-size", "32"]),
        #[cfg(feature = "report")]
        ("compare nas-bench-201", &["--table", "x.csv", "--budget", "3"]),
    ] {
        let error = refused(command, args);
        let reasons = ["cannot be used with", "required arguments", "--draw is of", "--profile times kernels of a GPU"];
        assert!(reasons.iter().any(|reason| error.contains(reason)), "{error}");
    }
}

#[test]
#[cfg(all(feature = "images", feature = "download"))]
fn nothing_is_fetched_into_a_folder_of_something_else() {
    let root = tempfile::tempdir().unwrap();
    let (pictures, _) = folders(root.path());
    let error = refused("search", &["--preset", "quick", "--download", "--data", &pictures]);
    assert!(
        error.contains("--download fetches cifar10 to --data") && error.contains("has folders of pictures; leave"),
        "{error}"
    );
    assert_eq!(fs::read_dir(&pictures).unwrap().count(), 2);
}

/// A table says nothing of images that are drawn, whatever lies beside it.
/// The names of the embedded sets, which are no folders.
#[test]
fn embedded_sets_are_chosen_by_name() {
    for (flags, set) in
        [(&["--dataset", "embedded-v1"][..], "embedded"), (&["--preset", "quick"], "embedded"), (&[], "embedded-v2")]
    {
        let printed = output("search", &[flags, &["--print-config"]].concat());
        assert!(text(&printed.stdout).contains(&format!("dataset = \"{set}\"\n")), "{}", text(&printed.stderr));
    }
    let error = refused("train", &["--genotype", "gdas", "--data", "embedded-v2"]);
    assert!(error.contains("chosen by --dataset embedded-v2"), "{error}");
}

#[test]
#[cfg(feature = "images")]
fn flags_of_pictures_are_refused_in_their_own_words() {
    for command in ["search", "train"] {
        let cell: &[&str] = if command == "train" { &["--genotype", "gdas"] } else { &[] };
        let error = refused(command, &[cell, &["--dataset", "embedded", "--labels", "some/labels.csv"]].concat());
        assert!(error.contains("--labels is given; expected a folder of pictures"), "{error}");
    }
}

#[test]
fn the_limit_on_ops_is_a_flag() {
    let error = refused("train", &["--genotype", "gdas", "--cells", "20", "--max-ops", "100"]);
    assert!(error.contains("and a network has at most 100, or as many as --max-ops says"), "{error}");
    let error = refused("search", &["--max-ops", "7"]);
    assert!(error.contains("and a network has at most 7, or as many as --max-ops says"), "{error}");
    let config = output("search", &["--max-ops", "123456", "--print-config"]);
    assert_eq!(text(&config.stdout).matches("max_ops = 123456").count(), 2, "{}", text(&config.stdout));
}

#[test]
fn an_error_names_the_flag_that_was_typed() {
    for (command, args, part) in [
        ("search", &["--then-train", "--train-epochs", "0"][..], "--train-epochs is 0; expected at least one epoch"),
        ("search", &["--finalists", "1"], "--finalists is 1; expected 2 to 1000 cells (1 where"),
        ("search", &["--time", "1ms"], "--time is 0 seconds; expected at least "),
        ("train", &["--random", "1", "--warm-up=-1"], "--warm-up is -1; expected 0 to 10, the epochs of the training"),
        ("train", &["--random", "1", "--warm-up", "11"], "--warm-up is 11; expected 0 to 10"),
        ("train", &["--random", "1", "--cutout", "64"], "--cutout is 64; expected less than 64 pixels"),
    ] {
        let error = refused(command, args);
        assert!(error.contains(part), "{command} {args:?}: {error}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_network_without_room_in_memory_is_refused_before_it_takes_any() {
    for (args, flag) in [(["--multiply-adds", "50000G"], "--multiply-adds"), (["--channels", "4096"], "--channels")] {
        let error = refused("train", &[&["--genotype", "darts-v2", "--cells", "20", "--quiet"], &args[..]].concat());
        assert!(error.contains(flag) && error.contains("of memory are free"), "{error}");
    }
    let error = refused("search", &["--channels", "4096", "--cells", "20"]);
    assert!(error.contains("--channels is 4096; expected less"), "{error}");
}

#[test]
fn absurd_numbers_are_refused() {
    const MOST: &str = "18446744073709551615";
    const TRAIN: &str =
        "train --random 1 --train-images 8 --test-images 8 --batch-size 4 --channels 4 --cells 3 --epochs 1";
    let of =
        |command: &'static str, flags: &[&'static str]| flags.iter().map(|flag| (command, *flag)).collect::<Vec<_>>();
    let mut cases =
        of("search", &["--train-images", "--epochs", "--seeds", "--threads", "--batch-size", "--channels", "--cells"]);
    cases.extend(of("search", &["--paths-per-step", "--partial-channels", "--max-steps 1 --paths-per-step"]));
    cases.extend(of("train --random 1", &["--train-images", "--test-images", "--epochs", "--batch-size", "--threads"]));
    cases.extend(of(
        "train",
        &["--random", "--genotype darts-v2 --seeds", "--random 1 --dataset folder --data . --max-pixels"],
    ));
    cases.extend(of(TRAIN, &["--accumulate", "--cutout", "--warm-up", "--max-steps"]));
    cases.extend(of("bench step", &["--batch", "--steps", "--threads", "--size", "--channels", "--cells"]));
    cases.extend(of("bench inference darts-v2", &["--runs", "--batch", "--channels", "--cells"]));
    #[cfg(feature = "report")]
    cases.extend(of("compare ablation", &["--search-images", "--seeds", "--epochs", "--channels"]));
    for (command, flag) in cases {
        let dir = tempfile::tempdir().unwrap();
        let words = command.split(' ').chain(flag.split(' ')).chain([MOST]);
        let output = Command::new(env!("CARGO_BIN_EXE_eoinas")).args(words).current_dir(dir.path()).output().unwrap();
        let error = text(&output.stderr);
        assert!(!error.contains("panicked"), "{command} {flag}: {error}");
        // A limit or a rest that is never reached is none; numbers that memory or time would end at are refused.
        let harmless = command == TRAIN || flag.starts_with("--max-steps");
        assert!(harmless || matches!(output.status.code(), Some(1 | 2)), "{command} {flag}: {error}");
        assert!(harmless || error.starts_with("error: ") || error.starts_with("note: "), "{command} {flag}: {error}");
    }
}

#[test]
fn a_file_and_a_published_cell_of_one_name_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let count = |cell: &str| eoinas("count").arg(cell).current_dir(dir.path()).output().unwrap();
    fs::create_dir(dir.path().join("gdas")).unwrap();
    fs::create_dir(dir.path().join("darts-v1")).unwrap();
    let published = count("darts-v1");
    assert!(published.status.success(), "{}", text(&published.stderr));
    fs::write(dir.path().join("darts-v2"), "no genotype").unwrap();
    let both = text(&count("darts-v2").stderr);
    assert!(
        both.contains("darts-v2 is a published cell, and here is a file of that name; for the file write ./darts-v2"),
        "{both}"
    );
    assert!(text(&count("./darts-v2").stderr).contains("./darts-v2: line 1, column 1"));
    assert!(text(&count("./darts-v3").stderr).contains("there is no file ./darts-v3"));
}

#[test]
fn a_genotype_can_be_pasted_where_a_file_is_named() {
    let pasted = eoinas_core::zoo::find("darts-v2").unwrap().genotype().to_string();
    let count = |args: &[&str]| eoinas("count").args(args).output().unwrap();
    let costs = |cell: &str| {
        let printed = count(&[cell, "--json"]);
        assert!(printed.status.success(), "{}", text(&printed.stderr));
        let rows: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
        (rows[0]["cell"].clone(), rows[0]["cifar"].clone())
    };
    assert_eq!(costs(&pasted), (pasted.clone().into(), costs("darts-v2").1));
    let table = text(&count(&[&pasted]).stdout);
    assert!(table.lines().all(|line| line.len() < 120) && table.contains("Genotype(normal=[("), "{table}");
    for (cell, part) in
        [("Genotype(normal=[('sep_conv_3x3', 0)", "line 1, column"), ("{'normal/op_2_0': 'x'}", "line 1")]
    {
        let error = text(&count(&[cell]).stderr);
        assert!(error.contains(part) && !error.contains("there is no file"), "{error}");
    }
}

#[test]
fn limits_of_a_file_are_those_of_the_flags() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("limits.toml");
    let path = file.to_str().unwrap();
    fs::write(&file, "[limits]\nparameters = 20000\n").unwrap();
    let printed = |command: &str, args: &[&str]| {
        let output = run(command, &[args, &["--print-config"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    for command in ["train", "search"] {
        let of_flags = printed(command, &["--max-parameters", "20k"]);
        assert!(of_flags.contains("parameters = 20000") && of_flags.contains("keep_cells = false"), "{of_flags}");
        assert_eq!(printed(command, &["--config", path]), of_flags, "{command}");
        // What was printed is read as what it says.
        fs::write(dir.path().join("all.toml"), &of_flags).unwrap();
        assert_eq!(printed(command, &["--config", dir.path().join("all.toml").to_str().unwrap()]), of_flags);
    }
    let output = run("train", &["--genotype", "darts-v2", "--config", path, "--channels", "20"]);
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("--channels is 20; expected none beside"), "{error}");
    fs::write(&file, "[finalists]\ncandidates = 5\n").unwrap();
    assert!(printed("search", &["--config", path]).contains("candidates = 5"));
    fs::write(&file, "[limits]\nparams = 5\n").unwrap();
    let error = text(&run("search", &["--config", path]).stderr).to_owned();
    assert!(error.contains("limits.params is 5; expected a setting that there is: "), "{error}");
}

/// What has no end is refused unread, and a list may name nothing.
#[test]
#[cfg(all(unix, feature = "report", feature = "images"))]
fn devices_are_no_files() {
    let zero = "/dev/zero";
    let root = tempfile::tempdir().unwrap();
    let (pictures, _) = folders(root.path());
    for (command, args) in [
        ("search", &["--config", zero, "--print-config"][..]),
        ("compare nas-bench-201", &["--table", zero]),
        ("train", &["--genotype", "gdas", "--data", &pictures, "--labels", zero]),
    ] {
        let said = refused(command, args);
        assert!(said.contains(zero), "{command}: {said}");
    }
    for text in ["20M", "9999y"] {
        let said = refused("search", &["--time", text]);
        assert!(said.contains("--time") && (said.contains("write 20m") || said.contains("at most a year")), "{said}");
    }
}
