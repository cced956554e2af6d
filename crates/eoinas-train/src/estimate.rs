//! How long a run will take on this machine, from a few measured steps. Nothing is written, and the run itself is not
//! touched.

use std::time::{Duration, Instant};

use eoinas_core::{Genotype, Streams};
use eoinas_nn::PassOptions;

use crate::{
    config::SearchConfig,
    data::to_device,
    error::Result,
    halt::{Flow, Halt},
    method::Step,
    search::{SearchContext, SearchOptions, SearchParts},
    training::{TrainConfig, TrainOptions, TrainParts},
};

/// Time of the whole search, from `measured` steps of each kind (fewer where an epoch has fewer): those of the weights
/// alone and those of weights and architecture, in every network that the search has (P-DARTS has three). With
/// [`eoinas_gumbel::PathMode::Mixture`] it is an upper limit, as pruned ops cost nothing.
///
/// # Errors
/// As [`crate::Search::create`].
pub fn search_time(config: SearchConfig, mut options: SearchOptions, measured: usize) -> Result<Duration> {
    let mut parts = SearchParts::new(config, &mut options)?;
    let steps = parts.data.steps() as f64;
    Ok(duration(steps * over_stretches(&mut parts, |parts, epoch| step_time(parts, epoch, measured))?))
}

/// The sum over all epochs of what `of_epoch` says of the first one of each stretch. A stretch has one network and one kind
/// of step; `of_epoch` finds the network as the search has it then, but for what was learned.
fn over_stretches(
    parts: &mut SearchParts,
    mut of_epoch: impl FnMut(&mut SearchParts, usize) -> Result<f64>,
) -> Result<f64> {
    let (mut sum, mut first) = (0.0, 0);
    while first < parts.plan.epochs() {
        let warm_up = parts.plan.epoch(first).warm_up;
        let mut end = first + 1;
        while end < parts.plan.epochs()
            && parts.plan.epoch(end).warm_up == warm_up
            && !parts.plan.epoch(end - 1).ends_stage
        {
            end += 1;
        }
        sum += (end - first) as f64 * of_epoch(parts, first)?;
        let last = parts.plan.epoch(end - 1);
        if last.ends_stage {
            let mut context =
                SearchContext::new(&mut parts.learner, &parts.data, parts.config.seed, (end - 1, parts.plan.epochs()));
            halted(parts.method.epoch_end(&mut context, &last))?;
        }
        first = end;
    }
    Ok(sum)
}

/// `None` where there is a reason to stop: what it would come to is measured no further.
fn halted<T>(flow: Flow<T>) -> Result<Option<T>> {
    match flow {
        Ok(value) => Ok(Some(value)),
        Err(Halt::Stop(_)) => Ok(None),
        Err(Halt::Failed(error)) => Err(*error),
    }
}

/// Seconds of one step of an epoch.
fn step_time(parts: &mut SearchParts, epoch: usize, measured: usize) -> Result<f64> {
    let plan = parts.plan.epoch(epoch);
    let reads_valid = parts.method.reads_validation() && !plan.warm_up;
    let (train, mut valid) = (parts.data.train.epoch(0, 0), parts.data.valid.epoch(0, 0));
    let mut clock = StepClock::default();
    for (step, batch) in train.take(measured.max(1) + 1).enumerate() {
        let valid = match valid.next().filter(|_| reads_valid) {
            Some(batch) => Some(to_device(batch?, &parts.device)?),
            None => None,
        };
        let train = to_device(batch?, &parts.device)?;
        let streams = Streams::new(parts.config.seed);
        let step = Step { epoch, step, plan, streams, train, valid };
        let mut context =
            SearchContext::new(&mut parts.learner, &parts.data, parts.config.seed, (epoch, parts.plan.epochs()));
        if halted(parts.method.step(&mut context, &step))?.is_none() {
            break;
        }
        clock.step_done();
    }
    Ok(clock.seconds_per_step())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DataConfig, MethodKind, NetworkConfig};

    fn parts(method: MethodKind, epochs: usize, warm_up_epochs: usize) -> SearchParts {
        let config = SearchConfig {
            epochs,
            batch_size: 16,
            data: DataConfig { train_images: Some(64), ..DataConfig::default() },
            network: NetworkConfig { channels: 4, cells: 8, stem_multiplier: 1 },
            ..SearchConfig::paper()
        };
        let config = config.with_method(method);
        let config = match method {
            MethodKind::Pdarts => config,
            _ => config.with_setting("warm_up_epochs", &warm_up_epochs.to_string()).unwrap(),
        };
        SearchParts::new(config, &mut SearchOptions::default()).unwrap()
    }

    /// First epoch, weights alone, cells, ops an edge: with a step that takes as long as it has cells times ops.
    fn walked(parts: &mut SearchParts) -> (f64, Vec<(usize, bool, usize, usize)>) {
        let mut stretches = Vec::new();
        let sum = over_stretches(parts, |parts, epoch| {
            let (cells, ops) =
                (parts.learner.supernet.skeleton().cells, parts.learner.alive().max_count(parts.learner.space()));
            stretches.push((epoch, parts.plan.epoch(epoch).warm_up, cells, ops));
            Ok((cells * ops) as f64)
        });
        (sum.unwrap(), stretches)
    }

    #[test]
    fn every_stage_is_measured_in_its_own_network() {
        let (sum, stretches) = walked(&mut parts(MethodKind::Pdarts, 15, 0));
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
        assert_eq!(walked(&mut parts(MethodKind::Gdas, 10, 3)), (640.0, vec![(0, true, 8, 8), (3, false, 8, 8)]));
        assert_eq!(walked(&mut parts(MethodKind::Eoinas, 10, 0)).1.len(), 1);
    }

    #[test]
    fn steps_of_every_stage_can_be_timed() {
        let mut parts = parts(MethodKind::Pdarts, 3, 0);
        let seconds = over_stretches(&mut parts, |parts, epoch| step_time(parts, epoch, 1)).unwrap();
        assert!(seconds > 0.0);
    }
}
