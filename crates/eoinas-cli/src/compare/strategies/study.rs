//! The searches of a study, shared by processes: what each asks for is trained by one of them.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use clap::ValueEnum;
use eoinas_core::{Genotype, SearchSpace, Setting, models::Design, run_folder};
use eoinas_data::DatasetInfo;
use eoinas_strategy::{
    DenseGrowth, Eas, EasConfig, GeneticCnn, Hierarchical, HierarchicalConfig, History, MetaQnn, MetaQnnConfig,
    Strategy as Asks, StrategyError, StrategySearch,
    chain::{Chain, ChainSpace, Growth},
    genetic_cnn::StageSpace,
};
use eoinas_train::{
    Claims, SearchConfig, TrainError, Trained, Training, TrainingEvaluator, claims, config::DataConfig,
    data::open_dataset,
};
use serde::{Deserialize, Serialize};

use super::{
    Settings, Strategy,
    affordable::{Affordable, densenet},
};
use crate::{
    Error,
    compare::{settings, table},
    host::Host,
    share::{self, Flow, Halt},
};

/// A search of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub strategy: Strategy,
    pub budget: usize,
    pub seed: u64,
}

/// The best of a search.
pub(super) struct Found {
    pub held_out: f64,
    pub trained: Trained,
    /// Of its training, below the study's.
    pub folder: PathBuf,
}

/// What a search has learned so far, and with which settings.
#[derive(Serialize, Deserialize)]
struct Kept {
    settings: Settings,
    history: History,
}

/// EAS' chains begin with it: three small convolutions.
const EAS_START: &str = "conv3-16 pool2/2 conv3-32 pool2/2 conv3-64 average";

/// What the searches of a study share.
pub(super) struct Study<'a> {
    pub settings: Settings,
    pub out: &'a Path,
    pub host: Host,
    pub claims: Arc<Claims>,
    /// What each search waits for that another process trains: a strategy that learns would take its time to come there again.
    pub waiting: RefCell<BTreeMap<Part, PathBuf>>,
}

impl Study<'_> {
    /// One search, and the training of the best that it found.
    pub fn found(&self, part: &Part) -> Flow<(Part, Found)> {
        let before = self.waiting.borrow_mut().remove(part);
        if let Some(run) = before.filter(|run| !claims::is_done(run))
            && let Some(holder) = self.claims.holder(&run)?
        {
            self.waiting.borrow_mut().insert(*part, run);
            return Err(Halt::Elsewhere(holder));
        }
        let found = match part.strategy {
            Strategy::Cells(cells) => {
                let strategy = cells.build(SearchSpace::darts(), part.budget)?;
                self.search(part, strategy, |text| Ok(Genotype::parse(text)?))
            }
            Strategy::MetaQnnChains => {
                let info = self.images()?;
                let image = info.height.min(info.width);
                let strategy = MetaQnn::chains(ChainSpace { image, ..ChainSpace::default() })?;
                self.search(part, strategy.with_config(MetaQnnConfig::for_budget(part.budget))?, parsed)
            }
            Strategy::HierarchicalMotifs => {
                let strategy = Hierarchical::over(Affordable::new(&self.images()?, self.settings.multiply_adds));
                self.search(part, strategy.with_config(HierarchicalConfig::for_budget(part.budget))?, parsed)
            }
            Strategy::GeneticCnnStages => self.search(part, GeneticCnn::stages(StageSpace::default())?, parsed),
            Strategy::Eas => self.search(part, Eas::new(EAS_START.parse::<Chain>()?, Growth::default())?, parsed),
            Strategy::EasDenseNets => {
                let info = self.images()?;
                let images = [info.height, info.width, info.channels];
                let start = densenet(images, info.target.outputs(), self.settings.multiply_adds)?;
                let strategy = Eas::new(start, DenseGrowth::default())?.with_config(EasConfig::densenets())?;
                self.search(part, strategy, parsed)
            }
        };
        found.map(|found| (*part, found))
    }

    /// What the images are.
    fn images(&self) -> Result<DatasetInfo, Error> {
        let images = DataConfig {
            dataset: self.settings.dataset,
            dir: self.settings.data.clone(),
            train_images: Some(self.settings.train_images),
            ..SearchConfig::quick().data
        };
        Ok(open_dataset(&images)?.info().clone())
    }

    /// The history in a file, of these settings.
    fn history(&self, path: &Path) -> Result<History, Error> {
        let kept: Kept = table::read_json(path)?;
        match kept.settings == self.settings {
            true => Ok(kept.history),
            false => Err(format!("{} is of other settings; choose another --out", path.display()).into()),
        }
    }

    fn folder(&self, part: &Part) -> PathBuf {
        self.out.join(part.strategy.name()).join(run_folder::seed(part.seed))
    }

    fn search<C: Clone + Display + Into<Design>>(
        &self,
        part: &Part,
        strategy: impl Asks<C>,
        parse: impl Fn(&str) -> Result<C, Error>,
    ) -> Flow<Found> {
        let folder = self.folder(part);
        let path = folder.join(history(part.budget));
        let history = match path.exists() {
            true => self.history(&path)?,
            false => History::default(),
        };
        let (host, study) = (self.host.clone(), self.out.to_owned());
        let config = self.settings.config(part.seed);
        let evaluator =
            TrainingEvaluator::new(config.clone(), &folder.join("trainings"), move || host.options_in(&study));
        let evaluator = evaluator.shared(Arc::clone(&self.claims));
        let mut search = StrategySearch::new(strategy, evaluator, part.budget, part.seed).resume(history)?;
        while search.step().map_err(|error| self.halt(part, error))? {
            fs::create_dir_all(&folder)?;
            let kept = Kept { settings: self.settings.clone(), history: search.history().clone() };
            table::write_whole(&path, &(serde_json::to_string_pretty(&kept)? + "\n"))?;
        }
        let best = search.history().best().ok_or("no training was asked for")?;
        let design: Design = parse(&best.genotype)?.into();
        let config = config.for_design(&design);
        let run = folder.join(found(part.budget, search.history()));
        let folder = run.strip_prefix(self.out).unwrap_or(&run).to_owned();
        let held_out = best.evaluation.score;
        let task = |_: Option<&Path>| Ok::<_, TrainError>((config, design));
        let trained = Training::share(task, &run, self.host.options_in(self.out), &self.claims);
        let trained = share::flow(trained).inspect_err(|halt| {
            if matches!(halt, Halt::Elsewhere(_)) {
                self.waiting.borrow_mut().insert(*part, run.clone());
            }
        })?;
        Ok(Found { held_out, trained, folder })
    }

    /// Why an evaluation has no score here.
    fn halt(&self, part: &Part, error: StrategyError) -> Halt {
        let StrategyError::Evaluate { source, index, genotype } = error else { return Halt::Failed(error.into()) };
        let failed = |source| Halt::Failed(StrategyError::Evaluate { source, index, genotype }.into());
        match source.downcast::<TrainError>() {
            Ok(error) => match *error {
                TrainError::EvaluationStopped { reason, .. } => Halt::Stop(reason),
                TrainError::EvaluatedElsewhere { path, holder } => {
                    self.waiting.borrow_mut().insert(*part, path);
                    Halt::Elsewhere(*holder)
                }
                error => failed(error.into()),
            },
            Err(source) => failed(source),
        }
    }

    /// What the folder has done of strategies, budgets and seeds that are no `parts`.
    pub fn others(&self, parts: &[Part]) -> Result<Vec<Part>, Error> {
        let mut others = Vec::new();
        for &strategy in Strategy::value_variants() {
            let none: [&str; 0] = [];
            for seed in settings::seeds(&self.out.join(strategy.name()), &none) {
                let folder = self.folder(&Part { strategy, budget: 0, seed });
                for entry in fs::read_dir(&folder)? {
                    let name = entry?.file_name();
                    let budget = name.to_str().and_then(|name| name.strip_prefix("history-")?.strip_suffix(".json"));
                    let Some(budget) = budget.and_then(|budget| budget.parse().ok()) else { continue };
                    let history = self.history(&folder.join(history(budget)))?;
                    let is_done = claims::is_done(&folder.join(found(budget, &history)));
                    if history.entries.len() == budget && is_done {
                        others.push(Part { strategy, budget, seed });
                    }
                }
            }
        }
        others.retain(|part| !parts.contains(part));
        others.sort();
        Ok(others)
    }
}

/// Schedules stretch over the budget, so that a larger one is another search, which finds trainings done.
fn history(budget: usize) -> String {
    format!("history-{budget}.json")
}

/// Where the best of a search is trained on all training images.
fn found(budget: usize, history: &History) -> String {
    let index = history.best().and_then(|best| history.entries.iter().position(|entry| entry == best));
    format!("found-{budget}-{}", index.unwrap_or(0))
}

/// A network that is told by its layers.
fn parsed<C: FromStr<Err = Setting>>(text: &str) -> Result<C, Error> {
    Ok(text.parse()?)
}
