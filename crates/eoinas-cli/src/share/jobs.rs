//! `--jobs`: several processes of the same command.

use std::{
    collections::BTreeSet,
    env,
    ffi::{OsStr, OsString},
    io::{self, BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use eoinas_train::{StopReason, stop::Interrupt};

use crate::{
    Error,
    host::{Host, HostArgs},
    out::tell,
};

/// How often it is looked whether one has ended.
const LOOK: Duration = Duration::from_millis(50);
/// So long may others go on that find all parts done.
const GRACE: Duration = Duration::from_secs(20);
/// So long may they take to save and end.
const SAVING: Duration = Duration::from_secs(60);

/// Runs so many processes until all parts are done, or they have ended in another way, of which this process sees the rest. A reason
/// where they were stopped with this one.
///
/// # Errors
/// A process that cannot be started.
pub(super) fn run(jobs: u16, machine: &HostArgs, host: &Host) -> Result<Option<StopReason>, Error> {
    let arguments = arguments(env::args_os().skip(1), jobs, machine);
    let said = Arc::default();
    let mut all = Vec::new();
    for job in 1..=jobs {
        all.push(Job::start(job, &arguments, machine.quiet, &said)?);
    }
    let interrupt = host.interrupt();
    let (mut done, mut asked): (Option<Instant>, Option<Instant>) = (None, None);
    loop {
        let (mut living, mut success) = (false, false);
        for job in &mut all {
            match job.child.try_wait()? {
                Some(status) => success |= status.success(),
                None => living = true,
            }
        }
        if !living {
            break;
        }
        if interrupt.is_raised() {
            // They save and end where their input does.
            all.iter_mut().for_each(|job| drop(job.child.stdin.take()));
        }
        let asked = interrupt.is_raised() && asked.get_or_insert_with(Instant::now).elapsed() > SAVING;
        if asked || success && done.get_or_insert_with(Instant::now).elapsed() > GRACE {
            // Who is frozen sees neither that all is done nor that it is to end.
            all.iter_mut().for_each(|job| drop(job.child.kill()));
        }
        thread::sleep(LOOK);
    }
    for output in all.into_iter().flat_map(|job| job.outputs) {
        let _ = output.join();
    }
    Ok(interrupt.is_raised().then_some(StopReason::Interrupted))
}

/// Stops this process where its input ends: whoever started it does not want it any more, or is gone.
///
/// # Errors
/// A thread that cannot be started.
pub(super) fn end_with_input(interrupt: Interrupt) -> io::Result<()> {
    let wait = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        interrupt.raise();
    };
    thread::Builder::new().name("input".to_owned()).spawn(wait).map(drop)
}

/// The command of one of `jobs` processes, but for the program.
fn arguments(own: impl Iterator<Item = OsString>, jobs: u16, machine: &HostArgs) -> Vec<OsString> {
    let (mut words, mut skip) = (Vec::new(), false);
    for word in own {
        let is_value = std::mem::take(&mut skip);
        skip = word == "--jobs" && !is_value;
        if !is_value && !skip && !word.as_encoded_bytes().starts_with(b"--jobs=") {
            words.push(word);
        }
    }
    words.push("--job".into());
    if !machine.quiet {
        words.push("--quiet".into());
    }
    if machine.threads.is_none() {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        words.extend(["--threads".into(), (cores / usize::from(jobs)).max(1).to_string().into()]);
    }
    words
}

/// One of the processes.
struct Job {
    child: Child,
    outputs: Vec<JoinHandle<()>>,
}

/// Lines that were shown already: each process tells of all parts.
type Said = Arc<Mutex<BTreeSet<String>>>;

impl Job {
    fn start(job: u16, arguments: &[OsString], quiet: bool, said: &Said) -> Result<Self, Error> {
        let mut command = Command::new(env::current_exe()?);
        command.args(arguments.iter().map(OsStr::new));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C in the terminal is for this process alone, which passes it on.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let mut outputs = Vec::new();
        if let Some(out) = child.stdout.take() {
            let said = Arc::clone(said);
            let is_news =
                move |line: &str| !quiet && said.lock().unwrap_or_else(PoisonError::into_inner).insert(line.to_owned());
            outputs.push(show(job, out, is_news)?);
        }
        if let Some(errors) = child.stderr.take() {
            let is_news = move |line: &str| !quiet || line.starts_with("error");
            outputs.push(show(job, errors, is_news)?);
        }
        Ok(Self { child, outputs })
    }
}

/// Shows lines of a process with its number, each whole.
fn show(
    job: u16,
    from: impl Read + Send + 'static,
    is_news: impl Fn(&str) -> bool + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let lines = move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if is_news(&line) {
                tell!("[{job}] {line}");
            }
        }
    };
    thread::Builder::new().name(format!("job {job}")).spawn(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_job_is_the_same_without_jobs() {
        let machine = HostArgs { threads: Some(3), ..HostArgs::of_tests() };
        let words = |line: &str, machine: &HostArgs| {
            let all = arguments(line.split(' ').map(OsString::from), 4, machine);
            all.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("compare ablation --jobs 4 --threads 3", &machine), "compare ablation --threads 3 --job");
        assert_eq!(words("compare ablation --jobs=4 --out jobs", &machine), "compare ablation --out jobs --job");
        let own = words("compare ablation", &HostArgs { threads: None, quiet: false, ..machine });
        assert!(own.starts_with("compare ablation --job --quiet --threads "), "{own}");
    }
}
