//! The methods that the studies compare, by name, and variants of them.

use std::{path::Path, str::FromStr};

use clap::ValueEnum;
use eoinas_gumbel::EdgeMode;
use eoinas_prune::{Beta, IndicatorConfig, ScaleFree};
use eoinas_strategy::{History, RandomSearch, StrategySearch};
use eoinas_train::{
    ConfigError, Outcome, RunDir, Search, SearchConfig, SearchOptions, SupernetEvaluator, config::MethodKind,
};

use crate::common::Error;

/// A search method, or an ablation of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Importance indicator and gradual pruning (the paper).
    Eoinas,
    /// The same with the scale-free indicator.
    EoinasScaleFree,
    /// GDAS with gradual pruning by architecture weights: EoiNAS without its indicator.
    GdasPruning,
    /// One sampled op an edge, no pruning.
    Gdas,
    /// All ops of an edge weighted by softmax, first order.
    Darts,
    /// The same, second order.
    Darts2,
    /// First-order DARTS on a quarter of the channels with edge normalisation.
    PcDarts,
    /// GDAS with a sampled topology and the mean of seven paths: a step costs seven times as much.
    Rome,
    /// Random search with weight sharing: the best of 100 random cells by a supernet of uniformly sampled paths.
    RandomWs,
    /// DARTS in stages that deepen the network and drop ops.
    Pdarts,
    /// Probabilities of ops by accuracy and number of trainings.
    Mdenas,
    /// All ops of an edge with gates from the concrete distribution.
    Snas,
}

impl Method {
    /// Its name on the command line, and of its folder in a study.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// `config` for this method: same data, network, budget and seeds, and what the method itself prescribes.
    fn settings(self, config: SearchConfig) -> SearchConfig {
        let indicator = |indicator| SearchConfig { indicator, ..config.clone() };
        match self {
            Self::Eoinas => config,
            Self::EoinasScaleFree => indicator(IndicatorConfig::ScaleFree(ScaleFree::default())),
            Self::GdasPruning => indicator(IndicatorConfig::Beta(Beta {})),
            Self::Gdas => config.with_method(MethodKind::Gdas),
            Self::Darts => config.with_method(MethodKind::Darts),
            Self::Darts2 => config.with_method(MethodKind::Darts2),
            Self::PcDarts => SearchConfig {
                partial_channels: Some(4),
                edges: EdgeMode::Normalised,
                // Its first 15 of 50 epochs.
                warm_up_epochs: config.epochs * 3 / 10,
                ..config.with_method(MethodKind::Darts)
            },
            Self::Rome => {
                SearchConfig { edges: EdgeMode::Sampled, paths_per_step: 7, ..config.with_method(MethodKind::Gdas) }
            }
            Self::RandomWs => config.with_method(MethodKind::Uniform),
            Self::Pdarts => config.with_method(MethodKind::Pdarts),
            Self::Mdenas => config.with_method(MethodKind::Mdenas),
            Self::Snas => config.with_method(MethodKind::Snas),
        }
    }
}

/// A method, or one with other settings: `eoinas`, or `gentle=eoinas:indicator.lambda=0.1:warm_up_epochs=10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name in tables, and of its folder.
    pub name: String,
    method: Method,
    /// Settings by their names in `config.json`.
    settings: Vec<(String, String)>,
}

impl Variant {
    /// `config` for this variant: same data, network, budget and seeds but for what it sets itself.
    ///
    /// # Errors
    /// A setting that there is not.
    pub fn settings(&self, config: SearchConfig) -> Result<SearchConfig, ConfigError> {
        let config = self.method.settings(config);
        self.settings.iter().try_fold(config, |config, (name, value)| config.with_setting(name, value))
    }
}

impl Variant {
    /// The outcome of this variant's search in the folder `run`, whatever is there ([`Search::complete`]). Random search
    /// with weight sharing then compares its cells, once: they are kept in `candidates.json` beside the run's files.
    ///
    /// # Errors
    /// Those of the search, and a supernet that cannot be read.
    pub fn complete(
        &self,
        config: &SearchConfig,
        run: &Path,
        options: impl Fn() -> SearchOptions,
    ) -> Result<Outcome, Error> {
        let mut outcome = Search::complete(config, run, options())?;
        if let (Outcome::Found(found), Method::RandomWs) = (&mut outcome, self.method) {
            let dir = RunDir::open(run)?;
            let history = if dir.join(CANDIDATES).exists() {
                dir.read_json::<History>(CANDIDATES)?
            } else {
                let evaluator = SupernetEvaluator::open(run, options())?;
                let strategy = RandomSearch::new(options().space);
                let mut search = StrategySearch::new(strategy, evaluator, 100, config.seed);
                let history = search.run(|_| {})?.clone();
                dir.write_json(CANDIDATES, &history)?;
                history
            };
            if let Some(best) = history.best() {
                found.genotype.clone_from(&best.genotype);
                found.validation_accuracy = best.evaluation.score;
            }
        }
        Ok(outcome)
    }
}

/// The random cells that were compared, with their accuracies by the supernet.
const CANDIDATES: &str = "candidates.json";

impl FromStr for Variant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = match text.split_once('=') {
            None => (text, text),
            Some((name, rest)) => (name, rest),
        };
        let mut parts = rest.split(':');
        let method = Method::from_str(parts.next().unwrap_or_default(), false).map_err(|_| {
            let known = Method::value_variants().iter().map(|method| method.name()).collect::<Vec<_>>();
            format!("there is no method `{rest}`; choose one of {}, or NAME=METHOD:SETTING=VALUE", known.join(", "))
        })?;
        let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_word) {
            return Err(format!("`{name}` is no name of a variant: letters, digits, dashes and dots"));
        }
        let setting = |part: &str| match part.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("`{part}` is not SETTING=VALUE")),
        };
        Ok(Self { name: name.to_owned(), method, settings: parts.map(setting).collect::<Result<_, _>>()? })
    }
}
