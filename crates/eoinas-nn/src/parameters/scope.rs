//! Where an operation creates its parameters.

use candle_core::{Device, Shape};
use candle_nn::{Init, VarBuilder};
use eoinas_core::Streams;
use eoinas_core::network::NormOptions;

use super::{ParamId, Parameters, init, var_builder};
use crate::batch_norm::BatchNorm;
use crate::error::Result;

/// A place in a network's parameters: what is created here gets this prefix in its name.
#[derive(Debug)]
pub struct Scope<'a> {
    parameters: &'a mut Parameters,
    streams: Streams,
    device: Device,
    prefix: String,
    norm: NormOptions,
}

impl<'a> Scope<'a> {
    /// The root of a network's parameters; initial values come from [`eoinas_core::SeedStream::Weights`] of `streams`.
    pub fn root(parameters: &'a mut Parameters, streams: Streams, device: &Device, norm: NormOptions) -> Self {
        Self { parameters, streams, device: device.clone(), prefix: String::new(), norm }
    }

    /// A place below this one.
    pub fn child(&mut self, name: impl std::fmt::Display) -> Scope<'_> {
        let prefix = self.full_name(name);
        Scope {
            parameters: self.parameters,
            streams: self.streams,
            device: self.device.clone(),
            prefix,
            norm: self.norm,
        }
    }

    /// The same place with other BatchNorm layers.
    pub fn with_norm(&mut self, norm: NormOptions) -> Scope<'_> {
        Scope {
            parameters: self.parameters,
            streams: self.streams,
            device: self.device.clone(),
            prefix: self.prefix.clone(),
            norm,
        }
    }

    /// What BatchNorm layers are like here.
    pub fn norm(&self) -> NormOptions {
        self.norm
    }

    /// Where the parameters live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A weight with PyTorch's default initial values for convolutions and linear layers: uniform in
    /// `+-1 / sqrt(fan_in)`.
    pub fn weight(&mut self, name: &str, shape: impl Into<Shape>, fan_in: usize) -> Result<ParamId> {
        self.create(name, shape, init::default_uniform(fan_in), true)
    }

    /// A parameter (or, when it is not `trained`, a buffer) with the given initial values.
    pub fn create(&mut self, name: &str, shape: impl Into<Shape>, init: Init, trained: bool) -> Result<ParamId> {
        let index = self.parameters.next_index();
        let value = init::draw(&self.streams, index, shape.into(), init, &self.device)?;
        let name = self.full_name(name);
        self.parameters.add(name, value, trained)
    }

    /// A BatchNorm over `channels`, named `bn`.
    pub fn batch_norm(&mut self, channels: usize) -> Result<BatchNorm> {
        BatchNorm::new(&mut self.child("bn"), channels)
    }

    /// Lets a candle module take its parameters from a `VarBuilder`; gives the module and what it took. Initial values
    /// follow the hints, drawn from the network's own stream.
    pub fn build_with<T>(
        &mut self,
        build: impl FnOnce(VarBuilder<'static>) -> candle_core::Result<T>,
    ) -> Result<(T, Vec<ParamId>)> {
        let (builder, created) = var_builder::var_builder(self.streams, self.parameters.next_index(), &self.device);
        let module = build(builder)?;
        let mut ids = Vec::new();
        for (name, variable) in var_builder::take(&created) {
            let name = self.full_name(name);
            ids.push(self.parameters.add(name, variable, true)?);
        }
        Ok((module, ids))
    }

    /// What names of parameters begin with here.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn full_name(&self, name: impl std::fmt::Display) -> String {
        if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) }
    }
}
