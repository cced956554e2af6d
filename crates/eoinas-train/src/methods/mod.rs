//! The search methods.

mod alternating;
mod darts;
mod eoinas;
mod gdas;
mod snas;

pub use darts::Darts;
pub use eoinas::EoiNas;
pub use gdas::Gdas;
pub use snas::Snas;

use crate::{
    config::{MethodKind, SearchConfig},
    method::SearchMethod,
};

/// The method that `config` names.
pub fn build(config: &SearchConfig) -> Box<dyn SearchMethod> {
    match config.method {
        MethodKind::Eoinas => Box::new(EoiNas::new(config.path.relaxation(), Box::new(config.indicator))),
        MethodKind::Gdas => Box::new(Gdas),
        MethodKind::Darts => Box::new(Darts),
        MethodKind::Snas => Box::new(Snas),
    }
}
