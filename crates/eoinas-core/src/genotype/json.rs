//! The versioned JSON form: `{"format": "eoinas-genotype", "version": 2, "cells": [...]}`.
//!
//! It writes every genotype, of any number of inputs and kinds of cell. Version 2 says of each cell whether it halves the
//! resolution (`"reduction": true`, `false`, or `null` where nobody has said). Version 1 does not; it is written still
//! where the names of all cells say the same (`normal`, `reduce`, NAS-Bench-201's `cell`), and of no other cell of such a
//! file is it known.

use serde::{Serialize, Serializer};

use super::read::Reader;
use super::resolve::OpResolver;
use super::validate::{check_count, too_many};
use super::value::{Kind, Value, cut};
use super::{CellGenotype, Genotype, said_by_name};
use crate::error::CoreError;
use crate::op::Op;
use crate::space::MAX_INPUTS;

const FORMAT: &str = "eoinas-genotype";
const VERSIONS: [u64; 2] = [1, 2];
/// Characters of a cell's name that are kept.
const LONGEST_NAME: usize = 64;

#[derive(Serialize)]
struct File<'a> {
    format: &'a str,
    version: u64,
    cells: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    name: &'a str,
    inputs: usize,
    nodes: Vec<Vec<Edge<'a>>>,
    concat: &'a [usize],
    /// From version 2 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    reduction: Option<Option<bool>>,
}

#[derive(Serialize)]
struct Edge<'a> {
    op: &'a Op,
    from: usize,
}

/// The versioned JSON form.
impl Serialize for Genotype {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let said = self.cells.iter().all(|cell| cell.reduction == said_by_name(&cell.name, cell.inputs));
        let [old, new] = VERSIONS;
        let cells = self.cells.iter().map(|cell| view(cell, (!said).then_some(cell.reduction))).collect();
        File { format: FORMAT, version: if said { old } else { new }, cells }.serialize(serializer)
    }
}

fn view(cell: &CellGenotype, reduction: Option<Option<bool>>) -> Cell<'_> {
    Cell {
        name: &cell.name,
        inputs: cell.inputs,
        nodes: cell.nodes.iter().map(|node| node.iter().map(|e| Edge { op: &e.op, from: e.from }).collect()).collect(),
        concat: &cell.concat,
        reduction,
    }
}

/// Reads the form, with the fields in any order. Fields that are not known say nothing in this version.
pub(super) fn read<R: OpResolver>(reader: &Reader<'_, R>, value: &Value) -> Result<Genotype, CoreError> {
    let fields = reader.fields(value)?;
    let format = reader.field(value.offset, fields, "format")?;
    let version = reader.field(value.offset, fields, "version")?;
    let unknown = |field: &str, value: &Value, expected: String| {
        let (at, found) = (reader.at(value.offset), value.kind.describe());
        Err(CoreError::Version { problem: format!("{at}: {field} is {found}; this version reads {expected}") })
    };
    if !matches!(&format.kind, Kind::Text(text) if text == FORMAT) {
        return unknown("format", format, format!("`{FORMAT}`"));
    }
    let Kind::Int(number) = version.kind else { return unknown("version", version, "1 and 2".to_owned()) };
    if !VERSIONS.contains(&number) {
        return unknown("version", version, "1 and 2".to_owned());
    }
    let cells = reader.list(reader.field(value.offset, fields, "cells")?, "a list of cells")?;
    check_count(cells.len())?;
    let cells = cells.iter().map(|value| {
        let fields = reader.fields(value)?;
        let field = |name| reader.field(value.offset, fields, name);
        let name = reader.string(field("name")?, "the name of a kind of cell")?;
        let inputs = reader.integer(field("inputs")?, "the number of input nodes")?;
        if inputs > MAX_INPUTS {
            return Err(too_many(reader.at(value.offset), &cut(name), "input nodes", inputs, MAX_INPUTS));
        }
        let lists = reader.list(field("nodes")?, "a list of nodes")?;
        let nodes =
            (inputs..).zip(lists).map(|(node, list)| reader.node(name, node, list)).collect::<Result<_, _>>()?;
        let reduction = match number {
            1 => said_by_name(name, inputs),
            _ => reader.truth(field("reduction")?)?,
        };
        reader.cell(&name.chars().take(LONGEST_NAME).collect::<String>(), inputs, nodes, field("concat")?, reduction)
    });
    Ok(Genotype { cells: cells.collect::<Result<_, _>>()? })
}
