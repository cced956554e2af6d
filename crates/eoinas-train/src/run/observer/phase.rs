//! Progress of a run that is one phase of several: one line when it is done.

use std::io::Write;

use eoinas_core::{Event, Measure, counted, event::Record};
use indicatif::ProgressStyle;

use super::{
    Observer,
    display::{Said, TimeLeft, duration, has_bar, total},
};
use crate::{error::Result, stop::Progress};

/// Seconds between two lines where there is no bar.
const PAUSE: f64 = 60.0;

/// A bar with the time left where standard error is a terminal that can show one, else a line a minute; when the run is done,
/// one line: its name, epochs, time, and of a training the score on the test part. Notes that `said` knows are not said again.
pub fn phase_display(name: &str, said: Said) -> Box<dyn Observer> {
    let bar = has_bar().then(|| {
        let bar = indicatif::ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:24.cyan/blue} {percent:>3}% {msg}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    Box::new(PhaseDisplay { name: name.to_owned(), bar, said, ..PhaseDisplay::default() })
}

#[derive(Debug, Default)]
struct PhaseDisplay {
    name: String,
    bar: Option<indicatif::ProgressBar>,
    said: Said,
    clock: TimeLeft,
    measure: Measure,
    /// When the last line was written, in seconds of the run.
    last: Option<f64>,
    /// The last score of a whole test part.
    score: Option<f64>,
}

impl PhaseDisplay {
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // A standard error that is closed is no reason to end a run.
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }

    fn done(&self, epochs: u64, seconds: f64) -> String {
        let (name, epochs) = (&self.name, counted(epochs, "epoch", "epochs"));
        let score = self.score.map_or(String::new(), |score| match self.measure.is_accuracy() {
            true => format!("  {:6.2} % of the test part right", 100.0 * score),
            false => format!("  {} on the test part", self.measure.show(score)),
        });
        format!("{name:<14}{epochs:>12}{:>14}{score}", duration(seconds))
    }
}

impl Observer for PhaseDisplay {
    fn observe(&mut self, record: &Record) -> Result<()> {
        match &record.event {
            Event::RunStarted(started) => self.measure = started.measure.clone().unwrap_or_default(),
            Event::Warning { text } if self.said.first(text) => self.say(&format!("note: {text}")),
            Event::Resumed { epoch, .. } => self.say(&format!("{} goes on with epoch {}", self.name, epoch + 1)),
            Event::EpochEnd(end) if end.search.is_none() => {
                self.score = end.valid_score.or(end.valid_accuracy).or(self.score);
            }
            Event::Evaluated { accuracy, score, finalist: None, .. } if self.score.is_some() => {
                self.score = Some(score.unwrap_or(*accuracy));
            }
            Event::RunEnded { epochs, .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
                let _ = writeln!(std::io::stderr(), "{}", self.done(*epochs, record.elapsed_seconds));
            }
            Event::Stopped { .. } => self.bar.iter().for_each(indicatif::ProgressBar::finish_and_clear),
            _ => {}
        }
        Ok(())
    }

    fn progress(&mut self, progress: &Progress, elapsed: f64) {
        self.measure.clone_from(&progress.measure);
        let left = self.clock.left(progress, elapsed);
        let said = format!("{}: epoch {} of {}, {left}", self.name, progress.epoch + 1, progress.epochs);
        if let Some(bar) = &self.bar {
            bar.set_length(total(progress));
            bar.set_position(progress.total_steps);
            bar.set_message(said);
        } else if elapsed - *self.last.get_or_insert(elapsed) >= PAUSE && !left.is_empty() {
            self.last = Some(elapsed);
            self.say(&said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_stand_in_columns() {
        let phase = |name: &str, score| PhaseDisplay { name: name.to_owned(), score, ..PhaseDisplay::default() };
        let lines = [phase("search", None).done(24, 72.0), phase("mobilenet-v2", Some(0.925)).done(1, 3700.0)];
        assert_eq!(lines[0], "search           24 epochs    1 min 12 s");
        assert_eq!(lines[1], "mobilenet-v2       1 epoch    1 h 01 min   92.50 % of the test part right");
        let numbers = PhaseDisplay { measure: Measure::higher("R2"), ..phase("training", Some(0.5)) };
        assert_eq!(numbers.done(2, 3.0), "training          2 epochs           3 s  R2 0.5000 on the test part");
    }
}
