//! A search of which only the result counts.

use std::path::Path;

use eoinas_core::run_folder::names;

use super::{
    engine::{Outcome, Search},
    found::Found,
    setup::SearchOptions,
};
use crate::{
    config::{MethodConfig, SearchConfig},
    error::Result,
    run_dir::RunDir,
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
        let mut config = config.clone();
        if let Some(method) = &options.method {
            config.method = MethodConfig::Own(method.identity());
        }
        check_same(&dir, &config)?;
        match dir.result::<Found>()? {
            Some(found) => Ok(Outcome::Found(found)),
            None => Self::resume(run, options)?.run(),
        }
    }
}
