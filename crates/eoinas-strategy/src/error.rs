//! Why a search by a strategy stopped.

use eoinas_core::Setting;

use crate::EvaluateError;

/// What can go wrong between a strategy and its evaluator, or with the table that it asks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StrategyError {
    /// A setting that cannot be, named `STRATEGY.SETTING`.
    #[error(transparent)]
    Setting(#[from] Setting),
    /// A space that a strategy cannot express.
    #[error("{strategy} cannot search this space: {problem}")]
    Space {
        /// Name of the strategy.
        strategy: &'static str,
        /// What the space lacks, and what would do.
        problem: String,
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
    /// A network of a strategy's own failed.
    #[cfg(feature = "nao")]
    #[error("{strategy}: its network failed: {source}")]
    Network {
        /// Name of the strategy.
        strategy: &'static str,
        /// What the tensor library says.
        source: candle_core::Error,
    },
    /// The evaluator failed.
    #[error("evaluation {index} of `{genotype}` failed: {source}")]
    Evaluate {
        /// Number of the evaluation, from 0.
        index: usize,
        /// The candidate's text.
        genotype: String,
        /// The evaluator's own error.
        source: EvaluateError,
    },
    /// A score that no strategy can learn from.
    #[error("evaluation {index} of `{genotype}` gave the score {score}; a score is a number from 0 to 1")]
    Score {
        /// Number of the evaluation, from 0.
        index: usize,
        /// The candidate's text.
        genotype: String,
        /// The score.
        score: f64,
    },
    /// A cost that is not known, or is no number.
    #[error("the cost `{cost}` of `{genotype}` is not known: {source}")]
    Cost {
        /// Name of the cost.
        cost: String,
        /// The genotype's text.
        genotype: String,
        /// Why not.
        source: EvaluateError,
    },
    /// The history belongs to another strategy, seed or space.
    #[error(
        "entry {index} of the history is `{recorded}`, but this search asks for `{asked}` there; resume with the \
         strategy, settings, space and seed that made the history"
    )]
    Replay {
        /// Number of the entry, from 0.
        index: usize,
        /// The candidate in the history.
        recorded: String,
        /// The candidate that the strategy asked for.
        asked: String,
    },
    /// A table that cannot be read, or a line that has too few or too many fields (a truncated file).
    #[error("the table cannot be read: {0}")]
    Csv(#[from] csv::Error),
    /// A table with something in it that is none of its kind, or that lacks something.
    #[error("the table{}: {problem}", line.map_or_else(String::new, |line| format!(", line {line}")))]
    Table {
        /// The line, from 1, the header's; `None` for what concerns the whole table.
        line: Option<u64>,
        /// What is wrong.
        problem: String,
    },
}
