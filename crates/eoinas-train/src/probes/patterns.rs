//! Probes by the patterns of ReLUs.

use eoinas_core::{EdgeOpTable, Gates};
use eoinas_nn::{Batch, Supernet};
use rand::Rng;

use super::{fair_paths, mixture, of_each};
use crate::error::Result;

/// Draws of each op of an edge.
const DRAWS: usize = 20;

/// Whether a network with more ReLUs has a higher score for it, as it has by NASWOT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Counts,
    DoesNotCount,
}

/// What the score loses without each op.
pub(super) fn without(supernet: &Supernet, batch: &Batch) -> Result<EdgeOpTable<Option<f64>>> {
    let whole = score(supernet, batch, &mixture(supernet, None))?;
    of_each(supernet, |gates| Ok(whole - score(supernet, batch, &gates)?))
}

/// The mean rank, 0 to 1, of the scores of paths with each op: one that cannot tell two images apart has no finite score.
pub(super) fn of_paths(
    supernet: &Supernet,
    batch: &Batch,
    rng: &mut dyn Rng,
    size: Size,
) -> Result<EdgeOpTable<Option<f64>>> {
    let paths = fair_paths(supernet.space(), &supernet.alive(), DRAWS, rng);
    let mut scored = Vec::with_capacity(paths.len());
    for path in paths {
        let patterns = supernet.relu_patterns(batch.images(), &path)?;
        let of_size = match size {
            Size::Counts => batch.samples() as f64 * (patterns.values() as f64).ln(),
            Size::DoesNotCount => 0.0,
        };
        scored.push((patterns.log_det() + of_size, path));
    }
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = scored.len().saturating_sub(1).max(1) as f64;
    let mut sums = EdgeOpTable::filled(supernet.space(), (0.0, 0u32));
    for (rank, (_, path)) in scored.iter().enumerate() {
        for (edge, gates) in path.iter() {
            for gate in gates {
                let (sum, count) = &mut sums[edge.op(gate.op)];
                (*sum, *count) = (*sum + rank as f64 / last - 0.5, *count + 1);
            }
        }
    }
    Ok(sums.map(|&(sum, count)| (count > 0).then(|| sum / f64::from(count))))
}

fn score(supernet: &Supernet, batch: &Batch, gates: &Gates) -> Result<f64> {
    Ok(supernet.relu_patterns(batch.images(), gates)?.log_det())
}
