//! The loop: ask, evaluate, tell.

use std::fmt::Display;
use std::marker::PhantomData;

use eoinas_core::{Genotype, SeedStream, Streams};
use serde::{Deserialize, Serialize};

use crate::{Evaluation, Evaluator, Strategy, StrategyError};

const STREAM: SeedStream = SeedStream::Named("strategy");

/// One evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The candidate's text; that of a genotype is what `Genotype::parse_in` reads.
    pub genotype: String,
    /// What came out.
    pub evaluation: Evaluation,
}

/// All evaluations in order: the whole state of a search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The evaluations.
    pub entries: Vec<Entry>,
}

impl History {
    /// The evaluation of the highest score, the first of equal ones; `None` before the first.
    pub fn best(&self) -> Option<&Entry> {
        self.entries
            .iter()
            .reduce(|best, entry| if entry.evaluation.score > best.evaluation.score { entry } else { best })
    }
}

/// A strategy, an evaluator of the same candidates (`C`) and a budget.
///
/// The generator of evaluation `i` is derived from (seed, `strategy`, 0, i), so that a search which is resumed from its
/// history goes on as if it had never stopped.
#[derive(Debug)]
pub struct StrategySearch<S, E, C = Genotype> {
    strategy: S,
    evaluator: E,
    budget: usize,
    streams: Streams,
    history: History,
    candidate: PhantomData<fn() -> C>,
}

impl<C: Display, S: Strategy<C>, E: Evaluator<C>> StrategySearch<S, E, C> {
    /// A search of `budget` evaluations, of a strategy that was told nothing yet.
    pub fn new(strategy: S, evaluator: E, budget: usize, seed: u64) -> Self {
        let (streams, history) = (Streams::new(seed), History::default());
        Self { strategy, evaluator, budget, streams, history, candidate: PhantomData }
    }

    /// Goes through the evaluations of an earlier search again, without evaluating anything.
    ///
    /// # Errors
    /// [`StrategyError::Replay`] where the strategy asks for another candidate than the history has, and
    /// [`StrategyError::Score`] for a score that is none.
    pub fn resume(mut self, history: History) -> Result<Self, StrategyError> {
        for entry in history.entries {
            let index = self.history.entries.len();
            let asked = self.strategy.ask(&mut self.streams.rng(STREAM, 0, index as u64))?;
            let text = asked.to_string();
            if text != entry.genotype {
                return Err(StrategyError::Replay { index, recorded: entry.genotype, asked: text });
            }
            self.learn(&asked, entry)?;
        }
        Ok(self)
    }

    /// Evaluates until the budget is reached; `observe` sees the history after each evaluation.
    pub fn run(&mut self, mut observe: impl FnMut(&History)) -> Result<&History, StrategyError> {
        while self.step()? {
            observe(&self.history);
        }
        Ok(&self.history)
    }

    /// One evaluation; false when the budget is reached. An error leaves the history as it was.
    pub fn step(&mut self) -> Result<bool, StrategyError> {
        let index = self.history.entries.len();
        if index >= self.budget {
            return Ok(false);
        }
        let asked = self.strategy.ask(&mut self.streams.rng(STREAM, 0, index as u64))?;
        let genotype = asked.to_string();
        let evaluation = self.evaluator.evaluate(&asked).map_err(|source| StrategyError::Evaluate {
            index,
            genotype: genotype.clone(),
            source,
        })?;
        self.learn(&asked, Entry { genotype, evaluation })?;
        Ok(true)
    }

    /// What was evaluated so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn learn(&mut self, asked: &C, entry: Entry) -> Result<(), StrategyError> {
        let score = entry.evaluation.score;
        if !(0.0..=1.0).contains(&score) {
            let index = self.history.entries.len();
            return Err(StrategyError::Score { index, genotype: entry.genotype, score });
        }
        self.strategy.tell(asked, score);
        self.history.entries.push(entry);
        Ok(())
    }
}
