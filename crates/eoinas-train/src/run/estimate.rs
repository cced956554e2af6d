//! How long a run will take on this machine, from a few measured steps. Nothing is left behind.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{Run, job::Job, options::Options, state::State};
use crate::{
    checkpoint::{Content, Manifest, Store},
    error::Result,
    halt::Halt,
};

impl<J: Job> Run<J> {
    /// Time of the whole run, from `measured` steps (fewer where an epoch has fewer) of each stretch of epochs that are alike,
    /// and from as many batches of what follows an epoch. A search has steps of the weights alone and steps of weights and
    /// architecture, in every network that it searches in (P-DARTS has three). An epoch of fewer steps is measured as a whole. With [`eoinas_gumbel::PathMode::Mixture`] it is
    /// an upper limit, as pruned ops cost nothing. The checkpoint after each epoch counts, by one that is written to the system's
    /// folder of temporary files.
    ///
    /// # Errors
    /// As [`Run::create`].
    pub fn estimate(task: J::Task, options: Options, measured: usize) -> Result<Duration> {
        Ok(Self::estimate_with_notes(task, options, measured)?.0)
    }

    /// What a run takes, its beginning apart.
    ///
    /// # Errors
    /// As [`Run::create`].
    pub(crate) fn measure(task: J::Task, mut options: Options, measured: usize) -> Result<Measured> {
        let begun = Instant::now();
        let mut job = J::new(task, &mut options)?;
        let start = begun.elapsed().as_secs_f64();
        // One more, as the first makes the buffers.
        let batches = measured.max(1) + 1;
        let seconds =
            over_stretches(&mut job, |job, epoch| Ok(steps_seconds(job, epoch, batches)? + job.end_seconds(batches)?))?;
        // Of few images an epoch takes no longer than what is written after it.
        let epochs = seconds + job.epochs() as f64 * checkpoint_seconds(&job)?;
        Ok(Measured { start, epochs, notes: job.about().notes })
    }

    /// The same, and what a run would say first of its images and settings.
    ///
    /// # Errors
    /// As [`Run::create`].
    pub fn estimate_with_notes(task: J::Task, options: Options, measured: usize) -> Result<(Duration, Vec<String>)> {
        let Measured { start, epochs, notes } = Self::measure(task, options, measured)?;
        Ok((Duration::try_from_secs_f64(start + epochs).unwrap_or(Duration::MAX), notes))
    }
}

/// What a run takes, in seconds.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Until the first step: images are read, the network is made.
    pub start: f64,
    /// All epochs.
    pub epochs: f64,
    /// What it would say first.
    pub notes: Vec<String>,
}

/// The sum over all epochs of what `of_epoch` says of the first one of each stretch. A stretch has one network and one kind
/// of step; `of_epoch` finds the network as the run has it then, but for what was learned.
fn over_stretches<J: Job>(job: &mut J, mut of_epoch: impl FnMut(&mut J, usize) -> Result<f64>) -> Result<f64> {
    let (mut sum, mut first) = (0.0, 0);
    while first < job.epochs() {
        let mut end = first + 1;
        while end < job.epochs() && job.goes_on_alike(end) {
            end += 1;
        }
        sum += (end - first) as f64 * of_epoch(job, first)?;
        // Where it stops, what it would come to is measured no further.
        if let Err(Halt::Failed(error)) = job.pass_over(end - 1) {
            return Err(*error);
        }
        first = end;
    }
    Ok(sum)
}

/// Seconds that a checkpoint takes; 0 where there is no folder of temporary files to write one to.
fn checkpoint_seconds<J: Job>(job: &J) -> Result<f64> {
    let content = match job.saved(&State::default()).and_then(|saved| Content::new(&saved, &job.tensors()?)) {
        Ok(content) => content,
        // Steps that were measured with whatever values.
        Err(Halt::Stop(_)) => return Ok(0.0),
        Err(Halt::Failed(error)) => return Err(*error),
    };
    let dir = std::env::temp_dir().join(format!("eoinas-estimate-{}", std::process::id()));
    let begun = Instant::now();
    let written = Store::open(&dir).and_then(|store| store.write(Manifest::new(job.about().subject, 0), &content));
    let seconds = begun.elapsed().as_secs_f64();
    // What cannot be removed is the system's to remove.
    let _ = fs::remove_dir_all(&dir);
    Ok(written.map_or(0.0, |_| seconds))
}

/// To a step of so many seconds it makes no difference that it is the first.
const LONG: f64 = 1.0;

/// Seconds of all steps of an epoch. Where there are few, the images are waited for: nothing is computed while the first batches are
/// made, so that a whole epoch is measured, after a step that makes the buffers. An epoch that is one long step is measured once.
fn steps_seconds<J: Job>(job: &mut J, epoch: usize, measured: usize) -> Result<f64> {
    if job.steps() >= measured {
        return Ok(step_seconds(job, epoch, measured)? * job.steps() as f64);
    }
    let first = step_seconds(job, epoch, 1)?;
    if job.steps() == 1 && first >= LONG {
        return Ok(first);
    }
    let begun = Instant::now();
    step_seconds(job, epoch, measured)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Seconds of one step of an epoch.
fn step_seconds<J: Job>(job: &mut J, epoch: usize, measured: usize) -> Result<f64> {
    let values = job.epoch(epoch);
    let mut state = State { epoch, ..State::default() };
    let mut batches = job.batches(&values, &state);
    let mut clock = StepClock::default();
    while state.step < measured.min(job.steps()) {
        match job.step(&mut batches, &values, &state) {
            Ok(Some(report)) => state.step_done(report),
            // With whatever values: what has been measured counts.
            Ok(None) | Err(Halt::Stop(_)) => break,
            Err(Halt::Failed(error)) => return Err(*error),
        }
        clock.step_done();
    }
    Ok(clock.seconds_per_step())
}

/// The time of a step: the median without the first one, which makes the buffers.
#[derive(Debug)]
pub(crate) struct StepClock {
    last: Instant,
    steps: usize,
    first: f64,
    later: Vec<f64>,
}

impl Default for StepClock {
    fn default() -> Self {
        Self { last: Instant::now(), steps: 0, first: 0.0, later: Vec::new() }
    }
}

impl StepClock {
    pub fn step_done(&mut self) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        self.steps += 1;
        if self.steps == 1 { self.first = seconds } else { self.later.push(seconds) }
    }

    /// In an epoch of one step the first one is all there is.
    pub fn seconds_per_step(mut self) -> f64 {
        self.later.sort_by(f64::total_cmp);
        self.later.get(self.later.len() / 2).copied().unwrap_or(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        SearchConfig,
        config::{DataConfig, MethodKind, NetworkConfig},
        search::SearchJob,
    };

    fn job(method: MethodKind, epochs: usize, warm_up_epochs: usize) -> SearchJob {
        let config = SearchConfig {
            epochs,
            batch_size: 16,
            data: DataConfig { train_images: Some(64), ..DataConfig::default() },
            network: NetworkConfig { channels: 4, cells: 8, stem_multiplier: 1, layers: None, max_ops: None },
            ..SearchConfig::paper()
        };
        let config = config.with_method(method);
        let config = match method {
            MethodKind::Pdarts => config,
            _ => config.with_setting("warm_up_epochs", &warm_up_epochs.to_string()).unwrap(),
        };
        SearchJob::new(config, &mut Options::default()).unwrap()
    }

    /// First epoch, weights alone, cells, ops an edge: with a step that takes as long as it has cells times ops.
    fn walked(job: &mut SearchJob) -> (f64, Vec<(usize, bool, usize, usize)>) {
        let mut stretches = Vec::new();
        let sum = over_stretches(job, |job, epoch| {
            let (cells, ops) =
                (job.learner.supernet.skeleton().cells, job.learner.alive().max_count(job.learner.space()));
            stretches.push((epoch, job.plan.epoch(epoch).warm_up, cells, ops));
            Ok((cells * ops) as f64)
        });
        (sum.unwrap(), stretches)
    }

    #[test]
    fn every_stage_is_measured_in_its_own_network() {
        let (sum, stretches) = walked(&mut job(MethodKind::Pdarts, 15, 0));
        let expected = [
            (0, true, 5, 8),
            (2, false, 5, 8),
            (5, true, 11, 5),
            (7, false, 11, 5),
            (10, true, 17, 3),
            (12, false, 17, 3),
        ];
        assert_eq!(stretches, expected);
        assert_eq!(sum, 5.0 * (5.0 * 8.0 + 11.0 * 5.0 + 17.0 * 3.0));
    }

    #[test]
    fn a_search_in_one_network_has_its_warm_up_and_the_rest() {
        assert_eq!(walked(&mut job(MethodKind::Gdas, 10, 3)), (640.0, vec![(0, true, 8, 8), (3, false, 8, 8)]));
        assert_eq!(walked(&mut job(MethodKind::Eoinas, 10, 0)).1.len(), 1);
    }

    #[test]
    fn steps_of_every_stage_can_be_timed() {
        let mut job = job(MethodKind::Pdarts, 3, 0);
        let seconds = over_stretches(&mut job, |job, epoch| step_seconds(job, epoch, 1)).unwrap();
        assert!(seconds > 0.0);
    }
}
