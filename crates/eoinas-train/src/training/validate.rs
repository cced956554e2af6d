//! One check for every setting of a training.

use eoinas_core::Setting;

use super::config::{EarlyStopping, Fold, TrainConfig};
use crate::config::{MOST_IMAGES, batch_size, check_rates, check_source, epochs, keep_checkpoints};

/// The most folds of a cross-validation: each is a training.
pub(super) const MOST_FOLDS: usize = 1000;

impl TrainConfig {
    /// Checks every setting that can be judged without the data.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result<(), Setting> {
        epochs(self.epochs)?;
        batch_size(self.batch_size)?;
        Setting::check(self.accumulate > 0, "accumulate", self.accumulate, "at least one mini-batch an update")?;
        check_source(self.data.dataset, self.data.dir.as_deref(), self.data.image_size)?;
        if let Some(got) = self.data.train_images {
            let expected = format!("2 to {MOST_IMAGES}");
            Setting::check((2..=MOST_IMAGES).contains(&got), "data.train_images", got, expected)?;
        }
        if let Some(got) = self.data.test_images {
            let expected = format!("1 to {MOST_IMAGES}, or none for all");
            Setting::check((1..=MOST_IMAGES).contains(&got), "data.test_images", got, expected)?;
        }
        if let Some(got) = self.data.held_out {
            let expected = "a share of the training images, more than 0 and less than 1";
            Setting::check(in_unit(got) && got > 0.0, "data.held_out", got, expected)?;
        }
        if let Some(Fold { fold, of }) = self.data.fold {
            Setting::check((2..=MOST_FOLDS).contains(&of), "data.fold.of", of, format!("2 to {MOST_FOLDS} folds"))?;
            Setting::check(fold < of, "data.fold.fold", fold, format!("0 to {}", of - 1))?;
            let expected = "none beside `data.fold`, which is what is tested on";
            let (test, held_out) = (self.data.test_images, self.data.held_out);
            Setting::check(test.is_none(), "data.test_images", test.unwrap_or_default(), expected)?;
            Setting::check(held_out.is_none(), "data.held_out", held_out.unwrap_or_default(), expected)?;
        }
        if let Some(EarlyStopping { epochs, held_out }) = self.early_stopping {
            Setting::check(epochs > 0, "early_stopping.epochs", epochs, "at least one epoch without a better score")?;
            let expected = "a share of the training images, more than 0 and less than 1";
            Setting::check(in_unit(held_out) && held_out > 0.0, "early_stopping.held_out", held_out, expected)?;
        }
        if let Some(init) = &self.init {
            init.validate(self)?;
        }
        self.network.validate()?;
        if let Some(got) = self.multiply_adds {
            Setting::check(
                got > 0,
                "multiply_adds",
                got,
                "a positive number, or none for the channels of the settings",
            )?;
        }
        self.limits.validate()?;
        let both = self.multiply_adds.filter(|_| !self.limits.are_none());
        let expected = "none beside `limits`: they say how large the network is";
        Setting::check(both.is_none(), "multiply_adds", both.unwrap_or_default(), expected)?;
        self.augment.validate()?;
        self.weights.validate()?;
        check_rates(&self.weights.learning_rate, self.epochs)?;
        Setting::check(in_unit(self.drop_path), "drop_path", self.drop_path, "0 to 1 (exclusive)")?;
        let auxiliary = self.auxiliary;
        let expected = "0 (no auxiliary head) or a positive number";
        Setting::check(auxiliary.is_finite() && auxiliary >= 0.0, "auxiliary", auxiliary, expected)?;
        Setting::check(in_unit(self.label_smoothing), "label_smoothing", self.label_smoothing, "0 to 1 (exclusive)")?;
        if let Some(got) = self.average {
            let expected = "a decay of the averaged weights of 0 to 1 (exclusive), 0.999 for example";
            Setting::check(in_unit(got), "average", got, expected)?;
        }
        keep_checkpoints(self.keep_checkpoints)
    }
}

/// 0 up to, but not, 1.
fn in_unit(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}
