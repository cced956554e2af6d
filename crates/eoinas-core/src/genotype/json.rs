//! The versioned JSON form: `{"format": "eoinas-genotype", "version": 1, "cells": [...]}`.
//!
//! It writes every genotype, of any number of inputs and kinds of cell.

use serde::{Serialize, Serializer};

use super::error::GenotypeError;
use super::read::Reader;
use super::resolve::OpResolver;
use super::value::{Kind, Value, cut};
use super::{CellGenotype, Genotype};
use crate::op::Op;
use crate::space::MAX_INPUTS;

const FORMAT: &str = "eoinas-genotype";
const VERSION: u32 = 1;

#[derive(Serialize)]
struct File<'a> {
    format: &'a str,
    version: u32,
    cells: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    name: &'a str,
    inputs: usize,
    nodes: Vec<Vec<Edge<'a>>>,
    concat: &'a [usize],
}

#[derive(Serialize)]
struct Edge<'a> {
    op: &'a Op,
    from: usize,
}

/// The versioned JSON form.
impl Serialize for Genotype {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        File { format: FORMAT, version: VERSION, cells: self.cells.iter().map(view).collect() }.serialize(serializer)
    }
}

fn view(cell: &CellGenotype) -> Cell<'_> {
    Cell {
        name: &cell.name,
        inputs: cell.inputs,
        nodes: cell.nodes.iter().map(|node| node.iter().map(|e| Edge { op: &e.op, from: e.from }).collect()).collect(),
        concat: &cell.concat,
    }
}

/// Reads the form, with the fields in any order. Fields that are not known say nothing in this version.
pub(super) fn read<R: OpResolver>(reader: &Reader<'_, R>, value: &Value) -> Result<Genotype, GenotypeError> {
    let fields = reader.fields(value)?;
    let format = reader.field(value.offset, fields, "format")?;
    let version = reader.field(value.offset, fields, "version")?;
    let unknown = |field, value: &Value, expected: String| {
        Err(GenotypeError::Version { at: reader.at(value.offset), field, found: value.kind.describe(), expected })
    };
    if !matches!(&format.kind, Kind::Text(text) if text == FORMAT) {
        return unknown("format", format, format!("`{FORMAT}`"));
    }
    if !matches!(version.kind, Kind::Int(number) if number == u64::from(VERSION)) {
        return unknown("version", version, VERSION.to_string());
    }
    let cells = reader.list(reader.field(value.offset, fields, "cells")?, "a list of cells")?;
    let cells = cells.iter().map(|value| {
        let fields = reader.fields(value)?;
        let field = |name| reader.field(value.offset, fields, name);
        let name = reader.string(field("name")?, "the name of a kind of cell")?;
        let inputs = reader.integer(field("inputs")?, "the number of input nodes")?;
        if inputs > MAX_INPUTS {
            let (at, cell) = (Some(reader.at(value.offset)), cut(name));
            return Err(GenotypeError::TooMany { at, cell, what: "input nodes", got: inputs, max: MAX_INPUTS });
        }
        let lists = reader.list(field("nodes")?, "a list of nodes")?;
        let nodes =
            (inputs..).zip(lists).map(|(node, list)| reader.node(name, node, list)).collect::<Result<_, _>>()?;
        reader.cell(&cut(name), inputs, nodes, field("concat")?)
    });
    Ok(Genotype { cells: cells.collect::<Result<_, _>>()? })
}
