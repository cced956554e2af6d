//! Cells as drawn graphs, as in the paper's Figures 3, 6 and 7.
//!
//! The drawing is layered (K. Sugiyama, S. Tagawa, M. Toda, Methods for Visual Understanding of Hierarchical System
//! Structures, 1981): nodes stand in columns by their depth, and the label of an edge is a vertex of its own in the
//! column between. So no label overlaps another, and no edge crosses one.
//!
//! A cell with so many and so long edges that its picture would take minutes and gigabytes, and show nothing, has a picture
//! that says so (2,600 edges between 70 nodes are drawn, all 33,000 between 256 are not).

mod dot;
mod graph;
mod layout;
mod order;
mod place;
mod render;

use eoinas_core::{AliveOps, CellGenotype, CellKind, CellSpec};

pub use dot::{dot, dot_alive};
pub use graph::{depth, skip_sources};
pub use layout::{Layout, Rect, Route};

/// A drawn cell.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The picture.
    pub svg: String,
    /// Where everything stands in it.
    pub layout: Layout,
}

/// Draws a found cell: nodes, edges with the names of their ops, the output.
pub fn draw(cell: &CellGenotype) -> Picture {
    render::found(cell)
}

/// Draws a cell of a supernet with the ops that are alive on each edge, one square each; pruned ones are hollow
/// (Figure 3). `ops` are the names of the space's ops.
pub fn draw_alive(cell: &CellSpec, kind: CellKind, ops: &[String], alive: &AliveOps) -> Picture {
    render::alive(cell, kind, ops, alive)
}
