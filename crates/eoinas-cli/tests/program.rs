//! The program as a whole: help, settings as a file, and outputs that nobody reads.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    fs,
    process::{Output, Stdio},
};

use common::{eoinas, text};

fn output(command: &str, args: &[&str]) -> Output {
    eoinas(command).args(args).output().unwrap()
}

const COMMANDS: [&str; 16] = [
    "search",
    "train",
    "images",
    "classify",
    "evaluate",
    "export",
    "count",
    "report",
    "compare ablation",
    "compare correlation",
    "compare nas-bench-201",
    "compare front",
    "bench step",
    "bench inference",
    "bench gpu",
    "doctor",
];

/// A terminal that moves no cursor has every line all the same.
#[test]
#[cfg(target_os = "linux")]
fn a_dumb_terminal_has_notes_and_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let small =
        "--network resnet-20 --width 0.25 --epochs 2 --train-images 32 --test-images 16 --batch-size 16 --threads 1";
    let line = format!("'{}' train {small} --out '{}'", env!("CARGO_BIN_EXE_eoinas"), out.display());
    let output = std::process::Command::new("script").args(["-qec", &line, "/dev/null"]).env("TERM", "dumb").output();
    let Ok(output) = output else {
        println!("skipped: `script`, which gives a program a terminal, is not installed");
        return;
    };
    let said = text(&output.stdout);
    assert!(output.status.success() && said.contains("epoch   1") && said.contains("epoch   2"), "{said}");
    assert!(said.contains("trained network, test part"), "{said}");
}

#[test]
fn every_command_has_a_page_of_help() {
    let all = output("--help", &[]);
    assert!(all.status.success());
    for command in COMMANDS {
        let first = command.split(' ').next().unwrap();
        assert!(text(&all.stdout).contains(&format!("  {first} ")), "{command}");
        let page = output(command, &["--help"]);
        let help = text(&page.stdout);
        assert!(page.status.success() && page.stderr.is_empty(), "{help}");
        assert!(help.contains(&format!("Usage: eoinas {command} ")), "{help}");
        assert!(help.contains(&format!("Examples:\n  eoinas {command}")), "{help}");
    }
    let wrong = output("search", &["--chanels", "8"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(wrong.stdout.is_empty() && text(&wrong.stderr).contains("--chanels"), "{}", text(&wrong.stderr));
}

#[test]
fn typos_get_the_nearest_word() {
    for (command, args, nearest) in [
        ("search", &["--chanels", "8"][..], "'--channels'"),
        ("serach", &[], "'search'"),
        ("search", &["--method", "gads"], "'gdas'"),
        ("search", &["--dataset", "cifar"], "'cifar10'"),
        ("search", &["--preset", "quik"], "'quick'"),
        ("train", &["--random", "1", "--preset", "paper"], "'paper-cifar'"),
    ] {
        let error = text(&output(command, args).stderr);
        assert!(error.contains("tip: ") && error.contains(nearest), "{command} {args:?}: {error}");
    }
    // What names stand for is said.
    let help = text(&output("search", &["--help"]).stdout);
    assert!(help.contains("gdas:") && help.contains("One sampled op an edge, no pruning"), "{help}");
}

#[test]
fn the_machine_is_told_of() {
    let doctor = output("doctor", &["--json"]);
    let facts: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert!(facts["cores"].as_u64().unwrap() > 0 && facts["version"] == env!("CARGO_PKG_VERSION"), "{facts}");
    assert!(text(&output("doctor", &[]).stdout).contains("vector instructions"));
}

#[test]
fn vector_instructions_can_be_chosen() {
    let with = |simd: &str| eoinas("doctor").arg("--json").env("EOINAS_SIMD", simd).output().unwrap();
    let portable: serde_json::Value = serde_json::from_slice(&with("portable").stdout).unwrap();
    assert_eq!(portable["vector_instructions"], "portable");
    let refused = with("sse9");
    assert_eq!(refused.status.code(), Some(1));
    let error = text(&refused.stderr);
    assert!(error.contains("EOINAS_SIMD is `sse9`; this CPU has portable"), "{error}");
}

#[test]
#[cfg(feature = "completions")]
fn shells_can_complete() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = output("completions", &[shell]);
        assert!(script.status.success() && text(&script.stdout).contains("nas-bench-201"), "{shell}");
    }
}

#[test]
fn settings_are_printed_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mine.toml");
    let path = file.to_str().unwrap();
    let cases: [(&str, &[&str]); 6] = [
        ("search", &[]),
        ("search", &["--preset", "paper", "--channels", "12", "--dataset", "cifar10", "--data", "my images"]),
        ("search", &["--preset", "authors", "--method", "pdarts", "--train-images", "0"]),
        ("search", &["--method", "gdas", "--seed", "7"]),
        ("train", &["--preset", "paper-imagenet", "--warm-up", "5", "--ema", "0.999"]),
        ("train", &["--cutout", "8"]),
    ];
    for (command, flags) in cases {
        let first = output(command, &[flags, &["--print-config"]].concat());
        assert!(first.status.success(), "{}", text(&first.stderr));
        fs::write(&file, &first.stdout).unwrap();
        let again = output(command, &["--config", path, "--print-config"]);
        assert_eq!(text(&again.stdout), text(&first.stdout), "{}", text(&again.stderr));
        // A flag is the stronger.
        let other = output(command, &["--config", path, "--epochs", "77", "--print-config"]);
        assert!(text(&other.stdout).contains("epochs = 77\n"), "{}", text(&other.stdout));
    }
    // The kinds of the layers stand in a file alone where they are chosen.
    for command in ["search", "train"] {
        fs::write(&file, "[network]\ncells = 3\nlayers = [\"normal\", \"reduce\", \"reduce\"]\n").unwrap();
        let first = output(command, &["--config", path, "--print-config"]);
        assert!(text(&first.stdout).contains("\"reduce\""), "{}", text(&first.stderr));
        fs::write(&file, &first.stdout).unwrap();
        let again = output(command, &["--config", path, "--print-config"]);
        assert_eq!(text(&again.stdout), text(&first.stdout), "{}", text(&again.stderr));
    }
    let cases = [
        ("[network]\nchanels = 8", "network.chanels is 8; expected a setting that there is: cells, channels"),
        ("epochs = \"many\"", "mine.toml: epochs is \"many\"; expected a number"),
        ("epochs = ", "mine.toml: "),
    ];
    for (content, message) in cases {
        fs::write(&file, content).unwrap();
        let wrong = output("search", &["--config", path, "--print-config"]);
        assert_eq!(wrong.status.code(), Some(1));
        assert!(text(&wrong.stderr).contains(message), "{}", text(&wrong.stderr));
    }
}

#[test]
fn the_settings_of_a_file_are_those_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("mine.toml"), dir.path().join("out"));
    let settings = "preset = \"quick\"\nepochs = 1\nbatch_size = 8\n[network]\nchannels = 4\ncells = 3\n[data]\ntrain_images = 32\n";
    fs::write(&file, settings).unwrap();
    let args = ["--quiet", "--out", out.to_str().unwrap(), "--config", file.to_str().unwrap(), "--channels", "8"];
    let run = output("search", &args);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let config: serde_json::Value = serde_json::from_slice(&fs::read(out.join("config.json")).unwrap()).unwrap();
    assert_eq!((&config["network"]["channels"], &config["network"]["cells"]), (&8.into(), &3.into()));
    // The settings of a run are settings for another one.
    let again = output("search", &["--config", out.join("config.json").to_str().unwrap(), "--print-config"]);
    assert!(text(&again.stdout).contains("channels = 8\n"), "{}", text(&again.stderr));
}

#[cfg(unix)]
mod unix {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, process::Command};

    use super::*;

    #[test]
    fn a_reader_that_went_away_ends_nothing() {
        let program = env!("CARGO_BIN_EXE_eoinas");
        let dir = tempfile::tempdir().unwrap();
        let tiny = "--preset quick --epochs 1 --train-images 32 --batch-size 8 --channels 4 --cells 3 --quiet --out";
        let search = format!("search {tiny} '{}'", dir.path().join("run").display());
        for command in ["count", "--help", "search --help", "doctor", search.as_str()] {
            // The reader is gone before the first line comes.
            let line = format!("{{ sleep 0.3; '{program}' {command}; echo \"code $?\" >&2; }} | true");
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(text(&output.stderr), "code 0\n", "{command}");
        }
        assert!(dir.path().join("run/result.json").exists());
        // Nobody reads standard error, either.
        let line = format!("{{ sleep 0.3; '{program}' count nothing; echo \"code $?\" >&3; }} 3>&1 2>&1 >&2 | true");
        assert!(Command::new("sh").args(["-c", &line]).output().unwrap().status.success());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_told_of() {
        for command in ["count", "--help", "doctor"] {
            let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
            let output = eoinas(command).stdout(Stdio::from(full)).stderr(Stdio::piped()).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{command}");
            assert!(text(&output.stderr).starts_with("error: standard output cannot be written: "), "{command}");
        }
    }

    #[test]
    fn names_that_are_no_unicode_are_names() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join(OsStr::from_bytes(b"odd-\xff"));
        let tiny = "--preset quick --epochs 1 --train-images 32 --batch-size 8 --channels 4 --cells 3 --quiet --out";
        let run = eoinas("search").args(tiny.split(' ')).arg(&odd).output().unwrap();
        assert!(run.status.success(), "{}", text(&run.stderr));
        assert!(odd.join("result.json").exists());
        let count = eoinas("count").arg(odd.join("genotype.txt")).output().unwrap();
        assert!(count.status.success(), "{}", text(&count.stderr));
        let bad = OsStr::from_bytes(b"\xff");
        let cases: [(&str, &[&OsStr]); 5] = [
            ("search", &[OsStr::new("--method"), bad]),
            ("search", &[OsStr::new("--data"), bad]),
            ("train", &[OsStr::new("--genotype"), bad]),
            ("images", &[bad]),
            ("classify", &[bad, bad]),
        ];
        for (command, args) in cases {
            let output = eoinas(command).args(args).current_dir(Path::new(dir.path())).output().unwrap();
            assert!(matches!(output.status.code(), Some(1 | 2)), "{command}: {}", text(&output.stderr));
            assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
        }
    }
}
