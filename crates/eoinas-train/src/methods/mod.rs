//! The search methods.

mod eoinas;

pub use eoinas::EoiNas;

use crate::{
    config::{MethodKind, SearchConfig},
    method::SearchMethod,
};

/// The method that `config` names.
pub fn build(config: &SearchConfig) -> Box<dyn SearchMethod> {
    match config.method {
        MethodKind::Eoinas => Box::new(EoiNas::new(config.path.relaxation(), Box::new(config.indicator))),
    }
}
