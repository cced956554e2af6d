//! A search of which only the result counts.

use std::path::Path;

use super::{
    engine::{Outcome, Search},
    found::Found,
    setup::SearchOptions,
};
use crate::{
    config::SearchConfig,
    error::Result,
    run_dir::{RunDir, names},
    settings::check_same,
};

impl Search {
    /// The outcome of the search `config` in the folder `run`, whatever is there: begins it, goes on with it, or reads
    /// the result if it is done. Studies over methods and seeds can thus be stopped, gone on with and added to.
    ///
    /// # Errors
    /// A run with other settings, and those of [`Search::create`], [`Search::resume`] and [`Search::run`].
    pub fn complete(config: &SearchConfig, run: &Path, options: SearchOptions) -> Result<Outcome> {
        if !run.join(names::CHECKPOINTS).exists() {
            return Self::create(config.clone(), run, options)?.run();
        }
        let dir = RunDir::open(run)?;
        check_same(&dir, config)?;
        match dir.result::<Found>()? {
            Some(found) => Ok(Outcome::Found(found)),
            None => Self::resume(run, options)?.run(),
        }
    }
}
