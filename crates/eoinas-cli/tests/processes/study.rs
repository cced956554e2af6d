//! A study as processes: how one is started, and what has to come out.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What is compared.
#[derive(Clone, Copy)]
pub struct Study {
    pub methods: &'static str,
    pub seeds: u64,
    pub scale: &'static str,
}

/// Runs of a third of a second.
pub const TINY: &str = "--search-epochs 2 --search-images 64 --search-channels 4 --search-cells 3 --epochs 2 \
    --train-images 64 --test-images 20 --channels 4 --cells 3";
/// A second or two.
pub const SHORT: &str = "--search-epochs 10 --search-images 64 --search-channels 4 --search-cells 3 --epochs 12 \
    --train-images 64 --test-images 20 --channels 4 --cells 3";
/// Runs of a part: where they are, and what has to be the same in them.
const RUNS: [(&str, &str); 3] = [
    ("search", "genotype.json"),
    ("train", "network/model.safetensors"),
    ("train-cutout", "network/model.safetensors"),
];

impl Study {
    /// The command in the folder `out`.
    pub fn command(&self, out: &Path, more: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eoinas"));
        command.args(["compare", "ablation", "--method", self.methods, "--seeds", &self.seeds.to_string()]);
        command.args(self.scale.split_whitespace()).args(more.split_whitespace()).arg("--out").arg(out);
        command
    }

    /// A process of it, whose lines go to files.
    pub fn start(&self, out: &Path, more: &str, log: &Path) -> Child {
        let [stdout, stderr] = ["out", "err"].map(|end| fs::File::create(log.with_extension(end)).unwrap());
        self.command(out, more).stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().unwrap()
    }

    /// What one process alone makes.
    pub fn alone(&self, out: &Path) -> Made {
        let output = self.command(out, "--threads 1 --quiet").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.made(out)
    }

    /// The folders of all runs.
    pub fn runs(&self, out: &Path) -> Vec<PathBuf> {
        let mut runs = Vec::new();
        for method in self.methods.split(',') {
            for seed in 0..self.seeds {
                runs.extend(RUNS.map(|(name, _)| out.join(method).join(format!("seed-{seed}")).join(name)));
            }
        }
        runs
    }

    /// What there is when it is done.
    pub fn made(&self, out: &Path) -> Made {
        let mut made = Made::new();
        for run in self.runs(out) {
            let file = RUNS.iter().find(|(name, _)| run.ends_with(name)).unwrap().1;
            let path = run.join(file);
            made.insert(path.strip_prefix(out).unwrap().to_owned(), fs::read(&path).unwrap());
        }
        for name in ["table.csv", "supernet.csv", "table.md", "supernet.md"] {
            let text = fs::read_to_string(out.join(name)).unwrap();
            made.insert(name.into(), without_times(&text).into_bytes());
        }
        made
    }
}

/// Every file by its path, but for times.
pub type Made = BTreeMap<PathBuf, Vec<u8>>;

/// The last column of `table.*` is of seconds; the others have none.
fn without_times(table: &str) -> String {
    let cut = |line: &str| {
        let separator = if line.starts_with('|') { " | " } else { "," };
        line.rsplit_once(separator).map_or(line, |(rest, _)| rest).to_owned()
    };
    let has_times = table.lines().next().is_some_and(|head| head.contains("search, s"));
    if has_times { table.lines().map(cut).collect::<Vec<_>>().join("\n") } else { table.to_owned() }
}

/// Names the first file that differs.
pub fn assert_same(alone: &Made, shared: &Made) {
    assert!(alone.keys().eq(shared.keys()), "{:?} {:?}", alone.keys(), shared.keys());
    for (path, bytes) in alone {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned();
        assert!(shared[path] == *bytes, "{}:\n{}\n{}", path.display(), shown(bytes), shown(&shared[path]));
    }
}
