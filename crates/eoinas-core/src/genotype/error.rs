//! What can be wrong with a genotype.

use std::fmt;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    /// The place of the byte `offset` of `text`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.bytes().filter(|&b| b == b'\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// `line 1, column 5: `, or nothing for a genotype that was not read from a text.
fn place(at: &Option<Position>) -> String {
    at.map_or_else(String::new, |at| format!("{at}: "))
}

/// What is read, for a text that is none of it.
const FORMS: &str = "; read are `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[...], reduce=...)`, the same as a \
                     dictionary or JSON, NAS-Bench-201's `|nor_conv_3x3~0|+...|`, and the JSON that this program writes";

/// A question after the name of a cell that is nearly one of DARTS's.
fn meant(cell: &str) -> String {
    let near = |known: &&str| cell != *known && is_near(&cell.to_ascii_lowercase(), known);
    ["normal", "reduce"].into_iter().find(near).map_or_else(String::new, |known| format!(" (is `{known}` meant?)"))
}

/// Whether at most one letter is wrong, missing or too much, or two stand in the wrong order.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = |text: &[u8], skipped: usize| text.get(same + skipped..).map(<[u8]>::to_vec);
    let swapped = || match (a.get(same..same + 2), b.get(same..same + 2)) {
        (Some([x, y]), Some([z, w])) => x == w && y == z && rest(a, 2) == rest(b, 2),
        _ => false,
    };
    let plain = a.iter().all(u8::is_ascii_alphabetic);
    a == b
        || plain && [(1, 1), (1, 0), (0, 1)].iter().any(|&(x, y)| rest(a, x).is_some() && rest(a, x) == rest(b, y))
        || plain && swapped()
}

fn does(reduce: bool) -> &'static str {
    if reduce { "halves the resolution" } else { "keeps the resolution" }
}

/// Why a text is no genotype, or a genotype does not fit. `at` is the place in the text, where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenotypeError {
    /// A text too long for a genotype; nothing of it was read.
    #[error("the genotype text has {bytes} bytes, more than the {max} that are read; is it the right file?")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is read.
        max: usize,
    },
    /// Brackets within brackets, deeper than any genotype has them.
    #[error("{at}: brackets are nested more than {max} deep, which no genotype needs")]
    TooDeep {
        /// Where the limit was passed.
        at: Position,
        /// The limit.
        max: usize,
    },
    /// A file that is no text: neither UTF-8 nor UTF-16 with a byte order mark.
    #[error(
        "the file is no text: byte {offset} is neither of UTF-8 nor of UTF-16 with a byte order mark; is it the right \
             file?"
    )]
    NoText {
        /// The first byte that fits neither, from 0.
        offset: usize,
    },
    /// More than one genotype, as in the log of a search.
    #[error("{at}: the text has {count} genotypes, of which this is the second; leave the one that is meant")]
    Several {
        /// Where the second begins.
        at: Position,
        /// How many there are.
        count: usize,
    },
    /// A cell that is None.
    #[error("{at}: cell `{cell}` is None; a genotype of one cell leaves it out, in other networks it has to be there")]
    NoneCell {
        /// Where.
        at: Position,
        /// `normal` or `reduce`.
        cell: String,
    },
    /// A target that an input's third entry names, which cannot be.
    #[error("{at}: the third entry of an input of cell `{cell}` is {to}; {expected}")]
    Target {
        /// Where.
        at: Position,
        /// Kind of cell.
        cell: String,
        /// What is there.
        to: String,
        /// What would do.
        expected: String,
    },
    /// Something else was expected here.
    #[error("{at}: expected {expected}, found {found}")]
    Syntax {
        /// Where.
        at: Position,
        /// What would do.
        expected: String,
        /// What is there.
        found: String,
    },
    /// No known op has this name.
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
    /// A field that has to be there.
    #[error("{at}: the genotype has no field `{field}`{}", if *field == "normal" { FORMS } else { "" })]
    MissingField {
        /// Start of what lacks it.
        at: Position,
        /// Its name.
        field: String,
    },
    /// A field that is there twice.
    #[error("{at}: field `{field}` is given twice")]
    DuplicateField {
        /// The second one.
        at: Position,
        /// Its name.
        field: String,
    },
    /// A JSON genotype of another program or of a later version.
    #[error("{at}: {field} is {found}; this version reads {expected}")]
    Version {
        /// Where.
        at: Position,
        /// `format` or `version`.
        field: &'static str,
        /// What is there.
        found: String,
        /// What is read.
        expected: String,
    },
    /// More of something than is read.
    #[error("{}cell `{cell}` has {got} {what}; at most {max} are possible", place(at))]
    TooMany {
        /// Where.
        at: Option<Position>,
        /// Kind of cell.
        cell: String,
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
        /// The most that are read.
        max: usize,
    },
    /// No cell, or a cell without nodes, without inputs, or without output.
    #[error("{}{what}", place(at))]
    Empty {
        /// Where.
        at: Option<Position>,
        /// What is missing, in words.
        what: String,
    },
    /// A flat list gives every node two inputs, so it has an even number of them.
    #[error(
        "{at}: cell `{cell}` lists {got} inputs; a flat list has two for every node (else write one list per node)"
    )]
    OddInputs {
        /// Where the list starts.
        at: Position,
        /// Kind of cell.
        cell: String,
        /// How many there are.
        got: usize,
    },
    /// A node that takes the output of itself or of a later node.
    #[error("{}node {node} of cell `{cell}` takes its input from node {from}; only nodes 0 to {} come before it",
            place(at), node.saturating_sub(1))]
    Source {
        /// Where.
        at: Option<Position>,
        /// Kind of cell.
        cell: String,
        /// The node.
        node: usize,
        /// Where it takes its input from.
        from: usize,
    },
    /// An output that is not an intermediate node, or is one twice.
    #[error("{}the output of cell `{cell}` joins node {node}, which {problem}", place(at))]
    Concat {
        /// Where.
        at: Option<Position>,
        /// Kind of cell.
        cell: String,
        /// The node.
        node: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Two cells of one name.
    #[error("the genotype has two cells `{cell}`")]
    DuplicateCell {
        /// The name.
        cell: String,
    },
    /// Not the kinds of cell that the space has.
    #[error("the genotype has the cells {found:?}; the space `{space}` has {expected:?}")]
    Kinds {
        /// Name of the space.
        space: String,
        /// The space's kinds.
        expected: Vec<String>,
        /// The genotype's cells.
        found: Vec<String>,
    },
    /// A name that no cell has.
    #[error("the genotype has no cell `{cell}`; it has {}", found.join(", "))]
    NoCell {
        /// The name.
        cell: String,
        /// The genotype's cells.
        found: Vec<String>,
    },
    /// A cell of which nobody says whether it reduces.
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
    /// A cell that reduces where it should not, or does not where it should.
    #[error("cell `{cell}` {} by its text, and {} where it is to stand", does(*found), does(*expected))]
    Reduction {
        /// Kind of cell.
        cell: String,
        /// As in the genotype.
        found: bool,
        /// As in the space.
        expected: bool,
    },
    /// A cell of another size than the space's.
    #[error("cell `{cell}` has {found} {what}; the space's has {expected}")]
    Size {
        /// Kind of cell.
        cell: String,
        /// `input nodes` or `intermediate nodes`.
        what: &'static str,
        /// As in the space.
        expected: usize,
        /// As in the genotype.
        found: usize,
    },
    /// A cell that joins other nodes into its output than the space's.
    #[error("the output of cell `{cell}` joins the nodes {found:?}; the space's joins {expected:?}")]
    Output {
        /// Kind of cell.
        cell: String,
        /// As in the space.
        expected: Vec<usize>,
        /// As in the genotype.
        found: Vec<usize>,
    },
    /// An op that is none of the space's candidates.
    #[error("node {node} of cell `{cell}` uses `{op}`, which is no candidate of the space; candidates are {}",
            known.join(", "))]
    NotCandidate {
        /// Kind of cell.
        cell: String,
        /// The node.
        node: usize,
        /// The op.
        op: String,
        /// The space's ops.
        known: Vec<String>,
    },
    /// A connection that the space does not have.
    #[error("the space's cell `{cell}` has no edge from node {from} to node {node}")]
    NoEdge {
        /// Kind of cell.
        cell: String,
        /// The node.
        node: usize,
        /// Where it takes its input from.
        from: usize,
    },
    /// Two ops on one edge, as NASNet-A has them; a derived cell has distinct predecessors.
    #[error("node {node} of cell `{cell}` takes two inputs from node {from}; an edge of the search space keeps one op")]
    Parallel {
        /// Kind of cell.
        cell: String,
        /// The node.
        node: usize,
        /// Where it takes both inputs from.
        from: usize,
    },
    /// A genotype that a text form has no way to write.
    #[error("the genotype cannot be written as {form}: {reason}; the JSON form writes every genotype")]
    NotRepresentable {
        /// Name of the text form.
        form: &'static str,
        /// Why.
        reason: String,
    },
}
