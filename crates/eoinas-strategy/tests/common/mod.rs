//! The strategies by name.

use eoinas_core::SearchSpace;
use eoinas_strategy::{Evolution, RandomSearch, Reinforce, Smbo, Strategy};

pub const NAMES: [&str; 4] = ["random", "evolution", "reinforce", "smbo"];

/// With its default settings.
pub fn strategy(name: &str, space: &SearchSpace) -> Box<dyn Strategy> {
    let space = space.clone();
    match name {
        "evolution" => Box::new(Evolution::new(space)),
        "reinforce" => Box::new(Reinforce::new(space)),
        "smbo" => Box::new(Smbo::new(space)),
        _ => Box::new(RandomSearch::new(space)),
    }
}
