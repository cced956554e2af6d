//! The checks of what every search has. What a method has alone, it checks itself.

use std::path::{Path, PathBuf};

use eoinas_core::{SearchSpace, Setting};
use eoinas_data::{PictureFiles, SourceKind};

use crate::finalists::FinalistsConfig;

use super::{
    NetworkConfig, SearchConfig, WeightsConfig,
    groups::{check_rates, schedule_works},
};

type Result = std::result::Result<(), Setting>;

impl SearchConfig {
    /// Checks every setting that can be judged without the data and the search space.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result {
        self.validate_run()?;
        // Has a topology to sample, and so refuses nothing that another space would take.
        self.method.build()?.validate(self, &SearchSpace::darts())
    }

    /// All but the method's own.
    pub(crate) fn validate_run(&self) -> Result {
        epochs(self.epochs)?;
        batch_size(self.batch_size)?;
        let data = &self.data;
        check_source(data.dataset, data.dir.as_deref(), data.image_size)?;
        if let Some(got) = data.train_images {
            let expected = format!("at least 4, two for each half, and at most {MOST_IMAGES}");
            Setting::check((4..=MOST_IMAGES).contains(&got), "data.train_images", got, expected)?;
        }
        self.network.validate()?;
        self.weights.validate()?;
        check_rates(&self.weights.learning_rate, self.epochs)?;
        self.limits.validate()?;
        if let Some(retrain) = &self.retrain {
            retrain.network.validate().map_err(|error| error.within("retrain"))?;
        }
        self.finalists.as_ref().map_or(Ok(()), FinalistsConfig::validate)?;
        keep_checkpoints(self.keep_checkpoints)
    }
}

impl NetworkConfig {
    pub(crate) fn validate(&self) -> Result {
        let Self { channels, cells, stem_multiplier, ref layers, max_ops: _ } = *self;
        // Where the form needs an even number, its skeleton says so.
        Setting::check((2..=4096).contains(&channels), "network.channels", channels, "a number from 2 to 4096")?;
        let expected = "1 to 1000 (from 3 on there is a reduction cell of every kind)";
        Setting::check((1..=1000).contains(&cells), "network.cells", cells, expected)?;
        Setting::check(stem_multiplier > 0, "network.stem_multiplier", stem_multiplier, "at least 1")?;
        let named = layers.as_ref().map_or(cells, Vec::len);
        Setting::check(named == cells, "network.cells", cells, format!("{named}, as many as `network.layers` names"))
    }
}

impl WeightsConfig {
    pub(crate) fn validate(&self) -> Result {
        schedule_works("weights.learning_rate", &self.learning_rate)?;
        Setting::check(in_unit(self.momentum), "weights.momentum", self.momentum, "0 to 1 (exclusive)")?;
        let expected = "0 or a positive number";
        Setting::check(not_negative(self.weight_decay), "weights.weight_decay", self.weight_decay, expected)?;
        match self.clip {
            Some(got) => Setting::check(positive(got), "weights.clip", got, "a positive number, or none"),
            None => Ok(()),
        }
    }
}

/// Images that a setting can ask for: the embedded set is drawn in any number, up to here.
pub(crate) const MOST_IMAGES: usize = 20_000_000;

/// A plan has a few values for each epoch.
pub(crate) const MOST_EPOCHS: usize = 1_000_000;

pub(crate) fn epochs(got: usize) -> Result {
    let expected = format!("at least one epoch, and at most {MOST_EPOCHS}");
    Setting::check((1..=MOST_EPOCHS).contains(&got), "epochs", got, expected)
}

pub(crate) fn batch_size(got: usize) -> Result {
    Setting::check(got >= 2, "batch_size", got, "at least 2, or BatchNorm has nothing to average over")
}

pub(crate) fn keep_checkpoints(got: usize) -> Result {
    Setting::check(got > 0, "keep_checkpoints", got, "at least 1")
}

/// Whether the set has its folder and images of a size that can be.
pub(crate) fn check_source(dataset: SourceKind, dir: Option<&Path>, image_size: Option<usize>) -> Result {
    let there = dataset.is_embedded() || dir.is_some();
    Setting::check(there, "data.dir", "not set", format!("the folder of {dataset}, which is read from files"))?;
    if let (true, Some(dir)) = (dataset.is_embedded(), dir) {
        let expected = "no folder beside the embedded set, which is built in: leave out one of both";
        return Err(Setting::new("data.dir", dir.display().to_string(), expected));
    }
    // The record has the whole path.
    let whole = dir.map(|dir| std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()));
    if let Some(dir) = whole.filter(|dir| dir.to_str().is_none()) {
        let expected = "a path in Unicode, as the record is written with it: rename the folder, or link to it";
        return Err(Setting::new("data.dir", dir.display().to_string(), expected));
    }
    match image_size {
        Some(got) => Setting::check((8..=1024).contains(&got), "data.image_size", got, "8 to 1024 pixels"),
        None => Ok(()),
    }
}

/// What version 0.1.0 wrote is read: it took a folder beside the embedded set, and did not look into it. Of sets that are no
/// folders of pictures it does not matter which files are pictures.
pub(crate) fn forget_unused(dataset: SourceKind, dir: &mut Option<PathBuf>, files: &mut PictureFiles) {
    dir.take_if(|_| dataset.is_embedded());
    if dataset != SourceKind::Folder {
        *files = PictureFiles::default();
    }
}

pub(crate) fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

pub(crate) fn not_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// 0 up to, but not, 1.
pub(crate) fn in_unit(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}
