//! From literals to genotypes: what the fields of a text mean.

use super::json;
use super::nni;
use super::position::Position;
use super::print::keyword_rank;
use super::resolve::OpResolver;
use super::validate::{check_count, later_source, no_inputs, too_many};
use super::value::{Field, Kind, Value, cut};
use super::{CellGenotype, Genotype, GenotypeEdge, said_by_name};
use crate::error::CoreError;
use crate::op::Op;
use crate::space::MAX_NODES;
use crate::words::counted;

/// A cell of the DARTS dialects has the two cells before it as inputs, and writes them nowhere.
const INPUTS: usize = 2;
const CONCAT: &str = "_concat";
/// The cells of the original DARTS.
const CELLS: [&str; 2] = ["normal", "reduce"];

/// A text with what is needed to read values of it.
pub(super) struct Reader<'a, R> {
    pub text: &'a str,
    pub ops: &'a R,
}

/// Reads the one value of a text.
pub(super) fn genotype(text: &str, value: Value, ops: &impl OpResolver) -> Result<Genotype, CoreError> {
    let reader = Reader { text, ops };
    let fields = reader.fields(&value)?;
    let genotype = if fields.iter().any(|field| field.name == "format") {
        json::read(&reader, &value)?
    } else if nni::is_one(fields) {
        nni::read(&reader, value.offset, fields)?
    } else {
        reader.darts(value.offset, fields)?
    };
    genotype.validate()?;
    Ok(genotype)
}

impl<R: OpResolver> Reader<'_, R> {
    pub fn at(&self, offset: usize) -> Position {
        Position::of(self.text, offset)
    }

    fn wrong(&self, value: &Value, expected: &str) -> CoreError {
        let (at, found) = (self.at(value.offset), value.kind.describe());
        CoreError::genotype(at, format!("expected {expected}, found {found}"))
    }

    pub fn fields<'v>(&self, value: &'v Value) -> Result<&'v [Field], CoreError> {
        match &value.kind {
            Kind::Fields(fields) => Ok(fields),
            _ => Err(self.wrong(value, "a genotype: `Genotype(normal=..., ...)` or a dictionary")),
        }
    }

    pub fn field<'v>(&self, offset: usize, fields: &'v [Field], name: &str) -> Result<&'v Value, CoreError> {
        let found = fields.iter().find(|field| field.name == name).map(|field| &field.value);
        found.ok_or_else(|| self.no_field(offset, name))
    }

    fn no_field(&self, offset: usize, name: &str) -> CoreError {
        CoreError::genotype(self.at(offset), format!("the genotype has no field `{}`", cut(name)))
    }

    /// A target that an input's third entry names, which cannot be.
    fn target(&self, cell: &str, offset: usize, to: u64, expected: &str) -> CoreError {
        let problem = format!("the third entry of an input of cell `{}` is {to}; {expected}", cut(cell));
        CoreError::genotype(self.at(offset), problem)
    }

    pub fn list<'v>(&self, value: &'v Value, expected: &str) -> Result<&'v [Value], CoreError> {
        match &value.kind {
            Kind::List(items) => Ok(items),
            _ => Err(self.wrong(value, expected)),
        }
    }

    pub fn string<'v>(&self, value: &'v Value, expected: &str) -> Result<&'v str, CoreError> {
        match &value.kind {
            Kind::Text(text) => Ok(text),
            _ => Err(self.wrong(value, expected)),
        }
    }

    pub fn integer(&self, value: &Value, expected: &str) -> Result<usize, CoreError> {
        let number = if let Kind::Int(number) = value.kind { usize::try_from(number).ok() } else { None };
        number.ok_or_else(|| self.wrong(value, expected))
    }

    /// A truth value, or nothing.
    pub fn truth(&self, value: &Value) -> Result<Option<bool>, CoreError> {
        match value.kind {
            Kind::None => Ok(None),
            Kind::Bool(truth) => Ok(Some(truth)),
            _ => Err(self.wrong(value, "true or false (whether the cell halves the resolution), or null")),
        }
    }

    /// `X=[...], X_concat=[...]` for any names X. Fields that are None say nothing (some codes write `connects=None`).
    fn darts(&self, offset: usize, fields: &[Field]) -> Result<Genotype, CoreError> {
        let said = || fields.iter().filter(|field| !matches!(field.value.kind, Kind::None));
        // Without it this would be another network, whose resolution is halved by blocks that have no cell.
        if let Some(none) =
            fields.iter().find(|f| matches!(f.value.kind, Kind::None) && CELLS.contains(&f.name.as_str()))
        {
            let cell = &none.name;
            let problem = format!(
                "cell `{cell}` is None; a genotype of one cell leaves it out, in other networks it has to be there"
            );
            return Err(CoreError::genotype(self.at(none.value.offset), problem));
        }
        let count = said().filter(|field| !field.name.ends_with(CONCAT)).count();
        check_count(count)?;
        let mut cells = Vec::new();
        for field in said().filter(|field| !field.name.ends_with(CONCAT)) {
            let nodes = self.nodes(&field.name, INPUTS, &field.value)?;
            let concat = self.field(offset, fields, &format!("{}{CONCAT}", field.name))?;
            let reduction = said_by_name(&field.name, INPUTS);
            cells.push(self.cell(&field.name, INPUTS, nodes, concat, reduction)?);
        }
        for field in said() {
            if let Some(name) = field.name.strip_suffix(CONCAT) {
                self.field(offset, fields, name)?;
            }
        }
        if cells.is_empty() {
            return Err(self.no_field(offset, "normal"));
        }
        cells.sort_by_key(keyword_rank);
        Ok(Genotype { cells })
    }

    /// A cell of nodes that are read already; an output of None joins all of them.
    pub fn cell(
        &self,
        name: &str,
        inputs: usize,
        nodes: Vec<Vec<GenotypeEdge>>,
        concat: &Value,
        reduction: Option<bool>,
    ) -> Result<CellGenotype, CoreError> {
        let joined = match &concat.kind {
            Kind::None => (inputs..inputs.saturating_add(nodes.len())).collect(),
            _ => {
                let items = self.list(concat, "a list of nodes")?;
                items.iter().map(|item| self.integer(item, "the number of a node")).collect::<Result<_, _>>()?
            }
        };
        let cell = CellGenotype { name: name.to_owned(), nodes, inputs, concat: joined, reduction };
        cell.check(Some(self.at(concat.offset)))?;
        Ok(cell)
    }

    /// The nodes of a cell: a flat list, in which every node has two inputs, or one list per node.
    pub fn nodes(&self, cell: &str, inputs: usize, value: &Value) -> Result<Vec<Vec<GenotypeEdge>>, CoreError> {
        let items = self.list(value, "a list of ops and nodes")?;
        let flat = items.first().is_some_and(is_edge);
        let count = if flat { items.len().div_ceil(2) } else { items.len() };
        if count > MAX_NODES {
            return Err(too_many(self.at(value.offset), &cut(cell), "nodes", count, MAX_NODES));
        }
        if !flat {
            return (inputs..).zip(items).map(|(node, item)| self.node(cell, node, item)).collect();
        }
        if let Some(targets) = self.targets(cell, inputs, items)? {
            return self.by_target(cell, inputs, items, &targets);
        }
        if items.len() % 2 == 1 {
            let (cell, got) = (cut(cell), counted(items.len(), "input", "inputs"));
            let problem =
                format!("cell `{cell}` lists {got}; a flat list has two for every node (else write one list per node)");
            return Err(CoreError::genotype(self.at(value.offset), problem));
        }
        let pair = |(node, pair): (usize, &[Value])| pair.iter().map(|item| self.edge(cell, node, item)).collect();
        (inputs..).zip(items.chunks(2)).map(pair).collect()
    }

    /// The nodes that the inputs of a flat list name as their third entries, `('sep_conv_3x3', 0, 2)`; `None` where they do
    /// not, or where those entries are the strengths of edges.
    fn targets(&self, cell: &str, inputs: usize, items: &[Value]) -> Result<Option<Vec<usize>>, CoreError> {
        let third = |item: &Value| match &item.kind {
            Kind::List(entries) => match entries.as_slice() {
                [_, _, Value { kind: Kind::Int(to), offset }] => Some((*to, *offset)),
                _ => None,
            },
            _ => None,
        };
        let Some((first, offset)) = items.iter().find_map(third) else { return Ok(None) };
        let all = "of all inputs it is the node that they enter, or of none";
        let number = |item: &Value| {
            let (to, offset) = third(item).ok_or_else(|| self.target(cell, offset, first, all))?;
            let node = usize::try_from(to).ok().filter(|node| (inputs..inputs + MAX_NODES).contains(node));
            let expected = format!("the node that the input enters is at least {inputs}, behind the cell's inputs");
            node.ok_or_else(|| self.target(cell, offset, to, &expected))
        };
        items.iter().map(number).collect::<Result<_, _>>().map(Some)
    }

    /// The inputs of a flat list, each to the node that it names.
    fn by_target(
        &self,
        cell: &str,
        inputs: usize,
        items: &[Value],
        targets: &[usize],
    ) -> Result<Vec<Vec<GenotypeEdge>>, CoreError> {
        let count = targets.iter().max().map_or(0, |last| last + 1 - inputs);
        let mut nodes = vec![Vec::new(); count];
        for (item, &node) in items.iter().zip(targets) {
            let edge = self.edge(cell, node, item)?;
            if let Some(edges) = node.checked_sub(inputs).and_then(|index| nodes.get_mut(index)) {
                edges.push(edge);
            }
        }
        Ok(nodes)
    }

    /// The inputs of one node, as a list of their own.
    pub fn node(&self, cell: &str, node: usize, value: &Value) -> Result<Vec<GenotypeEdge>, CoreError> {
        let items = self.list(value, "a list of the inputs of one node")?;
        if items.is_empty() {
            return Err(no_inputs(self.at(value.offset), &cut(cell), node));
        }
        items.iter().map(|item| self.edge(cell, node, item)).collect()
    }

    /// `('sep_conv_3x3', 0)`, maybe with the strength of the edge as a third entry, which says nothing about the cell, or
    /// with the node that it enters;
    /// or `{"op": "sep_conv_3x3", "from": 0}`.
    fn edge(&self, cell: &str, node: usize, value: &Value) -> Result<GenotypeEdge, CoreError> {
        let (op, from) = match &value.kind {
            Kind::Fields(fields) => {
                (self.field(value.offset, fields, "op")?, self.field(value.offset, fields, "from")?)
            }
            Kind::List(items) => match items.as_slice() {
                [op, from] | [op, from, Value { kind: Kind::Int(_) | Kind::Float, .. }] => (op, from),
                _ => return Err(self.wrong(value, "a pair of an op and a node, as in ('sep_conv_3x3', 0)")),
            },
            _ => return Err(self.wrong(value, "a pair of an op and a node, as in ('sep_conv_3x3', 0)")),
        };
        if let Kind::List(items) = &value.kind
            && let [_, _, Value { kind: Kind::Int(to), offset }] = items.as_slice()
            && *to != node as u64
        {
            let expected = format!("a whole number there is the node that the input enters, here {node}");
            return Err(self.target(cell, *offset, *to, &expected));
        }
        let name = self.string(op, "the name of an op")?;
        let found = self.integer(from, "the number of a node")?;
        let edge = GenotypeEdge { op: self.op(cell, op.offset, name)?, from: found };
        self.check_source(cell, node, found, from.offset)?;
        Ok(edge)
    }

    pub fn op(&self, cell: &str, offset: usize, name: &str) -> Result<Op, CoreError> {
        self.ops.resolve(name).ok_or_else(|| CoreError::UnknownOp {
            at: self.at(offset),
            cell: cut(cell),
            op: cut(name),
            known: self.ops.names(),
        })
    }

    pub fn check_source(&self, cell: &str, node: usize, from: usize, offset: usize) -> Result<(), CoreError> {
        if from < node {
            return Ok(());
        }
        Err(later_source(self.at(offset), &cut(cell), node, from))
    }
}

fn is_edge(value: &Value) -> bool {
    match &value.kind {
        Kind::List(items) => matches!(items.first(), Some(Value { kind: Kind::Text(_), .. })),
        Kind::Fields(_) => true,
        _ => false,
    }
}
