//! What a derived network runs: cells, or layers.

use candle_core::Tensor;
use eoinas_core::Gates;
use eoinas_kernels::Workspace;

use crate::auxiliary;
use crate::error::Result;
use crate::graph::{GraphBuilder, ValueId};
use crate::head::CLASSIFIER;
use crate::layers::LayerNetwork;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::pass;

/// Stem, cells and head with the gates that run all their ops, or the layers of a human-designed network.
#[derive(Debug)]
pub(crate) enum Body {
    Cells { network: Box<Network>, gates: Gates },
    Layers(LayerNetwork),
}

impl Body {
    /// Logits of images in evaluation; their size was checked.
    pub fn logits(&self, parameters: &Parameters, workspace: &Workspace, images: &Tensor) -> Result<Tensor> {
        match self {
            Self::Cells { network, gates } => pass::logits(network, gates, parameters, workspace, images),
            Self::Layers(network) => network.logits(parameters, workspace, images),
        }
    }

    /// Folds every BatchNorm with a convolution before it, and drops what only training needs.
    pub fn fold(&mut self, parameters: &mut Parameters) -> Result<()> {
        match self {
            Self::Cells { network, .. } => network.fold(parameters),
            Self::Layers(network) => network.fold(parameters),
        }
    }

    /// Adds the network to a graph; gives the logits.
    pub fn trace(&self, graph: &mut GraphBuilder<'_>, images: ValueId) -> Result<ValueId> {
        match self {
            Self::Cells { network, .. } => network.trace(graph, images),
            Self::Layers(network) => network.trace(graph, images),
        }
    }

    /// Whether the parameter of this name is one of a head: of the classifier or of the auxiliary head; of a network of layers,
    /// of the last one with weights.
    pub fn is_of_head(&self, name: &str) -> bool {
        match self {
            Self::Cells { .. } => name.starts_with(CLASSIFIER) || name.starts_with(auxiliary::PREFIX),
            Self::Layers(network) => network.is_of_head(name),
        }
    }
}
