//! NNI's dictionaries of a cell of the DARTS space: those of its model hub and of its exports.
//!
//! Newer ones have ops and inputs of a node by number (`"normal/op_2_0": "sep_conv_3x3"`, `"normal/input_2_0": 0` or `[0]`), older
//! ones an op for every predecessor and a switch, which says the ones that count (`"normal_n2_p0": "sepconv3x3"`,
//! `"normal_n2_switch": ["normal_n2_p0", "normal_n2_p1"]` or `[0, 1]`). Neither says which nodes are joined: in the DARTS
//! space of four nodes it is all of them. Ops by their numbers are refused, as the list that they count in is not there.

use std::ops::Range;

use super::read::Reader;
use super::resolve::OpResolver;
use super::value::{Field, Kind, Value, cut};
use super::{CellGenotype, Genotype, GenotypeEdge, said_by_name};
use crate::error::CoreError;

const CELLS: [&str; 2] = ["normal", "reduce"];
const INPUTS: usize = 2;
const NODES: Range<usize> = 2..6;
/// What the hub's dictionaries say of the network beside its cells.
const OF_NETWORK: [&str; 3] = ["width", "depth", "num_cells"];
/// Ops as older dictionaries name them.
const OLD_NAMES: [(&str, &str); 7] = [
    ("maxpool", "max_pool_3x3"),
    ("avgpool", "avg_pool_3x3"),
    ("skipconnect", "skip_connect"),
    ("sepconv3x3", "sep_conv_3x3"),
    ("sepconv5x5", "sep_conv_5x5"),
    ("dilconv3x3", "dil_conv_3x3"),
    ("dilconv5x5", "dil_conv_5x5"),
];

/// Whether a dictionary is one of these.
pub(super) fn is_one(fields: &[Field]) -> bool {
    fields.iter().any(|field| node_of(&field.name).is_some())
}

/// The node that a field is about.
fn node_of(name: &str) -> Option<usize> {
    let rest = CELLS.iter().find_map(|cell| name.strip_prefix(cell))?;
    let number = ["/op_", "/input_", "_n"].iter().find_map(|mark| rest.strip_prefix(mark))?;
    number.split_once('_')?.0.parse().ok()
}

/// Reads both cells.
pub(super) fn read<R: OpResolver>(
    reader: &Reader<'_, R>,
    offset: usize,
    fields: &[Field],
) -> Result<Genotype, CoreError> {
    let unknown = |field: &&Field| {
        !OF_NETWORK.contains(&field.name.as_str()) && node_of(&field.name).is_none_or(|node| !NODES.contains(&node))
    };
    if let Some(field) = fields.iter().find(unknown) {
        let name = cut(&field.name);
        let problem =
            format!("`{name}` is no field of NNI's DARTS space, which has nodes 2 to 5 in cells normal and reduce");
        return Err(CoreError::genotype(reader.at(field.value.offset), problem));
    }
    let new = fields.iter().any(|field| field.name.contains('/'));
    let cell = |name: &&str| -> Result<CellGenotype, CoreError> {
        let dictionary = Dictionary { reader, offset, fields, cell: name };
        let nodes = NODES.map(|node| if new { dictionary.numbered(node) } else { dictionary.switched(node) });
        let cell = CellGenotype {
            name: (*name).to_owned(),
            nodes: nodes.collect::<Result<_, _>>()?,
            inputs: INPUTS,
            concat: NODES.collect(),
            reduction: said_by_name(name, INPUTS),
        };
        cell.check(Some(reader.at(offset)))?;
        Ok(cell)
    };
    Ok(Genotype { cells: CELLS.iter().map(cell).collect::<Result<_, _>>()? })
}

/// One cell of a dictionary.
struct Dictionary<'a, R> {
    reader: &'a Reader<'a, R>,
    offset: usize,
    fields: &'a [Field],
    cell: &'a str,
}

impl<R: OpResolver> Dictionary<'_, R> {
    fn field(&self, rest: &str) -> Result<&Value, CoreError> {
        self.reader.field(self.offset, self.fields, &format!("{}{rest}", self.cell))
    }

    /// A node of a newer one.
    fn numbered(&self, node: usize) -> Result<Vec<GenotypeEdge>, CoreError> {
        let edge = |slot: usize| {
            let (op, input) =
                (self.field(&format!("/op_{node}_{slot}"))?, self.field(&format!("/input_{node}_{slot}"))?);
            let from = match &input.kind {
                Kind::List(items) if items.len() == 1 => items.first().unwrap_or(input),
                _ => input,
            };
            self.edge(node, op, self.reader.integer(from, "the number of a node")?, from.offset)
        };
        (0..INPUTS).map(edge).collect()
    }

    /// A node of an older one.
    fn switched(&self, node: usize) -> Result<Vec<GenotypeEdge>, CoreError> {
        let switch = self.field(&format!("_n{node}_switch"))?;
        let chosen = self.reader.list(switch, "a list of two inputs")?;
        if chosen.len() != INPUTS {
            let problem = format!("expected two inputs of node {node}, found {}", switch.kind.describe());
            return Err(CoreError::genotype(self.reader.at(switch.offset), problem));
        }
        let edge = |item: &Value| {
            let prefix = format!("{}_n{node}_p", self.cell);
            let from = match &item.kind {
                Kind::Text(name) => name.strip_prefix(&prefix).and_then(|from| from.parse().ok()),
                Kind::Int(from) => usize::try_from(*from).ok(),
                _ => None,
            };
            let from = from.ok_or_else(|| {
                let problem =
                    format!("expected `{prefix}0` or another input of the node, found {}", item.kind.describe());
                CoreError::genotype(self.reader.at(item.offset), problem)
            })?;
            self.edge(node, self.field(&format!("_n{node}_p{from}"))?, from, item.offset)
        };
        chosen.iter().map(edge).collect()
    }

    fn edge(&self, node: usize, op: &Value, from: usize, offset: usize) -> Result<GenotypeEdge, CoreError> {
        let name = self.reader.string(op, "the name of an op")?;
        let known = OLD_NAMES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
        let edge = GenotypeEdge { op: self.reader.op(self.cell, op.offset, known)?, from };
        self.reader.check_source(self.cell, node, from, offset)?;
        Ok(edge)
    }
}
