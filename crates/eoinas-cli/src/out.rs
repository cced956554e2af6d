//! Standard output and standard error, which may be closed or full: the work behind them goes on, and the program's end
//! says what was lost.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Why standard output takes no more, once it does not.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Whether this process leaves speaking to another.
static MUTE: AtomicBool = AtomicBool::new(false);

/// Writes a line to standard output, as `println!` does, but for what cannot be written.
macro_rules! say {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}

/// Writes a line to standard error, as `eprintln!` does, but for what cannot be written.
macro_rules! tell {
    ($($text:tt)*) => { $crate::out::aside(format_args!($($text)*)) };
}

pub(crate) use {say, tell};

/// Nothing is written from here on: another process says it.
pub(crate) fn mute() {
    MUTE.store(true, Ordering::Relaxed);
}

/// A line on standard output.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    write(|out| writeln!(out, "{text}"));
}

/// Text as it is on standard output.
pub(crate) fn text(text: &str) {
    write(|out| out.write_all(text.as_bytes()));
}

/// A line on standard error. One that is closed is no reason to end.
pub(crate) fn aside(text: fmt::Arguments<'_>) {
    if !MUTE.load(Ordering::Relaxed) {
        loud(text);
    }
}

/// A line on standard error, whoever else speaks.
pub(crate) fn loud(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Something that the user should know.
pub(crate) fn note(line: &str) {
    tell!("note: {line}");
}

/// Whether somebody may still read standard output: what is done for a reader alone can end when nobody does.
#[cfg(feature = "images")]
pub(crate) fn is_read() -> bool {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).is_none()
}

fn write(what: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    if lost.is_none() && !MUTE.load(Ordering::Relaxed) {
        let mut out = io::stdout().lock();
        *lost = what(&mut out).and_then(|()| out.flush()).err();
    }
}

/// The program's exit code, where `code` is that of its work: a reader that went away, as `head` does, is none of its
/// business; a file that could not be written is.
pub(crate) fn end(code: ExitCode) -> ExitCode {
    match &*LOST.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell!("error: standard output cannot be written: {error}");
            ExitCode::FAILURE
        }
        _ => code,
    }
}
