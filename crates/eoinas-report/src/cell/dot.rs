//! Cells as DOT text for Graphviz.

use std::fmt::Write;

use eoinas_core::{AliveOps, CellGenotype, CellKind, CellSpec, EdgeId};

use crate::record::node_name;

/// The cell as DOT text, left to right, with the names of the drawing.
///
/// ```
/// use eoinas_core::zoo;
/// let text = eoinas_report::cell::dot(&zoo::find("darts-v2")?.genotype().cells[0]);
/// assert!(text.contains(r#""c_{k-2}" -> "0" [label="sep_conv_3x3"];"#));
/// # Ok::<(), zoo::UnknownCell>(())
/// ```
pub fn dot(cell: &CellGenotype) -> String {
    let nodes = (cell.inputs..).zip(&cell.nodes);
    let edges = nodes.flat_map(|(to, node)| node.iter().map(move |edge| (edge.from, to, quoted(edge.op.name()))));
    text(&cell.name, cell.inputs, cell.nodes.len(), edges, &cell.concat)
}

/// A supernet's cell with the ops that are alive on each edge.
pub fn dot_alive(cell: &CellSpec, kind: CellKind, ops: &[String], alive: &AliveOps) -> String {
    let label = |edge| {
        alive
            .ops(EdgeId::new(kind, edge))
            .filter_map(|op| ops.get(op))
            .map(|op| quoted(op))
            .collect::<Vec<_>>()
            .join("\\n")
    };
    let edges = cell.edges.iter().enumerate().map(|(index, edge)| (edge.from, edge.to, label(index)));
    text(&cell.name, cell.inputs, cell.nodes, edges, &cell.concat)
}

/// Text between quotes: a quote or backslash ends nothing, and line breaks are spaces.
fn quoted(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Labels are [`quoted`] already.
fn text(
    name: &str,
    inputs: usize,
    nodes: usize,
    edges: impl Iterator<Item = (usize, usize, String)>,
    concat: &[usize],
) -> String {
    let mut text = format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=circle];\n", quoted(name));
    for input in 0..inputs {
        let _ = writeln!(text, "  \"{}\" [shape=box];", node_name(input, inputs));
    }
    text.push_str("  \"c_{k}\" [shape=box];\n");
    for (from, to, label) in edges {
        let (from, to) = (node_name(from, inputs), node_name(to, inputs));
        let _ = writeln!(text, "  \"{from}\" -> \"{to}\" [label=\"{label}\"];");
    }
    for node in concat.iter().filter(|node| **node < inputs + nodes) {
        let _ = writeln!(text, "  \"{}\" -> \"c_{{k}}\" [style=dashed];", node_name(*node, inputs));
    }
    text + "}\n"
}
