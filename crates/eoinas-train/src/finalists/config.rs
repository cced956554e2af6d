//! The settings of the finalists.

use std::sync::Arc;

use eoinas_core::{
    Genotype, SearchSpace, SeedStream, Setting, Skeleton, Streams,
    count::{self, Counts, Limits},
    schedule::Cosine,
};
use eoinas_data::{Augment, Dataset, DatasetInfo};
use serde::{Deserialize, Serialize};

use super::drawn::DrawnBy;
use crate::{
    config::{NetworkConfig, SearchConfig, WeightsConfig, batch_size, positive},
    error::{Result, TrainError},
    training::{TrainConfig, TrainData, TrainDataConfig, TrainPreset},
};

/// The most of [`FinalistsConfig::reduction`]: one round for as many candidates as there may be.
pub const MOST_REDUCTION: usize = 1000;

/// Random cells of which the middle one says what all should cost.
const TYPICAL: u64 = 25;

/// Candidate cells at the end of a search: each is trained from scratch for a short time, the best third of them for twice as
/// long, and so on (successive halving, Jamieson and Talwalkar, 2016); the last one is the search's result. The method's own
/// cell is in every round, and gives way only to one that is better by more than a standard error, unless random cells take part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinalistsConfig {
    /// Cells in the first round: the one that the method derives, and those that differ from it in one choice, the closest by
    /// importance first. 1, with `random` = 1: the random cell that promises the most is the result, and nothing is trained, for
    /// where there are too few images to tell cells apart by trainings. Default: 8.
    pub candidates: usize,
    /// The most cells that a time is fitted to ([`SearchConfig::fitted_to`]). `None` (default): `candidates`, or, where random cells
    /// take part, [`MOST_RANDOM`](crate::budget::MOST_RANDOM) if that is more.
    pub most_candidates: Option<usize>,
    /// Share of the candidates that are random cells instead of neighbours, those that promise the most of
    /// [`FinalistsConfig::drawn`] times as many. In a large space the neighbours of one cell are much alike. With 1 the cell that the
    /// method derives is left out, too; else it is always a candidate. Default: 0.
    pub random: f64,
    /// What says how much a random cell promises. Default: the patterns of its ReLUs.
    pub drawn_by: DrawnBy,
    /// Random cells that are drawn for each one that becomes a candidate. `None` (default): 10 by patterns, 100 by the
    /// predictor, which asks no network.
    pub drawn: Option<usize>,
    /// Whether all networks have as many multiply-adds, by their width: those of the middle one of some random cells in
    /// `network`. Otherwise all have the same width. A cell is then better for what it does with its operations. Default: false.
    #[serde(default)]
    pub equal_cost: bool,
    /// Epochs of a training in the first round; each round has twice as many as the one before. Default: 1.
    pub epochs: usize,
    /// One of so many cells is in the next round. Default: 3.
    pub reduction: usize,
    /// Images in a mini-batch. Default: 64.
    pub batch_size: usize,
    /// Size of the trained networks. Depth tells more than width: a cell's connections show where many cells follow each
    /// other. Default: C = 8, 8 cells.
    pub network: NetworkConfig,
    /// Learning rate at the start of each training. Default: 0.1.
    pub learning_rate: f64,
    /// That at its end, to which half a cosine leads. Above 0 where the winner's training goes on. Default: 0.
    pub learning_rate_end: f64,
    /// Use at most so many of the images that the search has, balanced over the classes; some of them are held out. `None`
    /// (default): all.
    pub images: Option<usize>,
    /// Share of these images that trains nothing and judges, the same for all. Default: 0.25.
    pub held_out: f64,
    /// Share of the time that they get in a search that is fitted to a time ([`SearchConfig::fitted_to`]). Default: a third.
    pub share: f64,
}

impl Default for FinalistsConfig {
    fn default() -> Self {
        Self {
            candidates: 8,
            most_candidates: None,
            random: 0.0,
            drawn_by: DrawnBy::Patterns,
            drawn: None,
            equal_cost: false,
            epochs: 1,
            reduction: 3,
            batch_size: 64,
            network: NetworkConfig { channels: 8, cells: 8, ..NetworkConfig::default() },
            learning_rate: 0.1,
            learning_rate_end: 0.0,
            images: None,
            held_out: 0.25,
            share: 1.0 / 3.0,
        }
    }
}

impl FinalistsConfig {
    /// Whether the method's own cell is none of the candidates.
    pub fn leave_out_own(&self) -> bool {
        self.random >= 1.0
    }

    /// How many of the candidates are random cells.
    pub fn random_cells(&self) -> usize {
        let own = usize::from(!self.leave_out_own());
        ((self.candidates as f64 * self.random).round() as usize).min(self.candidates.saturating_sub(own))
    }

    /// Random cells that are scored to choose one of these, in this space.
    pub(crate) fn drawn_for_each(&self, space: &SearchSpace) -> usize {
        self.drawn.unwrap_or(match self.drawn_by.within(space) {
            DrawnBy::Predictor => 100,
            _ => 10,
        })
    }

    /// Rounds of trainings, each with its cells and epochs.
    pub fn rounds(&self, candidates: usize) -> Vec<(usize, usize)> {
        let (mut cells, mut epochs, mut rounds) = (candidates, self.epochs, Vec::new());
        while cells > 1 {
            rounds.push((cells, epochs));
            (cells, epochs) = (cells.div_ceil(self.reduction.max(2)), epochs.saturating_mul(2));
        }
        rounds
    }

    /// How the networks are sized: all at the same cost where the settings want that, and where the search has limits as large
    /// as those allow, but no larger than the middle one of some random cells in `network`.
    ///
    /// # Errors
    /// A network that cannot be.
    pub(crate) fn sizing(&self, search: &SearchConfig, info: &DatasetInfo, space: &SearchSpace) -> Result<Sizing> {
        if !self.equal_cost && search.limits.are_none() {
            return Ok(Sizing::default());
        }
        let skeleton = self.network.skeleton(search.form, info);
        let cells = random_cells(&Streams::new(0), "typical cell", TYPICAL, &skeleton, space)?;
        let middle = |cost: fn(&Counts) -> u64| {
            let mut costs: Vec<u64> = cells.iter().map(|(_, counts)| cost(counts)).collect();
            costs.sort_unstable();
            costs.get(costs.len() / 2).copied().unwrap_or(u64::MAX)
        };
        let (parameters, multiply_adds) = (middle(|of| of.parameters), middle(|of| of.multiply_adds));
        Ok(match search.limits.are_none() {
            true => Sizing { multiply_adds: Some(multiply_adds), ..Sizing::default() },
            false => {
                // Multiply-adds go with the pixels, of which the images of a search may have fewer.
                let pixels = (info.height * info.width) as u64;
                let retrained = search.retrain.as_ref().and_then(|retrain| retrain.image_size);
                let retrained = retrained.map_or(pixels, |size| (size * size) as u64).max(1);
                let most = |of: u64| (u128::from(of) * u128::from(pixels) / u128::from(retrained)) as u64;
                // A table has rows for the images of the network that is delivered.
                let latency = search.limits.latency.clone().filter(|_| retrained == pixels.max(1));
                let limits = Limits {
                    latency,
                    parameters: search.limits.parameters.map(|of| of.min(parameters)),
                    multiply_adds: search.limits.multiply_adds.map(|of| most(of).min(multiply_adds)),
                    keep_cells: search.limits.keep_cells,
                };
                let free = self.equal_cost && limits.are_none();
                Sizing { multiply_adds: free.then_some(multiply_adds), limits }
            }
        })
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first one that cannot work.
    pub(crate) fn validate(&self) -> Result<(), Setting> {
        let Self { candidates, random, drawn, epochs, reduction, held_out, .. } = *self;
        Setting::check((0.0..=1.0).contains(&random), "finalists.random", random, "0 to 1")?;
        let least = if self.leave_out_own() { 1 } else { 2 };
        let expected = "2 to 1000 cells (1 where `random` is 1), or no finalists at all";
        Setting::check((least..=1000).contains(&candidates), "finalists.candidates", candidates, expected)?;
        if let Some(most) = self.most_candidates {
            let expected = "`finalists.candidates` to 1000";
            Setting::check((candidates..=1000).contains(&most), "finalists.most_candidates", most, expected)?;
        }
        if let Some(drawn) = drawn {
            Setting::check((1..=10_000).contains(&drawn), "finalists.drawn", drawn, "1 to 10000")?;
        }
        Setting::check((1..=10_000).contains(&epochs), "finalists.epochs", epochs, "1 to 10000")?;
        let most = MOST_REDUCTION;
        Setting::check((2..=most).contains(&reduction), "finalists.reduction", reduction, format!("2 to {most}"))?;
        batch_size(self.batch_size).map_err(|error| error.within("finalists"))?;
        self.network.validate().map_err(|error| error.within("finalists"))?;
        let rate = self.learning_rate;
        Setting::check(positive(rate), "finalists.learning_rate", rate, "a positive number")?;
        let (end, expected) = (self.learning_rate_end, "0 or more, and no more than `finalists.learning_rate`");
        Setting::check((0.0..=rate).contains(&end), "finalists.learning_rate_end", end, expected)?;
        if let Some(images) = self.images {
            Setting::check(images >= 4, "finalists.images", images, "at least 4, some of which are held out")?;
        }
        let expected = "more than 0 and less than 1";
        Setting::check(positive(held_out) && held_out < 1.0, "finalists.held_out", held_out, expected)?;
        let (share, expected) = (self.share, "0 or more and less than 1");
        Setting::check((0.0..1.0).contains(&share), "finalists.share", share, expected)
    }

    /// Whether the trainings can be made of these images in this space.
    ///
    /// # Errors
    /// The first setting that cannot work; images that cannot be read.
    pub(crate) fn check(&self, search: &SearchConfig, dataset: &Arc<dyn Dataset>, space: &SearchSpace) -> Result<()> {
        self.drawn_by.check(space)?;
        let training = self.training(search, dataset.as_ref(), self.epochs);
        self.network.skeleton(training.form, dataset.info()).validate(space)?;
        match TrainData::new(&training, Arc::clone(dataset), Arc::clone(dataset)) {
            Err(TrainError::Setting(setting)) => Err(setting.within("finalists").into()),
            other => other.map(|_| ()),
        }
    }

    /// The settings of the trainings of a round.
    pub(crate) fn training(&self, search: &SearchConfig, dataset: &dyn Dataset, epochs: usize) -> TrainConfig {
        let data = &search.data;
        let there = data.train_images.unwrap_or(dataset.len());
        TrainConfig {
            preset: TrainPreset::Quick,
            seed: search.seed,
            split_seed: Some(search.split_seed.unwrap_or(search.seed)),
            epochs,
            batch_size: self.batch_size,
            data: TrainDataConfig {
                train_images: self.images.map(|most| most.min(there)).or(data.train_images),
                held_out: Some(self.held_out),
                ..TrainDataConfig::from(data)
            },
            form: search.form,
            network: self.network.clone(),
            augment: Augment::search(),
            weights: WeightsConfig {
                learning_rate: Cosine { start: self.learning_rate, end: self.learning_rate_end }.into(),
                ..search.weights.clone()
            },
            drop_path: 0.0,
            auxiliary: 0.0,
            batch_statistics: true,
            ..TrainConfig::default()
        }
    }
}

/// What makes the networks of finals as large as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizing {
    multiply_adds: Option<u64>,
    limits: Limits,
}

impl Sizing {
    /// Whether each network is as large as its cell makes it.
    pub fn is_free(&self) -> bool {
        self.multiply_adds.is_none() && self.limits.are_none()
    }

    /// The settings of a training of such a network.
    pub fn of(&self, training: TrainConfig) -> TrainConfig {
        TrainConfig { multiply_adds: self.multiply_adds, limits: self.limits.clone(), ..training }
    }
}

/// So many random cells of a stream, with the counts of their networks.
///
/// # Errors
/// A network that cannot be.
pub(crate) fn random_cells(
    streams: &Streams,
    name: &'static str,
    count: u64,
    skeleton: &Skeleton,
    space: &SearchSpace,
) -> Result<Vec<(Genotype, Counts)>> {
    let cell = |index| {
        let cell = Genotype::random(space, &mut streams.rng(SeedStream::Named(name), 0, index));
        let counts = count::network(&cell, skeleton, space)?;
        Ok((cell, counts))
    };
    (0..count).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_end_with_one_cell() {
        let of = |candidates| FinalistsConfig::default().rounds(candidates);
        assert_eq!(of(25), [(25, 1), (9, 2), (3, 4)]);
        assert_eq!(of(2), [(2, 1)]);
        assert_eq!(of(1), []);
        let halves = FinalistsConfig { reduction: 2, ..FinalistsConfig::default() };
        assert_eq!(halves.rounds(8), [(8, 1), (4, 2), (2, 4)]);
    }

    #[test]
    fn what_cannot_work_is_named_in_its_group() {
        let error = |config: FinalistsConfig| config.validate().unwrap_err().name;
        assert_eq!(error(FinalistsConfig { candidates: 1, ..FinalistsConfig::default() }), "finalists.candidates");
        assert_eq!(error(FinalistsConfig { batch_size: 1, ..FinalistsConfig::default() }), "finalists.batch_size");
        let network = NetworkConfig { channels: 1, ..NetworkConfig::default() };
        assert_eq!(error(FinalistsConfig { network, ..FinalistsConfig::default() }), "finalists.network.channels");
        assert_eq!(error(FinalistsConfig { held_out: 1.0, ..FinalistsConfig::default() }), "finalists.held_out");
    }
}
