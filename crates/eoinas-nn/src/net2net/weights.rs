//! The weights of a network that grows.

use std::collections::HashMap;

use candle_core::{Device, Result as Candle, Tensor};
use eoinas_core::Streams;
use eoinas_core::models::ModelConfig;
use rand::{Rng, RngExt as _};

use crate::derived::DerivedNetwork;
use crate::error::{NnError, Result};

/// Which old channel each new one is, and its share of the weights that read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    sources: Vec<u32>,
    shares: Vec<f32>,
    /// How many channels there were.
    old: usize,
}

impl Copies {
    /// Channels that stay what they are.
    pub fn none(old: usize) -> Self {
        Self { sources: (0..old as u32).collect(), shares: vec![1.0; old], old }
    }

    /// All the old channels, and behind them copies of some that are drawn.
    pub fn drawn(old: usize, width: usize, rng: &mut dyn Rng) -> Self {
        let sources = (0..width).map(|new| if new < old { new } else { rng.random_range(0..old) });
        Self::of(old, sources.collect(), rng)
    }

    /// All the old channels, and behind them the same once more.
    pub fn twice(old: usize, rng: &mut dyn Rng) -> Self {
        Self::of(old, (0..old).chain(0..old).collect(), rng)
    }

    fn of(old: usize, sources: Vec<usize>, rng: &mut dyn Rng) -> Self {
        let mut count = vec![0_usize; old];
        sources.iter().for_each(|&source| count.iter_mut().skip(source).take(1).for_each(|count| *count += 1));
        let parts: Vec<f32> = sources.iter().map(|_| rng.random_range(0.5..1.5)).collect();
        let mut whole = vec![0_f32; old];
        for (source, part) in sources.iter().zip(&parts) {
            whole.iter_mut().skip(*source).take(1).for_each(|whole| *whole += part);
        }
        let share = |(source, part): (&usize, f32)| match (count.get(*source), whole.get(*source)) {
            (Some(2..), Some(whole)) => part / whole,
            _ => 1.0,
        };
        let shares = sources.iter().zip(parts).map(share).collect();
        Self { sources: sources.into_iter().map(|source| source as u32).collect(), shares, old }
    }

    /// Others behind these.
    pub fn join(&mut self, others: &Self) {
        let before = self.old as u32;
        self.sources.extend(others.sources.iter().map(|source| before + source));
        self.shares.extend(&others.shares);
        self.old += others.old;
    }
}

/// Tensors by their names.
pub(super) struct Weights(HashMap<String, Tensor>);

impl Weights {
    pub fn of(net: &DerivedNetwork) -> Self {
        Self(net.parameters().tensors())
    }

    pub fn device(&self) -> Device {
        self.0.values().next().map_or(Device::Cpu, |tensor| tensor.device().clone())
    }

    pub fn insert(&mut self, name: String, tensor: Tensor) {
        self.0.insert(name, tensor);
    }

    pub fn rename(&mut self, new: impl Fn(&str) -> String) {
        self.0 = std::mem::take(&mut self.0).into_iter().map(|(name, tensor)| (new(&name), tensor)).collect();
    }

    pub fn get(&self, name: &str) -> Result<&Tensor> {
        self.0.get(name).ok_or(NnError::Fault("a network that grows lacks weights that it should have"))
    }

    /// A tensor whose last dimension are the channels, copied.
    pub fn copied(&mut self, name: &str, copies: &Copies) -> Result<()> {
        self.change(name, |tensor| tensor.index_select(&ids(copies, tensor)?, tensor.rank().saturating_sub(1)))
    }

    /// The weights of what reads the channels, shared out among the copies.
    pub fn shared_out(&mut self, name: &str, copies: &Copies) -> Result<()> {
        self.change(name, |tensor| {
            let shares = Tensor::from_vec(copies.shares.clone(), (copies.shares.len(), 1), tensor.device())?;
            tensor.index_select(&ids(copies, tensor)?, tensor.rank().saturating_sub(2))?.broadcast_mul(&shares)
        })
    }

    /// The BatchNorm of the channels.
    pub fn normed(&mut self, name: &str, copies: &Copies) -> Result<()> {
        NORM.iter().try_for_each(|part| self.copied(&format!("{name}.{part}"), copies))
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&Tensor) -> Candle<Tensor>) -> Result<()> {
        let changed = change(self.get(name)?)?.contiguous()?;
        self.insert(name.to_owned(), changed);
        Ok(())
    }

    /// A network with these weights, and the task of the one that it comes from.
    pub fn network(&self, from: &DerivedNetwork, model: &ModelConfig) -> Result<DerivedNetwork> {
        let (streams, device) = (Streams::new(0), self.device());
        let mut net = DerivedNetwork::of_model(model, from.images(), from.classes(), &streams, &device)?;
        net.parameters_mut().load(&self.0)?;
        Ok(net.with_task(from.task().clone()))
    }
}

/// What a BatchNorm has for each channel.
pub(super) const NORM: [&str; 4] = ["gamma", "beta", "running_mean", "running_var"];

fn ids(copies: &Copies, tensor: &Tensor) -> Candle<Tensor> {
    Tensor::from_slice(&copies.sources, copies.sources.len(), tensor.device())
}
