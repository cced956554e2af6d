//! Genotypes: which ops a found cell has, and their text forms.
//!
//! Read are the text of the DARTS code in its dialects (lists, tuples, `range`, one list per node, keywords in any
//! order), the same as JSON or as a Python dictionary, the strings of NAS-Bench-201, and the versioned JSON that this
//! crate writes. Nothing is evaluated, and no text, however long or broken, does worse than give an error.
//!
//! ```
//! use eoinas_core::Genotype;
//! let text = "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=range(2, 3), \
//!             reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 0)], reduce_concat=range(2, 3))";
//! let genotype = Genotype::parse(text)?;
//! assert_eq!(genotype.cells[1].nodes[0][1].from, 0);
//! assert_eq!(genotype.to_string(), text);
//!
//! let error = Genotype::parse("Genotype(normal=[('sep_konv_3x3', 0), ('none', 1)])").unwrap_err();
//! assert!(error.to_string().starts_with("line 1, column 19: unknown op `sep_konv_3x3` in cell `normal`"));
//! # Ok::<(), eoinas_core::genotype::GenotypeError>(())
//! ```

mod bench201;
mod error;
mod fit;
mod json;
mod literal;
mod print;
mod random;
mod read;
mod resolve;
mod validate;
mod value;

use crate::op::Op;
use crate::space::SearchSpace;

pub use error::{GenotypeError, Position};
pub use print::Concat;
pub use resolve::{BuiltInOps, OpResolver};

/// The longest text that is read, in bytes: 1 MiB, a thousand times what a genotype needs.
pub const MAX_BYTES: usize = 1 << 20;

/// One input of a node: an op on the output of an earlier node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenotypeEdge {
    /// The op.
    pub op: Op,
    /// Source node, numbered from the cell's inputs.
    pub from: usize,
}

/// One kind of cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellGenotype {
    /// `normal`, `reduce`, ... as in the search space.
    pub name: String,
    /// Per intermediate node, its inputs. Two inputs may come from the same predecessor (as in NASNet-A) in a genotype
    /// that is read; such a cell is never derived.
    pub nodes: Vec<Vec<GenotypeEdge>>,
    /// Number of input nodes of the cell.
    pub inputs: usize,
    /// Nodes joined into the output.
    pub concat: Vec<usize>,
}

/// A found architecture: one cell for each kind of the space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genotype {
    /// The cells in the order of the space's kinds.
    pub cells: Vec<CellGenotype>,
}

impl Genotype {
    /// Reads a genotype of built-in ops in any of the text forms. `normal` comes before `reduce`, whatever their order
    /// in the text; cells of other names follow in their order.
    pub fn parse(text: &str) -> Result<Self, GenotypeError> {
        Self::parse_with(text, &BuiltInOps)
    }

    /// The same with ops of one's own: a [`SearchSpace`] knows its candidates and the built-in ops; a closure
    /// `|name: &str| -> Option<Op>` does for anything else.
    ///
    /// ```
    /// use eoinas_core::{Genotype, Op};
    /// let only_skip = |name: &str| (name == "identity").then_some(Op::SkipConnect);
    /// let genotype = Genotype::parse_with("|identity~0|+|identity~0|identity~1|", &only_skip)?;
    /// assert_eq!(genotype.to_string(), "|skip_connect~0|+|skip_connect~0|skip_connect~1|");
    /// # Ok::<(), eoinas_core::genotype::GenotypeError>(())
    /// ```
    pub fn parse_with(text: &str, ops: &impl OpResolver) -> Result<Self, GenotypeError> {
        if text.len() > MAX_BYTES {
            return Err(GenotypeError::TooLarge { bytes: text.len(), max: MAX_BYTES });
        }
        let start = text.len() - text.trim_start_matches('\u{feff}').trim_start().len();
        if text.get(start..).is_some_and(|rest| rest.starts_with('|')) {
            return bench201::parse(text, start, ops);
        }
        read::genotype(text, literal::parse(text, start)?, ops)
    }

    /// Reads a genotype for a search space: its cells come in the order of the space's kinds, and it is checked that it
    /// [fits](Self::fits).
    pub fn parse_in(text: &str, space: &SearchSpace) -> Result<Self, GenotypeError> {
        let mut genotype = Self::parse_with(text, space)?;
        let rank = |cell: &CellGenotype| space.cells().iter().position(|spec| spec.name == cell.name);
        genotype.cells.sort_by_key(|cell| rank(cell).unwrap_or(usize::MAX));
        genotype.fits(space)?;
        Ok(genotype)
    }
}
