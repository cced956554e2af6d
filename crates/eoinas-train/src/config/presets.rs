//! Named sets of settings.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use eoinas_core::{
    schedule::{Cosine, Exponential, Linear},
    skeleton::Form,
};
use eoinas_data::SplitKind;
use eoinas_gumbel::PathMode;
use eoinas_prune::{Beta, IndicatorConfig, Never, Periodic, PruneScheduleConfig};

use super::{ArchConfig, DataConfig, Deepening, MethodKind, NetworkConfig, SearchConfig, SkipDropout, WeightsConfig};

/// A named set of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// Every value of the paper: 160 epochs, C = 16, 8 cells.
    Paper,
    /// As the authors' published code does it where that differs from the paper.
    Authors,
    /// Minutes on two cores: small network, few images, but all ops, both kinds of cell and all prunings.
    Quick,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Authors, Self::Quick];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Authors => "authors",
            Self::Quick => "quick",
        }
    }

    /// Its settings.
    pub fn config(self) -> SearchConfig {
        match self {
            Self::Paper => SearchConfig::paper(),
            Self::Authors => SearchConfig::authors(),
            Self::Quick => SearchConfig::quick(),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No preset has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset `{got}`; choose paper, authors or quick")]
pub struct UnknownPreset {
    /// The name.
    pub got: String,
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.name() == text).ok_or_else(|| UnknownPreset { got: text.to_owned() })
    }
}

impl SearchConfig {
    /// The same run with another method: same data, network, budget and seeds, and what the method itself prescribes.
    ///
    /// All but EoiNAS do not prune, have no warm-up, and decide by `beta` alone; the temperature falls from 10 to 0.1 on a
    /// line for GDAS (its authors' setting), and stays on the preset's schedule for SNAS. DARTS begins with architecture
    /// parameters of standard deviation 1e-3; the probabilities of MdeNAS have its rate, 0.01. P-DARTS has its stages.
    pub fn with_method(self, method: MethodKind) -> Self {
        if method == MethodKind::Eoinas {
            return Self { method, ..self };
        }
        let mut config = Self {
            method,
            warm_up_epochs: 0,
            prune: PruneScheduleConfig::Never(Never {}),
            indicator: IndicatorConfig::Beta(Beta {}),
            ..self
        };
        match method {
            MethodKind::Gdas => config.temperature = Linear { start: 10.0, end: 0.1, inclusive: true }.into(),
            MethodKind::Darts | MethodKind::Darts2 => config.arch.init_std = 1e-3,
            MethodKind::Mdenas => config.arch.learning_rate = 0.01,
            MethodKind::Pdarts => config.grow(),
            _ => {}
        }
        config
    }

    /// The stages of P-DARTS in the place of 8 cells: 5, 11 and 17 cells, with 8, 5 and 3 ops an edge, dropout on
    /// skip connections from 0, 0.4 and 0.7. For other networks in proportion, and not fewer than 3 cells, so that there
    /// is a cell of every kind. The network of NAS-Bench-201 grows by whole cells in each of its three stages; of its 5 ops
    /// an edge has 5, 3 and 2.
    fn grow(&mut self) {
        let cells = self.network.cells;
        let bench = self.form == Form::NasBench201;
        let in_proportion = |cells: usize, of_eight: usize| cells.saturating_mul(of_eight).div_ceil(8);
        let scaled = |of_eight: usize| {
            if bench {
                in_proportion(cells / 3, of_eight).saturating_mul(3)
            } else {
                in_proportion(cells, of_eight).max(3)
            }
        };
        let [second, third] = if bench { [3, 2] } else { [5, 3] };
        self.arch.init_std = 1e-3;
        self.network.cells = scaled(5);
        self.skip_dropout = None;
        self.deepen = vec![
            Deepening { cells: scaled(11), ops: second, skip_dropout: 0.4 },
            Deepening { cells: scaled(17), ops: third, skip_dropout: 0.7 },
        ];
    }

    /// The paper's settings.
    pub fn paper() -> Self {
        Self::default()
    }

    /// The published searches in NAS-Bench-201's space ([`eoinas_core::SearchSpace::nas_bench_201`]): the benchmark's
    /// network with `cells_per_stage` cells in each of its three stages (its own has 5), and the paper's other values; the
    /// four prunings of its five ops spread over the epochs as the paper's seven, after 40, 80, 120 and 160.
    pub fn nas_bench_201(cells_per_stage: usize) -> Self {
        Self {
            form: Form::NasBench201,
            network: NetworkConfig { channels: 16, cells: cells_per_stage.saturating_mul(3), stem_multiplier: 1 },
            prune: PruneScheduleConfig::Periodic(Periodic { first: 40, every: 40, count: 4 }),
            ..Self::paper()
        }
    }

    /// The authors' code: all alive ops are run with soft weights, Adam with 6e-4 and fresh moments after every
    /// pruning, learning rate down to 0, dropout on skip connections, halves by file order, augmented validation half.
    pub fn authors() -> Self {
        Self {
            preset: Preset::Authors,
            path: PathMode::Mixture,
            data: DataConfig { split: SplitKind::FileOrder, augment_valid: true, ..DataConfig::default() },
            weights: WeightsConfig {
                learning_rate: Cosine { start: 0.025, end: 0.0 }.into(),
                ..WeightsConfig::default()
            },
            arch: ArchConfig { learning_rate: 6e-4, init_std: 1e-3, reset_moments: true, ..ArchConfig::default() },
            skip_dropout: Some(SkipDropout { rate: 0.1, decay: 0.2 }),
            ..Self::paper()
        }
    }

    /// Minutes on two cores. The architecture parameters learn faster than the paper's, as they have far fewer steps.
    pub fn quick() -> Self {
        Self {
            preset: Preset::Quick,
            epochs: 24,
            batch_size: 32,
            data: DataConfig { train_images: Some(4000), ..DataConfig::default() },
            network: NetworkConfig { channels: 8, cells: 4, stem_multiplier: 3 },
            arch: ArchConfig { learning_rate: 6e-3, ..ArchConfig::default() },
            warm_up_epochs: 3,
            temperature: Exponential::paper_temperature().rescaled(160.0, 24.0).into(),
            prune: PruneScheduleConfig::Periodic(Periodic { first: 6, every: 3, count: 7 }),
            ..Self::paper()
        }
    }
}
