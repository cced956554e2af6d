//! Who works on a part.

use std::{fmt, fs, io::ErrorKind};

use serde::{Deserialize, Serialize};

use crate::run::plain;

/// The process that has a part, as its claim says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Name of its machine.
    pub host: String,
    /// Its number there; 0: not known.
    pub process: u32,
    /// Which attempt at the part it makes, from 1.
    pub attempt: u32,
    /// Random: no two claims have the same.
    pub token: String,
    /// Where its number counts: this start of the machine, and the container. `None`: the system does not say.
    machine: Option<String>,
    /// When it began, in ticks of the machine, as its number is used again. `None`: the system does not say.
    began: Option<u64>,
}

impl Holder {
    /// This process.
    pub(super) fn here(attempt: u32) -> Self {
        let process = std::process::id();
        Self {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            process,
            attempt,
            token: plain::token(),
            machine: machine(),
            began: match began(process) {
                Known::Alive(began) => Some(began),
                Known::Gone | Known::Nothing => None,
            },
        }
    }

    /// Some process, of a claim that cannot be read.
    pub(super) fn unknown(attempt: u32) -> Self {
        Self { host: String::new(), process: 0, attempt, token: String::new(), machine: None, began: None }
    }

    /// Whether it is known to live no more: it was on this machine, and there is no such process that began when it did. Of
    /// other machines nothing is known.
    pub(super) fn is_gone(&self) -> bool {
        let (Some(machine), Some(began_then)) = (self.machine.clone(), self.began) else { return false };
        if self::machine() != Some(machine) {
            return false;
        }
        match began(self.process) {
            Known::Alive(now) => now != began_then,
            Known::Gone => true,
            Known::Nothing => false,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            0 => f.write_str("another process"),
            process => write!(f, "process {process} on {}", self.host),
        }
    }
}

/// This start of the machine and the space of its process numbers, which a container has of its own. Linux alone says so.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbers = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), numbers.display()))
}

/// What the system says of a process.
enum Known {
    /// When it began.
    Alive(u64),
    Gone,
    Nothing,
}

fn began(process: u32) -> Known {
    match fs::read_to_string(format!("/proc/{process}/stat")) {
        // The name, in parentheses, may have anything in it. State, then 18 fields, then when it began.
        Ok(stat) => match stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>()) {
            // Dead, and nobody has asked how it ended.
            Some(fields) if ["Z", "X", "x"].iter().any(|state| fields.first() == Some(state)) => Known::Gone,
            Some(fields) => fields.get(19).and_then(|ticks| ticks.parse().ok()).map_or(Known::Nothing, Known::Alive),
            None => Known::Nothing,
        },
        // Where processes of others are hidden, the first one is, too.
        Err(error) if error.kind() == ErrorKind::NotFound && fs::metadata("/proc/1/stat").is_ok() => Known::Gone,
        // It ended while it was read.
        Err(error) if error.raw_os_error() == Some(NO_SUCH_PROCESS) => Known::Gone,
        Err(_) => Known::Nothing,
    }
}

/// `ESRCH` of Linux.
const NO_SUCH_PROCESS: i32 = 3;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_gone_is_told_from_one_that_has_its_number() {
        let here = Holder::here(1);
        assert!(!here.is_gone());
        assert_ne!(here.token, Holder::here(1).token);
        let later = Holder { began: here.began.map(|began| began + 1), ..here.clone() };
        assert!(later.is_gone());
        let elsewhere = Holder { machine: Some("another".to_owned()), ..later };
        assert!(!elsewhere.is_gone());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = child.id();
        let holder = Holder { process, began: Some(1), ..here };
        // It is a zombie at the latest when it has ended, and then nothing.
        child.wait().unwrap();
        assert!(holder.is_gone());
        assert!(!Holder::unknown(1).is_gone());
    }
}
