//! What a network costs, by one measure: the second objective of a search, beside its score.
//!
//! ```
//! use eoinas_core::cost::{Cost, MultiplyAdds, Parameters};
//! use eoinas_core::{SearchSpace, Skeleton, zoo};
//! let (cell, space) = (zoo::find("darts-v2")?.genotype(), SearchSpace::darts());
//! assert_eq!(Parameters.of(&cell, &Skeleton::cifar(), &space)?, 3_349_342.0);
//! assert_eq!(MultiplyAdds.of(&cell, &Skeleton::cifar(), &space)?, 528_359_040.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::count;
use crate::error::CoreError;
use crate::genotype::Genotype;
use crate::skeleton::Skeleton;
use crate::space::SearchSpace;

/// What a network costs by one measure, the less the better.
pub trait Cost: std::fmt::Debug + Send + Sync {
    /// Its name in tables, and unit: `parameters`, `multiply_adds`, `latency_ms`.
    fn name(&self) -> &str;

    /// The cost of the network of a cell.
    ///
    /// # Errors
    /// A network that cannot be, or of which the measure knows nothing.
    fn of(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<f64, CoreError>;
}

/// Trained parameters, as [`count::network`] counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters;

impl Cost for Parameters {
    fn name(&self) -> &str {
        "parameters"
    }

    fn of(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<f64, CoreError> {
        Ok(count::network(genotype, skeleton, space)?.parameters as f64)
    }
}

/// Multiply-adds for one image in evaluation mode, as [`count::network`] counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultiplyAdds;

impl Cost for MultiplyAdds {
    fn name(&self) -> &str {
        "multiply_adds"
    }

    fn of(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<f64, CoreError> {
        Ok(count::network(genotype, skeleton, space)?.multiply_adds as f64)
    }
}
