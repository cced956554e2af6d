//! Many processes, one study: each part of it, a run in a folder of its own, is claimed by one process at a time.
//!
//! ```text
//! STUDY/.claims/PART/claim-1    who works on the part: made once, never changed
//! STUDY/.claims/PART/beat-1     the holder's sign of life
//! STUDY/.claims/PART/attempt-1/ the run that the holder writes
//! STUDY/PART/                   the run when it is done: an attempt's folder, renamed
//! STUDY/.claims/PART/finalists/ of a search: a study of its own, whose parts are the trainings of its finals
//! ```
//!
//! The holder of a part is who made the claim of the highest number. Whoever takes over from one that died or is silent makes
//! the next number, which only one can, copies what the earlier attempt has saved to a folder of its own and goes on there. No two
//! processes ever write to one folder, so that one that was frozen and goes on spoils nothing; it learns by its next save that
//! there is a higher number. Files are made by hard links and renames alone, so that this holds where locks do not. Claims are not
//! removed; one that somebody removed by hand is put back by its holder, which ends where all of the part is gone.

mod attempt;
mod claim;
mod holder;
mod part;
mod settings;
mod watch;
mod within;

use std::{
    fmt, fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use eoinas_core::run_folder::names;

use self::{claim::Beat, watch::Watch};
use crate::error::{Result, TrainError};

pub use claim::Claim;
pub use holder::Holder;
pub use part::{Part, is_done};
pub use settings::{are_noted, note};
pub(crate) use within::copy_run;

/// The claims on the parts of a study, as one process sees them. Copies share what was seen.
#[derive(Clone)]
pub struct Claims {
    study: PathBuf,
    /// The part of another study that this one is within; empty: none.
    of: PathBuf,
    silence: Duration,
    watch: Arc<Watch>,
    tell: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Whether a part could be claimed.
#[derive(Debug)]
enum Taken {
    Mine(Claim),
    Others(Holder),
}

impl Claims {
    /// A holder that gives no sign of life for so long is dead: longer than network file systems keep what they know of
    /// a folder, a minute as they are set by default.
    pub const SILENCE: Duration = Duration::from_secs(120);
    /// The shortest time that can be meant: holders give some signs of life in it.
    pub const SHORTEST: Duration = Duration::from_secs(1);

    /// Those of the study in the folder `study`, which is made where it is not there. Default of `silence`: [`Claims::SILENCE`];
    /// all processes of a study are to have the same.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn open(study: &Path, silence: Duration) -> Result<Self> {
        fs::create_dir_all(study).map_err(TrainError::write(study))?;
        Ok(Self {
            study: study.to_owned(),
            of: PathBuf::new(),
            silence: silence.max(Self::SHORTEST),
            watch: Arc::default(),
            tell: Arc::new(|_| {}),
        })
    }

    /// The same, which says in lines for people what is taken over from whom.
    #[must_use]
    pub fn telling(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { tell: Arc::new(tell), ..self }
    }

    /// How long to wait before looking again at what others work on.
    pub fn pause(&self) -> Duration {
        (self.silence / 20).min(Duration::from_secs(2))
    }

    /// How often a holder gives a sign of life.
    fn beats(&self) -> Duration {
        (self.silence / 20).min(Duration::from_secs(5))
    }

    /// The name of the part whose run is in the end in the folder `run`.
    fn name<'a>(&self, run: &'a Path) -> &'a Path {
        run.strip_prefix(&self.study).unwrap_or(run)
    }

    /// Where the claims of that part are.
    fn place(&self, run: &Path) -> PathBuf {
        self.study.join(names::CLAIMS).join(self.name(run))
    }

    /// The folder with what there is of a part's run: the run that is done, else the newest attempt's. `None`: it has not begun.
    pub fn begun(&self, run: &Path) -> Option<PathBuf> {
        let place = self.place(run);
        let attempts = (1..=highest(&place).unwrap_or(0)).rev().map(|number| attempt::folder(&place, number));
        [run.to_owned()].into_iter().chain(attempts).find(|folder| folder.join(names::CONFIG).is_file())
    }

    /// The process that works on the part whose run is in the end in the folder `run`, as far as it is known to live.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn holder(&self, run: &Path) -> Result<Option<Holder>> {
        let place = self.place(run);
        let newest = Some(highest(&place)?).filter(|number| *number > 0).map(|number| claim::holder(&place, number));
        Ok(newest.filter(|holder| self.end_of(&place, holder).is_none()))
    }

    /// Claims the part whose run is in the end in the folder `run`, unless another process that lives has it.
    fn take(&self, run: &Path) -> Result<Taken> {
        let place = self.place(run);
        fs::create_dir_all(&place).map_err(TrainError::write(&place))?;
        // A network file system may not show at once what others have made.
        let mut made = 0;
        loop {
            let number = highest(&place)?.max(made);
            let before = (number > 0).then(|| claim::holder(&place, number));
            let why = match &before {
                Some(holder) => match self.end_of(&place, holder) {
                    Some(why) => why,
                    None => return Ok(Taken::Others(holder.clone())),
                },
                None => String::new(),
            };
            let Some(claim) = Claim::make(self, run, number + 1)? else {
                made = number + 1;
                continue;
            };
            if let Some(before) = before.filter(|_| !why.is_empty()) {
                (self.tell)(&format!("{}: taken over from {before}, which {why}", self.title(run).display()));
            }
            return Ok(Taken::Mine(claim));
        }
    }

    /// Why a holder has the part no more; nothing to say of one that let go of it. `None`: it has it.
    fn end_of(&self, place: &Path, holder: &Holder) -> Option<String> {
        let path = claim::beat(place, holder.attempt);
        let beat = Beat::read(&path);
        if beat.is_last() {
            return Some(String::new());
        }
        if holder.is_gone() {
            return Some("is gone".to_owned());
        }
        let silent = self.watch.silent(&path, beat, self.silence / 4);
        (silent >= self.silence).then(|| format!("gave no sign of life for {:.0} s", silent.as_secs_f64()))
    }
}

/// The highest number of a claim; 0: there is none. What else a holder writes has its number, too, so that a claim that somebody
/// removed is still one.
fn highest(place: &Path) -> Result<u32> {
    let entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(TrainError::read(place)(error)),
    };
    let mut highest = 0;
    for entry in entries {
        let name = entry.map_err(TrainError::read(place))?.file_name();
        highest = highest.max(name.to_str().and_then(number).unwrap_or(0));
    }
    Ok(highest)
}

/// The number in the name of a claim, of its signs of life or of its attempt. The largest one, after which none could come, is
/// nobody's.
fn number(name: &str) -> Option<u32> {
    let number = [claim::CLAIM, claim::BEAT, names::ATTEMPT].iter().find_map(|kind| name.strip_prefix(kind))?;
    number.parse().ok().filter(|number| *number < u32::MAX)
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { study, of, silence, watch, tell: _ } = self;
        f.debug_struct("Claims")
            .field("study", study)
            .field("of", of)
            .field("silence", silence)
            .field("watch", watch)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
