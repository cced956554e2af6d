//! Random cells that promise the most before they are trained.

use eoinas_core::{Genotype, SearchSpace, SeedStream, Setting, Streams};
use eoinas_nn::{Batch, Supernet};
use eoinas_strategy::LinearPredictor;
use serde::{Deserialize, Serialize};

use super::{Around, FinalistsConfig};
use crate::{
    data::to_device,
    error::{Result, TrainError},
    training::TrainData,
};

/// What says how much a random cell promises at the cost that all have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DrawnBy {
    /// The patterns of ReLUs of its untrained network: NASWOT's score at an equal number of ReLUs
    /// ([`Supernet::relu_patterns`]), so that a cell is not ahead by its size.
    #[default]
    Patterns,
    /// A predictor that was fitted to cells trained by others ([`LinearPredictor::darts`]); in the DARTS space alone.
    Predictor,
    /// The predictor where it knows the space, of fewer than [`FEW_IMAGES`] images that of few ([`LinearPredictor::darts_few_images`]); else
    /// the patterns.
    Auto,
}

/// A search with fewer images has few: with hundreds of them other cells are good than with thousands.
pub const FEW_IMAGES: usize = 2000;

impl DrawnBy {
    /// The same, where it is `Auto` the one of both that it stands for.
    pub(super) fn within(self, space: &SearchSpace) -> Self {
        match (self, LinearPredictor::darts().covers(space)) {
            (Self::Auto, true) => Self::Predictor,
            (Self::Auto, false) => Self::Patterns,
            _ => self,
        }
    }

    /// Whether it can say anything of cells of this space.
    pub(super) fn check(self, space: &SearchSpace) -> Result<(), Setting> {
        let ok = self != Self::Predictor || LinearPredictor::darts().covers(space);
        let expected = format!("patterns or auto: no predictor knows the space `{}`", space.name());
        Setting::check(ok, "finalists.drawn_by", "predictor", expected)
    }
}

/// Random cells with what each promises.
#[derive(Debug)]
pub(crate) struct Drawing<'a> {
    space: &'a SearchSpace,
    streams: Streams,
    judge: Judge,
}

#[derive(Debug)]
enum Judge {
    /// The network of the finals, with fresh weights, and one batch of its images.
    Patterns(Box<Supernet>, Batch),
    Predictor(LinearPredictor),
}

impl<'a> Drawing<'a> {
    /// Ready to draw cells for these finals.
    pub fn new(settings: &FinalistsConfig, around: &Around<'a>) -> Result<Self> {
        let streams = Streams::new(around.config.seed);
        let judge = match settings.drawn_by.within(around.space) {
            DrawnBy::Predictor => Judge::Predictor(match settings.drawn_by {
                DrawnBy::Auto if around.config.data.used(around.dataset.len()) < FEW_IMAGES => {
                    LinearPredictor::darts_few_images()
                }
                _ => LinearPredictor::darts(),
            }),
            DrawnBy::Patterns | DrawnBy::Auto => {
                let training = settings.training(around.config, around.dataset.as_ref(), 1);
                let skeleton = settings.network.skeleton(training.form, around.dataset.info());
                let supernet = Supernet::new(around.space, &skeleton, around.operations, &streams, around.device)?;
                let data = TrainData::new(&training, around.dataset.clone(), around.dataset.clone())?;
                let batch = data.train.epoch(0, 0).next();
                let batch = batch.ok_or_else(|| Setting::new("finalists.images", 0, "at least one mini-batch"))?;
                Judge::Patterns(Box::new(supernet), to_device(batch.map_err(TrainError::from)?, around.device)?)
            }
        };
        Ok(Self { space: around.space, streams, judge })
    }

    /// Random cell number `index` and what it promises, the higher the better.
    pub fn cell(&self, index: u64) -> Result<(f64, Genotype)> {
        let mut rng = self.streams.rng(SeedStream::Named("finalists"), 0, index);
        let genotype = Genotype::random(self.space, &mut rng);
        let score = match &self.judge {
            Judge::Predictor(predictor) => predictor.predict(&genotype),
            Judge::Patterns(supernet, batch) => {
                supernet.relu_patterns(batch.images(), &genotype.gates(self.space)?)?.log_det()
            }
        };
        Ok((score, genotype))
    }

    /// The `count` best of `drawn` cells, and none of those in `taken`; the best first.
    pub fn best(&self, count: usize, drawn: usize, taken: &[Genotype]) -> Result<Vec<Genotype>> {
        let mut cells: Vec<(f64, Genotype)> = Vec::new();
        for index in 0..drawn as u64 {
            let cell = self.cell(index)?;
            if !taken.contains(&cell.1) && !cells.iter().any(|(_, other)| *other == cell.1) {
                cells.push(cell);
            }
        }
        cells.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(cells.into_iter().take(count).map(|(_, genotype)| genotype).collect())
    }
}
