//! Gumbel-softmax sampling of architecture paths, on numbers alone: no tensor library.
//!
//! A [`Relaxation`] turns architecture parameters (`alphas`, one per kind of cell, edge and op) into the gates of one
//! pass of the supernet, and the gradient of the gates back into that of the alphas, in closed form through the
//! paper's Eq. 5:
//!
//! `h[o] = exp((alpha[o] + noise[o]) / T) / sum over alive ops o' of exp((alpha[o'] + noise[o']) / T)`
//!
//! | relaxation | runs | noise | gradient |
//! |---|---|---|---|
//! | [`Sampled`] | the op with the largest `h`, gate 1 | yes | straight-through: that of its `h` |
//! | [`Mixture`] | all alive ops, gates `h` | yes | exact |
//! | [`Softmax`] | all alive ops, gates `beta` (Eq. 2) | no | exact |
//! | [`Dirichlet`] | all alive ops, gates drawn around `elu(alpha) + 1` | gamma | pathwise |
//! | [`Categorical`] | one op drawn from `beta`, gate 1 | yes | 0 |
//! | [`Greedy`] | the op with the largest alpha, gate 1 | no | 0 |
//!
//! ```
//! use eoinas_core::{AliveOps, CellKind, EdgeOpTable, SearchSpace, SeedStream, Streams};
//! use eoinas_gumbel::{Relaxation, Sampled};
//!
//! let space = SearchSpace::darts();
//! let alphas = EdgeOpTable::filled(&space, 0f32);
//! let alive = AliveOps::all(&space);
//! let mut rng = Streams::new(0).rng(SeedStream::ArchPath, 0, 0);
//!
//! let sample = Sampled.sample(&alphas, &alive, &space, 5.0, &mut rng)?;
//! assert_eq!(sample.gates.ops_run(CellKind(0)), 14); // one op an edge
//!
//! // Run a network with `sample.gates`; its loss has a gradient for each gate. Here: 1 for all of them.
//! let mut dgates = sample.gates.clone();
//! for gate in dgates.kinds.iter_mut().flatten().flatten() {
//!     gate.value = 1.0;
//! }
//! let dalphas = Sampled.pullback(&sample, &dgates)?;
//! assert!(dalphas.fits(&space));
//! # Ok::<(), eoinas_gumbel::GumbelError>(())
//! ```
//!
//! [`EdgeMode`] weighs the edges that enter a node in the same way: by their softmax (PC-DARTS), or by a sample of those
//! that a derived node keeps (ROME).
//!
//! The same on the slices of one edge: [`gumbel`], [`soft_sample`], [`hard_sample`], [`soft_pullback`].
#![forbid(unsafe_code)]

mod dirichlet;
mod edges;
mod error;
mod gamma;
mod noise;
mod paths;
mod relaxation;
mod sample;
mod temperature;

pub use dirichlet::Dirichlet;
pub use edges::{EdgeMode, EdgeSample, edge_probabilities};
pub use error::GumbelError;
pub use noise::{fill_gumbel, gumbel};
pub use paths::{Categorical, Greedy, Mixture, PathMode, Sampled, Softmax};
pub use relaxation::{Relaxation, Sample};
pub use sample::{hard_sample, soft_pullback, soft_sample};
pub use temperature::{MIN_TEMPERATURE, gdas_temperature, temperature};
