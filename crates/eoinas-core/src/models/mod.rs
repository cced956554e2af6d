//! Human-designed networks, layer by layer, as the paper's tables compare with, and networks that strategies search for layer by
//! layer ([`Chain`], [`Stages`], [`Motifs`], [`DenseNet`]): no cells, one description each, from which counting, training,
//! inference and whatever is exported are made.
//!
//! ```
//! use eoinas_core::models::{ModelConfig, ModelForm, ModelKind};
//! let network = ModelConfig::new("mobilenet-v2".parse()?);
//! let counts = network.graph(ModelForm::ImageNet.images(), 1000)?.counts();
//! assert_eq!((counts.parameters, counts.multiply_adds), (3_504_872, 300_774_272));
//! assert_eq!(ModelKind::MobileNetV2.published().figures[0].parameters, Some(3_400_000));
//! // As wide as 30 million multiply-adds allow, for images of CIFAR's size.
//! let narrow = network.with_multiply_adds([32, 32, 3], 10, 30_000_000)?;
//! assert!(narrow.width < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// Has serde write and read a type by its text (`try_from = "String", into = "String"`).
macro_rules! written_as_text {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = Setting;

            fn try_from(text: String) -> Result<Self, Setting> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}
use written_as_text;

mod builder;
mod chain;
mod chain_graph;
mod config;
mod densenet;
mod densenet_graph;
mod design;
mod fit;
mod graph;
mod inception;
mod kind;
mod mobilenet_v2;
mod mobilenet_v3;
mod motifs;
mod motifs_graph;
mod pairs;
mod preact_resnet;
mod published;
mod resnet;
mod resnet_cifar;
mod senet;
mod shufflenet;
mod stages;
mod stages_graph;
mod text;

pub use chain::{Chain, ChainLayer};
pub use config::ModelConfig;
pub use densenet::{DenseBlock, DenseLayer, DenseNet};
pub use design::{Design, DesignText};
pub use graph::{Activation, ConvSpec, Layer, LayerGraph, LayerId, LayerNode, PoolKind, PoolSpec};
pub use kind::{ModelForm, ModelKind};
pub use motifs::{Motif, Motifs, PRIMITIVES};
pub use published::{PublishedFigures, PublishedModel};
pub use stages::{Stage, Stages};
