//! A search step on random images, for the benchmarks.

use candle_core::{Device, Tensor};
use eoinas::core::{AliveOps, EdgeOpTable, Gate, Gates, SearchSpace, SeedStream, Skeleton, Streams};
use eoinas::gumbel::{Mixture, Relaxation, Sample};
use eoinas::nn::{Adam, AdamState, Batch, Operations, PassOptions, Sgd, Supernet, Wanted};
use rand::Rng;

/// Errors of a benchmark end it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Which ops a step runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ops {
    /// One an edge: edge e of cell kind k runs op (3 e + k) mod 8, so that all eight take part.
    Balanced,
    /// All of the first so many of every edge, weighted.
    Mixture(usize),
}

/// A supernet, what updates it, and two batches of random images.
pub struct Search {
    space: SearchSpace,
    net: Supernet,
    alphas: EdgeOpTable<f32>,
    alive: AliveOps,
    adam: AdamState,
    batches: [Batch; 2],
    ops: Ops,
}

impl Search {
    /// The paper's space in a network of `channels` and `cells`, for `batch` images of `size` by `size`.
    pub fn new(ops: Ops, batch: usize, size: usize, channels: usize, cells: usize) -> Result<Self, Failure> {
        let space = SearchSpace::darts();
        let skeleton = Skeleton { channels, cells, ..Skeleton::search() }.with_image(3, size, size);
        let streams = Streams::new(0);
        let mut alive = AliveOps::all(&space);
        if let Ops::Mixture(kept) = ops {
            for id in space.edges() {
                for op in kept..space.ops().len() {
                    alive.prune(id.op(op))?;
                }
            }
        }
        Ok(Self {
            net: Supernet::new(&space, &skeleton, &Operations::built_in(), &streams, &Device::Cpu)?,
            alphas: EdgeOpTable::filled(&space, 0.0),
            adam: AdamState::new(&space),
            batches: [images(batch, size, &streams, 0)?, images(batch, size, &streams, 1)?],
            space,
            alive,
            ops,
        })
    }

    /// An update of the weights and one of the architecture.
    pub fn step(&mut self) -> Result<(), Failure> {
        let sample = self.sample()?;
        let output = self.net.pass(&self.batches[0], &sample.gates, Wanted::WEIGHTS, &PassOptions::default())?;
        if let Some(gradients) = output.weight_gradients {
            // The same work in every step, but weights that stay where they are.
            Sgd::default().step(self.net.parameters_mut(), &gradients, 0.0)?;
        }
        let output = self.net.pass(&self.batches[1], &sample.gates, Wanted::GATES, &PassOptions::default())?;
        if let Some(gradients) = &output.gate_gradients {
            let gradients = match self.ops {
                Ops::Balanced => EdgeOpTable::filled(&self.space, 0.0),
                Ops::Mixture(_) => Mixture.pullback(&sample, gradients)?,
            };
            Adam::default().step(&self.space, &mut self.adam, &mut self.alphas, &gradients, &self.alive);
        }
        Ok(())
    }

    fn sample(&self) -> Result<Sample, Failure> {
        let mut rng = Streams::new(0).rng(SeedStream::WeightPath, 0, 0);
        let mut sample = Mixture.sample(&self.alphas, &self.alive, &self.space, 1.0, &mut rng)?;
        if self.ops == Ops::Balanced {
            let gate = |kind: usize, edge: usize| Gate { op: (3 * edge + kind) % self.space.ops().len(), value: 1.0 };
            let edges = |kind: usize, count: usize| (0..count).map(|edge| vec![gate(kind, edge)]).collect();
            let kinds = self.space.cells().iter().enumerate();
            sample.gates = Gates { kinds: kinds.map(|(kind, cell)| edges(kind, cell.edges.len())).collect() };
        }
        Ok(sample)
    }
}

fn images(batch: usize, size: usize, streams: &Streams, index: u64) -> Result<Batch, Failure> {
    let mut rng = streams.rng(SeedStream::Named("bench"), 0, index);
    let pixels = Tensor::randn(0f32, 1f32, (batch, size, size, 3), &Device::Cpu)?;
    Ok(Batch::new(pixels, (0..batch).map(|_| rng.next_u32() % 10).collect::<Vec<u32>>())?)
}
