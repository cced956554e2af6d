//! What is disturbed, and what it gives undisturbed.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::count::End;

/// A command, and how it goes on.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    /// All runs have [`HOST`] beside it.
    command: &'static str,
    /// Whether there is a `--resume`; studies go on with their command alone.
    resumes: bool,
    /// Files that are the same however often it was stopped.
    pub results: &'static [&'static str],
}

/// What every run of the program has.
const HOST: &str = "--quiet --threads 1";
const SEARCH: &str = "search --preset quick --epochs 2 --train-images 32 --batch-size 8 --channels 4 --cells 3";
const TRAINING: &str = "train --genotype darts-v1 --epochs 2 --train-images 16 --test-images 8 \
    --batch-size 8 --channels 4 --cells 3";
const THEN_TRAIN: &str = "search --preset quick --epochs 1 --train-images 16 --batch-size 8 --channels 4 --cells 3 \
    --then-train --train-epochs 1";
const SEEDS: &str =
    "search --preset quick --epochs 1 --train-images 16 --batch-size 8 --channels 4 --cells 3 --seeds 2";
const TRIALS: &str = "train --random 2 --epochs 1 --train-images 16 --test-images 8 --batch-size 8 \
    --channels 4 --cells 3";
const STUDY: &str = "compare ablation --method eoinas --seeds 1 --search-epochs 1 --search-images 64 \
    --search-channels 4 --search-cells 3 --epochs 1 --train-images 64 --test-images 20 --channels 4 --cells 3";

/// The first two are those of the short form.
pub const CASES: [Case; 6] = [
    Case { name: "search", command: SEARCH, resumes: true, results: &["genotype.json"] },
    Case {
        name: "training",
        command: TRAINING,
        resumes: true,
        results: &["genotype.json", "network/model.safetensors", "network/network.json"],
    },
    Case {
        name: "search, then training",
        command: THEN_TRAIN,
        resumes: true,
        results: &["genotype.json", "training/network/model.safetensors"],
    },
    Case { name: "seeds", command: SEEDS, resumes: true, results: &["genotype.json", "seed-1/genotype.json"] },
    Case {
        name: "trials",
        command: TRIALS,
        resumes: true,
        results: &["random-0/network/model.safetensors", "random-1/network/model.safetensors"],
    },
    Case {
        name: "study",
        command: STUDY,
        resumes: false,
        results: &["eoinas/seed-0/search/genotype.json", "eoinas/seed-0/train/network/model.safetensors"],
    },
];

impl Case {
    pub fn program() -> Command {
        Command::new(env!("CARGO_BIN_EXE_eoinas"))
    }

    /// Arguments of the command that begins in `out`.
    pub fn begin(&self, out: &Path) -> Vec<String> {
        arguments(&[self.command, HOST, "--out"], out)
    }

    /// Of the one that goes on in `out`.
    pub fn resume(&self, out: &Path) -> Vec<String> {
        if !self.resumes {
            return self.begin(out);
        }
        let program = self.command.split(' ').next().unwrap();
        arguments(&[program, HOST, "--resume"], out)
    }
}

/// The words of these texts, then the folder.
fn arguments(texts: &[&str], out: &Path) -> Vec<String> {
    let words = texts.iter().flat_map(|text| text.split_whitespace()).chain([out.to_str().unwrap()]);
    words.map(ToOwned::to_owned).collect()
}

/// A case with what it gives undisturbed.
pub struct Reference {
    pub case: Case,
    results: BTreeMap<&'static str, Vec<u8>>,
}

impl Reference {
    pub fn new(case: Case, root: &Path) -> Self {
        let whole = root.join("whole");
        let output = Case::program().args(case.begin(&whole)).output().unwrap();
        assert!(output.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
        let results = case.results.iter().map(|name| (*name, fs::read(whole.join(name)).unwrap())).collect();
        Self { case, results }
    }

    /// Goes on in `out`, by `--resume` or else by the same command, and judges what comes out.
    pub fn go_on(&self, out: &Path, what: &str) -> End {
        let mut errors = String::new();
        for arguments in [self.case.resume(out), self.case.begin(out)] {
            let output = Case::program().args(arguments).output().unwrap();
            let said = said(&output);
            if said.contains("panicked") {
                return End::Panicked(format!("{}: {what}: {said}", self.case.name));
            }
            // Killed after the last file was written.
            if output.status.success() || said.contains("is finished") {
                return self.judge(out, what, &said);
            }
            errors += &said;
        }
        End::Refused(format!("{}: {what}: {errors}", self.case.name))
    }

    /// Whether the results are those of the undisturbed run; others are allowed where it is said why.
    fn judge(&self, out: &Path, what: &str, said: &str) -> End {
        let differs = self.results.iter().find(|(name, bytes)| fs::read(out.join(name)).ok().as_ref() != Some(bytes));
        match differs {
            None => End::WentOn,
            Some((name, _)) => End::Wrong(format!("{}: {what}: {name} differs: {said}", self.case.name)),
        }
    }
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
