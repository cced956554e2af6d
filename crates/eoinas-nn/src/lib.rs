//! Supernet, derived networks, losses and optimisers of cell-based architecture search, on candle tensors.
//!
//! The engine of a search asks the [`Supernet`] one thing: a batch, gates and which gradients are wanted, against loss,
//! number of correct answers and those gradients ([`Supernet::pass`]). Behind that line the backward pass is written by
//! hand over whole cells: nothing is computed that is not wanted, memory is handed back as it is consumed, and
//! BatchNorm and ReLU are applied by the next reader.
#![forbid(unsafe_code)]

pub mod batch;
pub mod batch_norm;
mod buffers;
mod cell;
#[cfg(test)]
mod cell_tests;
pub mod derived;
pub mod error;
pub mod gradients;
mod halving;
mod head;
mod network;
pub mod operation;
pub mod ops;
pub mod optim;
pub mod parameters;
mod pass;
mod residual;
pub mod stage;
mod stem;
pub mod supernet;

pub use batch::{Batch, PassOptions, PassOutput, Wanted};
pub use derived::DerivedNetwork;
pub use error::{NnError, Result};
pub use gradients::WeightGradients;
pub use operation::{Operation, Phase};
pub use ops::Operations;
pub use optim::{Adam, AdamState, Sgd};
pub use parameters::{ParamId, Parameter, Parameters};
pub use supernet::Supernet;
