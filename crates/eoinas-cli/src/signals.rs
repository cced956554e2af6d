//! Signals that ask the program to end. It saves first: Ctrl-C, a shutdown or a cluster (SIGTERM), a terminal that closes
//! (SIGHUP).

use std::sync::atomic::{AtomicU8, Ordering};

use eoinas_train::stop::Interrupt;

use crate::Error;

/// What shells say of a program that was interrupted: 128 and the number of the signal, here of Ctrl-C.
const INTERRUPTED: u8 = 130;

static CODE: AtomicU8 = AtomicU8::new(INTERRUPTED);

/// The exit code of a program that was asked to end.
pub(crate) fn exit_code() -> u8 {
    CODE.load(Ordering::Relaxed)
}

/// Raises `stop` at Ctrl-C and, on Unix, at SIGTERM and SIGHUP. A second time ends the program at once.
///
/// # Errors
/// A system that takes no handler.
pub(crate) fn raise(stop: Interrupt) -> Result<(), Error> {
    #[cfg(unix)]
    unix::raise(stop.clone())?;
    ctrlc::set_handler(move || ask(&stop, INTERRUPTED))?;
    Ok(())
}

fn ask(stop: &Interrupt, code: u8) {
    if stop.is_raised() {
        std::process::exit(code.into());
    }
    CODE.store(code, Ordering::Relaxed);
    stop.raise();
}

#[cfg(unix)]
mod unix {
    use std::{fs, io, thread};

    use signal_hook::{
        consts::{SIGHUP, SIGTERM},
        iterator::Signals,
    };

    use super::{Interrupt, ask};

    pub fn raise(stop: Interrupt) -> io::Result<()> {
        let mut signals = Signals::new([SIGTERM])?;
        // Who started the program with `nohup` wants it to go on.
        if !is_ignored(SIGHUP) {
            signals.add_signal(SIGHUP)?;
        }
        let handle = move || {
            for signal in signals.forever() {
                // It follows SIGTERM, or comes twice, where nobody is in a hurry.
                if signal != SIGHUP || !stop.is_raised() {
                    ask(&stop, 128 + signal as u8);
                }
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(handle).map(drop)
    }

    /// Whether the program was started with that signal ignored, where the system says so.
    fn is_ignored(signal: i32) -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    }
}
