//! Why a search by a strategy stopped.

use crate::EvaluateError;

/// What can go wrong between a strategy and its evaluator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// A setting that cannot be.
    #[error("{strategy}: {field} is {got}; it must be {expected}")]
    Setting {
        /// Name of the strategy.
        strategy: &'static str,
        /// The setting.
        field: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        expected: &'static str,
    },
    /// The regression of a model-based strategy cannot be solved.
    #[error("{strategy}: the surrogate cannot be fitted to {examples} scores with ridge {ridge}; try a larger ridge")]
    Surrogate {
        /// Name of the strategy.
        strategy: &'static str,
        /// How many scores there are.
        examples: usize,
        /// The weight of the squared coefficients.
        ridge: f64,
    },
    /// The evaluator failed.
    #[error("evaluation {index} of `{genotype}` failed: {source}")]
    Evaluate {
        /// Number of the evaluation, from 0.
        index: usize,
        /// The genotype's text.
        genotype: String,
        /// The evaluator's own error.
        source: EvaluateError,
    },
    /// A score that no strategy can learn from.
    #[error("evaluation {index} of `{genotype}` gave the score {score}; a score is a number from 0 to 1")]
    Score {
        /// Number of the evaluation, from 0.
        index: usize,
        /// The genotype's text.
        genotype: String,
        /// The score.
        score: f64,
    },
    /// The history belongs to another strategy, seed or space.
    #[error(
        "entry {index} of the history is `{recorded}`, but this search asks for `{asked}` there; resume with the \
         strategy, settings, space and seed that made the history"
    )]
    Replay {
        /// Number of the entry, from 0.
        index: usize,
        /// The genotype in the history.
        recorded: String,
        /// The genotype that the strategy asked for.
        asked: String,
    },
}
