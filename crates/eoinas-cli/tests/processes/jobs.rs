//! `--jobs`, `--plan`, `--part`, `--array`.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    campaign::signal,
    study::{Study, TINY, assert_same},
};

const STUDY: Study = Study { methods: "gdas,eoinas", seeds: 1, scale: TINY };

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(out: &Path, more: &str) -> Output {
    STUDY.command(out, more).output().unwrap()
}

#[test]
fn jobs_make_what_one_process_makes_and_are_stopped_with_their_parent() {
    let root = tempfile::tempdir().unwrap();
    let (alone, shared) = (root.path().join("alone"), root.path().join("shared"));
    let made = STUDY.alone(&alone);
    // SIGTERM to the first process alone.
    let log = root.path().join("log");
    let mut parent = STUDY.start(&shared, "--jobs 2", &log);
    let begun = Instant::now();
    while !shared.join(".claims").exists() && begun.elapsed() < Duration::from_secs(120) {
        sleep(Duration::from_millis(10));
    }
    signal("TERM", parent.id());
    let status = parent.wait().unwrap();
    let said = fs::read_to_string(log.with_extension("err")).unwrap();
    assert_eq!(status.code(), Some(143), "{said}");
    assert!(said.contains("stopped: ") && !said.contains("panicked"), "{said}");
    // All of them have let go of what they had.
    let output = run(&shared, "--jobs 2");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_same(&made, &STUDY.made(&shared));
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    // What one process says, once and in its order; the jobs' lines are apart from it and name them.
    assert_eq!(shown.matches("gdas seed 0: error").count(), 1, "{shown}");
    assert!(shown.find("gdas seed 0").unwrap() < shown.find("eoinas seed 0").unwrap() && shown.contains("| variant |"));
    assert!(said.lines().all(|line| line.starts_with('[') || line.starts_with("note: ")), "{said}");
    assert!(said.lines().any(|line| line.contains("] gdas seed 0: error")), "{said}");
}

/// Trainings of one command, which any number of processes share, too.
#[test]
fn trainings_of_several_seeds_are_shared() {
    let root = tempfile::tempdir().unwrap();
    let training = |out: &Path, more: &str| {
        let words = "train --genotype darts-v1 --train-images 32 --test-images 8 --batch-size 8 --channels 4 --cells 3";
        let mut command = Command::new(env!("CARGO_BIN_EXE_eoinas"));
        command.args(words.split_whitespace()).args(more.split_whitespace()).arg("--out").arg(out);
        command.args(["--quiet", "--threads", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let (alone, shared) = (root.path().join("alone"), root.path().join("shared"));
    let said = |child: Child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).lines().filter(|line| line.contains("test accuracy")).collect::<String>()
    };
    let one = said(training(&alone, "--epochs 6 --seeds 3"));
    assert!(one.contains("+-"), "{one}");
    let all: Vec<Child> = (0..3).map(|_| training(&shared, "--epochs 6 --seeds 3")).collect();
    assert!(all.into_iter().map(said).all(|line| line == one));
    for seed in 0..3 {
        let network = format!("seed-{seed}/network/model.safetensors");
        assert_eq!(fs::read(alone.join(&network)).unwrap(), fs::read(shared.join(&network)).unwrap());
    }
    for (out, more, message) in [
        (&shared, "--seeds 2", "whose epochs is 6, not 10"),
        (&shared, "--epochs 6 --seeds 2", "whose trials is 3 entries, not 2 entries"),
        (&shared, "--jobs 2", "--jobs is of several trainings"),
        (&shared, "--seeds 3 --time 1m --jobs 2", "--jobs: counts that are fitted to a time"),
    ] {
        let output = training(out, more).wait_with_output().unwrap();
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
    let plan = training(&root.path().join("third"), "--seeds 3 --plan").wait_with_output().unwrap();
    assert_eq!(text(&plan.stdout).lines().count(), 3);
}

/// The seeds of a search, likewise.
#[test]
fn searches_of_several_seeds_are_shared() {
    let root = tempfile::tempdir().unwrap();
    let search = |out: &Path, more: &str| {
        let words =
            "search --preset quick --epochs 2 --train-images 32 --batch-size 8 --channels 4 --cells 3 --finalists 0";
        let mut command = Command::new(env!("CARGO_BIN_EXE_eoinas"));
        command.args(words.split_whitespace()).args(more.split_whitespace()).arg("--out").arg(out);
        command.args(["--quiet", "--threads", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let found = |child: Child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).lines().find(|line| line.starts_with("Genotype(")).unwrap_or_default().to_owned()
    };
    let (alone, shared, jobs) = (root.path().join("alone"), root.path().join("shared"), root.path().join("jobs"));
    let one = found(search(&alone, "--seeds 3"));
    assert!(!one.is_empty());
    let all: Vec<Child> = (0..2).map(|_| search(&shared, "--seeds 3")).collect();
    assert!(all.into_iter().map(found).all(|genotype| genotype == one));
    assert_eq!(found(search(&jobs, "--seeds 3 --jobs 2")), one);
    for file in ["genotype.json", "seed-0/genotype.txt", "seed-1/genotype.txt", "seed-2/genotype.txt"] {
        let [one, two, three] = [&alone, &shared, &jobs].map(|out| fs::read(out.join(file)).unwrap());
        assert!(one == two && one == three, "{file}");
    }
    // A seed that is gone is searched again, and what came of all stays.
    let all = fs::read(shared.join("result.json")).unwrap();
    fs::remove_dir_all(shared.join("seed-1")).unwrap();
    for _ in 0..2 {
        assert_eq!(found(search(&shared, "--seeds 3")), one);
        assert!(fs::read(shared.join("result.json")).unwrap() == all);
    }
    let stopped = root.path().join("stopped");
    let output = search(&stopped, "--seeds 2 --max-steps 3").wait_with_output().unwrap();
    assert!(text(&output.stderr).contains("go on with"), "{}", text(&output.stderr));
    let resume = Command::new(env!("CARGO_BIN_EXE_eoinas"))
        .args(["search", "--quiet", "--jobs", "2", "--resume"])
        .arg(&stopped)
        .output()
        .unwrap();
    assert!(resume.status.success(), "{}", text(&resume.stderr));
    for seed in ["seed-0", "seed-1"] {
        let [one, two] = [&alone, &stopped].map(|out| fs::read(out.join(seed).join("genotype.txt")).unwrap());
        assert_eq!(one, two);
    }
    for (out, more, message) in [
        (&shared, "--seeds 2", "whose seeds is 3 entries, not 2 entries"),
        (&shared, "--jobs 2", "exists already"),
        (&shared, "--seeds 3 --then-train --jobs 2", "what follows a search is done by one process"),
    ] {
        let output = search(out, more).wait_with_output().unwrap();
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}

/// Finals of four cells.
const FINALS: &str = "preset = 'quick'\n[finalists]\ncandidates = 4\nepochs = 3\nbatch_size = 16\n\
                      [finalists.network]\nchannels = 4\ncells = 3\n";

/// A search with those finals; its lines go to a file beside `out` that has the name `log`.
fn search_with_finals(out: &Path, log: &str, more: &str) -> Child {
    let config = out.with_file_name("finals.toml");
    if !config.exists() {
        fs::write(&config, FINALS).unwrap();
    }
    let log = fs::File::create(out.with_file_name(log)).unwrap();
    let words = "search --epochs 1 --train-images 64 --batch-size 8 --channels 4 --cells 3 --threads 1 --config";
    let mut command = Command::new(env!("CARGO_BIN_EXE_eoinas"));
    command.args(words.split_whitespace()).arg(config).arg("--out").arg(out).args(more.split_whitespace());
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// The same cells, and the same finals, file by file.
fn assert_same_finals(one: &Path, two: &Path) {
    for round in ["round-1", "round-2"] {
        let [one, two] = [one, two].map(|run| run.join("finalists").join(round));
        let cells = |of: &Path| {
            let names = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| !name.starts_with(".lock")).collect::<BTreeSet<String>>()
        };
        assert_eq!(cells(&one), cells(&two));
        for cell in cells(&one).iter().filter(|name| name.starts_with("cell-")) {
            for file in ["network/model.safetensors", "genotype.json", "config.json"] {
                let [one, two] = [&one, &two].map(|round| fs::read(round.join(cell).join(file)).unwrap());
                assert!(one == two, "{round}/{cell}/{file}");
            }
        }
    }
    for file in ["genotype.json", "front/1.txt"] {
        assert_eq!(fs::read(one.join(file)).unwrap(), fs::read(two.join(file)).unwrap(), "{file}");
    }
}

/// Whoever has no search left trains finalists of the others, and who has one is killed meanwhile: of four processes of one command,
/// the first. `study` is the study's folder, and `part` the name of the search in it.
fn share_finals(more: &str, study: &str, part: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let (alone, shared) = (root.path().join("alone"), root.path().join("shared"));
    assert!(search_with_finals(&alone, "log-alone", "").wait().unwrap().success());
    let logs = ["log-1", "log-2", "log-3", "log-4"];
    let said = || logs.map(|log| fs::read_to_string(root.path().join(log)).unwrap_or_default());
    let begun = Instant::now();
    let wait_for = |is: &dyn Fn() -> bool| {
        while !is() {
            assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", said());
            sleep(Duration::from_millis(5));
        }
    };
    let start = |log: &str| search_with_finals(&shared, log, more);
    let claims = shared.join(study).join(".claims").join(part);
    let mut first = start(logs[0]);
    wait_for(&|| claims.join("claim-1").exists());
    let others: Vec<Child> = logs[1..].iter().map(|log| start(log)).collect();
    let trained = format!("note: trained {part}/finalists/round-1/cell-");
    wait_for(&|| said()[1..].iter().any(|said| said.contains(&trained)));
    first.kill().unwrap();
    first.wait().unwrap();
    for mut other in others {
        assert!(other.wait().unwrap().success(), "{:?}", said());
    }
    let taken_over = format!("note: {part}: taken over from process");
    assert!(said()[1..].iter().any(|said| said.contains(&taken_over)), "{:?}", said());
    assert!(!claims.join("finalists").exists());
    root
}

#[test]
fn finals_of_several_searches_are_shared() {
    let root = share_finals("--seeds 2 --silence 4s", "", "seed-0");
    assert_same_finals(&root.path().join("alone"), &root.path().join("shared/seed-0"));
}

#[test]
fn finals_of_one_search_are_shared() {
    let root = share_finals("--silence 4s", ".claims", "search");
    assert_same_finals(&root.path().join("alone"), &root.path().join("shared"));
    let names = |of: &str| {
        let entries = fs::read_dir(root.path().join(of)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with(".claims")).collect::<BTreeSet<String>>()
    };
    assert_eq!(names("alone"), names("shared"));
}

#[test]
fn one_search_of_several_processes_is_stopped_and_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    let search = |out: &str, more: &str| {
        let status = search_with_finals(&root.path().join(out), "log", more).wait().unwrap();
        (status.success(), fs::read_to_string(root.path().join("log")).unwrap())
    };
    assert!(search("alone", "").0);
    let (_, said) = search("shared", "--silence 4s --max-steps 5");
    assert!(said.contains("go on with") && !root.path().join("shared/result.json").exists(), "{said}");
    for (out, more, message) in [
        ("alone", "--jobs 2", "alone exists already"),
        ("shared", "", "shared exists already"),
        ("shared", "--jobs 2 --seed 1", "whose seed is 0, not 1"),
        ("shared", "--jobs 2 --max-steps 5", "--max-steps counts those of one process"),
    ] {
        let (success, said) = search(out, more);
        assert!(!success && said.contains(message), "{said}");
    }
    let shared = root.path().join("shared");
    let resume = || {
        let resume = ["search", "--quiet", "--threads", "1", "--resume"];
        let output = Command::new(env!("CARGO_BIN_EXE_eoinas")).args(resume).arg(&shared).output().unwrap();
        (output.status.success(), text(&output.stderr))
    };
    // Settings that somebody removed are those of the same command.
    fs::remove_file(shared.join(".claims/config.json")).unwrap();
    let (success, said) = resume();
    assert!(!success && said.contains("config.json is missing; the command that began this search"), "{said}");
    assert!(search("shared", "--silence 4s --max-steps 1").1.contains("go on with"));
    let (success, said) = resume();
    assert!(success, "{said}");
    assert_same_finals(&root.path().join("alone"), &shared);
    // Whoever comes later is told the result, which is made again where it is gone.
    assert!(search("shared", "--jobs 2").0);
    let result = fs::read(shared.join("genotype.json")).unwrap();
    for goes_on in [&resume as &dyn Fn() -> _, &|| search("shared", "--jobs 2")] {
        fs::remove_file(shared.join("result.json")).unwrap();
        let (success, said) = goes_on();
        assert!(success && fs::read(shared.join("genotype.json")).unwrap() == result, "{said}");
        assert!(shared.join("result.json").exists());
    }
    let study = Command::new(env!("CARGO_BIN_EXE_eoinas"))
        .args(["compare", "ablation", "--search-images", "64", "--train-images", "64", "--out"])
        .arg(&shared)
        .output()
        .unwrap();
    assert!(!study.status.success() && text(&study.stderr).contains("exists already"), "{}", text(&study.stderr));
}

/// Each training that a strategy asks for is done once, whichever process does it.
#[test]
fn searches_of_strategies_are_shared() {
    let root = tempfile::tempdir().unwrap();
    let study = |out: &Path, more: &str| {
        let words = "compare strategies --strategy random,eas --seeds 2 --budget 3 --epochs 1 --train-images 80 --test-images 20 \
                     --multiply-adds 400k --cells 3";
        let mut command = Command::new(env!("CARGO_BIN_EXE_eoinas"));
        command.args(words.split_whitespace()).args(more.split_whitespace()).arg("--out").arg(out);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let (alone, shared) = (root.path().join("alone"), root.path().join("shared"));
    study(&alone, "--quiet --threads 1");
    assert_eq!(study(&shared, "--plan").lines().count(), 4);
    study(&shared, "--jobs 3");
    let histories =
        ["random", "eas"].into_iter().flat_map(|name| [0, 1].map(|seed| format!("{name}/seed-{seed}/history-3.json")));
    for file in histories.chain(["strategies.csv".to_owned()]) {
        let [one, many] = [&alone, &shared].map(|out| fs::read_to_string(out.join(&file)).unwrap());
        assert_eq!(one, many, "{file}");
    }
}

#[test]
fn a_plan_is_one_command_a_part() {
    let root = tempfile::tempdir().unwrap();
    let (alone, shared) = (root.path().join("alone"), root.path().join("shared"));
    let made = STUDY.alone(&alone);
    let plan = text(&run(&shared, "--threads 1 --quiet --plan").stdout);
    let lines: Vec<&str> = plan.lines().collect();
    assert!(lines.len() == 2 && !shared.exists(), "{plan}");
    // In any order; the second one as a task of a job array.
    assert!(lines[0].ends_with(" --part 0") && lines[1].ends_with(" --part 1"), "{plan}");
    let output = STUDY.command(&shared, "--quiet --array").env("SLURM_ARRAY_TASK_ID", "1").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shared.join("eoinas/seed-0/train/result.json").exists() && !shared.join("gdas").exists());
    let output = Command::new("sh").args(["-c", lines[0]]).output().unwrap();
    assert!(output.status.success() && !shared.join("table.csv").exists(), "{}", text(&output.stderr));
    let output = run(&shared, "--quiet");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_same(&made, &STUDY.made(&shared));
    for (more, message) in [
        ("--part 2", "--part is 2; the study has 2 parts, 0 to 1"),
        ("--array", "SLURM_ARRAY_TASK_ID is not set"),
        ("--silence 0s", "at least 1 s is expected"),
        ("--jobs 0", "0 is not in 1..=1024"),
    ] {
        let output = STUDY.command(&shared, more).env_remove("SLURM_ARRAY_TASK_ID").output().unwrap();
        assert!(!output.status.success() && text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}
