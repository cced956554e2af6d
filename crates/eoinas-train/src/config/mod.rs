//! The settings of a search: plain structs with documented defaults (the paper's), checked once.

mod method;
mod presets;
mod set;
mod validate;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use eoinas_core::{
    Skeleton,
    schedule::{Cosine, Exponential, ScheduleConfig},
    skeleton::Form,
};
use eoinas_data::{DatasetInfo, SourceKind, SplitKind};
use eoinas_gumbel::{EdgeMode, PathMode};
use eoinas_prune::{IndicatorConfig, PruneScheduleConfig, StatisticsConfig};

pub use method::{MethodKind, UnknownMethod};
pub use presets::Preset;
pub use validate::ConfigError;
pub(crate) use validate::{check_source, check_temperature};

/// Everything that decides what a search does. Written to `config.json` and read again by `--resume`.
///
/// ```
/// use eoinas_train::SearchConfig;
/// let config = SearchConfig { epochs: 50, seed: 7, ..SearchConfig::paper() };
/// config.validate()?;
/// # Ok::<(), eoinas_train::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// The preset that these settings started from; kept for the record.
    pub preset: Preset,
    /// The search method. Default: EoiNAS.
    pub method: MethodKind,
    /// Everything random follows from it. Default: 0.
    pub seed: u64,
    /// Seed of the choice of images and of their split into halves. `None` (default): `seed`. Runs to be compared by
    /// their validation accuracy share it.
    pub split_seed: Option<u64>,
    /// Passes over the training half. Default: 160.
    pub epochs: usize,
    /// Images in a step of the weights, and in one of the architecture. Default: 64.
    pub batch_size: usize,
    /// The images.
    pub data: DataConfig,
    /// Stem and stacking; it goes with the search space ([`crate::SearchOptions::space`]). Default: CIFAR's.
    #[serde(default = "default_form")]
    pub form: Form,
    /// The network that is searched in.
    pub network: NetworkConfig,
    /// Which ops each edge runs in a step of EoiNAS; the other methods have their own. Default: one sampled op.
    pub path: PathMode,
    /// Paths that are drawn for each update on the same batch; it takes the mean of their gradients (ROME: 7). Of
    /// EoiNAS, GDAS and uniform sampling; the other methods draw one path or none. Default: 1.
    #[serde(default = "one")]
    pub paths_per_step: usize,
    /// Partial channels (PC-DARTS): the ops of an edge read 1/K of its channels, the others pass by; its authors take
    /// K = 4. With every method, in the search alone; what PC-DARTS adds to it is `edges`. Default: none.
    #[serde(default)]
    pub partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by: `equal`, `normalised` (PC-DARTS), `sampled` (ROME). With every
    /// method that trains architecture parameters by gradients. Default: equal.
    #[serde(default)]
    pub edges: EdgeMode,
    /// Update of the weights.
    pub weights: WeightsConfig,
    /// Update of the architecture parameters.
    pub arch: ArchConfig,
    /// First epochs that train weights only, at the temperature's start value. Default: 20.
    pub warm_up_epochs: usize,
    /// Temperature of Eq. 5 by epoch. Default: 5 * 0.965^(epoch - 20), never below 0.001.
    pub temperature: ScheduleConfig,
    /// Stages of a search in a network that grows (P-DARTS), after the first one; each has an equal part of the epochs.
    /// Learning rate, temperature and dropout run over each stage anew, and its first two fifths train weights only. With
    /// fewer epochs than stages the last ones are left out. Default: none.
    #[serde(default)]
    pub deepen: Vec<Deepening>,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
    /// When ops are taken away. Default: one per edge after 40, 60, ..., 160 epochs. A run with too few epochs for its
    /// schedule has it scaled, together with warm-up and temperature (see [`crate::Plan`]). `never` keeps all ops and
    /// derives the cell from them at the end (GDAS, and the comparison of Section 3.3).
    pub prune: PruneScheduleConfig,
    /// What decides which op goes. Default: Eq. 7 with lambda = 0.5.
    pub indicator: IndicatorConfig,
    /// How C^e and C^a are kept. Default: counts since the last pruning, the last mini-batch's accuracy.
    pub statistics: StatisticsConfig,
    /// Stop when a cell has more skip connections than this. Default: no limit.
    pub max_skips: Option<usize>,
    /// Newest checkpoints kept beside the best. Default: 2.
    pub keep_checkpoints: usize,
}

/// The images of a search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Which set. Default: embedded.
    pub dataset: SourceKind,
    /// Its folder; every set but the embedded one needs it.
    pub dir: Option<PathBuf>,
    /// Use only so many training images (both halves together). `None` (default): all; of the embedded set 5,000.
    pub train_images: Option<usize>,
    /// Height and width that the images of a folder are resized to. Default: 32.
    pub image_size: Option<usize>,
    /// Whether unreadable images of a folder are left out, and named in the record, instead of ending the run. Default:
    /// false.
    pub skip_unreadable: bool,
    /// How the training part is halved. Default: seeded and balanced over the classes.
    pub split: SplitKind,
    /// Whether the validation half is read with the training half's crop and flip. Default: false.
    pub augment_valid: bool,
}

/// Size of the network that is searched in. Classes and image size come from the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Initial number of channels C. Default: 16.
    pub channels: usize,
    /// Number of cells L. Default: 8.
    pub cells: usize,
    /// Channels of the stem as a multiple of C. Default: 3.
    pub stem_multiplier: usize,
}

/// SGD with momentum on the network's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsConfig {
    /// Learning rate by epoch. Default: half a cosine from 0.025 to 0.001.
    pub learning_rate: ScheduleConfig,
    /// Default: 0.9.
    pub momentum: f64,
    /// L2 form, added to the gradient. Default: 3e-4.
    pub weight_decay: f64,
    /// Largest global norm of the gradients. Default: 5; `None`: no clipping.
    pub clip: Option<f64>,
}

/// Adam on the architecture parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchConfig {
    /// Default: 3e-4.
    pub learning_rate: f64,
    /// Default: 0.5 and 0.999.
    pub betas: (f64, f64),
    /// L2 form, added to the gradient. Default: 1e-3.
    pub weight_decay: f64,
    /// Largest global norm of the gradients of all kinds of cell together. Default: 5; `None`: no clipping.
    pub clip: Option<f64>,
    /// Standard deviation of the normal initial values. Default: 0, all zeros.
    pub init_std: f64,
    /// Whether a pruning forgets the optimiser's moments (the authors' code). Default: false.
    pub reset_moments: bool,
}

/// Dropout on skip connections: a line towards 0 during the warm-up, then an exponential.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkipDropout {
    /// The rate that the formulas scale. Authors: 0.1.
    pub rate: f64,
    /// Exponential decay per epoch after the warm-up. Authors: 0.2.
    pub decay: f64,
}

/// One stage of a search in a network that grows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deepening {
    /// Number of cells.
    pub cells: usize,
    /// Ops that each edge still has.
    pub ops: usize,
    /// Rate of dropout on skip connections at the stage's start; it decays as [`SkipDropout`] with a decay of 0.2.
    pub skip_dropout: f64,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { channels: 16, cells: 8, stem_multiplier: 3 }
    }
}

impl Default for WeightsConfig {
    fn default() -> Self {
        Self {
            learning_rate: Cosine { start: 0.025, end: 0.001 }.into(),
            momentum: 0.9,
            weight_decay: 3e-4,
            clip: Some(5.0),
        }
    }
}

impl Default for ArchConfig {
    fn default() -> Self {
        Self {
            learning_rate: 3e-4,
            betas: (0.5, 0.999),
            weight_decay: 1e-3,
            clip: Some(5.0),
            init_std: 0.0,
            reset_moments: false,
        }
    }
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            preset: Preset::Paper,
            method: MethodKind::Eoinas,
            seed: 0,
            split_seed: None,
            epochs: 160,
            batch_size: 64,
            data: DataConfig::default(),
            form: default_form(),
            network: NetworkConfig::default(),
            path: PathMode::Sampled,
            paths_per_step: 1,
            partial_channels: None,
            edges: EdgeMode::Equal,
            weights: WeightsConfig::default(),
            arch: ArchConfig::default(),
            warm_up_epochs: 20,
            temperature: Exponential::paper_temperature().into(),
            deepen: Vec::new(),
            skip_dropout: None,
            prune: PruneScheduleConfig::default(),
            indicator: IndicatorConfig::default(),
            statistics: StatisticsConfig::default(),
            max_skips: None,
            keep_checkpoints: 2,
        }
    }
}

impl SearchConfig {
    /// The network that is searched in, for images like those of `info`.
    pub fn skeleton(&self, info: &DatasetInfo) -> Skeleton {
        self.network.skeleton(self.form, info)
    }
}

impl NetworkConfig {
    /// A network of this size and form for images like those of `info`.
    pub(crate) fn skeleton(&self, form: Form, info: &DatasetInfo) -> Skeleton {
        let Self { channels, cells, stem_multiplier } = *self;
        Skeleton { form, channels, cells, stem_multiplier, ..Skeleton::search() }
            .with_classes(info.classes.len())
            .with_image(info.channels, info.height, info.width)
    }
}

/// The only form that searches had before there was a choice.
fn default_form() -> Form {
    Form::Cifar
}

/// The only number of paths that updates had before there was a choice.
fn one() -> usize {
    1
}
