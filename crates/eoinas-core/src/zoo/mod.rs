//! Published cells by name, with their sources.
//!
//! ```
//! use eoinas_core::{Skeleton, count, zoo};
//! let darts = zoo::find("DARTS_V2")?;
//! assert_eq!((darts.name, darts.year), ("darts-v2", 2019));
//! let genotype = darts.genotype();
//! let counts = count::network(&genotype, &Skeleton::cifar(), &genotype.space()?)?;
//! assert_eq!(counts.parameters, 3_349_342);
//! assert!(zoo::find("darts-v9").unwrap_err().to_string().contains("pc-darts-cifar"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod after_darts;
mod cells;
mod darts_space;
mod other_spaces;

use std::fmt;

use crate::genotype::{CellGenotype, Genotype, GenotypeEdge};
use crate::spelling::plain;
use cells::PublishedCell;

/// A published architecture.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Its name here: `darts-v2`, `pc-darts-cifar`, ...
    pub name: &'static str,
    /// Other names that [`find`] knows it by.
    pub aliases: &'static [&'static str],
    /// Who published it.
    pub authors: &'static str,
    /// Title of the paper.
    pub paper: &'static str,
    /// Year of the paper.
    pub year: u16,
    /// Which of the paper's architectures it is, where there are several; else empty.
    pub note: &'static str,
    cells: &'static [PublishedCell],
}

/// A name that no published architecture has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no published cell is called `{name}`; known are {}", names().collect::<Vec<_>>().join(", "))]
pub struct UnknownCell {
    /// The name as it was given, cut to 64 characters.
    pub name: String,
}

/// Every published architecture that is known here.
pub fn all() -> impl Iterator<Item = &'static Published> {
    darts_space::CELLS.iter().chain(after_darts::CELLS).chain(other_spaces::CELLS)
}

/// The architecture of this name or alias. Case, hyphens, underscores and blanks make no difference.
///
/// # Errors
/// [`UnknownCell`] lists the names that there are.
pub fn find(name: &str) -> Result<&'static Published, UnknownCell> {
    let wanted = plain(name);
    let named = |cell: &&Published| cell.aliases.iter().chain([&cell.name]).any(|known| plain(known) == wanted);
    all().find(named).ok_or_else(|| UnknownCell { name: name.chars().take(64).collect() })
}

fn names() -> impl Iterator<Item = &'static str> {
    all().map(|cell| cell.name)
}

impl Published {
    /// The genotype. [`Genotype::space`] makes the space that its network is built in.
    pub fn genotype(&self) -> Genotype {
        Genotype { cells: self.cells.iter().map(genotype).collect() }
    }
}

/// Where it comes from, on one line.
impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}, {}", self.name, self.authors, self.paper, self.year)?;
        if self.note.is_empty() { Ok(()) } else { write!(f, " ({})", self.note) }
    }
}

fn genotype(cell: &PublishedCell) -> CellGenotype {
    let edge = |(op, from): &(crate::op::Op, usize)| GenotypeEdge { op: op.clone(), from: *from };
    CellGenotype {
        name: cell.name.to_owned(),
        nodes: cell.nodes.iter().map(|node| node.iter().map(edge).collect()).collect(),
        inputs: cell.inputs,
        concat: cell.concat.to_vec(),
        reduction: Some(cell.reduction),
    }
}
