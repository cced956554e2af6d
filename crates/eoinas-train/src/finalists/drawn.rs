//! Random cells that promise the most before they are trained.

use eoinas_core::{Genotype, SeedStream, Setting, Streams};
use eoinas_nn::{Batch, Supernet};

use super::{Around, FinalistsConfig};
use crate::{
    data::to_device,
    error::{Result, TrainError},
    training::TrainData,
};

/// Random cells of which one becomes a candidate.
pub(super) const OF_EACH: usize = 10;

/// Untrained networks of random cells, scored by the patterns of their ReLUs: NASWOT's score at an equal number of ReLUs
/// ([`Supernet::relu_patterns`]), so that a cell is not ahead by its size.
#[derive(Debug)]
pub(crate) struct Drawing {
    supernet: Supernet,
    batch: Batch,
    streams: Streams,
}

impl Drawing {
    /// The network of the finals, with fresh weights, and one batch of its images.
    pub fn new(settings: &FinalistsConfig, around: &Around<'_>) -> Result<Self> {
        let training = settings.training(around.config, around.dataset.as_ref(), 1);
        let info = around.dataset.info();
        let skeleton = settings.network.skeleton(training.form, info);
        let streams = Streams::new(around.config.seed);
        let supernet = Supernet::new(around.space, &skeleton, around.operations, &streams, around.device)?;
        let data = TrainData::new(&training, around.dataset.clone(), around.dataset.clone())?;
        let batch = data.train.epoch(0, 0).next();
        let batch = batch.ok_or_else(|| Setting::new("finalists.images", 0, "at least one mini-batch"))?;
        Ok(Self { supernet, batch: to_device(batch.map_err(TrainError::from)?, around.device)?, streams })
    }

    /// Random cell number `index` and its score, the higher the better.
    pub fn cell(&self, index: u64) -> Result<(f64, Genotype)> {
        let space = self.supernet.space();
        let mut rng = self.streams.rng(SeedStream::Named("finalists"), 0, index);
        let genotype = Genotype::random(space, &mut rng);
        let score = self.supernet.relu_patterns(self.batch.images(), &genotype.gates(space)?)?.log_det();
        Ok((score, genotype))
    }

    /// The `count` best of so many times as many, and none of those in `taken`; the best first.
    pub fn best(&self, count: usize, taken: &[Genotype]) -> Result<Vec<Genotype>> {
        let mut cells: Vec<(f64, Genotype)> = Vec::new();
        for index in 0..count.saturating_mul(OF_EACH) as u64 {
            let cell = self.cell(index)?;
            if !taken.contains(&cell.1) && !cells.iter().any(|(_, other)| *other == cell.1) {
                cells.push(cell);
            }
        }
        cells.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(cells.into_iter().take(count).map(|(_, genotype)| genotype).collect())
    }
}
