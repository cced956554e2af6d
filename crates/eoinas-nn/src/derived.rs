//! The network of a found cell, or a human-designed one, as it is trained from scratch and used.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use candle_core::{Device, Tensor};
use eoinas_core::models::ModelConfig;
use eoinas_core::network::NormOptions;
use eoinas_core::{Gate, Gates, Genotype, NetworkSpec, SearchSpace, Skeleton, Streams};
use eoinas_kernels::Workspace;

use crate::architecture::Architecture;
use crate::batch::{Batch, PassOptions, PassOutput, Wanted};
use crate::body::Body;
use crate::error::Result;
use crate::layers::{self, LayerNetwork};
use crate::network::Network;
use crate::operation::Phase;
use crate::ops::Operations;
use crate::parameters::{Parameters, Scope};
use crate::pass::{self, Run};
use crate::task::{Classes, Task};

/// A network that is trained and used: that of one genotype, or a human-designed one.
///
/// Of a genotype: one op an edge, all BatchNorm with scale and shift and running statistics, none after pooling.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use eoinas_core::{Genotype, SearchSpace, Skeleton, Streams};
/// use eoinas_nn::{Batch, DerivedNetwork, Operations, PassOptions, Sgd};
///
/// let space = SearchSpace::darts();
/// let pair = "('sep_conv_3x3', 0), ('skip_connect', 1), ";
/// let cell = format!("[{}]", pair.repeat(4));
/// let text = format!("Genotype(normal={cell}, normal_concat=range(2, 6), reduce={cell}, reduce_concat=range(2, 6))");
/// let genotype = Genotype::parse(&text)?;
/// let skeleton = Skeleton { channels: 4, cells: 3, ..Skeleton::cifar() }.with_image(3, 8, 8);
/// let operations = Operations::built_in();
/// let mut net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &Streams::new(0), &Device::Cpu)?;
///
/// let batch = Batch::new(Tensor::zeros((2, 8, 8, 3), candle_core::DType::F32, &Device::Cpu)?, vec![3, 7])?;
/// let options = PassOptions { drop_path: 0.2, ..PassOptions::default() };
/// let output = net.train_pass(&batch, &options)?;
/// if let Some(gradients) = output.weight_gradients {
///     Sgd::default().step(net.parameters_mut(), &gradients, 0.025)?;
/// }
/// assert!(net.evaluate(&batch)?.loss.is_finite());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DerivedNetwork {
    architecture: Architecture,
    body: Body,
    task: Arc<dyn Task>,
    parameters: Parameters,
    workspace: Workspace,
    stop: Option<Arc<AtomicBool>>,
}

impl DerivedNetwork {
    /// A network with freshly drawn weights ([`eoinas_core::SeedStream::Weights`] of `streams`). `space` says which
    /// kinds of cell there are and which of them reduce; [`Genotype::space`] makes one for a genotype of unknown
    /// origin.
    ///
    /// # Errors
    /// A skeleton that cannot be built, a genotype of other cells than the space's, an op that `operations` lacks.
    pub fn new(
        genotype: &Genotype,
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
        streams: &Streams,
        device: &Device,
    ) -> Result<Self> {
        Self::build(genotype, space, skeleton, operations, streams, device, false)
    }

    /// The same network with an auxiliary head behind the cell at 2L/3 ([`NetworkSpec::auxiliary`]), which training passes
    /// run when [`PassOptions::auxiliary_weight`] is not 0. Evaluation never runs it. All other weights are drawn as
    /// in [`Self::new`]; the head's are called `auxiliary.*`.
    ///
    /// # Errors
    /// As [`Self::new`], and images so small that the head's pool leaves nothing.
    pub fn with_auxiliary(
        genotype: &Genotype,
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
        streams: &Streams,
        device: &Device,
    ) -> Result<Self> {
        Self::build(genotype, space, skeleton, operations, streams, device, true)
    }

    fn build(
        genotype: &Genotype,
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
        streams: &Streams,
        device: &Device,
        auxiliary: bool,
    ) -> Result<Self> {
        let spec = NetworkSpec::derived(genotype, space, skeleton)?;
        let mut parameters = Parameters::new();
        let mut scope = Scope::root(&mut parameters, *streams, device, spec.norm);
        let mut network = Network::new(&mut scope, &spec, operations, 1)?;
        if auxiliary {
            network.add_auxiliary(&mut scope, &spec.auxiliary()?)?;
        }
        let gates = spec.cells.iter().map(|cell| vec![vec![Gate { op: 0, value: 1.0 }]; cell.edges.len()]).collect();
        let architecture = Architecture::Cell { genotype: genotype.clone(), skeleton: skeleton.clone() };
        let body = Body::Cells { network: Box::new(network), gates: Gates { kinds: gates } };
        Ok(Self::of(architecture, body, parameters))
    }

    /// A human-designed network with freshly drawn weights ([`eoinas_core::SeedStream::Weights`] of `streams`), for images of
    /// this height, width and number of channels. Its tensors are called after its layers: `fc.weight`, `conv1.bn.gamma`.
    ///
    /// ```
    /// use candle_core::{DType, Device, Tensor};
    /// use eoinas_core::Streams;
    /// use eoinas_core::models::{ModelConfig, ModelKind};
    /// use eoinas_nn::DerivedNetwork;
    ///
    /// let model = ModelConfig { depth: Some(8), ..ModelConfig::new(ModelKind::ResNet20) };
    /// let net = DerivedNetwork::of_model(&model, [8, 8, 3], 10, &Streams::new(0), &Device::Cpu)?;
    /// let logits = net.logits(&Tensor::zeros((2, 8, 8, 3), DType::F32, &Device::Cpu)?)?;
    /// assert_eq!(logits.dims(), [2, 10]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A network that cannot be: images that are too small for it, a form, width or depth that it does not have.
    pub fn of_model(
        model: &ModelConfig,
        images: [usize; 3],
        classes: usize,
        streams: &Streams,
        device: &Device,
    ) -> Result<Self> {
        let graph = model.graph(images, classes)?;
        let mut parameters = Parameters::new();
        let mut scope = Scope::root(&mut parameters, *streams, device, NormOptions::RETRAINING);
        let body = Body::Layers(LayerNetwork::new(&mut scope, &graph)?);
        Ok(Self::of(Architecture::Model { model: model.clone(), images, classes }, body, parameters))
    }

    fn of(architecture: Architecture, body: Body, parameters: Parameters) -> Self {
        let (task, workspace) = (Arc::new(Classes), Workspace::new());
        Self { architecture, body, task, parameters, workspace, stop: None }
    }

    /// A training pass: batch statistics, which also move the running ones; drop-path; gradients of all weights. With
    /// an auxiliary head whose weight is not 0, its weighted loss is added.
    ///
    /// # Errors
    /// A batch that does not fit; an auxiliary loss of a network without that head; drop-path or skip dropout of a network
    /// without cells. A loss that is not finite is no error: see [`PassOutput::loss`].
    pub fn train_pass(&self, batch: &Batch, options: &PassOptions) -> Result<PassOutput> {
        self.pass(batch, Wanted::WEIGHTS, Phase::Training, options)
    }

    /// A training pass of the head's classifier alone (of a human-designed network: of the last layer that has weights), as if all that is below it were frozen: that is run as in an evaluation,
    /// with its running statistics, and neither changes them nor gets gradients; nothing is dropped. An auxiliary head is not
    /// run.
    ///
    /// # Errors
    /// As [`Self::train_pass`].
    pub fn train_head_pass(&self, batch: &Batch, options: &PassOptions) -> Result<PassOutput> {
        self.check(batch)?;
        let (task, phase, stop) = (self.task.as_ref(), Phase::Evaluation, self.stop.as_deref());
        let (parameters, workspace) = (&self.parameters, &self.workspace);
        pass::awake_on(batch.images().device(), || match &self.body {
            Body::Cells { network, gates } => {
                let run = Run { network, task, parameters, workspace, phase, stop };
                run.head_pass(batch, gates, options, Instant::now())
            }
            Body::Layers(network) => {
                let run = layers::Run { network, task, parameters, workspace, phase, stop };
                run.head_pass(batch, options, Instant::now())
            }
        })
    }

    /// Ends passes that train or evaluate batches between two of their layers, with [`crate::NnError::Stopped`], while `stop` is
    /// raised; `None`: they go on to their end.
    pub fn heed(&mut self, stop: Option<Arc<AtomicBool>>) {
        self.stop = stop;
    }

    /// Multiplies the learning rate of all but the heads, which learn what is new, by `factor`.
    pub fn scale_rate_below_head(&mut self, factor: f64) {
        let body = &self.body;
        self.parameters.scale_rates(|name| if body.is_of_head(name) { 1.0 } else { factor });
    }

    /// A forward pass with batch statistics that moves the running ones and computes no gradients.
    ///
    /// # Errors
    /// As [`Self::train_pass`].
    pub fn calibrate(&self, batch: &Batch) -> Result<PassOutput> {
        self.pass(batch, Wanted::NOTHING, Phase::Training, &PassOptions::default())
    }

    /// A forward pass with running statistics.
    ///
    /// # Errors
    /// As [`Self::train_pass`].
    pub fn evaluate(&self, batch: &Batch) -> Result<PassOutput> {
        self.pass(batch, Wanted::NOTHING, Phase::Evaluation, &PassOptions::default())
    }

    /// A forward pass with the batch's own statistics, which changes nothing: for a network with so few updates behind it that
    /// its running statistics lag behind its weights.
    ///
    /// # Errors
    /// As [`Self::train_pass`].
    pub fn evaluate_by_batch(&self, batch: &Batch) -> Result<PassOutput> {
        self.pass(batch, Wanted::NOTHING, Phase::BatchEvaluation, &PassOptions::default())
    }

    /// Logits `[n, classes]` of images `[n, height, width, channels]`, f32 and normalised, with running statistics.
    /// [`Self::into_inference`] is the way to classify many.
    ///
    /// # Errors
    /// Images of another size than the network's.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        pass::check_images(images, self.architecture.images())?;
        self.body.logits(&self.parameters, &self.workspace, images)
    }

    /// What it is.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Height, width and channels of its images.
    pub fn images(&self) -> [usize; 3] {
        self.architecture.images()
    }

    /// Number of its outputs.
    pub fn classes(&self) -> usize {
        self.architecture.classes()
    }

    /// The genotype; `None` of a human-designed network.
    pub fn genotype(&self) -> Option<&Genotype> {
        self.architecture.genotype()
    }

    /// The skeleton; `None` of a human-designed network.
    pub fn skeleton(&self) -> Option<&Skeleton> {
        self.architecture.skeleton()
    }

    /// The same network with another task than [`Classes`]: its outputs, as many as it has classes, are what the task says.
    pub fn with_task(self, task: Arc<dyn Task>) -> Self {
        Self { task, ..self }
    }

    /// What the outputs stand for.
    pub fn task(&self) -> &Arc<dyn Task> {
        &self.task
    }

    /// The weights and running statistics.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The weights, for an update or to load them.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// The pool of buffers that passes use; clear it to free memory.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// What it is, modules and parameters.
    pub(crate) fn into_parts(self) -> (Architecture, Body, Parameters) {
        (self.architecture, self.body, self.parameters)
    }

    /// Whether the parameter of this name is one of a head ([`Body::is_of_head`]).
    pub(crate) fn is_of_head(&self, name: &str) -> bool {
        self.body.is_of_head(name)
    }

    fn pass(&self, batch: &Batch, wanted: Wanted, phase: Phase, options: &PassOptions) -> Result<PassOutput> {
        self.check(batch)?;
        let (task, parameters, workspace) = (self.task.as_ref(), &self.parameters, &self.workspace);
        let stop = self.stop.as_deref();
        pass::awake_on(batch.images().device(), || match &self.body {
            Body::Cells { network, gates } => {
                let run = Run { network, task, parameters, workspace, phase, stop };
                run.pass(batch, gates, wanted, options, None, Instant::now())
            }
            Body::Layers(network) => {
                let run = layers::Run { network, task, parameters, workspace, phase, stop };
                run.pass(batch, wanted, options, Instant::now())
            }
        })
    }

    fn check(&self, batch: &Batch) -> Result<()> {
        pass::check_batch(batch, self.images(), self.classes(), self.task.as_ref())
    }
}
