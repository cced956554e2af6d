//! What gives a candidate its score.

use eoinas_core::Genotype;
use serde::{Deserialize, Serialize};

/// An evaluator's own error.
pub type EvaluateError = Box<dyn std::error::Error + Send + Sync>;

/// What is known of a candidate after its evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What the strategy learns from: an accuracy from 0 to 1, or another score of which more is better, on data that is not
    /// the test set.
    pub score: f64,
    /// Test accuracy from 0 to 1, where it is known; no strategy sees it.
    pub test: Option<f64>,
    /// Seconds that the evaluation took, or would have taken where a table answers. Left out of a comparison of bytes
    /// by evaluators that measure a clock.
    pub cost_seconds: Option<f64>,
}

impl Evaluation {
    /// A score and nothing else.
    pub fn of(score: f64) -> Self {
        Self { score, test: None, cost_seconds: None }
    }
}

/// Gives candidates their scores: genotypes, or those of another kind (`C`). A closure `|genotype: &Genotype| -> Evaluation` is
/// one.
pub trait Evaluator<C = Genotype> {
    /// Its name in tables and messages.
    fn name(&self) -> &str;

    /// The score of one candidate.
    fn evaluate(&mut self, candidate: &C) -> Result<Evaluation, EvaluateError>;
}

impl<C, F: FnMut(&C) -> Evaluation> Evaluator<C> for F {
    fn name(&self) -> &str {
        "closure"
    }

    fn evaluate(&mut self, candidate: &C) -> Result<Evaluation, EvaluateError> {
        Ok(self(candidate))
    }
}
