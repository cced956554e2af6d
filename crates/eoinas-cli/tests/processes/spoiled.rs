//! What somebody else does to a study: other settings, a claim that is removed, a folder that can only be read.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::study::{SHORT, Study, TINY, assert_same};

const STUDY: Study = Study { methods: "gdas,eoinas", seeds: 1, scale: TINY };

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Both are started at once, and the one that is late is refused before it begins anything.
#[test]
fn of_two_processes_with_other_settings_one_is_refused() {
    let root = tempfile::tempdir().unwrap();
    for (at, (more, wanted)) in [
        (["--search-epochs 3", "--search-epochs 4"], "--search-epochs is "),
        (["--channels 6", "--channels 8"], "--channels is "),
        (["--cutout 4", "--cutout 8"], "--cutout is "),
        (
            ["--method a=eoinas:indicator.lambda=0.1", "--method a=eoinas:indicator.lambda=0.2"],
            "holds searches of a whose method.eoinas.indicator.lambda is 0.",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let out = root.path().join(at.to_string());
        let start = |more: &str| {
            // What is given twice is refused by the flags.
            let first = more.split(' ').next().unwrap();
            let scale: Vec<&str> = TINY.split_whitespace().collect();
            let scale = scale.chunks(2).filter(|pair| pair[0] != first).flatten().copied();
            let mut command = Command::new(env!("CARGO_BIN_EXE_eoinas"));
            command.args(["compare", "ablation", "--seeds", "1", "--quiet", "--threads", "1"]).args(scale);
            if first != "--method" {
                command.args(["--method", "gdas"]);
            }
            command.args(more.split(' ')).arg("--out").arg(&out);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let outputs = more.map(start).map(|child| child.wait_with_output().unwrap());
        let said = outputs.each_ref().map(|output| text(&output.stderr));
        assert_eq!(outputs.iter().filter(|output| output.status.success()).count(), 1, "{said:?}");
        let refused = outputs.iter().position(|output| !output.status.success()).unwrap();
        assert_eq!(outputs[refused].status.code(), Some(1));
        assert!(said[refused].contains(wanted) && said[refused].contains("choose another --out"), "{said:?}");
        // The one that was let in has begun all that there is.
        let claims = fs::read_dir(out.join(".claims")).unwrap().count();
        assert_eq!(claims, 1);
    }
}

#[test]
fn a_claim_that_is_removed_ends_nobody() {
    let root = tempfile::tempdir().unwrap();
    let study = Study { methods: "gdas", seeds: 1, scale: SHORT };
    let made = study.alone(&root.path().join("alone"));
    let out = root.path().join("study");
    let begun = Instant::now();
    let start = |name: &str| study.start(&out, "--quiet --threads 1 --silence 20s", &root.path().join(name));
    let mut first = start("first");
    let place = out.join(".claims/gdas/seed-0/search");
    while !place.join("attempt-1/checkpoints").exists() && begun.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(5));
    }
    fs::remove_file(place.join("claim-1")).unwrap();
    let mut second = start("second");
    for (process, name) in [(&mut first, "first"), (&mut second, "second")] {
        let status = process.wait().unwrap();
        let said = fs::read_to_string(root.path().join(name).with_extension("err")).unwrap();
        assert!(status.success(), "{name}: {said}");
    }
    assert!(!place.join("claim-2").exists());
    assert_same(&made, &study.made(&out));
}

/// The command on a file system that can only be read, of this process alone: without root there is none.
fn read_only(out: &Path, command: &Command) -> Output {
    let mut unshare = Command::new("unshare");
    unshare.args([
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"",
    ]);
    unshare.arg(out).arg(command.get_program()).args(command.get_args()).output().unwrap()
}

#[test]
fn a_study_that_can_only_be_read_prints_its_tables() {
    let root = tempfile::tempdir().unwrap();
    let (study, trainings) = (root.path().join("study"), root.path().join("trainings"));
    let probe = Command::new("unshare").args(["--mount", "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return println!("skipped: nothing can be mounted here");
    }
    let mut training = Command::new(env!("CARGO_BIN_EXE_eoinas"));
    training.args(["train", "--genotype", "darts-v1", "--epochs", "1", "--train-images", "32", "--test-images", "8"]);
    training.args(["--batch-size", "8", "--channels", "4", "--cells", "3", "--quiet", "--seeds", "2", "--out"]);
    training.arg(&trainings);
    for (out, mut command) in [(&study, STUDY.command(&study, "--quiet")), (&trainings, training)] {
        let before = command.output().unwrap();
        assert!(before.status.success(), "{}", text(&before.stderr));
        // Of an earlier version, too, which noted no settings.
        for noted in ["study.json", "study.json", "variant-gdas.json"] {
            let output = read_only(out, &command);
            let said = text(&output.stderr);
            assert!(output.status.success() && said.contains("note: nothing was written to "), "{said}");
            assert!(said.lines().count() == 1, "{said}");
            let lines = |output: &Output| text(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(lines(&output), lines(&before));
            let _ = fs::remove_file(out.join(noted));
        }
    }
    // What is not done cannot be begun there.
    let more = Study { seeds: 2, ..STUDY };
    let output = read_only(&study, &more.command(&study, "--quiet"));
    assert!(!output.status.success() && text(&output.stderr).contains("cannot write "), "{}", text(&output.stderr));
}
