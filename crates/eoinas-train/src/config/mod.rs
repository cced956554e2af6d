//! The settings of a search: plain structs with documented defaults (the paper's), checked once.
//!
//! What every search has stands in [`SearchConfig`]; what only some methods have stands in the method's own settings
//! ([`MethodConfig`]), so that nothing can be set that does nothing.

mod groups;
mod method;
mod presets;
mod retrain;
mod set;
mod validate;
mod version;

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use eoinas_core::{
    Skeleton,
    count::Limits,
    schedule::{Cosine, ScheduleConfig},
    skeleton::Form,
};
use eoinas_data::{DatasetInfo, PictureFiles, SourceKind, SplitKind};

pub use groups::{ArchConfig, SkipDropout};
pub use method::{MethodConfig, MethodKind, UnknownMethod};
pub use presets::Preset;
pub use retrain::{NetworkSize, RetrainConfig};
pub use set::left_out;
pub use version::ConfigVersion;

pub(crate) use groups::{
    check_rates, edges, partial_channels, paths_per_step, positive_temperature, skip_dropout, temperature,
};
pub(crate) use validate::{
    MOST_EPOCHS, MOST_IMAGES, batch_size, check_source, epochs, forget_unused, in_unit, keep_checkpoints, not_negative,
    positive,
};

use crate::{finalists::FinalistsConfig, methods::EoiNas};

/// Everything that decides what a search does. Written to `config.json`, which a resumed run reads again.
///
/// ```
/// use eoinas_train::SearchConfig;
/// let config = SearchConfig { epochs: 50, seed: 7, ..SearchConfig::paper() };
/// config.validate()?;
/// # Ok::<(), eoinas_core::Setting>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct SearchConfig {
    /// The version of the file's format.
    #[serde(default)]
    pub version: ConfigVersion,
    /// The preset that these settings started from; kept for the record.
    pub preset: Preset,
    /// The search method with its own settings. Default: EoiNAS with the paper's.
    pub method: MethodConfig,
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
    /// Stem and stacking; it goes with the search space ([`crate::Options::space`]). Default: CIFAR's.
    #[serde(default = "default_form")]
    pub form: Form,
    /// The network that is searched in.
    pub network: NetworkConfig,
    /// Update of the weights.
    pub weights: WeightsConfig,
    /// Stop when a cell has more skip connections than this. Default: no limit.
    pub max_skips: Option<usize>,
    /// The most that the network of the found cell may cost. A search that could find a cell without such a network does not begin,
    /// and finals compare networks within them. Default: none.
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
    /// The network that the found cell will be trained in. Default: that of [`crate::TrainConfig::quick`]
    /// ([`SearchConfig::retrained`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrain: Option<RetrainConfig>,
    /// Cells that are compared at the end by trainings of their own. Default: none, the method's cell is the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalists: Option<FinalistsConfig>,
    /// Newest checkpoints kept beside the best. Default: 2.
    pub keep_checkpoints: usize,
}

/// The images of a search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Which set. Default: embedded.
    pub dataset: SourceKind,
    /// Its folder; every set but the embedded one needs it. Written as an absolute path.
    #[serde(serialize_with = "crate::run::absolute")]
    pub dir: Option<PathBuf>,
    /// Use only so many training images (both halves together). `None` (default): all; of the embedded set 5,000.
    pub train_images: Option<usize>,
    /// Height and width that the images of a folder are resized to. Default: 32.
    pub image_size: Option<usize>,
    /// Whether unreadable images of a folder are left out, and named in the record, instead of ending the run. Default:
    /// false.
    pub skip_unreadable: bool,
    /// The most pixels (rows times columns) of an image of a folder that is decoded; larger ones are unreadable. `None`
    /// (default): 100 million.
    #[serde(default)]
    pub max_pixels: Option<u64>,
    /// Which files of a folder are its pictures. Default: all that can be read; of settings that do not say it, PNG and JPEG
    /// alone, as they were written when others were left out.
    #[serde(default = "PictureFiles::unsaid")]
    pub files: PictureFiles,
    /// A table (CSV) with the columns `file` and `label` that says which pictures of the folder are of which class. `None`
    /// (default): its subfolders are the classes. Written as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "crate::run::absolute")]
    pub labels: Option<PathBuf>,
    /// How the training part is halved. Default: seeded and balanced over the classes.
    pub split: SplitKind,
    /// Whether the validation half is read with the training half's crop and flip. Default: false.
    pub augment_valid: bool,
}

impl DataConfig {
    /// How many images are used of a set that has `there`.
    pub fn used(&self, there: usize) -> usize {
        self.train_images.map_or(there, |most| most.min(there))
    }
}

/// Settings that are left out of `config.json` where they are not used; all others always stand there.
pub const OPTIONAL: [&str; 3] = ["data.labels", "network.layers", "network.max_ops"];

/// Size of the network that is searched in. Classes and image size come from the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Initial number of channels C. Default: 16.
    pub channels: usize,
    /// Number of cells L. Default: 8.
    pub cells: usize,
    /// Channels of the stem as a multiple of C. Default: 3.
    pub stem_multiplier: usize,
    /// The kind of cell of each layer, by its name in the search space, one for each of the `cells`. `None` (default): the
    /// space's first kind that reduces at L/3 and 2L/3, its first that does not everywhere else. A space with more kinds
    /// needs it ([`Skeleton::with_layers`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    /// The most ops that the network may have, over all of its cells ([`Skeleton::max_ops`]). `None` (default): 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ops: Option<usize>,
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

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { channels: 16, cells: 8, stem_multiplier: 3, layers: None, max_ops: None }
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

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            version: ConfigVersion::default(),
            preset: Preset::Paper,
            method: EoiNas::default().into(),
            seed: 0,
            split_seed: None,
            epochs: 160,
            batch_size: 64,
            data: DataConfig::default(),
            form: default_form(),
            network: NetworkConfig::default(),
            weights: WeightsConfig::default(),
            max_skips: None,
            limits: Limits::default(),
            retrain: None,
            finalists: None,
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

impl Serialize for SearchConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// Settings that version 0.1.0 wrote are read as what they mean here.
impl<'de> Deserialize<'de> for SearchConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let settings = version::upgraded(serde_json::Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Self::deserialize(settings).map_err(D::Error::custom)
    }
}

impl NetworkConfig {
    /// A network of this size and form for images like those of `info`.
    pub(crate) fn skeleton(&self, form: Form, info: &DatasetInfo) -> Skeleton {
        let Self { channels, cells, stem_multiplier, ref layers, max_ops } = *self;
        let layers = layers.clone();
        Skeleton { form, channels, cells, stem_multiplier, layers, max_ops, ..Skeleton::search() }
            .with_classes(info.target.outputs())
            .with_image(info.channels, info.height, info.width)
    }
}

/// The only form that searches had before there was a choice.
fn default_form() -> Form {
    Form::Cifar
}
