//! The search methods by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A search method; how each works is said in [`crate::methods`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MethodKind {
    /// Operation importance with gradual pruning: the paper's Algorithm 1.
    #[default]
    Eoinas,
    /// One sampled op an edge, no pruning, cell by architecture weights.
    Gdas,
    /// All ops of an edge weighted by the softmax of alpha, first order.
    Darts,
    /// The same, second order: the architecture descends the loss of the weights one step ahead.
    Darts2,
    /// All ops of an edge weighted by a soft Gumbel sample, weights and architecture from one loss.
    Snas,
    /// One op an edge, each equally probable; weights alone are trained.
    Uniform,
    /// One op an edge, drawn from probabilities that accuracy and number of trainings move.
    Mdenas,
    /// First-order DARTS in stages that deepen the network and drop ops, with a limit of skip connections.
    Pdarts,
}

impl MethodKind {
    /// All methods.
    pub const ALL: [Self; 8] =
        [Self::Eoinas, Self::Gdas, Self::Darts, Self::Darts2, Self::Snas, Self::Uniform, Self::Mdenas, Self::Pdarts];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eoinas => "eoinas",
            Self::Gdas => "gdas",
            Self::Darts => "darts",
            Self::Darts2 => "darts2",
            Self::Snas => "snas",
            Self::Uniform => "uniform",
            Self::Mdenas => "mdenas",
            Self::Pdarts => "pdarts",
        }
    }
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No method has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no method `{got}`; choose one of {known}", known = MethodKind::ALL.map(MethodKind::name).join(", "))]
pub struct UnknownMethod {
    /// The name.
    pub got: String,
}

impl FromStr for MethodKind {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or_else(|| UnknownMethod { got: text.to_owned() })
    }
}
