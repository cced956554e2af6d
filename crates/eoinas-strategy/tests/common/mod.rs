//! The strategies by name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use eoinas_core::{SearchSpace, Skeleton, cost::MultiplyAdds};
use eoinas_strategy::*;

pub const NAMES: [&str; 8] =
    ["random", "evolution", "reinforce", "smbo", "metaqnn", "hierarchical", "genetic-cnn", "nsga2"];

/// Those that look for the highest score and nothing else, and learn from scores.
pub const SINGLE: [&str; 6] = ["evolution", "reinforce", "smbo", "metaqnn", "hierarchical", "genetic-cnn"];

/// With its default settings, those of the budget where a strategy has such; NSGA-II by multiply-adds.
pub fn strategy(name: &str, space: &SearchSpace, budget: usize) -> Box<dyn Strategy> {
    let space = space.clone();
    match name {
        "evolution" => Box::new(Evolution::new(space)),
        "reinforce" => Box::new(Reinforce::new(space)),
        "metaqnn" => Box::new(MetaQnn::new(space).with_config(MetaQnnConfig::for_budget(budget)).unwrap()),
        "hierarchical" => {
            let config = HierarchicalConfig::for_budget(budget);
            Box::new(Hierarchical::new(space).unwrap().with_config(config).unwrap())
        }
        "genetic-cnn" => Box::new(GeneticCnn::new(space).unwrap()),
        "smbo" => Box::new(Smbo::new(space)),
        "nsga2" => {
            let darts = space.cells().len() == 2;
            let skeleton = if darts { Skeleton::search() } else { Skeleton::nas_bench_201(1) };
            Box::new(Nsga2::new(space, skeleton, Arc::new(MultiplyAdds)))
        }
        _ => Box::new(RandomSearch::new(space)),
    }
}
