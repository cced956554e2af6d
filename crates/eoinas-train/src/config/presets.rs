//! Named sets of settings.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use eoinas_core::{Setting, schedule::Cosine, skeleton::Form};
use eoinas_data::{SourceKind, SplitKind};

use super::{DataConfig, MethodKind, NetworkConfig, SearchConfig, WeightsConfig};
use crate::methods::EoiNas;

/// A named set of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumMessage)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// Every value of the paper: 160 epochs, C = 16, 8 cells.
    Paper,
    /// As the authors' published code does it where that differs from the paper.
    Authors,
    /// Minutes on two cores: small network, few images, but all ops, both kinds of cell and all prunings.
    Quick,
    /// What this library recommends where time is short: ops probed in untrained networks, then finalists.
    Recommended,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [Self::Paper, Self::Authors, Self::Quick, Self::Recommended];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Authors => "authors",
            Self::Quick => "quick",
            Self::Recommended => "recommended",
        }
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        strum::EnumMessage::get_documentation(&self).unwrap_or_default()
    }

    /// Its settings.
    pub fn config(self) -> SearchConfig {
        match self {
            Self::Paper => SearchConfig::paper(),
            Self::Authors => SearchConfig::authors(),
            Self::Quick => SearchConfig::quick(),
            Self::Recommended => SearchConfig::recommended(),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Setting;

    fn from_str(text: &str) -> Result<Self, Setting> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == text);
        found.ok_or_else(|| Setting::new("preset", text, "paper, authors, quick or recommended"))
    }
}

impl SearchConfig {
    /// The paper's settings.
    pub fn paper() -> Self {
        Self::default()
    }

    /// The published searches in NAS-Bench-201's space ([`eoinas_core::SearchSpace::nas_bench_201`]): the benchmark's
    /// network with `cells_per_stage` cells in each of its three stages (its own has 5), and the paper's other values; the
    /// prunings are those of [`EoiNas::nas_bench_201`].
    pub fn nas_bench_201(cells_per_stage: usize) -> Self {
        Self {
            form: Form::NasBench201,
            network: NetworkConfig {
                channels: 16,
                cells: cells_per_stage.saturating_mul(3),
                stem_multiplier: 1,
                layers: None,
                max_ops: None,
            },
            method: EoiNas::nas_bench_201().into(),
            ..Self::paper()
        }
    }

    /// The authors' code: that of the method ([`EoiNas::authors`]), learning rate down to 0, halves by file order, augmented
    /// validation half.
    pub fn authors() -> Self {
        Self {
            preset: Preset::Authors,
            method: EoiNas::authors().into(),
            data: DataConfig { split: SplitKind::FileOrder, augment_valid: true, ..DataConfig::default() },
            weights: WeightsConfig {
                learning_rate: Cosine { start: 0.025, end: 0.0 }.into(),
                ..WeightsConfig::default()
            },
            ..Self::paper()
        }
    }

    /// Minutes on two cores, with [`EoiNas::quick`].
    pub fn quick() -> Self {
        Self {
            preset: Preset::Quick,
            method: EoiNas::quick().into(),
            epochs: 24,
            batch_size: 32,
            data: DataConfig { train_images: Some(4000), ..DataConfig::default() },
            network: NetworkConfig { channels: 8, cells: 4, ..NetworkConfig::default() },
            ..Self::paper()
        }
    }

    /// Minutes on two cores, with the method [`MethodKind::Recommended`] and its finalists; on the second embedded set where
    /// there is no other.
    pub fn recommended() -> Self {
        let quick = Self::quick();
        Self {
            preset: Preset::Recommended,
            data: DataConfig { dataset: SourceKind::EmbeddedV2, ..quick.data },
            network: NetworkConfig { channels: 8, cells: 8, ..NetworkConfig::default() },
            ..quick
        }
        .with_method(MethodKind::Recommended)
    }
}
