//! A training of which only the result counts.

use std::path::Path;

use eoinas_core::{Genotype, run_folder::names};

use super::{
    config::TrainConfig,
    engine::{TrainOutcome, Training},
    setup::TrainOptions,
};
use crate::{
    error::{Result, TrainError},
    run_dir::RunDir,
    settings::check_same,
};

impl Training {
    /// The outcome of training `genotype` by `config` in the folder `run`, whatever is there: begins it, goes on with
    /// it, or reads the result if it is done.
    ///
    /// # Errors
    /// A run with other settings or another genotype, and those of [`Training::create`], [`Training::resume`] and
    /// [`Training::run`].
    pub fn complete(
        config: &TrainConfig,
        genotype: &Genotype,
        run: &Path,
        options: TrainOptions,
    ) -> Result<TrainOutcome> {
        if !run.join(names::CHECKPOINTS).exists() {
            return Self::create(config.clone(), genotype.clone(), run, options)?.run();
        }
        let dir = RunDir::open(run)?;
        check_same(&dir, config)?;
        let (there, wanted) = (dir.read(names::GENOTYPE_TEXT)?.trim_end().to_owned(), genotype.to_string());
        if there != wanted {
            let setting = "genotype".to_owned();
            return Err(TrainError::OtherSettings { path: run.to_owned(), setting, there, wanted });
        }
        match dir.result()? {
            Some(trained) => Ok(TrainOutcome::Trained(trained)),
            None => Self::resume(run, options)?.run(),
        }
    }
}
