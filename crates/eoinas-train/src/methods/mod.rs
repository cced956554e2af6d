//! The search methods.

mod eoinas;
mod first_order;
mod mdenas;
mod pdarts;
mod second_order;
mod snas;
mod uniform;

pub use eoinas::EoiNas;
pub use first_order::FirstOrder;
pub use mdenas::MdeNas;
pub use pdarts::PDarts;
pub use second_order::{SecondOrder, Unrolled};
pub use snas::Snas;
pub use uniform::Uniform;

use eoinas_core::Genotype;
use eoinas_prune::Beta;

use crate::{
    config::{MethodKind, SearchConfig},
    error::Result,
    learner::Learner,
    method::SearchMethod,
};

/// The method that `config` names.
pub fn build(config: &SearchConfig) -> Box<dyn SearchMethod> {
    match config.method {
        MethodKind::Eoinas => Box::new(
            EoiNas::new(config.path.relaxation(), Box::new(config.indicator)).with_paths(config.paths_per_step),
        ),
        MethodKind::Gdas => Box::new(FirstOrder::gdas(config.paths_per_step)),
        MethodKind::Darts => Box::new(FirstOrder::darts()),
        MethodKind::Darts2 => Box::new(SecondOrder::default()),
        MethodKind::Snas => Box::new(Snas),
        MethodKind::Uniform => Box::new(Uniform::new(config.paths_per_step)),
        MethodKind::Pdarts => Box::new(PDarts::new(2)),
        MethodKind::Mdenas => Box::new(MdeNas::new(config.arch.learning_rate)),
    }
}

/// The cell by the largest architecture weights.
fn by_beta(learner: &Learner) -> Result<Genotype> {
    learner.derive(&Beta {})
}
