//! A search step on random images: the paper's network, one op an edge.

use std::cell::RefCell;

use candle_core::{Device, Tensor};
use eoinas_core::{AliveOps, EdgeOpTable, Gates, SearchSpace, SeedStream, Skeleton, Streams};
use eoinas_gumbel::{Relaxation as _, Sampled, gumbel};
use eoinas_nn::{Batch, Operations, PassOptions, Supernet, Wanted};
use rand::Rng as _;

use crate::Error;

/// Sizes of the step.
pub struct Setup {
    pub batch: usize,
    pub size: usize,
    pub channels: usize,
    pub cells: usize,
}

/// The supernet on one device, with what its pass reads.
pub struct Network {
    net: RefCell<Supernet>,
    batch: Batch,
    gates: Gates,
}

impl Setup {
    /// The same weights, images and path on every device: all random numbers are made on the host. Every other pixel is
    /// `more` brighter, as a share of itself.
    pub fn build(&self, device: &Device, more: f32) -> Result<Network, Error> {
        let (space, streams) = (SearchSpace::darts(), Streams::new(0));
        let skeleton = Skeleton { channels: self.channels, cells: self.cells, ..Skeleton::search() };
        let skeleton = skeleton.with_image(3, self.size, self.size);
        let net = Supernet::new(&space, &skeleton, &Operations::built_in(), &streams, device)?;
        let mut rng = streams.rng(SeedStream::Named("gpu_check"), 0, 0);
        let mut pixels: Vec<f32> =
            (0..self.batch * self.size * self.size * 3).map(|_| gumbel(&mut rng) - 0.577).collect();
        pixels.iter_mut().step_by(2).for_each(|pixel| *pixel *= 1.0 + more);
        let labels: Vec<u32> = (0..self.batch).map(|_| rng.next_u32() % 10).collect();
        let batch = Batch::from_pixels(pixels, (self.batch, self.size, self.size, 3), labels, device)?;
        let (alphas, alive) = (EdgeOpTable::filled(&space, 0f32), AliveOps::all(&space));
        let gates = Sampled.sample(&alphas, &alive, &space, 5.0, &mut rng)?.gates;
        Ok(Network { net: RefCell::new(net), batch, gates })
    }
}

impl Network {
    /// Loss and gradients: of the weights, or of the gates (`architecture`).
    pub fn pass(&self, architecture: bool) -> Result<Vec<Tensor>, Error> {
        let wanted = if architecture { Wanted::GATES } else { Wanted::WEIGHTS };
        let output = self.net.borrow_mut().pass(&self.batch, &self.gates, wanted, &PassOptions::default())?;
        let mut numbers = vec![output.loss as f32];
        if let Some(gates) = output.gate_gradients {
            numbers.extend(gates.kinds.into_iter().flatten().flatten().map(|gate| gate.value));
        }
        let gradients = output.weight_gradients.iter().flat_map(|gradients| gradients.iter().map(|(_, g)| g.clone()));
        Ok([Tensor::new(numbers, &Device::Cpu)?].into_iter().chain(gradients).collect())
    }
}
