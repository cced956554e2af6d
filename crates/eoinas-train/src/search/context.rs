//! What a method works with.

use std::ops::{Bound, RangeBounds};

use eoinas_core::{Event, Gates, SeedStream, Streams};
use eoinas_nn::{Batch, PassOptions, Wanted};
use rand::Rng;

use crate::{
    data::{SearchData, to_device},
    error::Result,
    learner::Learner,
    tally::Tally,
};

/// Batches on the network's device. They hold nothing of the context, so that the learner can change between them.
pub type Batches = Box<dyn Iterator<Item = Result<Batch>>>;

/// What a method works with: the network with all that learns, the images of both halves, and random streams.
///
/// Whatever a method does with it is a function of the run's state and of draws at (epoch, index), so that a resumed run
/// does the same again. The time that it takes is the run's.
#[derive(Debug)]
pub struct SearchContext<'a> {
    /// All that learns.
    pub learner: &'a mut Learner,
    data: &'a SearchData,
    streams: Streams,
    epoch: usize,
    epochs: usize,
    told: Vec<Event>,
}

impl<'a> SearchContext<'a> {
    pub(crate) fn new(
        learner: &'a mut Learner,
        data: &'a SearchData,
        seed: u64,
        (epoch, epochs): (usize, usize),
    ) -> Self {
        Self { learner, data, streams: Streams::new(seed), epoch, epochs, told: Vec::new() }
    }

    /// The epoch that is being worked on, from 0; in the hook at an epoch's end that epoch, after the last one the number of
    /// epochs.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// Epochs of the whole run.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// The run's random streams.
    pub fn streams(&self) -> Streams {
        self.streams
    }

    /// A generator of the method's own for this epoch. Generators of different names or indices are independent.
    pub fn rng(&self, name: &'static str, index: u64) -> impl Rng + use<> {
        self.streams.rng(SeedStream::Named(name), self.epoch as u64, index)
    }

    /// Batches that the validation half has; the last may be smaller than the others.
    pub fn valid_batches(&self) -> usize {
        self.data.whole_valid.batches_per_epoch()
    }

    /// Batches of the validation half by their numbers, as `..` or `2..4`: in a fixed order, without augmentation. Numbers
    /// that it does not have are left out.
    pub fn valid(&self, numbers: impl RangeBounds<usize>) -> Batches {
        let first = match numbers.start_bound() {
            Bound::Included(first) => *first,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match numbers.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => usize::MAX,
        };
        let device = self.learner.supernet.device().clone();
        let batches = self.data.whole_valid.epoch(0, first).take(end.saturating_sub(first));
        Box::new(batches.map(move |batch| to_device(batch?, &device)))
    }

    /// Batches of the training half as `epoch` has them, shuffled and augmented, from number `first` on. An epoch beyond
    /// those of the run has an order of its own.
    pub fn train(&self, epoch: u64, first: usize) -> Batches {
        let device = self.learner.supernet.device().clone();
        Box::new(self.data.train.epoch(epoch, first).map(move |batch| to_device(batch?, &device)))
    }

    /// Puts a line for people into the record: something that they should know about this run.
    pub fn note(&mut self, text: String) {
        self.told.push(Event::Warning { text });
    }

    /// Puts an evaluation into the record, with `what` was evaluated.
    pub fn evaluated(&mut self, what: String, tally: &Tally) {
        self.told.push(tally.evaluated(what));
    }

    /// What there is to record.
    pub(crate) fn told(self) -> Vec<Event> {
        self.told
    }

    /// Loss and score with these gates over batches of the validation half, without a backward pass: `..` for all of it.
    /// BatchNorm's statistics are those of each batch with these very gates.
    ///
    /// # Errors
    /// Gates that do not fit the network, images that cannot be read.
    pub fn evaluate(&self, gates: &Gates, numbers: impl RangeBounds<usize>) -> Result<Tally> {
        let mut tally = Tally::default();
        for batch in self.valid(numbers) {
            tally.add(Tally::from(&self.learner.pass(&batch?, gates, Wanted::NOTHING, &PassOptions::default())?));
        }
        Ok(tally.scored(self.learner.supernet.task().as_ref()))
    }
}
