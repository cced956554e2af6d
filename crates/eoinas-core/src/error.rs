//! What can be wrong with a search space, a network of its cells, or a genotype.

use crate::genotype::GenotypeError;
use crate::setting::Setting;
use crate::space::{OpId, SpaceError};

/// Why this crate refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A setting of the network that cannot be: a number that is too small or too large, or does not go with the others.
    #[error(transparent)]
    Setting(#[from] Setting),
    /// Kinds of cell that the network cannot be made of.
    #[error("{place}: {problem}")]
    Cells {
        /// Which space or kind of cell: ``cell `down` ``.
        place: String,
        /// What is wrong with it there, and what to do.
        problem: String,
    },
    /// An op that cannot be pruned.
    #[error("{}: op {} {reason}", id.edge, id.op)]
    Prune {
        /// The op.
        id: OpId,
        /// Why not: it is not there, is pruned already, or is the last one.
        reason: &'static str,
    },
    /// A search space that cannot be built.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// A genotype that cannot be read, or does not fit.
    #[error(transparent)]
    Genotype(Box<GenotypeError>),
}

impl From<GenotypeError> for CoreError {
    fn from(error: GenotypeError) -> Self {
        Self::Genotype(Box::new(error))
    }
}

impl CoreError {
    pub(crate) fn cell(name: &str, problem: impl Into<String>) -> Self {
        Self::Cells { place: format!("cell `{name}`"), problem: problem.into() }
    }
}
