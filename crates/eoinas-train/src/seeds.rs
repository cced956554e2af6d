//! The same search with several seeds, and the pick of the best cell.

use std::path::Path;

use eoinas_core::{
    Setting,
    run_folder::{self, names},
};
use serde::{Deserialize, Serialize};

use crate::{
    config::SearchConfig,
    error::{Result, TrainError},
    run_dir::RunDir,
    search::{Found, Outcome, Search, SearchOptions},
};

/// What is searched with which seeds: `seeds.json` in the folder that holds the runs `seed-0`, `seed-1`, ...
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seeds {
    /// The settings that all of them share. Its seed also splits the images, so that all are judged by the identical
    /// validation half.
    pub config: SearchConfig,
    /// The seeds in order.
    pub seeds: Vec<u64>,
}

impl Seeds {
    /// `count` searches whose seeds count up from that of `config`.
    pub fn new(config: SearchConfig, count: u64) -> Self {
        let seeds = (0..count).map(|index| config.seed.wrapping_add(index)).collect();
        Self { config, seeds }
    }

    /// Writes `seeds.json` to a folder that is new or empty.
    ///
    /// # Errors
    /// Settings that cannot work, a folder that is taken or cannot be written.
    pub fn create(&self, dir: &RunDir) -> Result<()> {
        self.config.validate()?;
        Ok(dir.write_json(names::SEEDS, self)?)
    }

    /// Whether `path` is the folder of several seeds.
    pub fn is_in(path: &Path) -> bool {
        path.join(names::SEEDS).exists()
    }

    /// Reads `seeds.json`.
    ///
    /// # Errors
    /// It is not there or not valid, or the searches are done.
    pub fn open(path: &Path) -> Result<(Self, RunDir)> {
        let dir = RunDir::open(path)?;
        if let Some(found) = dir.result::<Found>()? {
            return Err(TrainError::Finished { path: path.to_owned(), genotype: found.genotype });
        }
        Ok((dir.read_json(names::SEEDS)?, dir))
    }

    /// Searches with every seed, goes on with those that were interrupted and skips those that are done. Writes the best
    /// cell to `dir` itself. `options` makes what each search needs.
    ///
    /// # Errors
    /// Those of a search.
    pub fn run(&self, dir: &RunDir, mut options: impl FnMut(u64) -> SearchOptions) -> Result<Outcome> {
        let mut all = Vec::new();
        for &seed in &self.seeds {
            let run = dir.join(&run_folder::seed(seed));
            match self.search(seed, &run, options(seed))? {
                Outcome::Found(found) => all.push((run, found)),
                stopped => return Ok(stopped),
            }
        }
        // The first of equally good ones: `max_by` would take the last.
        let better = |a: &(_, Found), b: &(_, Found)| a.1.validation_accuracy >= b.1.validation_accuracy;
        let Some((run, mut best)) = all.iter().cloned().reduce(|a, b| if better(&a, &b) { a } else { b }) else {
            return Err(Setting::new("seeds", 0, "at least 1").into());
        };
        for name in [names::GENOTYPE_TEXT, names::GENOTYPE_JSON] {
            dir.write(name, &RunDir::open(&run)?.read(name)?)?;
        }
        best.seconds = all.iter().map(|(_, found)| found.seconds).sum();
        dir.write_json(names::RESULT, &best)?;
        Ok(Outcome::Found(best))
    }

    fn search(&self, seed: u64, run: &Path, options: SearchOptions) -> Result<Outcome> {
        let split_seed = self.config.split_seed.or(Some(self.config.seed));
        Search::complete(&SearchConfig { seed, split_seed, ..self.config.clone() }, run, options)
    }
}
