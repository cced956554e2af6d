//! The same search with several seeds, and the pick of the best cell.

use eoinas_core::{
    Setting,
    run_folder::{self, names},
};
use serde::{Deserialize, Serialize};

use super::Runs;
use crate::{
    config::SearchConfig,
    error::Result,
    run::{Options, RunWriter},
    run_dir::RunDir,
    search::{Found, SearchJob},
};

/// What is searched with which seeds: `seeds.json` in the folder that holds the runs `seed-0`, `seed-1`, ...
///
/// The best cell by validation (the first one where nothing was trained that validation could measure), and the result of its run with the seconds of all, are written to that folder too.
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
}

impl Runs for Seeds {
    type Job = SearchJob;
    type Item = u64;
    type Found = Found;
    const FILE: &'static str = names::SEEDS;

    fn items(&self) -> &[u64] {
        &self.seeds
    }

    fn name(seed: &u64) -> String {
        run_folder::seed(*seed)
    }

    fn task(&self, seed: &u64, _: &Options) -> Result<SearchConfig> {
        let split_seed = self.config.split_seed.or(Some(self.config.seed));
        Ok(SearchConfig { seed: *seed, split_seed, ..self.config.clone() })
    }

    fn gather(&self, found: Vec<Found>) -> Result<Found> {
        let seconds = found.iter().map(|found| found.seconds).sum();
        // The first of equally good ones: `max_by` would take the last.
        let better = |a: &Found, b: &Found| a.untrained || a.score().merit() >= b.score().merit();
        let best = found.into_iter().reduce(|a, b| if better(&a, &b) { a } else { b });
        let best = best.ok_or_else(|| Setting::new("seeds", 0, "at least 1"))?;
        let mut best = Found { seconds, ..best };
        if best.untrained {
            let warning =
                "of the seeds this is the first: nothing was trained that could tell them apart, as finals do";
            best.warnings.push(warning.to_owned());
        }
        Ok(best)
    }

    /// The best cell, and the result.
    fn write(&self, dir: &RunWriter, best: &Found) -> Result<()> {
        if RunDir::open(dir.path())?.result::<Found>()?.is_some() {
            // Only one of the seeds was missing.
            return Ok(());
        }
        let run = RunDir::open(&dir.join(&Self::name(&best.seed)))?;
        for name in [names::GENOTYPE_TEXT, names::GENOTYPE_JSON] {
            dir.write(name, &run.read(name)?)?;
        }
        dir.write_json(names::RESULT, best)
    }
}
