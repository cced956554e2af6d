//! The strategies by name.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use eoinas_core::{SearchSpace, Skeleton, cost::MultiplyAdds};
use eoinas_strategy::{Evolution, Nsga2, RandomSearch, Reinforce, Smbo, Strategy};

pub const NAMES: [&str; 5] = ["random", "evolution", "reinforce", "smbo", "nsga2"];

/// Those that look for the highest score and nothing else, and learn from scores.
pub const SINGLE: [&str; 3] = ["evolution", "reinforce", "smbo"];

/// With its default settings; NSGA-II by multiply-adds.
pub fn strategy(name: &str, space: &SearchSpace) -> Box<dyn Strategy> {
    let space = space.clone();
    match name {
        "evolution" => Box::new(Evolution::new(space)),
        "reinforce" => Box::new(Reinforce::new(space)),
        "smbo" => Box::new(Smbo::new(space)),
        "nsga2" => {
            let darts = space.cells().len() == 2;
            let skeleton = if darts { Skeleton::search() } else { Skeleton::nas_bench_201(1) };
            Box::new(Nsga2::new(space, skeleton, Arc::new(MultiplyAdds)))
        }
        _ => Box::new(RandomSearch::new(space)),
    }
}
