//! The string of NAS-Bench-201: `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...|`.
//!
//! Nodes are joined by `+`; each lists its inputs as op and source node. Node 0 is the cell's input, the last node its
//! output.

use std::fmt::Write;
use std::ops::Range;

use super::read::Reader;
use super::resolve::OpResolver;
use super::value::{cut, is_invisible};
use super::{CellGenotype, Genotype, GenotypeEdge};
use crate::error::CoreError;

/// The benchmark has one kind of cell, which this crate calls `cell`, with one input.
pub(super) const CELL: &str = "cell";

/// Reads the string in the bytes `range` of `text`.
pub(super) fn parse(text: &str, range: Range<usize>, ops: &impl OpResolver) -> Result<Genotype, CoreError> {
    let reader = Reader { text, ops };
    let mut nodes: Vec<Vec<GenotypeEdge>> = vec![Vec::new()];
    let blank = |c: char| c.is_whitespace() || is_invisible(c);
    let mut at = range.start;
    let body = text.get(range).unwrap_or_default().trim_end_matches(blank);
    let end = at + body.len();
    // Between two bars stands either an input or, from one node to the next, a plus.
    for (index, part) in body.split('|').enumerate() {
        let offset = at;
        at += part.len() + 1;
        let is_last = at > end;
        let part_at = offset + part.len() - part.trim_start_matches(blank).len();
        let trimmed = part.trim_matches(blank);
        let complete = nodes.last().is_some_and(|node| !node.is_empty());
        match trimmed {
            "" if index == 0 || is_last && complete => {}
            "+" if complete && !is_last => nodes.push(Vec::new()),
            _ if is_last || index == 0 => {
                return Err(syntax(&reader, part_at, "`|`", trimmed));
            }
            _ => {
                let node = nodes.len();
                let edge = edge(&reader, node, trimmed, part_at)?;
                if let Some(inputs) = nodes.last_mut() {
                    inputs.push(edge);
                }
            }
        }
    }
    let concat = vec![nodes.len()];
    let name = CELL.to_owned();
    let genotype = Genotype { cells: vec![CellGenotype { name, nodes, inputs: 1, concat, reduction: Some(false) }] };
    genotype.validate()?;
    Ok(genotype)
}

fn edge<R: OpResolver>(
    reader: &Reader<'_, R>,
    node: usize,
    text: &str,
    offset: usize,
) -> Result<GenotypeEdge, CoreError> {
    let expected = "an op and a node, as in `skip_connect~0`";
    let Some((name, from)) = text.split_once('~') else {
        return Err(syntax(reader, offset, expected, text));
    };
    let op = reader.op(CELL, offset, name)?;
    let from = from.parse().map_err(|_| syntax(reader, offset, expected, text))?;
    reader.check_source(CELL, node, from, offset)?;
    Ok(GenotypeEdge { op, from })
}

fn syntax<R: OpResolver>(reader: &Reader<'_, R>, offset: usize, expected: &str, found: &str) -> CoreError {
    let found = if found.is_empty() { "nothing".to_owned() } else { format!("`{}`", cut(found)) };
    CoreError::genotype(reader.at(offset), format!("expected {expected}, found {found}"))
}

/// Writes the string, if it can say all that the genotype does.
pub(super) fn print(genotype: &Genotype) -> Result<String, CoreError> {
    let wrong =
        |reason: &str| CoreError::NotRepresentable { form: "a NAS-Bench-201 string", reason: reason.to_owned() };
    let [cell] = genotype.cells.as_slice() else {
        return Err(wrong("it has not exactly one kind of cell"));
    };
    if cell.name != CELL {
        return Err(wrong("its kind of cell is not called `cell`"));
    }
    if cell.reduction != Some(false) {
        return Err(wrong("nothing says that its cell keeps the resolution"));
    }
    if cell.inputs != 1 || cell.concat != [cell.nodes.len()] {
        return Err(wrong("its cell has not one input and its last node as output"));
    }
    let mut text = String::new();
    for (index, node) in cell.nodes.iter().enumerate() {
        text.push_str(if index == 0 { "|" } else { "+|" });
        for edge in node {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}~{}|", edge.op, edge.from);
        }
    }
    Ok(text)
}
