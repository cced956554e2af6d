//! Supernet, derived networks, losses and optimisers of cell-based architecture search, on candle tensors.
//!
//! The engine of a search asks the [`Supernet`] one thing: a batch, gates and which gradients are wanted, against loss,
//! number of correct answers and those gradients ([`Supernet::pass`]). Behind that line the backward pass is written by
//! hand over whole cells: nothing is computed that is not wanted, memory is handed back as it is consumed, and
//! BatchNorm and ReLU are applied by the next reader.
//!
//! One step of a search, with an op of one's own among the candidates:
//!
//! ```
//! use candle_core::{Device, Module, Tensor};
//! use candle_nn::{Conv2dConfig, conv2d_no_bias};
//! use eoinas_core::{Gate, Gates, Op, OpShape, OpSpec, SearchSpace, Skeleton, Streams};
//! use eoinas_nn::{Batch, Operations, PassOptions, Sgd, Supernet, Wanted};
//!
//! /// What the search space knows of it: the name and what it costs.
//! #[derive(Debug)]
//! struct GroupedConv;
//! impl OpSpec for GroupedConv {
//!     fn name(&self) -> &str {
//!         "grouped_conv_3x3"
//!     }
//!     fn parameters(&self, shape: OpShape) -> u64 {
//!         (9 * shape.channels * shape.channels / 4 + if shape.affine { 2 * shape.channels } else { 0 }) as u64
//!     }
//!     fn multiply_adds(&self, shape: OpShape) -> u64 {
//!         let (height, width) = shape.output_size();
//!         (9 * shape.channels * shape.channels / 4 * height * width) as u64
//!     }
//! }
//!
//! // Its module: channels first, as all of candle; a BatchNorm follows, as behind the built-in ops.
//! let mut operations = Operations::built_in();
//! operations.register("grouped_conv_3x3", |builder, shape| {
//!     let config = Conv2dConfig { padding: 1, stride: shape.stride, groups: 4, ..Default::default() };
//!     let conv = conv2d_no_bias(shape.channels, shape.channels, 3, config, builder)?;
//!     Ok(Box::new(move |x: &Tensor| conv.forward(&x.relu()?)))
//! });
//!
//! let space = SearchSpace::darts().with_op(Op::custom(GroupedConv))?;
//! let skeleton = Skeleton { channels: 4, cells: 3, ..Skeleton::search() }.with_image(3, 8, 8);
//! let mut net = Supernet::new(&space, &skeleton, &operations, &Streams::new(0), &Device::Cpu)?;
//!
//! let batch = Batch::from_pixels(vec![0.5; 2 * 8 * 8 * 3], (2, 8, 8, 3), vec![3, 7], &Device::Cpu)?;
//! let ops = |edge| vec![Gate { op: edge % space.ops().len(), value: 1.0 }];
//! let gates = Gates { kinds: vec![(0..14).map(ops).collect(), (0..14).map(ops).collect()] };
//! let output = net.pass(&batch, &gates, Wanted::WEIGHTS, &PassOptions::default())?;
//! if let Some(gradients) = &output.weight_gradients {
//!     Sgd::default().step(net.parameters_mut(), gradients, 0.025)?;
//! }
//! let output = net.pass(&batch, &gates, Wanted::GATES, &PassOptions::default())?;
//! assert!(output.gate_gradients.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

// What tests of this crate's inside share with those of its outside.
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
#[cfg(test)]
extern crate self as eoinas_nn;

pub mod architecture;
pub mod auxiliary;
pub mod batch;
pub mod batch_norm;
mod body;
mod buffers;
mod cell;
mod clock;
pub mod derived;
pub mod error;
mod gate_sums;
pub mod gradients;
pub mod graph;
mod halving;
mod head;
pub mod inference;
pub mod latency;
mod layers;
pub mod net2net;
mod network;
pub mod operation;
pub mod ops;
pub mod optim;
pub mod parameters;
mod pass;
mod residual;
pub mod saved;
pub mod stage;
mod stage_trace;
mod stem;
pub mod supernet;
pub mod task;
mod trace;

pub use architecture::Architecture;
pub use batch::{Batch, PassOptions, PassOutput, Wanted};
pub use derived::DerivedNetwork;
pub use error::{NnError, Result};
pub use gradients::WeightGradients;
pub use inference::InferenceNetwork;
pub use latency::LatencyRuns;
pub use operation::{InputTarget, Operation, Phase};
pub use ops::Operations;
pub use optim::{Adam, AdamState, Sgd};
pub use parameters::{ParamId, Parameter, Parameters};
pub use supernet::Supernet;
pub use task::Task;
