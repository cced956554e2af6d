//! Processes that share a study are killed at random; one is frozen, and goes on when its part has been taken over.

use std::{
    collections::BTreeMap,
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::study::{Study, assert_same};

pub struct Campaign {
    pub processes: usize,
    pub kills: usize,
    pub freezes: usize,
    pub silence: &'static str,
    pub study: Study,
}

/// What happened.
#[derive(Default)]
pub struct Counts {
    processes: usize,
    parts: usize,
    kills: usize,
    frozen: usize,
    /// Frozen ones that ended with the line that says who has their part.
    told: usize,
    taken_over: usize,
    /// Processes that ended with all done.
    ended: usize,
}

impl Counts {
    pub const HEAD: &str = "| processes | runs | kills | frozen and continued | told who has it | taken over | ended well |\n\
                            |---|---|---|---|---|---|---|";
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processes, parts, kills, frozen, told, taken_over, ended } = self;
        write!(f, "| {processes} | {parts} | {kills} | {frozen} | {told} | {taken_over} | {ended} |")
    }
}

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(1200);

struct Process {
    child: Child,
    log: PathBuf,
    frozen: bool,
}

struct Going<'a> {
    campaign: &'a Campaign,
    out: PathBuf,
    logs: PathBuf,
    all: Vec<Process>,
    started: usize,
    counts: Counts,
    /// Device and number of each run's result when it was first seen: it must stay.
    results: BTreeMap<PathBuf, (u64, u64)>,
}

impl Campaign {
    /// Runs it, and asks for the same as one process makes, with every part done once.
    pub fn run(&self, seed: u64) -> Counts {
        let root = tempfile::tempdir().unwrap();
        let alone = self.study.alone(&root.path().join("alone"));
        let (out, logs) = (root.path().join("study"), root.path().join("logs"));
        fs::create_dir(&logs).unwrap();
        let mut going = Going {
            campaign: self,
            out: out.clone(),
            logs,
            all: Vec::new(),
            started: 0,
            counts: Counts { processes: self.processes, parts: self.study.runs(&out).len(), ..Counts::default() },
            results: BTreeMap::new(),
        };
        (0..self.processes).for_each(|_| going.start());
        let mut random = Random(seed);
        let begun = Instant::now();
        while going.look() {
            assert!(begun.elapsed() < PATIENCE, "not done after {PATIENCE:?}: {}", going.logs());
            sleep(Duration::from_millis(50 + random.below(300)));
            if going.counts.frozen < self.freezes && random.below(3) == 0 {
                going.freeze();
            } else if going.counts.kills < self.kills {
                going.kill(&mut random);
            }
        }
        assert_same(&alone, &self.study.made(&out));
        assert_eq!(going.results.len(), going.counts.parts);
        for (run, first) in &going.results {
            assert_eq!(identity(run), Some(*first), "{} was done twice", run.display());
        }
        let left =
            claims(&out).into_iter().filter(|claim| claim.place.join(format!("attempt-{}", claim.number)).exists());
        assert_eq!(left.count(), 0);
        assert_eq!((going.counts.told, going.counts.frozen), (self.freezes, self.freezes), "{}", going.logs());
        assert!(going.counts.kills == self.kills && going.counts.ended > 0, "{}", going.logs());
        going.counts
    }
}

impl Going<'_> {
    fn start(&mut self) {
        self.started += 1;
        let log = self.logs.join(self.started.to_string());
        let more = format!("--threads 1 --quiet --silence {}", self.campaign.silence);
        let child = self.campaign.study.start(&self.out, &more, &log);
        self.all.push(Process { child, log, frozen: false });
    }

    /// Sees who has ended and what is done. Whether some still live.
    fn look(&mut self) -> bool {
        for run in self.campaign.study.runs(&self.out) {
            if let Some(identity) = identity(&run) {
                self.results.entry(run).or_insert(identity);
            }
        }
        let mut lost = 0;
        for at in (0..self.all.len()).rev() {
            let Some(status) = self.all[at].child.try_wait().unwrap() else { continue };
            let process = self.all.swap_remove(at);
            let said = fs::read_to_string(process.log.with_extension("err")).unwrap();
            assert!(!said.contains("panicked"), "{said}");
            let told = said.contains("has been taken over by process ");
            self.counts.taken_over += said.matches(": taken over from process ").count();
            match status.code() {
                Some(0) => self.counts.ended += 1,
                Some(1) if told && process.frozen => self.counts.told += 1,
                // The machine was too busy for a sign of life.
                Some(1) if told => lost += 1,
                _ => panic!("{}: {said}", how(status)),
            }
        }
        let done = self.results.len() == self.counts.parts;
        (0..lost).filter(|_| !done).for_each(|_| self.start());
        !self.all.is_empty()
    }

    fn kill(&mut self, random: &mut Random) {
        let at = random.below(self.all.len() as u64) as usize;
        if self.all[at].frozen || self.all[at].child.try_wait().unwrap().is_some() {
            return;
        }
        let mut process = self.all.swap_remove(at);
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        let said = fs::read_to_string(process.log.with_extension("err")).unwrap();
        self.counts.taken_over += said.matches(": taken over from process ").count();
        self.counts.kills += 1;
        self.start();
    }

    /// Freezes a process that works on a part, waits until another has taken that over, and lets it go on.
    fn freeze(&mut self) {
        let holder = claims(&self.out).into_iter().find_map(|claim| {
            let at = self.all.iter().position(|process| process.child.id() == claim.process)?;
            let begun = claim.place.join(format!("attempt-{}", claim.number)).join("checkpoints").is_dir();
            (begun && !claim.has_ended()).then_some((at, claim))
        });
        let Some((at, claim)) = holder else { return };
        signal("STOP", claim.process);
        // It may have ended the part just before.
        sleep(Duration::from_millis(20));
        if claim.has_ended() || self.all[at].child.try_wait().unwrap().is_some() {
            signal("CONT", claim.process);
            return;
        }
        self.all[at].frozen = true;
        let begun = Instant::now();
        while !claim.place.join(format!("claim-{}", claim.number + 1)).exists() {
            assert!(begun.elapsed() < PATIENCE, "nobody took it over: {}", self.logs());
            sleep(Duration::from_millis(20));
        }
        signal("CONT", claim.process);
        self.counts.frozen += 1;
    }

    fn logs(&self) -> String {
        let mut all: Vec<_> = fs::read_dir(&self.logs).unwrap().map(|entry| entry.unwrap().path()).collect();
        all.sort();
        let said = |path: &PathBuf| format!("{}: {}\n", path.display(), fs::read_to_string(path).unwrap());
        all.iter().map(said).collect()
    }
}

fn how(status: ExitStatus) -> String {
    format!("a process ended in another way: {status}")
}

/// Device and number of a run's result.
fn identity(run: &Path) -> Option<(u64, u64)> {
    fs::metadata(run.join("result.json")).ok().map(|found| (found.dev(), found.ino()))
}

/// The newest claim on a part.
struct Claim {
    place: PathBuf,
    number: u32,
    process: u32,
}

impl Claim {
    fn has_ended(&self) -> bool {
        fs::read_to_string(self.place.join(format!("beat-{}", self.number))).is_ok_and(|beat| beat == "ended\n")
    }
}

fn claims(out: &Path) -> Vec<Claim> {
    let mut found = Vec::new();
    let mut folders = vec![out.join(".claims")];
    while let Some(place) = folders.pop() {
        let mut newest = None;
        for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            match name.strip_prefix("claim-").and_then(|number| number.parse().ok()) {
                Some(number) => newest = newest.max(Some(number)),
                None if entry.path().is_dir() && !name.contains("attempt-") => folders.push(entry.path()),
                None => {}
            }
        }
        let Some(number) = newest else { continue };
        let text = fs::read_to_string(place.join(format!("claim-{number}"))).unwrap();
        let holder: serde_json::Value = serde_json::from_str(&text).unwrap();
        found.push(Claim { place, number, process: holder["process"].as_u64().unwrap() as u32 });
    }
    found
}

/// Sends a signal to a process that was started here.
pub fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(status.unwrap().success());
}

pub struct Random(u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}
