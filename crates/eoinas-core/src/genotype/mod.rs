//! Genotypes: which ops a found cell has, and their text forms.
//!
//! Read are the text of the DARTS code in its dialects (lists, tuples, `range`, one list per node, keywords in any
//! order), the same as JSON or as a Python dictionary, the strings of NAS-Bench-201, NNI's dictionaries of the DARTS space, and the versioned JSON that this
//! crate writes; with what Python prints of numbers (`np.int64(0)`, `tensor(1)`), and in a line of a log. Nothing is
//! evaluated, and no text, however long or broken, does worse than give an error.
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
//! # Ok::<(), eoinas_core::CoreError>(())
//! ```

mod bench201;
mod bytes;
mod call;
mod fit;
mod json;
mod literal;
mod locate;
mod meant;
mod nni;
mod position;
mod print;
mod random;
mod read;
mod resolve;
mod validate;
mod value;

use crate::error::CoreError;
use crate::op::Op;
use crate::space::SearchSpace;

pub(crate) use meant::meant;
pub use position::Position;
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
    /// Whether the cell halves the resolution; `None` where its text does not say. The DARTS text says it of its own
    /// fields `normal` and `reduce`, the string of NAS-Bench-201 of its one cell, the JSON form of every cell; a search
    /// space says it of its kinds.
    pub reduction: Option<bool>,
}

/// A found architecture: one cell for each kind of the space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genotype {
    /// The cells in the order of the space's kinds.
    pub cells: Vec<CellGenotype>,
}

/// Whether a cell of this name and this number of inputs halves the resolution by the names of the dialects: DARTS has
/// `normal` and `reduce`, NAS-Bench-201 one cell, which this crate calls `cell`. All other names say nothing.
fn said_by_name(name: &str, inputs: usize) -> Option<bool> {
    match (name, inputs) {
        ("normal", _) | (bench201::CELL, 1) => Some(false),
        ("reduce", _) => Some(true),
        _ => None,
    }
}

impl Genotype {
    /// Reads a genotype of built-in ops in any of the text forms. `normal` comes before `reduce`, whatever their order
    /// in the text; cells of other names follow in their order.
    pub fn parse(text: &str) -> Result<Self, CoreError> {
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
    /// # Ok::<(), eoinas_core::CoreError>(())
    /// ```
    pub fn parse_with(text: &str, ops: &impl OpResolver) -> Result<Self, CoreError> {
        if text.len() > MAX_BYTES {
            return Err(bytes::too_large(text.len()));
        }
        locate::read(text, ops)
    }

    /// The same from the bytes of a file: UTF-8, or UTF-16 that says so by its first character, as Windows writes it.
    ///
    /// # Errors
    /// Those of [`Self::parse`]; bytes that are neither, with the place of the first wrong one.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, CoreError> {
        Self::parse(&bytes::text(bytes)?)
    }

    /// Reads a genotype for a search space: its cells come in the order of the space's kinds, reduce where those do, and it
    /// is checked that it [fits](Self::fits).
    pub fn parse_in(text: &str, space: &SearchSpace) -> Result<Self, CoreError> {
        let mut genotype = Self::parse_with(text, space)?;
        let rank = |cell: &CellGenotype| space.cells().iter().position(|spec| spec.name == cell.name);
        genotype.cells.sort_by_key(|cell| rank(cell).unwrap_or(usize::MAX));
        genotype.fits(space)?;
        for (cell, spec) in genotype.cells.iter_mut().zip(space.cells()) {
            cell.reduction = Some(spec.reduction);
        }
        Ok(genotype)
    }

    /// The genotype with what its text did not say: the cells named in `reducing` halve the resolution, the others keep it.
    ///
    /// ```
    /// use eoinas_core::{Genotype, Skeleton, count};
    /// let cell = "[('sep_conv_3x3', 0), ('skip_connect', 1)]";
    /// let text = format!("Genotype(normal_0={cell}, normal_0_concat=[2], reduce_1={cell}, reduce_1_concat=[2])");
    /// let genotype = Genotype::parse(&text)?;
    /// let error = genotype.space().unwrap_err().to_string();
    /// assert!(error.starts_with("cell `normal_0`: its text does not say whether it halves the resolution"));
    ///
    /// let genotype = genotype.with_reductions(&["reduce_1"])?;
    /// assert!(count::network(&genotype, &Skeleton::cifar(), &genotype.space()?)?.parameters > 0);
    /// // Its JSON form says it for good.
    /// assert_eq!(Genotype::parse(&genotype.to_json())?, genotype);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A name that no cell has; a cell whose text says otherwise.
    pub fn with_reductions(mut self, reducing: &[&str]) -> Result<Self, CoreError> {
        let unknown = |name: &&&str| self.cells.iter().all(|cell| cell.name != **name);
        if let Some(name) = reducing.iter().find(unknown) {
            let found: Vec<&str> = self.cells.iter().map(|cell| cell.name.as_str()).collect();
            return Err(CoreError::fit(format!("the genotype has no cell `{name}`; it has {}", found.join(", "))));
        }
        for cell in &mut self.cells {
            let asked = reducing.contains(&cell.name.as_str());
            if let Some(found) = cell.reduction.replace(asked).filter(|found| *found != asked) {
                return Err(fit::other_reduction(&cell.name, found, asked));
            }
        }
        Ok(self)
    }
}
