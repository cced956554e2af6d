//! How long a run will take on this machine, from a few measured steps. Nothing is written, and the run itself is not
//! touched.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use eoinas_core::{Genotype, Streams};
use eoinas_nn::PassOptions;

use crate::{
    config::SearchConfig,
    data::to_device,
    error::Result,
    method::Step,
    search::{SearchOptions, SearchParts},
    training::{TrainConfig, TrainOptions, TrainParts},
};

/// Time of the whole search, from `measured` steps of each kind (fewer where an epoch has fewer). With
/// [`eoinas_gumbel::PathMode::Mixture`] it is an upper limit, as pruned ops cost nothing.
///
/// # Errors
/// As [`crate::Search::create`].
pub fn search_time(config: SearchConfig, mut options: SearchOptions, measured: usize) -> Result<Duration> {
    let mut parts = SearchParts::new(config, &mut options)?;
    let (epochs, warm_up) = (parts.plan.epochs(), parts.plan.warm_up_epochs());
    let steps = parts.data.steps();
    let reads_valid = parts.method.reads_validation();
    let mut time_of = |warm_up: bool, epoch: usize| -> Result<f64> {
        let plan = crate::plan::EpochPlan { warm_up, ..parts.plan.epoch(epoch) };
        let (train, mut valid) = (parts.data.train.epoch(0, 0), parts.data.valid.epoch(0, 0));
        let mut clock = StepClock::default();
        for (step, batch) in train.take(measured.max(1) + 1).enumerate() {
            let valid = match valid.next().filter(|_| reads_valid && !warm_up) {
                Some(batch) => Some(to_device(batch?, &parts.device)?),
                None => None,
            };
            let train = to_device(batch?, &parts.device)?;
            let streams = Streams::new(parts.config.seed);
            let step = Step { epoch, step, plan, streams, train, valid };
            if let ControlFlow::Break(_) = parts.method.step(&mut parts.learner, &step)? {
                break;
            }
            clock.step_done();
        }
        Ok(clock.seconds_per_step())
    };
    let warm = if warm_up > 0 { time_of(true, 0)? } else { 0.0 };
    let full = time_of(false, warm_up)?;
    let seconds = steps as f64 * (warm * warm_up as f64 + full * epochs.saturating_sub(warm_up) as f64);
    Ok(duration(seconds))
}

/// Time of the whole training, evaluations included, from `measured` updates and as many batches of test images (fewer
/// where an epoch has fewer).
///
/// # Errors
/// As [`crate::Training::create`].
pub fn training_time(
    config: TrainConfig,
    genotype: Genotype,
    mut options: TrainOptions,
    measured: usize,
) -> Result<Duration> {
    let mut parts = TrainParts::new(config, genotype, &mut options)?;
    let options = PassOptions { auxiliary_weight: parts.config.auxiliary as f32, ..PassOptions::default() };
    let mut clock = StepClock::default();
    for batch in parts.data.train.epoch(0, 0).take(measured.max(1) + 1) {
        if parts.trainee.learn(&to_device(batch?, &parts.device)?, &options)?.is_break() {
            break;
        }
        parts.trainee.update(0.0, 0)?;
        clock.step_done();
    }
    let mut test_clock = StepClock::default();
    for batch in parts.data.test.epoch(0, 0).take(measured.max(1) + 1) {
        parts.trainee.network().evaluate(&to_device(batch?, &parts.device)?)?;
        test_clock.step_done();
    }
    let networks = 1 + usize::from(parts.config.average.is_some());
    let test = test_clock.seconds_per_step() * (networks * parts.data.test.batches_per_epoch()) as f64;
    let train = clock.seconds_per_step() * parts.data.train.batches_per_epoch() as f64;
    Ok(duration((train + test) * parts.config.epochs as f64))
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// The time of a step: the median without the first one, which makes the buffers.
#[derive(Debug)]
struct StepClock {
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
    fn step_done(&mut self) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        self.steps += 1;
        if self.steps == 1 { self.first = seconds } else { self.later.push(seconds) }
    }

    /// In an epoch of one step the first one is all there is.
    fn seconds_per_step(mut self) -> f64 {
        self.later.sort_by(f64::total_cmp);
        self.later.get(self.later.len() / 2).copied().unwrap_or(self.first)
    }
}
