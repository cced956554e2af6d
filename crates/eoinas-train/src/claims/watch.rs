//! How long others have been silent, by this process's own clock.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::claim::Beat;

/// The last signs of life of others, and since when they have not changed. Clocks of machines are never compared: a sign of life
/// is one that differs from the one before.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<HashMap<PathBuf, Seen>>);

#[derive(Debug)]
struct Seen {
    beat: Beat,
    looked: Instant,
    silent: Duration,
}

impl Watch {
    /// How long this process has watched the holder that writes `path` without seeing another sign of life than `beat`. Between
    /// two looks no more than `most` counts: whoever was stopped itself has not watched.
    pub fn silent(&self, path: &Path, beat: Beat, most: Duration) -> Duration {
        self.silent_at(path, beat, most, Instant::now())
    }

    fn silent_at(&self, path: &Path, beat: Beat, most: Duration, now: Instant) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Seen { beat: beat.clone(), looked: now, silent: Duration::ZERO };
        let seen = all.entry(path.to_owned()).or_insert(new);
        if seen.beat == beat {
            seen.silent += now.saturating_duration_since(seen.looked).min(most);
        } else {
            *seen = Seen { beat, looked: now, silent: Duration::ZERO };
        }
        seen.looked = now;
        seen.silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_what_was_watched() {
        let (watch, path, start) = (Watch::default(), Path::new("beat-1"), Instant::now());
        let silent = |seconds, beat: &str| {
            let now = start + Duration::from_secs(seconds);
            watch.silent_at(path, Beat::of(beat), Duration::from_secs(5), now).as_secs()
        };
        assert_eq!(silent(0, "1"), 0);
        assert_eq!(silent(4, "1"), 4);
        assert_eq!(silent(5, "2"), 0);
        assert_eq!(silent(8, "2"), 3);
        // An hour in which nobody looked is no hour of silence.
        assert_eq!(silent(3608, "2"), 8);
    }
}
