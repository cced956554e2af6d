//! The claim of this process on a part.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Claims, Holder, highest};
use crate::{
    error::{Result, TrainError},
    run::plain,
};

/// A claim that this process has made. It gives signs of life while it is there, and lets go of the part when the last copy is
/// dropped.
#[derive(Clone, Debug)]
pub struct Claim(Arc<Held>);

#[derive(Debug)]
struct Held {
    place: PathBuf,
    /// Where the part's run is in the end.
    run: PathBuf,
    holder: Holder,
    /// Those of the study that it is a part of.
    claims: Claims,
    /// Seen by the thread that gives signs of life.
    lost: Arc<AtomicBool>,
    beating: Option<(Sender<()>, JoinHandle<()>)>,
}

/// A sign of life: a number that counts up, or that it was the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Beat(Vec<u8>);

const LAST: &str = "ended\n";

impl Beat {
    #[cfg(test)]
    pub fn of(text: &str) -> Self {
        Self(text.as_bytes().to_owned())
    }

    /// What is there; nothing where there is none yet.
    pub fn read(path: &Path) -> Self {
        Self(plain::read(path, 1 << 10).unwrap_or_default())
    }

    /// Whether the holder has let go of the part.
    pub fn is_last(&self) -> bool {
        self.0 == LAST.as_bytes()
    }

    /// Writes it whole or not at all. It need not survive a power cut, and a full disk is no reason to end: others will take
    /// the part over, and the holder learns of that.
    fn write(text: &str, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".tmp-{name}"));
        let _ = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    }
}

fn claim(place: &Path, number: u32) -> PathBuf {
    place.join(format!("{CLAIM}{number}"))
}

pub(super) const CLAIM: &str = "claim-";
pub(super) const BEAT: &str = "beat-";

/// Where the holder of that number gives its signs of life.
pub(super) fn beat(place: &Path, number: u32) -> PathBuf {
    place.join(format!("{BEAT}{number}"))
}

/// Who made the claim of that number.
pub(super) fn holder(place: &Path, number: u32) -> Holder {
    let bytes = plain::read(&claim(place, number), 1 << 12).unwrap_or_default();
    let read = serde_json::from_slice::<Holder>(&bytes).ok();
    // The name of the file is what counts.
    read.filter(|holder| holder.attempt == number).unwrap_or_else(|| Holder::unknown(number))
}

fn write(path: &Path, me: &Holder) -> io::Result<()> {
    plain::write_new(path, &(serde_json::to_string(me)? + "\n"))
}

/// What there is where a holder has made its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Own,
    /// Somebody removed it.
    Nothing,
    /// All was removed, and another began anew.
    Others,
}

/// What there is of the claim of `me`. One that cannot be read is its own as long as nobody says otherwise.
fn there(place: &Path, me: &Holder) -> There {
    let other = |bytes: &[u8]| serde_json::from_slice::<Holder>(bytes).is_ok_and(|found| found.token != me.token);
    match plain::read(&claim(place, me.attempt), 1 << 12) {
        Err(error) if error.kind() == ErrorKind::NotFound => There::Nothing,
        Ok(bytes) if other(&bytes) => There::Others,
        _ => There::Own,
    }
}

impl Claim {
    /// Makes the claim of that number. `None`: another process was faster.
    pub(super) fn make(claims: &Claims, run: &Path, number: u32) -> Result<Option<Self>> {
        let (place, me) = (claims.place(run), Holder::here(number));
        let path = claim(&place, number);
        match write(&path, &me) {
            Ok(()) => {}
            // Over a network the answer to what was done may be lost, and what is done again fails.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && holder(&place, number).token == me.token => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(TrainError::write(&path)(error)),
        }
        let (run, claims) = (run.to_owned(), claims.clone());
        let mut held = Held { place, run, holder: me, claims, lost: Arc::default(), beating: None };
        held.beating = Some(held.beat(held.claims.beats())?);
        Ok(Some(Self(Arc::new(held))))
    }

    /// Which attempt at the part it is, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.holder.attempt
    }

    /// The claims on runs within the part.
    pub(crate) fn within(&self) -> Claims {
        self.0.claims.within(&self.0.run)
    }

    /// Whether the part is still this process's; asks the file system. A claim that somebody removed is put back.
    ///
    /// # Errors
    /// [`TrainError::Lost`], which says who has it. [`TrainError::Removed`]: all that there was of the part is gone, or begun anew
    /// since.
    pub fn check(&self) -> Result<()> {
        let Held { place, run, holder: me, lost, .. } = &*self.0;
        let mut found = there(place, me);
        if found == There::Nothing {
            let path = claim(place, me.attempt);
            match write(&path, me) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(TrainError::Removed { path: run.clone() });
                }
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(TrainError::write(&path)(error)),
                _ => found = there(place, me),
            }
        }
        let is_lost = claim(place, me.attempt + 1).exists();
        lost.store(is_lost || found != There::Own, Ordering::Relaxed);
        if found == There::Others {
            return Err(TrainError::Removed { path: run.clone() });
        }
        if is_lost {
            let now = holder(place, highest(place)?);
            return Err(TrainError::Lost { path: run.clone(), holder: now.to_string(), attempt: now.attempt });
        }
        Ok(())
    }

    /// The same as far as the signs of life have shown it: costs nothing.
    ///
    /// # Errors
    /// As [`Claim::check`].
    pub fn check_known(&self) -> Result<()> {
        if self.0.lost.load(Ordering::Relaxed) { self.check() } else { Ok(()) }
    }
}

impl Held {
    /// Gives signs of life from now on.
    fn beat(&self, every: Duration) -> Result<(Sender<()>, JoinHandle<()>)> {
        let (place, me, lost) = (self.place.clone(), self.holder.clone(), Arc::clone(&self.lost));
        let (path, next) = (beat(&place, me.attempt), claim(&place, me.attempt + 1));
        let (end, ended) = mpsc::channel();
        let beating = move || {
            for count in 0_u64.. {
                let found = there(&place, &me);
                // The signs of life of this number are another's then.
                if found != There::Others {
                    Beat::write(&format!("{count}\n"), &path);
                }
                lost.fetch_or(found != There::Own || next.exists(), Ordering::Relaxed);
                if ended.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("claim".to_owned()).spawn(beating);
        Ok((end, thread.map_err(TrainError::write(&self.place))?))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.beating.take() {
            drop(end);
            let _ = thread.join();
        }
        if there(&self.place, &self.holder) != There::Others {
            Beat::write(LAST, &beat(&self.place, self.holder.attempt));
        }
    }
}
