//! The search methods by name, and the settings of each.

use std::{fmt, str::FromStr};

use eoinas_core::{Setting, skeleton::Form};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{NetworkConfig, SearchConfig};
use crate::{
    finalists::{DrawnBy, FinalistsConfig},
    method::{Identity, SearchMethod},
    methods::{
        BetaDarts, Darts, DartsPt, DrNas, EoiNas, Gdas, MdeNas, PDarts, PcDarts, RandomWs, Rome, SecondOrder, Snas,
        Uniform, ZeroCostPt,
    },
    probes::{Probe, Ties},
};

/// A search method with its settings: in JSON an object of one entry, `{"gdas": {"paths_per_step": 3}}`. What is left out
/// has the method's default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MethodConfig {
    /// Operation importance with gradual pruning.
    Eoinas(EoiNas),
    /// One sampled op an edge.
    Gdas(Gdas),
    /// All ops weighted by softmax, first order.
    Darts(Darts),
    /// The same, second order.
    Darts2(SecondOrder),
    /// Partial channels and edge normalisation.
    PcDarts(PcDarts),
    /// Sampled topology and several paths.
    Rome(Rome),
    /// All ops with gates from the concrete distribution.
    Snas(Snas),
    /// Weights alone, paths drawn uniformly.
    Uniform(Uniform),
    /// Random search with weight sharing.
    RandomWs(RandomWs),
    /// Probabilities by accuracy and number of trainings.
    Mdenas(MdeNas),
    /// DARTS in stages.
    Pdarts(PDarts),
    /// DARTS with a regulariser of its weights.
    BetaDarts(BetaDarts),
    /// All ops weighted by draws from a Dirichlet distribution.
    Drnas(DrNas),
    /// DARTS, its cell by what the supernet loses without each op.
    DartsPt(DartsPt),
    /// Untrained networks probed op by op.
    ZeroCostPt(ZeroCostPt),
    /// A method of another crate: what it calls itself. Written for a search whose method came in
    /// [`crate::Options::method`], which has to come with it again.
    Own(Identity),
}

impl MethodConfig {
    /// The method that this name stands for, with its defaults.
    pub fn of(kind: MethodKind) -> Self {
        SearchConfig::default().with_method(kind).method
    }

    /// The method, to search with.
    ///
    /// # Errors
    /// [`MethodConfig::Own`]: the program that has it gives it itself.
    pub fn build(&self) -> Result<Box<dyn SearchMethod>, Setting> {
        Ok(match self.clone() {
            Self::Eoinas(method) => Box::new(method),
            Self::Gdas(method) => Box::new(method),
            Self::Darts(method) => Box::new(method),
            Self::Darts2(method) => Box::new(method),
            Self::PcDarts(method) => Box::new(method),
            Self::Rome(method) => Box::new(method),
            Self::Snas(method) => Box::new(method),
            Self::Uniform(method) => Box::new(method),
            Self::RandomWs(method) => Box::new(method),
            Self::Mdenas(method) => Box::new(method),
            Self::Pdarts(method) => Box::new(method),
            Self::BetaDarts(method) => Box::new(method),
            Self::Drnas(method) => Box::new(method),
            Self::DartsPt(method) => Box::new(method),
            Self::ZeroCostPt(method) => Box::new(method),
            Self::Own(identity) => {
                let expected = "a method of this library; the run was searched by one of another program, which has to \
                                be given again (Options::method)";
                return Err(Setting::new("method", identity, expected));
            }
        })
    }

    /// Its name in the settings, and its own settings.
    pub(crate) fn tagged(&self) -> Option<(String, Value)> {
        match serde_json::to_value(self).ok()? {
            Value::Object(tagged) => tagged.into_iter().next(),
            _ => None,
        }
    }

    /// The settings of another method: its defaults, but what both have and this one sets is as it is here.
    fn carried<T: Default + Serialize + DeserializeOwned>(&self) -> T {
        let (default, here) = (serde_json::to_value(T::default()), self.tagged());
        let (Ok(mut settings), Some((_, here))) = (default, here) else { return T::default() };
        for (name, value) in settings.as_object_mut().into_iter().flatten() {
            if let Some(set) = here.get(name).filter(|set| !set.is_null()) {
                *value = set.clone();
            }
        }
        serde_json::from_value(settings).unwrap_or_default()
    }
}

impl From<ZeroCostPt> for MethodConfig {
    fn from(method: ZeroCostPt) -> Self {
        Self::ZeroCostPt(method)
    }
}

impl From<EoiNas> for MethodConfig {
    fn from(method: EoiNas) -> Self {
        Self::Eoinas(method)
    }
}

impl SearchConfig {
    /// The same run with another method: same data, network, budget and seeds, settings that both methods have (but for
    /// what the method's paper prescribes, as its defaults say), and defaults for what the method has alone.
    ///
    /// P-DARTS begins in a smaller network: its stages share what is here in proportion. Zero-Cost-PT trains nothing; its
    /// epochs are initialisations, [`ZeroCostPt::INITIALISATIONS`].
    pub fn with_method(mut self, kind: MethodKind) -> Self {
        let from = self.method.clone();
        self.method = match kind {
            MethodKind::Eoinas => MethodConfig::Eoinas(from.carried()),
            MethodKind::EoinasScaleFree => MethodConfig::Eoinas(from.carried::<EoiNas>().scale_free()),
            MethodKind::GdasPruning => MethodConfig::Eoinas(from.carried::<EoiNas>().by_beta()),
            MethodKind::Gdas => MethodConfig::Gdas(from.carried::<Gdas>().prescribed()),
            MethodKind::Darts => MethodConfig::Darts(from.carried::<Darts>().prescribed()),
            MethodKind::Darts2 => MethodConfig::Darts2(from.carried::<SecondOrder>().prescribed()),
            MethodKind::PcDarts => MethodConfig::PcDarts(from.carried::<PcDarts>().prescribed(self.epochs)),
            MethodKind::Rome => MethodConfig::Rome(from.carried::<Rome>().prescribed()),
            MethodKind::Snas => MethodConfig::Snas(from.carried::<Snas>().prescribed()),
            MethodKind::Uniform => MethodConfig::Uniform(from.carried()),
            MethodKind::RandomWs => MethodConfig::RandomWs(from.carried()),
            MethodKind::Mdenas => MethodConfig::Mdenas(from.carried::<MdeNas>().prescribed()),
            MethodKind::Pdarts => {
                MethodConfig::Pdarts(from.carried::<PDarts>().prescribed(self.form, &mut self.network))
            }
            MethodKind::BetaDarts => MethodConfig::BetaDarts(from.carried::<BetaDarts>().prescribed()),
            MethodKind::Drnas => MethodConfig::Drnas(from.carried::<DrNas>().prescribed()),
            MethodKind::DartsPt => MethodConfig::DartsPt(from.carried::<DartsPt>().prescribed(self.form)),
            MethodKind::ZeroCostPt => {
                self.epochs = ZeroCostPt::INITIALISATIONS;
                MethodConfig::ZeroCostPt(from.carried())
            }
            MethodKind::Recommended => {
                self.epochs = ZeroCostPt::INITIALISATIONS;
                let network = NetworkConfig { channels: 8, ..self.network.clone() };
                let batch_size = self.batch_size.min(64);
                // NAS-Bench-201's networks have one width.
                let free = self.form != Form::NasBench201;
                let finalists = FinalistsConfig {
                    network,
                    batch_size,
                    // 2,500 train, as a quarter is held out.
                    images: Some(3333),
                    share: 0.75,
                    ..FinalistsConfig::default()
                };
                let (probe, ties, finalists) = if free {
                    let finalists = FinalistsConfig {
                        random: 0.9,
                        drawn_by: DrawnBy::Auto,
                        equal_cost: true,
                        epochs: 4,
                        ..finalists
                    };
                    (Probe::PatternsOfPathsPerRelu, Ties::None, finalists)
                } else {
                    // The cell and all that differ from it in one choice.
                    (Probe::PatternsOfPaths, Ties::default(), FinalistsConfig { candidates: 25, ..finalists })
                };
                self.finalists.get_or_insert(finalists);
                ZeroCostPt::default().by(probe).with_ties(ties).into()
            }
        };
        self
    }
}

/// A search method, or a variant of one, by name; how each works is said in [`crate::methods`]. What stands at a variant is
/// what programs say of it, too ([`MethodKind::about`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::EnumMessage)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MethodKind {
    /// Operation importance with gradual pruning: the paper's Algorithm 1.
    #[default]
    Eoinas,
    /// EoiNAS with the scale-free indicator.
    EoinasScaleFree,
    /// GDAS with gradual pruning by architecture weights: EoiNAS without its indicator.
    GdasPruning,
    /// One sampled op an edge, no pruning, cell by architecture weights.
    Gdas,
    /// All ops of an edge weighted by the softmax of alpha, first order.
    Darts,
    /// DARTS of second order: the architecture descends the loss of the weights one step ahead.
    Darts2,
    /// First-order DARTS on a quarter of the channels with edge normalisation.
    PcDarts,
    /// GDAS with a sampled topology and the mean of seven paths: a step costs seven times as much.
    Rome,
    /// All ops of an edge weighted by a soft Gumbel sample, weights and architecture from one loss.
    Snas,
    /// One op an edge, each equally probable; weights alone are trained.
    Uniform,
    /// Random search with weight sharing: the best of 100 random cells by a supernet of uniformly sampled paths.
    RandomWs,
    /// One op an edge, drawn from probabilities that accuracy and number of trainings move.
    Mdenas,
    /// First-order DARTS in stages that deepen the network and drop ops, with a limit of skip connections.
    Pdarts,
    /// First-order DARTS with a regulariser that keeps its weights from running away.
    BetaDarts,
    /// All ops of an edge weighted by a draw from a Dirichlet distribution.
    Drnas,
    /// First-order DARTS, its cell by what the trained supernet's accuracy loses without each op.
    DartsPt,
    /// Nothing is trained: every op is probed in several untrained networks. An epoch is one of them.
    ZeroCostPt,
    /// What this library recommends: ops probed in untrained networks, then finalists.
    Recommended,
}

impl MethodKind {
    /// All methods.
    pub const ALL: [Self; 18] = [
        Self::Eoinas,
        Self::Gdas,
        Self::Darts,
        Self::Darts2,
        Self::Snas,
        Self::Uniform,
        Self::Mdenas,
        Self::Pdarts,
        Self::PcDarts,
        Self::Rome,
        Self::RandomWs,
        Self::EoinasScaleFree,
        Self::GdasPruning,
        Self::BetaDarts,
        Self::Drnas,
        Self::DartsPt,
        Self::ZeroCostPt,
        Self::Recommended,
    ];

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        strum::EnumMessage::get_documentation(&self).unwrap_or_default()
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eoinas => "eoinas",
            Self::EoinasScaleFree => "eoinas-scale-free",
            Self::GdasPruning => "gdas-pruning",
            Self::Gdas => "gdas",
            Self::Darts => "darts",
            Self::Darts2 => "darts2",
            Self::PcDarts => "pc-darts",
            Self::Rome => "rome",
            Self::Snas => "snas",
            Self::Uniform => "uniform",
            Self::RandomWs => "random-ws",
            Self::Mdenas => "mdenas",
            Self::Pdarts => "pdarts",
            Self::BetaDarts => "beta-darts",
            Self::Drnas => "drnas",
            Self::DartsPt => "darts-pt",
            Self::ZeroCostPt => "zero-cost-pt",
            Self::Recommended => "recommended",
        }
    }
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No method has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no method `{got}`; choose one of {known}", known = MethodKind::ALL.map(MethodKind::name).join(", "))]
pub struct UnknownMethod {
    /// The name.
    pub got: String,
}

impl FromStr for MethodKind {
    type Err = UnknownMethod;

    /// `rsws` is random search with weight sharing, too.
    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        let name = if text == "rsws" { Self::RandomWs.name() } else { text };
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(|| UnknownMethod { got: text.to_owned() })
    }
}
