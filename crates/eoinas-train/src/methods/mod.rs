//! The search methods: one file or folder each, with its settings, what its paper prescribes, step, prunings and
//! derivation. A method *is* its settings; what it learns is in the [`Learner`].
//!
//! They are made of [`crate::blocks`], as a method of one's own is: implement [`crate::SearchMethod`] and give it in
//! [`crate::Options::method`].

mod beta_darts;
mod darts;
mod darts_pt;
mod drnas;
mod eoinas;
mod gdas;
mod mdenas;
mod pc_darts;
mod pdarts;
mod random_ws;
mod rome;
mod second_order;
mod snas;
mod uniform;
mod zero_cost_pt;

pub use beta_darts::BetaDarts;
pub use darts::Darts;
pub use darts_pt::DartsPt;
pub use drnas::DrNas;
pub use eoinas::{ByIndicator, EoiNas};
pub use gdas::Gdas;
pub use mdenas::MdeNas;
pub use pc_darts::PcDarts;
pub use pdarts::{Deepening, PDarts};
pub use random_ws::RandomWs;
pub use rome::Rome;
pub use second_order::{SecondOrder, Unrolled};
pub use snas::Snas;
pub use uniform::Uniform;
pub use zero_cost_pt::ZeroCostPt;

use eoinas_core::Genotype;
use eoinas_prune::Beta;
use serde::Serialize;

use crate::{error::Result, learner::Learner, method::Identity};

/// The cell by the largest architecture weights.
fn by_beta(learner: &Learner) -> Result<Genotype> {
    learner.derive(&Beta {})
}

/// A method that is all settings.
fn identity(name: &str, settings: &impl Serialize) -> Identity {
    Identity::new(name, serde_json::to_value(settings).unwrap_or_default())
}
