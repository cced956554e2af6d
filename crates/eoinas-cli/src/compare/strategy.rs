//! The strategies of one objective by name.

use clap::ValueEnum;
use eoinas_core::SearchSpace;
use eoinas_strategy::{
    Evolution, GeneticCnn, Hierarchical, HierarchicalConfig, MetaQnn, MetaQnnConfig, Nao, NaoConfig, RandomSearch,
    Reinforce, Smbo,
};

use crate::Error;

/// Those that learn from scores alone, and random search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Strategy {
    Random,
    Evolution,
    Reinforce,
    Smbo,
    #[value(name = "metaqnn")]
    MetaQnn,
    Hierarchical,
    GeneticCnn,
    Nao,
}

impl Strategy {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// With its default settings, those for so many architectures where it has such.
    ///
    /// # Errors
    /// A space that the strategy cannot express.
    pub fn build(self, space: SearchSpace, budget: usize) -> Result<Box<dyn eoinas_strategy::Strategy>, Error> {
        Ok(match self {
            Self::Random => Box::new(RandomSearch::new(space)),
            Self::Evolution => Box::new(Evolution::new(space)),
            Self::Reinforce => Box::new(Reinforce::new(space)),
            Self::Smbo => Box::new(Smbo::new(space)),
            Self::MetaQnn => Box::new(MetaQnn::new(space).with_config(MetaQnnConfig::for_budget(budget))?),
            Self::Hierarchical => {
                Box::new(Hierarchical::new(space)?.with_config(HierarchicalConfig::for_budget(budget))?)
            }
            Self::GeneticCnn => Box::new(GeneticCnn::new(space)?),
            Self::Nao => Box::new(Nao::new(space).with_config(NaoConfig::for_budget(budget))?),
        })
    }
}
