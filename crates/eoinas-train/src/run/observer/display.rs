//! Progress for people: a bar on a terminal, plain lines elsewhere.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use eoinas_core::{Event, Measure, counted, event::Record};
use indicatif::ProgressStyle;

use super::Observer;
use crate::{error::Result, stop::Progress};

/// A bar where standard error is a terminal that can show one, plain lines where it is not.
pub fn progress_display() -> Box<dyn Observer> {
    progress_display_after(Said::default())
}

/// The same where the notes that `said` knows are not said again: displays of several runs that share it say each note once.
pub fn progress_display_after(said: Said) -> Box<dyn Observer> {
    let bar = ProgressBar { said: said.clone(), ..ProgressBar::new() };
    match has_bar() && !bar.bar.is_hidden() {
        true => Box::new(bar),
        false => Box::new(ProgressLines { said, ..ProgressLines::default() }),
    }
}

/// Whether standard error is a terminal that can show a bar.
pub(super) fn has_bar() -> bool {
    // A terminal that cannot move its cursor (`TERM=dumb`) would show nothing of it.
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stderr().is_terminal() && !is_dumb
}

/// Notes that were said already. Default: none.
#[derive(Clone, Debug, Default)]
pub struct Said(Arc<Mutex<BTreeSet<String>>>);

impl Said {
    /// Whether the note is new; from now on it is not.
    pub fn first(&self, note: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(note.to_owned())
    }

    fn has(&self, event: &Event) -> bool {
        matches!(event, Event::Warning { text } if !self.first(text))
    }
}

/// A bar with epoch, losses, accuracies, temperature, alive ops and the time left; one line an epoch stays above it.
#[derive(Debug)]
pub struct ProgressBar {
    bar: indicatif::ProgressBar,
    clock: TimeLeft,
    pruned: Pruned,
    measure: Measure,
    said: Said,
}

impl ProgressBar {
    /// A bar on standard error.
    pub fn new() -> Self {
        let bar = indicatif::ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:24.cyan/blue} {percent:>3}% {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (clock, pruned, measure, said) = Default::default();
        Self { bar, clock, pruned, measure, said }
    }
}

impl Default for ProgressBar {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for ProgressBar {
    fn observe(&mut self, record: &Record) -> Result<()> {
        if self.said.has(&record.event) {
            return Ok(());
        }
        for line in self.pruned.before(&record.event).into_iter().chain(lines(&record.event, &self.measure)) {
            self.bar.println(line);
        }
        if matches!(record.event, Event::RunEnded { .. } | Event::Stopped { .. }) {
            self.bar.finish_and_clear();
        }
        Ok(())
    }

    fn progress(&mut self, progress: &Progress, elapsed: f64) {
        self.measure.clone_from(&progress.measure);
        self.bar.set_length(total(progress));
        self.bar.set_position(progress.total_steps);
        self.bar.set_message(format!("{} {}", summary(progress), self.clock.left(progress, elapsed)));
    }
}

/// One line an epoch on standard error, and one for everything else that a reader should know.
#[derive(Debug, Default)]
pub struct ProgressLines {
    clock: TimeLeft,
    pruned: Pruned,
    left: String,
    measure: Measure,
    said: Said,
}

impl Observer for ProgressLines {
    fn observe(&mut self, record: &Record) -> Result<()> {
        if self.said.has(&record.event) {
            return Ok(());
        }
        let left = if matches!(record.event, Event::EpochEnd(_)) { self.left.as_str() } else { "" };
        if let Some(line) = self.pruned.before(&record.event) {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        for line in lines(&record.event, &self.measure) {
            // A standard error that is closed is no reason to end a search.
            let _ = writeln!(std::io::stderr(), "{line} {left}");
        }
        Ok(())
    }

    fn progress(&mut self, progress: &Progress, elapsed: f64) {
        self.measure.clone_from(&progress.measure);
        self.left = self.clock.left(progress, elapsed);
    }
}

/// What was pruned after an epoch, in one line: each op is in the log and the report.
#[derive(Debug, Default)]
struct Pruned {
    ops: usize,
    /// Of those that were compared, which chance may have chosen.
    noise: usize,
    compared: usize,
}

impl Pruned {
    /// Takes an event in. What was pruned before an event of another kind is said then.
    fn before(&mut self, event: &Event) -> Option<String> {
        if let Event::Pruned { op, evidence, .. } = event {
            self.ops += 1;
            if let Some(difference) = evidence.as_ref().and_then(|evidence| evidence.against_next(*op)) {
                self.compared += 1;
                self.noise += usize::from(difference.within_noise());
            }
            return None;
        }
        let Self { ops, noise, compared } = std::mem::take(self);
        let of = match (ops, compared) {
            (0, _) => return None,
            (_, 0) => String::new(),
            _ => format!("; {noise} of {compared} were no worse than the next op by more than a standard error"),
        };
        Some(format!("pruned {}{of}", counted(ops, "op", "ops")))
    }
}

/// What scores of other tasks than classes are is said by the progress before.
fn lines(event: &Event, measure: &Measure) -> Vec<String> {
    let good = |accuracy: f64, score: Option<f64>| match score {
        Some(score) => measure.show(score),
        None => format!("acc {:5.2} %", 100.0 * accuracy),
    };
    match event {
        Event::EpochEnd(end) => {
            let train = good(end.train_accuracy, end.train_score);
            let mut line = format!("epoch {:>3}  train loss {:.3} {train}", end.epoch + 1, end.train_loss);
            if let (Some(loss), Some(value)) = (end.valid_loss, end.valid_score.or(end.valid_accuracy)) {
                let part = if end.search.is_some() { "valid" } else { "test" };
                line += &format!("  {part} loss {loss:.3} {}", good(value, end.valid_score));
            }
            if let Some(top5) = end.valid_top5 {
                line += &format!(" top-5 {:5.2} %", 100.0 * top5);
            }
            if let Some(search) = &end.search {
                if let Some(temperature) = search.temperature {
                    line += &format!("  tau {temperature:.3}");
                }
                line += &format!("  ops {}", search.alive_ops);
            }
            vec![line]
        }
        Event::Warning { text } | Event::Replanned { text, .. } => vec![format!("note: {text}")],
        Event::Resumed { epoch, step, checkpoint } => {
            vec![format!("resumed from {checkpoint}: epoch {}, step {step}", epoch + 1)]
        }
        Event::Evaluated { what, images, score: Some(score), .. } => {
            vec![format!("{what}: {} over {}", measure.show(*score), counted(*images, "image", "images"))]
        }
        Event::Evaluated { what, accuracy, images, .. } => {
            vec![format!("{what}: {:.2} % of {}", 100.0 * accuracy, counted(*images, "image", "images"))]
        }
        _ => Vec::new(),
    }
}

fn summary(progress: &Progress) -> String {
    let mut text =
        format!("epoch {}/{} step {}/{}", progress.epoch + 1, progress.epochs, progress.step, progress.steps);
    if let Some(loss) = progress.train_loss {
        text += &format!(" loss {loss:.3}");
    }
    if let Some(accuracy) = progress.train_accuracy {
        text += &format!(" acc {:.1} %", 100.0 * accuracy);
    }
    if let Some(score) = progress.score.filter(|_| !progress.measure.is_accuracy()) {
        text += &format!(" {}", progress.measure.show(score));
    }
    if let Some(accuracy) = progress.valid_accuracy {
        text += &format!(" valid {:.1} %", 100.0 * accuracy);
    }
    if progress.alive_ops > 0 {
        if let Some(temperature) = progress.temperature {
            text += &format!(" tau {temperature:.2}");
        }
        text += &format!(" ops {}", progress.alive_ops);
    }
    text
}

pub(super) fn total(progress: &Progress) -> u64 {
    (progress.epochs * progress.steps) as u64
}

/// Estimates the time left from the steps of this session.
#[derive(Debug, Default)]
pub(super) struct TimeLeft {
    first: Option<(u64, f64)>,
}

impl TimeLeft {
    pub(super) fn left(&mut self, progress: &Progress, elapsed: f64) -> String {
        let (step, at) = *self.first.get_or_insert((progress.total_steps, elapsed));
        let done = progress.total_steps.saturating_sub(step);
        if done == 0 {
            return String::new();
        }
        let left = total(progress).saturating_sub(progress.total_steps) as f64 * (elapsed - at) / done as f64;
        format!("{} left", duration(left))
    }
}

pub(super) fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::event::EpochEnd;

    #[test]
    fn scores_have_their_names() {
        let mut end = EpochEnd { train_loss: 0.5, train_accuracy: 0.25, valid_loss: Some(0.75), ..EpochEnd::default() };
        end.valid_accuracy = Some(0.5);
        let line = |end: &EpochEnd, measure: &Measure| lines(&Event::EpochEnd(Box::new(end.clone())), measure).join("");
        let classes = "epoch   1  train loss 0.500 acc 25.00 %  test loss 0.750 acc 50.00 %";
        assert_eq!(line(&end, &Measure::accuracy()), classes);
        (end.train_score, end.valid_score, end.valid_accuracy) = (Some(-0.5), Some(0.875), None);
        let numbers = "epoch   1  train loss 0.500 R2 -0.5000  test loss 0.750 R2 0.8750";
        assert_eq!(line(&end, &Measure::higher("R2")), numbers);
    }

    #[test]
    fn prunings_are_summed_up_before_what_comes_next() {
        use eoinas_core::{
            CellKind,
            event::{OpEvidence, PruneEvidence},
        };
        let pruned = |mean: f64, known: bool| {
            let of = |op, mean| OpEvidence { op, draws: 9, mean, error: Some(0.01) };
            let evidence = PruneEvidence { next: 1, next_name: "b".into(), ops: vec![of(0, mean), of(1, 0.5)] };
            let (kind, name, reason) = (CellKind(0), "a".into(), "lowest_indicator".into());
            let evidence = Some(evidence).filter(|_| known);
            Event::Pruned { epoch: 1, kind, edge: 0, op: 0, name, reason, indicator: vec![], evidence }
        };
        let mut display = Pruned::default();
        for event in [pruned(0.3, true), pruned(0.49, true), pruned(0.6, true), pruned(0.0, false)] {
            assert_eq!(display.before(&event), None);
        }
        let next = Event::EpochStarted { epoch: 2, epochs: 3 };
        let line = "pruned 4 ops; 2 of 3 were no worse than the next op by more than a standard error";
        assert_eq!(display.before(&next).unwrap(), line);
        assert_eq!(display.before(&next), None);
        display.before(&pruned(0.0, false));
        assert_eq!(display.before(&next).unwrap(), "pruned 1 op");
    }

    #[test]
    fn time_left_follows_the_pace_of_this_session() {
        let progress = |total_steps| Progress { epochs: 10, steps: 10, total_steps, ..Progress::default() };
        let mut clock = TimeLeft::default();
        assert_eq!(clock.left(&progress(50), 1000.0), "");
        assert_eq!(clock.left(&progress(60), 1020.0), "1 min 20 s left");
        assert_eq!(duration(3.4), "3 s");
        assert_eq!(duration(7322.0), "2 h 02 min");
    }
}
