//! One check and one error for every setting.

use std::path::Path;

use eoinas_core::{
    SearchSpace,
    schedule::{Schedule, ScheduleConfig, ScheduleError},
    skeleton::Form,
};
use eoinas_data::SourceKind;
use eoinas_gumbel::EdgeMode;
use eoinas_prune::PruningError;

use super::{MethodKind, NetworkConfig, SearchConfig, WeightsConfig};

/// A setting that cannot work. One variant a setting.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// `epochs`
    #[error("epochs is 0; a search needs at least one epoch")]
    Epochs,
    /// `batch_size`
    #[error("batch size is {got}; expected at least 2, or BatchNorm has nothing to average over")]
    BatchSize {
        /// The value.
        got: usize,
    },
    /// `batch_size` against the data.
    #[error(
        "the batch of {batch_size} is larger than half of the data ({half} of {images} training images); choose a \
         batch size of at most {half}, or more images"
    )]
    BatchLargerThanData {
        /// The batch size.
        batch_size: usize,
        /// Images in the smaller half.
        half: usize,
        /// Images in both halves.
        images: usize,
    },
    /// `data.dir`
    #[error("the data set {dataset} is read from files; say where they are with --data DIR")]
    DataDir {
        /// The data set.
        dataset: SourceKind,
    },
    /// `data.train_images`
    #[error("train images is {got}; a search needs at least 4, two for each half")]
    TrainImages {
        /// The value.
        got: usize,
    },
    /// `data.image_size`
    #[error("image size is {got}; expected 8 to 1024 pixels")]
    ImageSize {
        /// The value.
        got: usize,
    },
    /// `network.channels`
    #[error("channels is {got}; expected an even number from 2 to 4096")]
    Channels {
        /// The value.
        got: usize,
    },
    /// `network.cells`
    #[error("cells is {got}; expected 1 to 1000 (from 3 on there is a reduction cell of every kind)")]
    Cells {
        /// The value.
        got: usize,
    },
    /// `network.stem_multiplier`
    #[error("stem multiplier is 0; expected at least 1")]
    StemMultiplier,
    /// `paths_per_step`
    #[error("paths per step is {got}; expected 1 to 1000")]
    PathsPerStep {
        /// The value.
        got: usize,
    },
    /// `partial_channels`
    #[error(
        "partial channels is {got} with {channels} channels; expected 2 or more, and a number of channels that is a \
         multiple of twice that"
    )]
    PartialChannels {
        /// The value.
        got: usize,
        /// `network.channels`
        channels: usize,
    },
    /// `edges` with a method that has no gradients for them.
    #[error(
        "edges are to be {mode}, which takes gradients, and {method} trains no architecture parameters by gradients; leave \
         them equal, or choose another method"
    )]
    Edges {
        /// The setting.
        mode: &'static str,
        /// The method.
        method: MethodKind,
    },
    /// `edges` in a space without a topology.
    #[error(
        "edges are to be sampled, and in the search space `{space}` every node keeps all of its edges; leave them equal"
    )]
    NoTopology {
        /// The space.
        space: String,
    },
    /// `deepen`
    #[error("deepen: stage {stage}: {what}")]
    Deepen {
        /// The stage, from 1 for the first that deepens.
        stage: usize,
        /// What is wrong and what was expected.
        what: &'static str,
    },
    /// `weights.learning_rate`
    #[error("weights: learning rate: {0}")]
    LearningRate(ScheduleError),
    /// `weights.momentum`
    #[error("weights: momentum is {got}; expected 0 to 1 (exclusive)")]
    Momentum {
        /// The value.
        got: f64,
    },
    /// `weights.weight_decay`
    #[error("weights: weight decay is {got}; expected 0 or a positive number")]
    WeightDecay {
        /// The value.
        got: f64,
    },
    /// `weights.clip`
    #[error("weights: clip is {got}; expected a positive number, or none")]
    Clip {
        /// The value.
        got: f64,
    },
    /// `arch.learning_rate`
    #[error("architecture: learning rate is {got}; expected a positive number")]
    ArchLearningRate {
        /// The value.
        got: f64,
    },
    /// `arch.betas`
    #[error("architecture: betas are {got:?}; expected two numbers from 0 to 1 (exclusive)")]
    ArchBetas {
        /// The value.
        got: (f64, f64),
    },
    /// `arch.weight_decay`
    #[error("architecture: weight decay is {got}; expected 0 or a positive number")]
    ArchWeightDecay {
        /// The value.
        got: f64,
    },
    /// `arch.clip`
    #[error("architecture: clip is {got}; expected a positive number, or none")]
    ArchClip {
        /// The value.
        got: f64,
    },
    /// `arch.init_std`
    #[error("architecture: standard deviation of the initial values is {got}; expected 0 or a positive number")]
    ArchInitStd {
        /// The value.
        got: f64,
    },
    /// `temperature`
    #[error("temperature: {0}")]
    Temperature(ScheduleError),
    /// `temperature` that does not stay positive.
    #[error("temperature is {got} in epoch {epoch}; it must stay positive (give the schedule a floor)")]
    TemperatureNotPositive {
        /// The value.
        got: f64,
        /// Where.
        epoch: usize,
    },
    /// `skip_dropout.rate`
    #[error("skip dropout: rate is {got}; expected 0 to 1 (exclusive)")]
    SkipDropoutRate {
        /// The value.
        got: f64,
    },
    /// `skip_dropout.decay`
    #[error("skip dropout: decay is {got}; expected 0 or a positive number")]
    SkipDropoutDecay {
        /// The value.
        got: f64,
    },
    /// `prune`
    #[error("pruning schedule: {0}")]
    Prune(PruningError),
    /// `indicator`
    #[error("indicator: {0}")]
    Indicator(PruningError),
    /// `statistics`
    #[error("statistics: {0}")]
    Statistics(PruningError),
    /// A setting given by name.
    #[error("{name}={value}: {problem}")]
    Setting {
        /// Its name.
        name: String,
        /// The value that was given.
        value: String,
        /// What is wrong.
        problem: String,
    },
    /// Number of seeds.
    #[error("seeds is 0; expected at least 1")]
    Seeds,
    /// `keep_checkpoints`
    #[error("checkpoints to keep is 0; expected at least 1")]
    KeepCheckpoints,
}

type Result<T = (), E = ConfigError> = std::result::Result<T, E>;

impl SearchConfig {
    /// Checks every setting that can be judged without the data.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result {
        check(self.epochs > 0, ConfigError::Epochs)?;
        check(self.batch_size >= 2, ConfigError::BatchSize { got: self.batch_size })?;
        check((1..=1000).contains(&self.paths_per_step), ConfigError::PathsPerStep { got: self.paths_per_step })?;
        self.validate_data()?;
        self.network.validate()?;
        if let Some(got) = self.partial_channels {
            let channels = self.network.channels;
            let fits = got >= 2 && got.checked_mul(2).is_some_and(|twice| channels.is_multiple_of(twice));
            check(fits, ConfigError::PartialChannels { got, channels })?;
        }
        let mode = match self.edges {
            EdgeMode::Equal => None,
            EdgeMode::Normalised => Some("normalised"),
            EdgeMode::Sampled => Some("sampled"),
        };
        if let (Some(mode), method @ (MethodKind::Uniform | MethodKind::Mdenas)) = (mode, self.method) {
            return Err(ConfigError::Edges { mode, method });
        }
        for (index, stage) in self.deepen.iter().enumerate() {
            let wrong = |what| ConfigError::Deepen { stage: index + 1, what };
            check((1..=1000).contains(&stage.cells), wrong("cells are not 1 to 1000"))?;
            let fits = self.form != Form::NasBench201 || stage.cells.is_multiple_of(3);
            check(fits, wrong("cells are no multiple of 3, as the stages of NAS-Bench-201's network need"))?;
            check(stage.ops > 0, wrong("ops is 0; every edge keeps at least one"))?;
            check(in_unit(stage.skip_dropout), wrong("skip dropout is not 0 to 1 (exclusive)"))?;
        }
        self.weights.validate()?;
        self.validate_arch()?;
        self.validate_temperature()?;
        if let Some(dropout) = self.skip_dropout {
            check(in_unit(dropout.rate), ConfigError::SkipDropoutRate { got: dropout.rate })?;
            check(not_negative(dropout.decay), ConfigError::SkipDropoutDecay { got: dropout.decay })?;
        }
        self.prune.validate().map_err(ConfigError::Prune)?;
        self.indicator.validate().map_err(ConfigError::Indicator)?;
        self.statistics.validate().map_err(ConfigError::Statistics)?;
        check(self.keep_checkpoints > 0, ConfigError::KeepCheckpoints)
    }

    /// Checks what depends on the search space.
    ///
    /// # Errors
    /// The first setting that cannot work in it.
    pub(crate) fn validate_space(&self, space: &SearchSpace) -> Result {
        check(self.edges.has_effect(space), ConfigError::NoTopology { space: space.name().to_owned() })
    }

    fn validate_data(&self) -> Result {
        let data = &self.data;
        check_source(data.dataset, data.dir.as_deref(), data.image_size)?;
        match data.train_images {
            Some(got) => check(got >= 4, ConfigError::TrainImages { got }),
            None => Ok(()),
        }
    }

    fn validate_arch(&self) -> Result {
        let arch = &self.arch;
        check(positive(arch.learning_rate), ConfigError::ArchLearningRate { got: arch.learning_rate })?;
        check(in_unit(arch.betas.0) && in_unit(arch.betas.1), ConfigError::ArchBetas { got: arch.betas })?;
        check(not_negative(arch.weight_decay), ConfigError::ArchWeightDecay { got: arch.weight_decay })?;
        check(not_negative(arch.init_std), ConfigError::ArchInitStd { got: arch.init_std })?;
        match arch.clip {
            Some(got) => check(positive(got), ConfigError::ArchClip { got }),
            None => Ok(()),
        }
    }

    fn validate_temperature(&self) -> Result {
        self.temperature.validate().map_err(ConfigError::Temperature)?;
        check_temperature(&self.temperature, self.epochs)
    }
}

impl NetworkConfig {
    pub(crate) fn validate(&self) -> Result {
        let channels_fit = (2..=4096).contains(&self.channels) && self.channels.is_multiple_of(2);
        check(channels_fit, ConfigError::Channels { got: self.channels })?;
        check((1..=1000).contains(&self.cells), ConfigError::Cells { got: self.cells })?;
        check(self.stem_multiplier > 0, ConfigError::StemMultiplier)
    }
}

impl WeightsConfig {
    pub(crate) fn validate(&self) -> Result {
        self.learning_rate.validate().map_err(ConfigError::LearningRate)?;
        check(in_unit(self.momentum), ConfigError::Momentum { got: self.momentum })?;
        check(not_negative(self.weight_decay), ConfigError::WeightDecay { got: self.weight_decay })?;
        match self.clip {
            Some(got) => check(positive(got), ConfigError::Clip { got }),
            None => Ok(()),
        }
    }
}

/// Whether the set has its folder and images of a size that can be.
pub(crate) fn check_source(dataset: SourceKind, dir: Option<&Path>, image_size: Option<usize>) -> Result {
    check(dataset == SourceKind::Embedded || dir.is_some(), ConfigError::DataDir { dataset })?;
    match image_size {
        Some(got) => check((8..=1024).contains(&got), ConfigError::ImageSize { got }),
        None => Ok(()),
    }
}

/// Eq. 5 divides by the temperature.
pub(crate) fn check_temperature(schedule: &ScheduleConfig, epochs: usize) -> Result {
    for epoch in 0..epochs {
        let got = schedule.value(epoch as f64, epochs as f64);
        check(positive(got), ConfigError::TemperatureNotPositive { got, epoch })?;
    }
    Ok(())
}

fn check(ok: bool, error: ConfigError) -> Result {
    if ok { Ok(()) } else { Err(error) }
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn not_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// 0 up to, but not, 1.
fn in_unit(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}
