//! A network that only evaluates: BatchNorm is folded into the convolutions before it.

use std::time::Duration;

use candle_core::Tensor;
use eoinas_kernels::Workspace;

use crate::architecture::Architecture;
use crate::body::Body;
use crate::derived::DerivedNetwork;
use crate::error::{NnError, Result};
use crate::graph::{Graph, GraphBuilder};
use crate::parameters::Parameters;
use crate::pass;

/// A derived network for evaluation alone, made by [`DerivedNetwork::into_inference`].
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use eoinas_core::{Skeleton, Streams, zoo};
/// use eoinas_nn::{DerivedNetwork, Operations};
///
/// let genotype = zoo::find("darts-v2")?.genotype();
/// let skeleton = Skeleton { channels: 4, cells: 3, ..Skeleton::cifar() };
/// let (space, operations) = (genotype.space()?, Operations::built_in());
/// let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &Streams::new(0), &Device::Cpu)?;
///
/// let net = net.into_inference()?;
/// let logits = net.logits(&Tensor::zeros((2, 32, 32, 3), DType::F32, &Device::Cpu)?)?;
/// assert_eq!(logits.dims(), [2, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InferenceNetwork {
    architecture: Architecture,
    body: Body,
    parameters: Parameters,
    workspace: Workspace,
}

impl DerivedNetwork {
    /// The same network for evaluation alone, with the same answers: each BatchNorm with a convolution before it
    /// becomes part of that convolution's weights and a shift for each channel (`bn.beta`). What only training needs is
    /// gone: the auxiliary head, momenta, running statistics. An op of one's own keeps its BatchNorm unless it
    /// implements [`crate::Operation::fold`].
    ///
    /// # Errors
    /// Weights that are not f32 on the CPU.
    pub fn into_inference(self) -> Result<InferenceNetwork> {
        let (architecture, mut body, mut parameters) = self.into_parts();
        body.fold(&mut parameters)?;
        Ok(InferenceNetwork { architecture, body, parameters, workspace: Workspace::with_fixed_weights() })
    }
}

impl InferenceNetwork {
    /// Logits `[n, classes]` of images `[n, height, width, channels]`, f32 and normalised.
    ///
    /// # Errors
    /// Images of another size than the network's.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        pass::check_images(images, self.architecture.images())?;
        self.body.logits(&self.parameters, &self.workspace, images)
    }

    /// How long each part of a network of cells took, in the order in which they run ([`eoinas_core::latency::parts`]).
    ///
    /// # Errors
    /// Images of another size than the network's.
    pub(crate) fn laps(&self, images: &Tensor) -> Result<Vec<Duration>> {
        pass::check_images(images, self.architecture.images())?;
        match &self.body {
            Body::Cells { network, gates } => pass::laps(network, gates, &self.parameters, &self.workspace, images),
            Body::Layers(_) => Err(NnError::Fault("a network without cells has no parts to be timed")),
        }
    }

    /// The network as a list of operations, for an exporter.
    ///
    /// # Errors
    /// [`crate::NnError::NotExportable`] for an op of one's own that does not implement [`crate::Operation::trace`].
    pub fn graph(&self) -> Result<Graph> {
        let (mut builder, images) = GraphBuilder::new(&self.parameters, self.architecture.images());
        self.body.trace(&mut builder, images)?;
        Ok(builder.finish())
    }

    /// What it is.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The folded weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}
