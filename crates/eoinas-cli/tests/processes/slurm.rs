//! A job array of a real Slurm, on this machine alone: a task of it is queued again, and goes on.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::study::{SHORT, Study, assert_same};

const DAEMONS: [&str; 3] = ["munged", "slurmctld", "slurmd"];
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where daemons are that no user's path has.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_eoinas")).parent().unwrap();
    format!("{}:{}:/usr/local/sbin:/usr/sbin:/sbin", program.display(), env::var("PATH").unwrap_or_default())
}

fn is_there(name: &str) -> bool {
    env::split_paths(&path()).any(|dir| dir.join(name).is_file())
}

/// Munge, controller and node, which end with it.
struct Slurm {
    dir: PathBuf,
    daemons: Vec<Child>,
}

impl Slurm {
    fn start(dir: &Path) -> Result<Self, String> {
        if let Some(missing) = DAEMONS.iter().find(|name| !is_there(name)) {
            return Err(format!("no {missing}"));
        }
        if fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).ok() != Some(0) {
            return Err("its daemons need root".to_owned());
        }
        let shown = dir.display();
        ["state", "spool"].iter().for_each(|name| fs::create_dir(dir.join(name)).unwrap());
        fs::write(
            dir.join("key"),
            (0..1024_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>(),
        )
        .unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(dir.join("key"), private).unwrap();
        let host = Command::new("hostname").arg("-s").output().map_err(|error| error.to_string())?;
        let host = String::from_utf8_lossy(&host.stdout).trim().to_owned();
        let port = 20_000 + std::process::id() % 20_000;
        let lines = [
            "ClusterName=test".to_owned(),
            format!("SlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={port}\nSlurmdPort={}", port + 1),
            format!("AuthType=auth/munge\nAuthInfo=socket={shown}/munge.sock\nCredType=cred/munge\nSlurmUser=root"),
            format!("StateSaveLocation={shown}/state\nSlurmdSpoolDir={shown}/spool"),
            format!("SlurmctldPidFile={shown}/slurmctld.pid\nSlurmdPidFile={shown}/slurmd.pid"),
            format!("SlurmctldLogFile={shown}/slurmctld.log\nSlurmdLogFile={shown}/slurmd.log"),
            "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSwitchType=switch/none\nMpiDefault=none"
                .to_owned(),
            "SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\nJobAcctGatherType=jobacct_gather/none"
                .to_owned(),
            "AccountingStorageType=accounting_storage/none\nReturnToService=2".to_owned(),
            // More than there may be, so that both tasks run on any machine.
            format!("SlurmdParameters=config_overrides\nNodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN"),
            "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n".to_owned(),
        ];
        fs::write(dir.join("slurm.conf"), lines.join("\n")).unwrap();
        let mut slurm = Self { dir: dir.to_owned(), daemons: Vec::new() };
        let of = |name: &str| format!("--{name}={shown}/munge.{name}");
        let munge = ["socket".to_owned(), "pid-file".to_owned(), "log-file".to_owned(), "seed-file".to_owned()];
        let mut arguments: Vec<String> = munge.iter().map(|name| of(name)).collect();
        arguments[0] = format!("--socket={shown}/munge.sock");
        arguments.extend(["--foreground".to_owned(), "--force".to_owned(), format!("--key-file={shown}/key")]);
        slurm.daemon("munged", &arguments);
        let begun = Instant::now();
        while !dir.join("munge.sock").exists() {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err("munged does not start".to_owned());
            }
            sleep(Duration::from_millis(50));
        }
        slurm.daemon("slurmctld", &["-D".to_owned()]);
        slurm.daemon("slurmd", &["-D".to_owned(), "-N".to_owned(), host]);
        while !slurm.says("sinfo", &["-h", "-o", "%t"]).contains("idle") {
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(format!("it does not start: {}", slurm.logs()));
            }
            sleep(Duration::from_millis(200));
        }
        Ok(slurm)
    }

    fn daemon(&mut self, name: &str, arguments: &[String]) {
        let log = fs::File::create(self.dir.join(format!("{name}.said"))).unwrap();
        let mut command = self.command(name);
        command.args(arguments).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.daemons.push(command.spawn().unwrap());
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new("env");
        command.arg(name).env("PATH", path()).env("SLURM_CONF", self.dir.join("slurm.conf")).current_dir(&self.dir);
        command
    }

    fn says(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.command(name).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    fn logs(&self) -> String {
        let names = ["munged.said", "slurmctld.log", "slurmctld.said", "slurmd.log", "slurmd.said"];
        names.map(|name| fs::read_to_string(self.dir.join(name)).unwrap_or_default()).join("\n")
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.says("scancel", &["--user=root"]);
        for daemon in self.daemons.iter_mut().rev() {
            let _ = Command::new("kill").arg(daemon.id().to_string()).status();
            let begun = Instant::now();
            while daemon.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(10) {
                sleep(Duration::from_millis(50));
            }
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn wait(what: &str, slurm: &Slurm, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "{what}: {}", slurm.logs());
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_task_of_a_job_array_that_is_queued_again_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let slurm = match Slurm::start(root.path()) {
        Ok(slurm) => slurm,
        Err(why) => return println!("skipped: no Slurm: {why}"),
    };
    let study = Study { methods: "gdas,eoinas", seeds: 1, scale: SHORT };
    let made = study.alone(&root.path().join("alone"));
    let out = root.path().join("study");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/study.sbatch");
    let mut words: Vec<String> =
        ["--array=0-1", "--cpus-per-task=1", "--output=task-%a.log", "--parsable"].map(String::from).into();
    words.push(script.canonicalize().unwrap().display().to_string());
    words.extend(study.command(&out, "").get_args().map(|word| word.to_str().unwrap().to_owned()));
    let said = slurm.says("sbatch", &words.iter().map(String::as_str).collect::<Vec<_>>());
    let job: u32 = said.trim().parse().unwrap_or_else(|_| panic!("{said}"));
    let place = out.join(".claims/gdas/seed-0/search");
    wait("the first task does not begin", &slurm, || place.join("attempt-1/checkpoints").exists());
    let task = format!("{job}_0");
    slurm.says("scontrol", &["requeue", &task]);
    // Slurm would wait for two minutes.
    let at_once = [&format!("JobId={task}")[..], "StartTime=now"];
    let mut last = Instant::now();
    wait("the tasks do not end", &slurm, || {
        if last.elapsed() > Duration::from_secs(1) {
            last = Instant::now();
            slurm.says("scontrol", &[&["update"], &at_once[..]].concat());
        }
        slurm.says("squeue", &["-h"]).trim().is_empty()
    });
    let log = fs::read_to_string(root.path().join("task-0.log")).unwrap();
    assert!(log.contains("stopped: interrupted") || log.contains("the same command goes on with it"), "{log}");
    assert!(place.join("claim-2").exists() && !out.join("table.csv").exists(), "{log}");
    let output = study.command(&out, "--quiet").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_same(&made, &study.made(&out));
}
