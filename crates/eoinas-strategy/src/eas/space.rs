//! What EAS grows.

use std::fmt;

use eoinas_core::Setting;

/// Candidates that grow, as the actors see them: a sequence of layers, each of a kind that has a number, in blocks that layers are
/// added to. [`Growth`](crate::chain::Growth) grows chains, [`DenseGrowth`](crate::DenseGrowth) DenseNets.
pub trait Grows: fmt::Debug + Send {
    /// What grows.
    type Candidate: Clone + fmt::Debug + fmt::Display + Send;

    /// # Errors
    /// The setting that cannot be.
    fn validate(&self) -> Result<(), Setting>;

    /// How many kinds of layer there are.
    fn vocabulary(&self) -> usize;

    /// The kinds of the layers, in their order; `None` where one is none of these.
    fn tokens(&self, candidate: &Self::Candidate) -> Option<Vec<u32>>;

    /// The candidate with one layer of the next larger width, by its place among the tokens; `None` where there is none.
    fn wider(&self, candidate: &Self::Candidate, at: usize) -> Option<Self::Candidate>;

    /// How many layers of each block may get another behind them.
    fn places(&self, candidate: &Self::Candidate) -> Vec<usize>;

    /// Among how many filters one is chosen for a new layer.
    fn filters(&self) -> usize {
        1
    }

    /// Whether the layer behind this one has a filter to choose.
    fn has_filter(&self, _candidate: &Self::Candidate, _block: usize, _place: usize) -> bool {
        false
    }

    /// The candidate with one more layer behind a layer of a block, with this filter; `None` where there is no such layer.
    fn deeper(&self, candidate: &Self::Candidate, block: usize, place: usize, filter: usize)
    -> Option<Self::Candidate>;
}
