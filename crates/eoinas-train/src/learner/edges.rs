//! The learner's architecture parameters of edges, beside those of ops.

use eoinas_core::{EdgeId, EdgeMap, EdgeOpTable, Genotype, SearchSpace};
use eoinas_gumbel::{EdgeMode, edge_probabilities};
use eoinas_prune::Indicator;

use super::Learner;
use crate::error::Result;

/// Gradients of the architecture parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchGradient {
    /// Of the ops of each edge.
    pub ops: EdgeOpTable<f32>,
    /// Of the edges; 0 where they all count alike ([`EdgeMode::Equal`]).
    pub edges: EdgeMap<f32>,
}

impl ArchGradient {
    /// 0 everywhere.
    pub fn zeros(space: &SearchSpace) -> Self {
        Self { ops: EdgeOpTable::filled(space, 0.0), edges: EdgeMap::filled(space, 0.0) }
    }
}

impl Learner {
    /// What the edges that enter a node are weighed by.
    pub fn edge_mode(&self) -> EdgeMode {
        self.plan.edge_mode
    }

    /// The cell by this importance of its ops. A node keeps the edges whose best op is the most important; with edge
    /// normalisation that importance times the weight of the edge (as the authors of PC-DARTS derive), with a sampled
    /// topology the most probable edges, whatever their ops (ROME, Algorithm 1).
    ///
    /// # Errors
    /// Parameters or an indicator that are not finite, a node with nothing but zero ops before it.
    pub fn derive(&self, indicator: &dyn Indicator) -> Result<Genotype> {
        let weigh = self.edge_weights()?;
        Ok(self.prune.derive_by(self.space(), &self.alphas, indicator, weigh)?)
    }

    /// What the strength of an edge comes to.
    ///
    /// # Errors
    /// Parameters that are not finite.
    pub fn edge_weights(&self) -> Result<impl Fn(EdgeId, f64) -> f64 + use<>> {
        let (mode, probabilities) = (self.edge_mode(), edge_probabilities(&self.edges, self.space())?);
        Ok(move |id: EdgeId, strength: f64| {
            let probability = probabilities[id];
            match mode {
                EdgeMode::Equal => strength,
                EdgeMode::Normalised => strength * probability,
                EdgeMode::Sampled => probability,
            }
        })
    }
}
