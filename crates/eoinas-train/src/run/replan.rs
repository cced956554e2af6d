//! A run that was fitted to a time and is late: what is left of its plan is made anew, from what its epochs took so far.

use eoinas_core::{
    Event, Setting, counted,
    run_folder::{self, names},
};
use serde::{Deserialize, Serialize};

use super::{engine::Run, job::Job, run_dir::RunDir};
use crate::error::Result;

/// What a run was fitted to: `time.json` in its folder, where its counts come from a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimePlan {
    /// Seconds that the run may take.
    pub seconds: f64,
    /// Seconds of an epoch, by what was measured.
    pub epoch: f64,
    /// Seconds of an epoch of a finalist's training; 0 without finals.
    pub finalist_epoch: f64,
    /// Seconds of a random cell that is drawn for the finals.
    pub finalist_draw: f64,
}

/// A plan that was made anew: `replan-1.json` and on, of which the last one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Steps that were done by then.
    pub steps: u64,
    /// For each epoch of the run, which one it is of the plan that the run began with.
    pub epochs: Vec<usize>,
    /// Candidates of the finals, and epochs of their first trainings; `None`: as the settings say.
    pub finalists: Option<(usize, usize)>,
    /// What was changed, in words.
    pub text: String,
}

/// No run is made anew more often.
const MOST: usize = 10_000;
/// What a run may be late without a new plan, as a share of what is left: nothing can be measured better.
const LATE: f64 = 0.02;

impl Course {
    /// The newest one in the folder of a run, and the number of the next one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn read(run: &RunDir) -> Result<(Option<Self>, usize)> {
        let there = |number: &usize| run.join(&run_folder::replan(*number)).exists();
        let known = (1..MOST).take_while(there).count();
        let newest = (known > 0).then(|| run.read_json(&run_folder::replan(known))).transpose()?;
        Ok((newest, known + 1))
    }

    /// The epoch of the first plan that an epoch of this one is.
    pub(crate) fn planned(course: Option<&Self>, epoch: usize) -> usize {
        let Some(course) = course else { return epoch };
        // After the last one comes what followed it.
        let after = || course.epochs.last().map_or(epoch, |last| last + 1);
        course.epochs.get(epoch).copied().unwrap_or_else(after)
    }

    fn event(&self, epoch: usize, before: usize) -> Event {
        let (epoch, before, epochs) = (epoch as u64, before as u64, self.epochs.len() as u64);
        Event::Replanned { epoch, before, epochs, text: self.text.clone() }
    }
}

/// `count` of the epochs that are left, in their order: those that are needed, the last one, and of the others as many as there is
/// room for, evenly.
fn thinned(left: &[(usize, bool)], count: usize) -> Vec<usize> {
    let last = left.len().saturating_sub(1);
    let is_needed = |place: usize, needed: bool| needed || place == last;
    let needed = left.iter().enumerate().filter(|(place, (_, needed))| is_needed(*place, *needed)).count();
    let (free, room) = (left.len() - needed, count.saturating_sub(needed));
    let mut seen = 0;
    let mut keep = |(place, (epoch, needed)): (usize, &(usize, bool))| {
        if is_needed(place, *needed) {
            return Some(*epoch);
        }
        seen += 1;
        (seen * room / free.max(1) > (seen - 1) * room / free.max(1)).then_some(*epoch)
    };
    left.iter().enumerate().filter_map(&mut keep).collect()
}

impl<J: Job> Run<J> {
    /// Makes what is left of the plan anew where the run, which was fitted to a time, is late by what its epochs have taken so far:
    /// epochs are left out, but none after which ops are pruned or a stage ends, nor the last one, so that schedules end as they
    /// would have; and the finals of a search have fewer candidates. Returns what was done, in words. From here on the run depends
    /// on the clock and is no other run's equal; it goes on with the new plan when it is resumed.
    ///
    /// # Errors
    /// A run whose counts were not fitted to a time, finals that have begun; a folder that cannot be written.
    pub fn replan(&mut self) -> Result<String> {
        let run = self.session.run();
        if !run.join(names::TIME).exists() {
            let expected = "a run whose counts were fitted to a time (`--time`)";
            return Err(Setting::new("replan", "given for a run without a time", expected).into());
        }
        let time: TimePlan = run.read_json(names::TIME)?;
        if run.join(names::FINALISTS).exists() {
            let expected = "a run whose finals have not begun; their trainings cannot be made anew";
            return Err(Setting::new("replan", "given for a search in its finals", expected).into());
        }
        let (course, number) = Course::read(run)?;
        let (elapsed, epochs) = (self.session.elapsed_seconds(), self.job.epochs());
        let begun = usize::from(self.state.step > 0);
        let done = self.state.epoch as f64 + self.state.step as f64 / self.job.steps().max(1) as f64;
        let next = (self.state.epoch + begun).min(epochs);
        let each = if done > 0.0 { elapsed / done } else { time.epoch };
        let slower = if time.epoch > 0.0 { each / time.epoch } else { 1.0 };
        let rest = time.seconds - elapsed - (next as f64 - done) * each;
        let needs = (epochs - next) as f64 * each + self.job.seconds_after(&time) * slower;
        if needs * (1.0 - LATE) <= rest {
            return Ok(format!("in time: {needs:.0} s are left to be done in {rest:.0}, and the plan stays as it is"));
        }
        let share = (rest / needs.max(1e-9)).max(0.0);
        let course = course.as_ref();
        let left: Vec<(usize, bool)> =
            (next..epochs).map(|epoch| (Course::planned(course, epoch), self.job.is_needed(epoch))).collect();
        let kept = thinned(&left, (left.len() as f64 * share).floor() as usize);
        let finals = rest - kept.len() as f64 * each;
        let finalists = self.job.finalists_in(finals / slower.max(1e-9), &time);
        let mut text = format!(
            "late: {elapsed:.0} of {:.0} s are gone after {done:.1} of {}; {} follow in place of {}",
            time.seconds,
            counted(epochs, "epoch", "epochs"),
            kept.len(),
            left.len()
        );
        if let Some((candidates, epochs)) = finalists {
            text +=
                &format!(", then {candidates} finalists, at first trained for {}", counted(epochs, "epoch", "epochs"));
        }
        let done_before = (0..next).map(|epoch| Course::planned(course, epoch));
        let course =
            Course { steps: self.state.total_steps, epochs: done_before.chain(kept).collect(), finalists, text };
        // First of all the plan: without it the record would tell of what is not there.
        run.write_json(&run_folder::replan(number), &course)?;
        self.session.emit(course.event(next, epochs))?;
        let text = course.text.clone();
        self.job.follow(course);
        Ok(text)
    }

    /// Follows the newest plan in the run's folder, where there is one, and says so where the record has not kept it.
    pub(super) fn follow_course(&mut self) -> Result<()> {
        let (Some(course), _) = Course::read(self.session.run())? else { return Ok(()) };
        // What is told after the checkpoint that the run goes on from is forgotten.
        if course.steps == self.state.total_steps {
            let before = self.job.epochs();
            self.session.emit(course.event(self.state.epoch, before))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_stays_and_the_rest_is_thinned_evenly() {
        let left: Vec<(usize, bool)> = (10..20).map(|epoch| (epoch, epoch == 13)).collect();
        assert_eq!(thinned(&left, 10), (10..20).collect::<Vec<_>>());
        assert_eq!(thinned(&left, 6), [11, 13, 14, 16, 18, 19]);
        assert_eq!(thinned(&left, 2), [13, 19]);
        // Not even those fit.
        assert_eq!(thinned(&left, 0), [13, 19]);
        assert!(thinned(&[], 3).is_empty());
    }

    #[test]
    fn a_course_says_which_epoch_is_which() {
        let course = Course { steps: 0, epochs: vec![0, 1, 4, 9], finalists: None, text: String::new() };
        let planned: Vec<usize> = (0..5).map(|epoch| Course::planned(Some(&course), epoch)).collect();
        assert_eq!(planned, [0, 1, 4, 9, 10]);
        assert_eq!(Course::planned(None, 7), 7);
    }
}
