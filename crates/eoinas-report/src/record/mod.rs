//! Runs as their records tell them.
//!
//! Reading never fails for what is inside a record: lines that cannot be read are left out and listed as
//! [`Run::problems`].

mod folder;
mod genotype;
mod read;
mod run;
mod tried;

pub use folder::{Source, open, title};
pub use genotype::{costs, read_genotype};
pub use read::read;
pub use run::{Derived, Evaluation, Problem, Pruning, Run, State, Stop, Timed};
pub(crate) use run::{edge_name, node_name, train_score, valid_score};
pub(crate) use tried::tried_op;
