//! Text forms that are written.

use std::fmt::{self, Write};

use super::{CellGenotype, Genotype, GenotypeEdge, bench201, said_by_name};
use crate::error::CoreError;

const DARTS: &str = "DARTS text";

/// The place of a cell among the keywords of a DARTS text, which may come in any order.
pub(super) fn keyword_rank(cell: &CellGenotype) -> u8 {
    match cell.name.as_str() {
        "normal" => 0,
        "reduce" => 1,
        _ => 2,
    }
}

/// How the DARTS text writes a cell's joined nodes. Both are in use, and readers take both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concat {
    /// `range(2, 6)` where the nodes follow each other, as the DARTS search prints it. The default.
    #[default]
    Range,
    /// `[2, 3, 4, 5]`, as the DARTS code lists its published cells.
    List,
}

impl Genotype {
    /// The text that the DARTS search prints, byte for byte:
    /// `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), reduce=[...], ...)`. Nodes with other
    /// than two inputs are written as one list per node.
    ///
    /// Only cells with two input nodes, whose names are words, can be written so, and only with `normal` before `reduce`
    /// before all others, since readers go by the names and not by the order. Of no other cell than `normal` and `reduce`
    /// does the text say whether it halves the resolution: one of which that is known needs the JSON form.
    pub fn to_darts(&self, concat: Concat) -> Result<String, CoreError> {
        if !self.cells.is_sorted_by_key(keyword_rank) {
            let reason = "its cells do not come in the order normal, reduce, others".to_owned();
            return Err(CoreError::NotRepresentable { form: DARTS, reason });
        }
        let cells: Vec<String> = self.cells.iter().map(|cell| darts_cell(cell, concat)).collect::<Result<_, _>>()?;
        Ok(format!("Genotype({})", cells.join(", ")))
    }

    /// The string of NAS-Bench-201, for one kind of cell `cell` with one input whose last node is the output.
    pub fn to_nas_bench_201(&self) -> Result<String, CoreError> {
        bench201::print(self)
    }

    /// The versioned JSON form on one line; every genotype has it.
    pub fn to_json(&self) -> String {
        // Serialisation of numbers and strings into a string has nothing that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The NAS-Bench-201 string or the DARTS text where the genotype has one, else JSON: always a text that
/// [`Genotype::parse`] reads.
impl fmt::Display for Genotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_nas_bench_201().or_else(|_| self.to_darts(Concat::Range));
        f.write_str(&text.unwrap_or_else(|_| self.to_json()))
    }
}

fn darts_cell(cell: &CellGenotype, concat: Concat) -> Result<String, CoreError> {
    let name = &cell.name;
    let wrong = |reason| Err(CoreError::NotRepresentable { form: DARTS, reason });
    if cell.reduction != said_by_name(name, cell.inputs) {
        return wrong(format!("the name of cell `{name}` does not say whether it halves the resolution"));
    }
    if cell.inputs != 2 {
        return wrong(format!("cell `{name}` has not two input nodes but {}", cell.inputs));
    }
    let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_word || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || name.ends_with("_concat") {
        return wrong(format!("`{name}` is no name of a field"));
    }
    let nodes = if cell.nodes.iter().all(|node| node.len() == 2) {
        edges(cell.nodes.iter().flatten())
    } else {
        format!("[{}]", cell.nodes.iter().map(edges).collect::<Vec<_>>().join(", "))
    };
    Ok(format!("{name}={nodes}, {name}_concat={}", joined(&cell.concat, concat)))
}

fn edges<'a>(edges: impl IntoIterator<Item = &'a GenotypeEdge>) -> String {
    let mut text = String::from("[");
    for (index, edge) in edges.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}('{}', {})", edge.op, edge.from);
    }
    text.push(']');
    text
}

fn joined(nodes: &[usize], concat: Concat) -> String {
    match nodes {
        [first, ..] if concat == Concat::Range && nodes.iter().zip(*first..).all(|(&node, next)| node == next) => {
            format!("range({first}, {})", first + nodes.len())
        }
        _ => format!("{nodes:?}"),
    }
}
