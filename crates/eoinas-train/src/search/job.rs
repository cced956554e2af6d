//! A search as the job of a run.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use candle_core::Device;
use eoinas_core::run_folder::names;
use eoinas_core::{
    Event, Genotype, Measure, Score, SearchSpace, Setting, Skeleton, Streams, count,
    event::{RECORD_VERSION, RunStarted, SpaceInfo, Task},
    network::NetworkSpec,
    softmax,
};
use eoinas_data::Batches;
use eoinas_prune::PruneState;
use serde::{Deserialize, Serialize};

use super::{context::SearchContext, found::Found, front, snapshot};
use crate::{
    checkpoint::{Subject, Tensors},
    config::{MethodConfig, NetworkSize, SearchConfig, forget_unused},
    data::{SearchData, open_dataset, to_device},
    error::{Result, TrainError},
    evaluate::evaluate_batches,
    finalists::{self, Finalist},
    halt::Flow,
    learner::Learner,
    method::{SearchMethod, Step, StepReport},
    plan::{EpochPlan, Plan},
    run::{About, Around, Course, DataFolder, Job, Options, Run, RunWriter, State, TimePlan, check_same, memory},
    run_dir::RunDir,
    session::Session,
    stop::{CollapseGuard, Progress, StopRule, check_finite},
};

/// A search for a cell: [`Search::create`](Run::create) takes its [`SearchConfig`].
pub type Search = Run<SearchJob>;

/// What learns in a search, and what it learns from.
#[derive(Debug)]
pub struct SearchJob {
    pub(crate) config: SearchConfig,
    pub(crate) plan: Plan,
    pub(crate) data: SearchData,
    pub(crate) device: Device,
    pub(crate) learner: Learner,
    pub(crate) method: Box<dyn SearchMethod>,
    told: Vec<Event>,
}

/// `state.json` of a search's checkpoint: everything that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSearch {
    /// Where the search stands.
    pub state: State,
    /// Alive ops, statistics, edge strengths.
    pub prune: PruneState,
    /// Updates of the architecture parameters so far: Adam's step.
    pub arch_steps: u64,
    /// State of the method's own.
    pub method: serde_json::Value,
}

impl Run<SearchJob> {
    /// The settings.
    pub fn config(&self) -> &SearchConfig {
        &self.job.config
    }

    /// The search space.
    pub fn space(&self) -> &SearchSpace {
        self.job.learner.space()
    }

    /// What learns.
    pub fn learner(&self) -> &Learner {
        &self.job.learner
    }
}

impl SearchJob {
    /// Runs a hook of the method; what it tells is kept for the record.
    fn with_context<T>(
        &mut self,
        epoch: usize,
        hook: impl FnOnce(&mut dyn SearchMethod, &mut SearchContext<'_>) -> Flow<T>,
    ) -> Flow<T> {
        let at = (epoch, self.plan.epochs());
        let mut context = SearchContext::new(&mut self.learner, &self.data, self.config.seed, at);
        let result = hook(self.method.as_mut(), &mut context)?;
        self.told.extend(context.told());
        Ok(result)
    }

    /// The candidates around the derived cell, the best first; none where the settings want no finals.
    fn finals(&self, derived: &Genotype, session: &mut Session) -> Flow<Vec<Finalist>> {
        let Some(settings) = &self.config.finalists else { return Ok(Vec::new()) };
        let (space, learner) = (self.learner.space(), &self.learner);
        let importance = match self.method.indicators(learner)? {
            Some(importance) => importance,
            None => softmax::beta(&learner.alphas, learner.alive(), space).map(|beta| Some(*beta)),
        };
        finalists::run(settings, derived, &importance, &self.around_finals(), session)
    }

    /// What finals need of this search.
    pub(crate) fn around_finals(&self) -> finalists::Around<'_> {
        finalists::Around {
            config: &self.config,
            space: self.learner.space(),
            task: self.learner.supernet.task(),
            operations: self.learner.operations(),
            device: &self.device,
            dataset: self.data.train.dataset(),
        }
    }
}

/// The method of the settings; one of `options` takes its place, also in the settings.
fn method(mut config: SearchConfig, options: &mut Options) -> Result<(SearchConfig, Box<dyn SearchMethod>)> {
    let method = match options.method.take() {
        Some(method) => {
            config.method = MethodConfig::Own(method.identity());
            method
        }
        None => config.method.build()?,
    };
    Ok((config, method))
}

impl Job for SearchJob {
    type Task = SearchConfig;
    type Epoch = EpochPlan;
    /// Of the training half, and of the validation half where it is read.
    type Batches = (Batches, Option<Batches>);
    type Saved = SavedSearch;
    type Found = Found;
    const END_CHANGES: bool = true;

    fn new(config: SearchConfig, options: &mut Options) -> Result<Self> {
        let space = options.search_space();
        config.validate_run()?;
        let (config, method) = method(config, options)?;
        method.validate(&config, &space)?;
        let plan = Plan::new(&config, method.timetable(&config, &space))?;
        let dataset = match options.dataset.take() {
            Some(dataset) => dataset,
            None => open_dataset(&config.data)?,
        };
        let skeleton = config.skeleton(dataset.info());
        skeleton.validate(&space)?;
        let large = ("network.channels", skeleton.channels as u64);
        memory::check(
            &memory::Footprint::of_cells(&NetworkSpec::supernet(&space, &skeleton)?),
            config.batch_size,
            &options.device,
            large,
        )?;
        config.check_limits(dataset.info(), &space)?;
        if let Some(finalists) = &config.finalists {
            finalists.check(&config, &dataset, &space)?;
            let ok = !(finalists.leave_out_own() && method.trains());
            let expected = "less than 1, so that the cell which the method trains for takes part";
            Setting::check(ok, "finalists.random", finalists.random, expected)?;
        }
        let data = SearchData::new(&config, dataset)?;
        let Options { operations, device, .. } = &*options;
        let learner = Learner::new(&config, method.learner(), &space, &skeleton, operations, device)?
            .with_task(options.task_of(&data.train.dataset().info().target)?);
        Ok(Self { config, plan, data, device: options.device.clone(), learner, method, told: Vec::new() })
    }

    fn write(&self, dir: &RunWriter) -> Result<()> {
        dir.write_json(names::CONFIG, &self.config)
    }

    fn read(dir: &RunDir, _: &Options) -> Result<SearchConfig> {
        let mut config: SearchConfig = dir.read_json(names::CONFIG)?;
        forget_unused(config.data.dataset, &mut config.data.dir, &mut config.data.files);
        Ok(config)
    }

    fn data<'a>(config: &'a SearchConfig, options: &Options) -> Option<DataFolder<'a>> {
        let data = &config.data;
        let of = DataFolder::of(data.dataset, data.dir.as_deref(), data.files, options)?;
        Some(DataFolder { labels: data.labels.as_deref(), ..of })
    }

    fn check_same(config: &SearchConfig, options: &Options, dir: &RunDir) -> Result<()> {
        let mut config = config.clone();
        if let Some(method) = &options.method {
            config.method = MethodConfig::Own(method.identity());
        }
        check_same(dir, &config)
    }

    fn about(&self) -> About {
        let info = self.data.train.dataset().info();
        let guard = self.config.max_skips.map(|limit| Box::new(CollapseGuard { limit }) as Box<dyn StopRule>);
        About {
            subject: Subject::search(self.learner.space()).by(self.method.identity()),
            started: RunStarted {
                record_version: RECORD_VERSION,
                program_version: env!("CARGO_PKG_VERSION").to_owned(),
                task: Task::Search,
                method: self.method.identity().name,
                space: Some(SpaceInfo::from(self.learner.space())),
                skeleton: Some(self.learner.supernet.skeleton().clone()),
                seed: self.config.seed,
                epochs: self.plan.epochs() as u64,
                config: serde_json::to_value(&self.config).unwrap_or_default(),
                dataset: self.data.describe(),
                genotype: None,
                model: None,
                command: Vec::new(),
                measure: Some(self.measure()).filter(|measure| !measure.is_accuracy()),
            },
            notes: self
                .plan
                .note()
                .map(str::to_owned)
                .into_iter()
                .chain(self.few())
                .chain(self.untold())
                .chain(info.notes.clone())
                .collect(),
            keep_checkpoints: self.config.keep_checkpoints,
            rules: guard.into_iter().collect(),
        }
    }

    /// The network of its stage, what learned, the method's own state.
    fn restore(&mut self, folder: &Path, saved: SavedSearch, tensors: BTreeMap<String, Tensors>) -> Result<State> {
        saved.state.check_measure(&self.measure())?;
        self.method.enter_stage(&mut self.learner, self.plan.epoch(saved.state.epoch).stage)?;
        self.learner.load(folder, saved.prune, saved.arch_steps, tensors)?;
        let wrong = |what| TrainError::State { path: folder.to_owned(), what };
        self.method.load(saved.method).map_err(|what| wrong(format!("state.json: method: {what}")))?;
        Ok(saved.state)
    }

    fn saved(&self, state: &State) -> Flow<SavedSearch> {
        Ok(SavedSearch {
            state: state.of(self.measure()),
            prune: self.learner.prune.clone(),
            arch_steps: self.learner.arch_steps(),
            method: self.method.save()?,
        })
    }

    fn tensors(&self) -> Result<BTreeMap<String, Tensors>> {
        self.learner.tensors()
    }

    fn epochs(&self) -> usize {
        self.plan.epochs()
    }

    fn follow(&mut self, course: Course) {
        if let (Some(settings), Some((candidates, epochs))) = (&mut self.config.finalists, course.finalists) {
            (settings.candidates, settings.epochs) = (candidates, epochs);
        }
        self.plan.follow(course);
    }

    fn is_needed(&self, epoch: usize) -> bool {
        let plan = self.plan.epoch(epoch);
        plan.prunings > 0 || plan.ends_stage
    }

    fn seconds_after(&self, time: &TimePlan) -> f64 {
        self.config.finalists.as_ref().map_or(0.0, |settings| settings.seconds_by(time))
    }

    fn finalists_in(&self, seconds: f64, time: &TimePlan) -> Option<(usize, usize)> {
        let fitted = self.config.finalists.as_ref()?.within(seconds, time);
        Some((fitted.candidates, fitted.epochs))
    }

    fn steps(&self) -> usize {
        self.plan.steps().unwrap_or(usize::MAX).min(self.data.steps())
    }

    fn epoch(&self, epoch: usize) -> EpochPlan {
        self.plan.epoch(epoch)
    }

    fn measure(&self) -> Measure {
        self.learner.supernet.task().measure()
    }

    fn batches(&self, plan: &EpochPlan, state: &State) -> Self::Batches {
        let (epoch, first) = (state.epoch as u64, state.step);
        let reads_valid = !plan.warm_up && self.method.reads_validation();
        (self.data.train.epoch(epoch, first), reads_valid.then(|| self.data.valid.epoch(epoch, first)))
    }

    fn step(
        &mut self,
        (train, valid): &mut Self::Batches,
        plan: &EpochPlan,
        state: &State,
    ) -> Flow<Option<StepReport>> {
        let Some(train) = train.next() else { return Ok(None) };
        let step = Step {
            epoch: state.epoch,
            step: state.step,
            plan: *plan,
            streams: Streams::new(self.config.seed),
            train: to_device(train?, &self.device)?,
            valid: match valid.as_mut().and_then(Iterator::next) {
                Some(batch) => Some(to_device(batch?, &self.device)?),
                None => None,
            },
        };
        self.with_context(state.epoch, |method, context| method.step(context, &step)).map(Some)
    }

    fn heed(&mut self, stop: Option<Arc<AtomicBool>>) {
        self.learner.supernet.heed(stop);
    }

    fn told(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.told)
    }

    /// Records the epoch and prunes.
    fn end_epoch(&mut self, plan: &EpochPlan, Around { state, session, .. }: Around<'_>) -> Flow<Option<f64>> {
        // Recorded when the prunings are done: one that stops on the way does all of this again.
        let end = snapshot::epoch_end(state, plan, &self.learner, self.method.as_ref())?;
        let score = end.valid_score.or(end.valid_accuracy);
        let pruned = self.with_context(state.epoch, |method, context| method.epoch_end(context, plan))?;
        session.emit(Event::EpochEnd(Box::new(end)))?;
        self.told().into_iter().try_for_each(|event| session.emit(event))?;
        for decision in pruned {
            session.emit(snapshot::pruned(state.epoch, decision, &self.learner))?;
        }
        Ok(score)
    }

    /// Derives the cell, measures it, and writes it down.
    fn finish(&mut self, state: &State, session: &mut Session) -> Flow<Found> {
        let mut genotype = self.with_context(state.epoch, |method, context| method.finish(context))?;
        self.told().into_iter().try_for_each(|event| session.emit(event))?;
        let mut finalists = self.finals(&genotype, session)?;
        if let Some(winner) = finalists.first() {
            genotype = Genotype::parse_with(&winner.genotype, self.learner.space())?;
        }
        // One that stood alone was not trained.
        finalists.retain(|finalist| finalist.last().is_some());
        let front = front::of(&finalists, &self.config, self.data.train.dataset().info(), self.learner.space())?;
        let (space, info) = (self.learner.space(), self.data.train.dataset().info());
        let size = |skeleton: &Skeleton| -> Result<NetworkSize> {
            Ok(NetworkSize::new(skeleton, count::network(&genotype, skeleton, space)?))
        };
        let retrained = self.config.retrained(&genotype, info, space)?;
        let latency_ms = self.config.limits.milliseconds(&genotype, &retrained, space)?;
        let network = NetworkSize { latency_ms, ..size(&retrained)? };
        let paper_form = size(&self.learner.supernet.skeleton().retraining())?;
        session.emit(Event::Derived {
            text: genotype.to_string(),
            genotype: serde_json::to_value(&genotype).unwrap_or_default(),
            parameters: Some(network.parameters),
            multiply_adds: Some(network.multiply_adds),
        })?;
        let (validation_accuracy, validation_score, validation_loss) = match finalists.first().and_then(Finalist::last)
        {
            Some((score, loss)) if score.measure == Measure::accuracy() => (score.value, None, loss),
            Some((score, loss)) => (0.0, Some(score.clone()), loss),
            None => {
                // What was not trained says nothing, and one mini-batch says that it computes.
                let (what, most) = match self.method.trains() {
                    true => ("derived network, whole validation half", usize::MAX),
                    false => ("untrained derived network, one mini-batch", 1),
                };
                let supernet = &self.learner.supernet;
                let gates = genotype.gates(supernet.space())?;
                let tally = evaluate_batches(supernet, &gates, (&self.data.whole_valid, most))?;
                // The last update has had no loss of its own so far.
                check_finite("loss of the derived network", tally.mean_loss().unwrap_or(0.0))?;
                session.emit(tally.evaluated(what.to_owned()))?;
                let score = tally.other_score().map(|value| Score { measure: self.measure(), value });
                (tally.accuracy().unwrap_or(0.0), score, tally.mean_loss().unwrap_or(f64::NAN))
            }
        };
        let untrained = finalists.is_empty() && !self.method.trains();
        let warnings = self.warnings(&genotype, validation_accuracy, untrained)?;
        warnings.iter().try_for_each(|text| session.emit(Event::Warning { text: text.clone() }))?;
        session.emit(Event::RunEnded { epochs: state.epoch as u64, steps: state.total_steps })?;
        let run = session.run();
        run.write(names::GENOTYPE_TEXT, &format!("{genotype}\n"))?;
        run.write(names::GENOTYPE_JSON, &format!("{}\n", genotype.to_json()))?;
        front::write(&front, &finalists, run)?;
        Ok(Found {
            genotype: genotype.to_string(),
            validation_accuracy,
            validation_score,
            validation_loss,
            seed: self.config.seed,
            epochs: state.epoch,
            seconds: session.elapsed_seconds(),
            parameters: network.parameters,
            multiply_adds: network.multiply_adds,
            latency_ms,
            paper_form: Some(paper_form),
            channels: Some(network.channels),
            cells: Some(network.cells),
            untrained,
            warnings,
            finalists,
            front,
        })
    }

    fn fill_in(&self, plan: &EpochPlan, state: &State, progress: &mut Progress) {
        progress.valid_accuracy = state.valid.accuracy();
        progress.temperature = plan.temperature;
        progress.learning_rate = plan.learning_rate;
        progress.alive_ops = snapshot::alive_ops(&self.learner);
    }

    fn skips(&self) -> Result<Vec<(String, usize)>> {
        let genotype = self.method.derive(&self.learner)?;
        let skips = genotype.cells.iter().map(|cell| {
            let skips = cell.nodes.iter().flatten().filter(|edge| edge.op.is_skip()).count();
            (cell.name.clone(), skips)
        });
        Ok(skips.collect())
    }

    fn goes_on_alike(&self, epoch: usize) -> bool {
        let before = self.plan.epoch(epoch - 1);
        !before.ends_stage && before.warm_up == self.plan.epoch(epoch).warm_up
    }

    fn pass_over(&mut self, epoch: usize) -> Flow<()> {
        let plan = self.plan.epoch(epoch);
        if plan.ends_stage {
            self.with_context(epoch, |method, context| method.epoch_end(context, &plan))?;
        }
        Ok(())
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.genotype)
    }
}
