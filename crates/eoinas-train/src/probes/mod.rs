//! Importance by passes of their own: what an op is worth in a supernet as it is, trained or not, without an update.

mod measurements;
mod paths;
mod patterns;
mod saliency;

use eoinas_core::{EdgeOpTable, Gate, Gates, OpId};
use eoinas_nn::{Batch, Supernet};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use patterns::Size;

pub use measurements::{ByTable, Measurements, Ties};
pub use paths::fair_paths;

/// A probe of the alive ops of a supernet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// What the score of the mixture of all alive ops loses without the op (Zero-Cost-PT, Xiang et al., 2023). The score is
    /// NASWOT's ([`Supernet::relu_patterns`]); a mixture weighs all alive ops of an edge alike. One pass an op.
    #[default]
    PatternsWithout,
    /// The mean score of random paths with the op less that of all paths, of cells as they are derived: nodes keep as many
    /// edges. The same score; every op of an edge is drawn equally often, 20 times. Ops are judged together with others,
    /// as a Shapley value does.
    PatternsOfPaths,
    /// The same with scores at an equal number of ReLUs, which do not know how large a cell is: for cells that are made as
    /// large as each other by their width.
    PatternsOfPathsPerRelu,
    /// The mean absolute slope of the loss by the op's gate in the mixture, one pass in all (saliency, as SNIP's of weights).
    /// It knows labels, and neither costs nor finds much in the DARTS space.
    GateSaliency,
    /// What the loss of the mixture gains without the op (DARTS-PT, Wang et al., 2021). One pass an op; for trained
    /// supernets.
    LossWithout,
}

impl Probe {
    /// The importance of every alive op that can be derived or left out, by one batch; higher is better. `None`: a pruned
    /// op. Deterministic, but for paths drawn from `rng`.
    ///
    /// # Errors
    /// A batch that does not fit.
    pub fn importance(self, supernet: &Supernet, batch: &Batch, rng: &mut dyn Rng) -> Result<EdgeOpTable<Option<f64>>> {
        match self {
            Self::PatternsWithout => patterns::without(supernet, batch),
            Self::PatternsOfPaths => patterns::of_paths(supernet, batch, rng, Size::Counts),
            Self::PatternsOfPathsPerRelu => patterns::of_paths(supernet, batch, rng, Size::DoesNotCount),
            Self::GateSaliency => saliency::of_gates(supernet, batch),
            Self::LossWithout => saliency::loss_without(supernet, batch),
        }
    }
}

/// The mixture of all alive ops, each with an equal gate; of one edge `without` an op, whose gate the others do not share.
pub(crate) fn mixture(supernet: &Supernet, without: Option<OpId>) -> Gates {
    let alive = supernet.alive();
    Gates::from_fn(supernet.space(), |id| {
        let value = 1.0 / alive.count(id).max(1) as f32;
        alive.ops(id).filter(|&op| without != Some(id.op(op))).map(|op| Gate { op, value }).collect()
    })
}

/// A value for every alive op, by what `of` gives for its removal.
fn of_each(supernet: &Supernet, mut of: impl FnMut(Gates) -> Result<f64>) -> Result<EdgeOpTable<Option<f64>>> {
    let alive = supernet.alive();
    let mut table = EdgeOpTable::filled(supernet.space(), None);
    for edge in supernet.space().edges() {
        for op in alive.ops(edge) {
            table[edge.op(op)] = Some(of(mixture(supernet, Some(edge.op(op))))?);
        }
    }
    Ok(table)
}
