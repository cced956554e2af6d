//! Steps on random images: a search's, the paper's network with one op an edge, and that of a human-designed network.

use std::cell::RefCell;

use candle_core::{Device, Tensor};
use eoinas_core::{
    AliveOps, EdgeOpTable, Gates, SearchSpace, SeedStream, Skeleton, Streams,
    models::{ModelConfig, ModelKind},
};
use eoinas_gumbel::{Relaxation as _, Sampled, gumbel};
use eoinas_nn::{Batch, DerivedNetwork, Operations, PassOptions, PassOutput, Supernet, Wanted};
use rand::Rng as _;

use crate::Error;

/// Sizes of the step.
pub struct Setup {
    pub batch: usize,
    pub size: usize,
    pub channels: usize,
    pub cells: usize,
}

/// Whose step it is.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A search's, of the weights.
    Weights,
    /// A search's, of the architecture.
    Architecture,
    /// That of a human-designed network's training, a quarter as wide as published.
    Model(ModelKind),
}

impl Kind {
    /// Whether it is that of a human-designed network.
    pub fn is_model(self) -> bool {
        matches!(self, Self::Model(_))
    }
}

/// All steps that are checked, by name. The human-designed networks have between them every kind of layer.
pub const STEPS: [(&str, Kind); 5] = [
    ("step of the weights", Kind::Weights),
    ("step of the architecture", Kind::Architecture),
    ("step of mobilenet-v3", Kind::Model(ModelKind::MobileNetV3)),
    ("step of shufflenet", Kind::Model(ModelKind::ShuffleNet)),
    ("step of inception-v1", Kind::Model(ModelKind::InceptionV1)),
];

/// A network on one device, with what its pass reads.
pub struct Step {
    net: Network,
    batch: Batch,
}

enum Network {
    Search { net: Box<RefCell<Supernet>>, gates: Gates, wanted: Wanted },
    Model(Box<DerivedNetwork>),
}

impl Setup {
    /// The same weights, images and path on every device: all random numbers are made on the host. Every other pixel is
    /// `more` brighter, as a share of itself.
    pub fn build(&self, kind: Kind, device: &Device, more: f32) -> Result<Step, Error> {
        let streams = Streams::new(0);
        let mut rng = streams.rng(SeedStream::Named("gpu_check"), 0, 0);
        let mut pixels: Vec<f32> =
            (0..self.batch * self.size * self.size * 3).map(|_| gumbel(&mut rng) - 0.577).collect();
        pixels.iter_mut().step_by(2).for_each(|pixel| *pixel *= 1.0 + more);
        let labels: Vec<u32> = (0..self.batch).map(|_| rng.next_u32() % 10).collect();
        let batch = Batch::from_pixels(pixels, (self.batch, self.size, self.size, 3), labels, device)?;
        let wanted = match kind {
            Kind::Weights => Wanted::WEIGHTS,
            Kind::Architecture => Wanted::GATES,
            Kind::Model(kind) => {
                let model = ModelConfig { width: 0.25, ..ModelConfig::new(kind) };
                let net = DerivedNetwork::of_model(&model, [self.size, self.size, 3], 10, &streams, device)?;
                return Ok(Step { net: Network::Model(Box::new(net)), batch });
            }
        };
        let space = SearchSpace::darts();
        let skeleton = Skeleton { channels: self.channels, cells: self.cells, ..Skeleton::search() };
        let skeleton = skeleton.with_image(3, self.size, self.size);
        let net = Supernet::new(&space, &skeleton, &Operations::built_in(), &streams, device)?;
        let (alphas, alive) = (EdgeOpTable::filled(&space, 0f32), AliveOps::all(&space));
        let gates = Sampled.sample(&alphas, &alive, &space, 5.0, &mut rng)?.gates;
        Ok(Step { net: Network::Search { net: Box::new(RefCell::new(net)), gates, wanted }, batch })
    }
}

impl Step {
    /// Loss and gradients: of the weights, or of the gates.
    pub fn pass(&self) -> Result<Vec<Tensor>, Error> {
        let options = PassOptions::default();
        let output: PassOutput = match &self.net {
            Network::Search { net, gates, wanted } => net.borrow_mut().pass(&self.batch, gates, *wanted, &options)?,
            Network::Model(net) => net.train_pass(&self.batch, &options)?,
        };
        let mut numbers = vec![output.loss as f32];
        if let Some(gates) = output.gate_gradients {
            numbers.extend(gates.kinds.into_iter().flatten().flatten().map(|gate| gate.value));
        }
        let gradients = output.weight_gradients.iter().flat_map(|gradients| gradients.iter().map(|(_, g)| g.clone()));
        Ok([Tensor::new(numbers, &Device::Cpu)?].into_iter().chain(gradients).collect())
    }
}
