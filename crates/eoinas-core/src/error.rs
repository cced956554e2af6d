//! Why this crate refuses: one enum, whose variants are what a program may want to tell apart.

use std::{io, path::PathBuf};

use crate::genotype::{Position, meant};
use crate::setting::Setting;
use crate::space::OpId;

/// What can be wrong with a search space, a network of its cells, a genotype, a schedule or a run's record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A setting of the network that cannot be: a number that is too small or too large, or does not go with the others.
    #[error(transparent)]
    Setting(#[from] Setting),
    /// A parameter of a schedule that cannot be used.
    #[error("{schedule} schedule: {field} is {got}; it must be {expected}")]
    Schedule {
        /// Kind of schedule, as in [`ScheduleConfig`](crate::ScheduleConfig)'s `kind`.
        schedule: &'static str,
        /// The field.
        field: &'static str,
        /// Its value.
        got: f64,
        /// What would do.
        expected: &'static str,
    },
    /// A search space that cannot be built, or whose cells the network cannot be made of.
    #[error("{problem}")]
    Space {
        /// The cell, edge or op, what is wrong with it, and what would do.
        problem: String,
    },
    /// An op that cannot be pruned.
    #[error("{}: op {} {reason}", id.edge, id.op)]
    Prune {
        /// The op.
        id: OpId,
        /// Why not: it is not there, is pruned already, or is the last one.
        reason: &'static str,
    },
    /// A text that is no genotype, or a genotype that does not hold together.
    #[error("{}{problem}", place(at))]
    Genotype {
        /// The place in the text, where there is one.
        at: Option<Position>,
        /// What is wrong there, and what was expected.
        problem: String,
    },
    /// An op of a genotype's text whose name is not known.
    #[error("{at}: unknown op `{op}` in cell `{cell}`; known are {}", known.join(", "))]
    UnknownOp {
        /// Where.
        at: Position,
        /// Kind of cell.
        cell: String,
        /// The name, cut to 64 characters.
        op: String,
        /// Names that would do.
        known: Vec<String>,
    },
    /// A cell of which nobody says whether it reduces; [`Genotype::with_reductions`](crate::Genotype::with_reductions) does.
    #[error(
        "cell `{cell}`: its text does not say whether it halves the resolution{}; give the search space, say which cells \
         reduce (`Genotype::with_reductions`), or write the genotype as JSON of version 2, with `\"reduction\": true` or \
         `false` in each cell",
        meant(cell)
    )]
    UnknownReduction {
        /// Kind of cell.
        cell: String,
    },
    /// A table of latencies that cannot be read, or that lacks what a network is made of.
    #[error("latencies: {problem}")]
    Latency {
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// A genotype of other cells, nodes, edges or ops than the search space has, in which it is to stand.
    #[error("{problem}")]
    Fit {
        /// What the genotype has, and what the space.
        problem: String,
    },
    /// A genotype that a text form has no way to write.
    #[error("the genotype cannot be written as {form}: {reason}; the JSON form writes every genotype")]
    NotRepresentable {
        /// Name of the text form.
        form: &'static str,
        /// Why.
        reason: String,
    },
    /// A genotype or a record that another program or a later version wrote.
    #[error("{problem}")]
    Version {
        /// What is there, and what this version reads.
        problem: String,
    },
    /// A line of a record that is cut off, not JSON, an event that this version does not know, or lacks a field.
    #[error("not a line of a run's record ({0}); a run that was killed may leave its last line unfinished")]
    Line(#[from] serde_json::Error),
    /// A line of a file that is no record.
    #[error("{path}, line {line}: {problem}", path = path.display())]
    At {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: Box<CoreError>,
    },
    /// A file that cannot be opened or read.
    #[error("cannot read {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// `line 1, column 5: `, or nothing for a genotype that was not read from a text.
fn place(at: &Option<Position>) -> String {
    at.map_or_else(String::new, |at| format!("{at}: "))
}

impl CoreError {
    /// Of a kind of cell that the network cannot have.
    pub(crate) fn cell(name: &str, problem: impl AsRef<str>) -> Self {
        Self::space(format!("cell `{name}`: {}", problem.as_ref()))
    }

    pub(crate) fn space(problem: impl Into<String>) -> Self {
        Self::Space { problem: problem.into() }
    }

    pub(crate) fn genotype(at: impl Into<Option<Position>>, problem: impl Into<String>) -> Self {
        Self::Genotype { at: at.into(), problem: problem.into() }
    }

    pub(crate) fn fit(problem: impl Into<String>) -> Self {
        Self::Fit { problem: problem.into() }
    }
}
