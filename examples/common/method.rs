//! The methods that the studies compare, by name.

use clap::ValueEnum;
use eoinas_prune::{Beta, IndicatorConfig, ScaleFree};
use eoinas_train::{SearchConfig, config::MethodKind};

/// A search method, or an ablation of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
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
    /// First-order DARTS on a quarter of the channels, without edge normalisation.
    PcDarts,
    /// DARTS in stages that deepen the network and drop ops.
    Pdarts,
    /// Probabilities of ops by accuracy and number of trainings.
    Mdenas,
    /// All ops of an edge with gates from the concrete distribution.
    Snas,
}

impl Method {
    /// Its name on the command line, and of its folder in a study.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// `config` for this method: same data, network, budget and seeds, and what the method itself prescribes.
    pub fn settings(self, config: SearchConfig) -> SearchConfig {
        let indicator = |indicator| SearchConfig { indicator, ..config.clone() };
        match self {
            Self::Eoinas => config,
            Self::EoinasScaleFree => indicator(IndicatorConfig::ScaleFree(ScaleFree::default())),
            Self::GdasPruning => indicator(IndicatorConfig::Beta(Beta {})),
            Self::Gdas => config.with_method(MethodKind::Gdas),
            Self::Darts => config.with_method(MethodKind::Darts),
            Self::Darts2 => config.with_method(MethodKind::Darts2),
            Self::PcDarts => SearchConfig { partial_channels: Some(4), ..config.with_method(MethodKind::Darts) },
            Self::Pdarts => config.with_method(MethodKind::Pdarts),
            Self::Mdenas => config.with_method(MethodKind::Mdenas),
            Self::Snas => config.with_method(MethodKind::Snas),
        }
    }
}
