//! From a layout to SVG.

use eoinas_core::{AliveOps, CellGenotype, CellKind, CellSpec, EdgeId};

use super::Picture;
use super::graph::{links, ranks};
use super::layout::{Layout, Rect, Route, layout};
use crate::svg::{Svg, px};
use crate::{record::node_name, theme};

/// Width of a letter of the labels, generously: fonts differ.
const LETTER: f64 = 7.2;
const NODE: (f64, f64) = (34.0, 34.0);
const END: (f64, f64) = (52.0, 30.0);
const CHIP: f64 = 17.0;
/// Pieces of the largest picture that is drawn: columns that its edges pass, and squares of ops. Text, time and memory grow with
/// them. 64 nodes with all edges have 49,920; nobody reads an edge there.
const MOST_PIECES: usize = 1 << 16;

pub(super) fn found(cell: &CellGenotype) -> Picture {
    let nodes = (cell.inputs..).zip(&cell.nodes);
    let edges: Vec<(usize, usize, &str)> =
        nodes.flat_map(|(to, node)| node.iter().map(move |edge| (edge.from, to, edge.op.name()))).collect();
    let sizes: Vec<_> = edges.iter().map(|(_, _, op)| (op.chars().count() as f64 * LETTER + 14.0, 22.0)).collect();
    let pairs: Vec<_> = edges.iter().map(|(from, to, _)| (*from, *to)).collect();
    let layout = match arrange(cell.inputs, cell.nodes.len(), &pairs, &cell.concat, &sizes, 0) {
        Ok(layout) => layout,
        Err(pieces) => return told(cell.nodes.len(), pairs.len(), pieces),
    };
    let mut svg = Svg::new(layout.width, layout.height, &format!("the {} cell", cell.name));
    background(&mut svg, &layout);
    routes(&mut svg, &layout.routes);
    for (label, (from, to, op)) in layout.labels.iter().zip(&edges) {
        if let Some(rect) = label {
            name_label(&mut svg, rect, op, &place(*from, *to, cell.inputs));
        }
    }
    vertices(&mut svg, &layout.vertices, cell.inputs);
    Picture { svg: svg.finish(), layout }
}

pub(super) fn alive(cell: &CellSpec, kind: CellKind, ops: &[String], alive: &AliveOps) -> Picture {
    let pairs: Vec<_> = cell.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    let columns = ops.len().div_ceil(2).max(1);
    let size = (columns as f64 * CHIP + 6.0, 2.0 * CHIP + 6.0);
    let sizes = vec![size; pairs.len()];
    let mut layout = match arrange(cell.inputs, cell.nodes, &pairs, &cell.concat, &sizes, ops.len()) {
        Ok(layout) => layout,
        Err(pieces) => return told(cell.nodes, pairs.len(), pieces),
    };
    let legend = layout.height;
    layout.height += 24.0 + 18.0 * ops.len().div_ceil(4) as f64;
    layout.width = layout.width.max(4.0 * 150.0 + 20.0);
    let mut svg = Svg::new(layout.width, layout.height, &format!("the {} cell and the ops that are alive", cell.name));
    background(&mut svg, &layout);
    routes(&mut svg, &layout.routes);
    for (edge, (label, (from, to))) in layout.labels.iter().zip(&pairs).enumerate() {
        let Some(rect) = label else { continue };
        let names: Vec<&str> =
            alive.ops(EdgeId::new(kind, edge)).filter_map(|op| ops.get(op)).map(String::as_str).collect();
        svg.open("g", &[("class", &"op")]);
        svg.title(&format!("{}: {} alive: {}", place(*from, *to, cell.inputs), names.len(), names.join(", ")));
        boxed(&mut svg, rect, ["4", theme::SURFACE.light, theme::GRID.light, "1.5"]);
        for (op, name) in ops.iter().enumerate() {
            let (column, row) = ((op % columns) as f64, (op / columns) as f64);
            chip(
                &mut svg,
                rect.x + 3.0 + column * CHIP,
                rect.y + 3.0 + row * CHIP,
                name,
                alive.contains(EdgeId::new(kind, edge).op(op)),
            );
        }
        svg.close("g");
    }
    vertices(&mut svg, &layout.vertices, cell.inputs);
    for (op, name) in ops.iter().enumerate() {
        let (x, y) = (14.0 + (op % 4) as f64 * 150.0, legend + 10.0 + (op / 4) as f64 * 18.0);
        chip(&mut svg, x, y, name, true);
        svg.text((x + CHIP + 4.0, y + 12.0), "start", 12.0, theme::TEXT.light, name);
    }
    Picture { svg: svg.finish(), layout }
}

/// The layout of a cell with so many squares on each edge, or how many pieces it would have where those are too many.
fn arrange(
    inputs: usize,
    nodes: usize,
    edges: &[(usize, usize)],
    concat: &[usize],
    labels: &[(f64, f64)],
    squares: usize,
) -> Result<Layout, usize> {
    let links = links(inputs, nodes, edges, concat);
    let ranks = ranks(inputs, nodes, &links);
    let passed: usize = links.iter().map(|link| ranks[link.to] - ranks[link.from]).sum();
    let pieces = passed.saturating_add(edges.len().saturating_mul(squares));
    if pieces > MOST_PIECES {
        return Err(pieces);
    }
    let size = |vertex| if vertex < inputs || vertex == inputs + nodes { END } else { NODE };
    let sizes: Vec<_> = (0..=inputs + nodes).map(size).collect();
    Ok(layout(&sizes, &ranks, &links, labels))
}

/// What stands in the place of a cell that is too large to be drawn: that, in words.
fn told(nodes: usize, edges: usize, pieces: usize) -> Picture {
    let lines = [
        format!("This cell is too large to be drawn: {nodes} nodes, {edges} edges."),
        format!("Its picture would have {pieces} pieces; the largest that is drawn has {MOST_PIECES}."),
        "Its edges are listed: in the table of the report, and as DOT.".to_owned(),
    ];
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0) as f64;
    let (width, height) = (longest * LETTER + 28.0, 84.0);
    let layout = Layout { width, height, vertices: Vec::new(), labels: vec![None; edges], routes: Vec::new() };
    let mut svg = Svg::new(width, height, &lines.join(" "));
    background(&mut svg, &layout);
    for (row, line) in lines.iter().enumerate() {
        svg.text((14.0, 26.0 + 20.0 * row as f64), "start", 13.0, theme::TEXT.light, line);
    }
    Picture { svg: svg.finish(), layout }
}

fn place(from: usize, to: usize, inputs: usize) -> String {
    format!("{} → {}", node_name(from, inputs), node_name(to, inputs))
}

fn background(svg: &mut Svg, layout: &Layout) {
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    svg.element("rect", &[("width", &width), ("height", &height), ("fill", &theme::SURFACE.light)]);
}

/// Every edge as one path with an arrow head; those to the output are dashed.
fn routes(svg: &mut Svg, routes: &[Route]) {
    for route in routes {
        let mut path = String::new();
        let mut before: Option<(f64, f64)> = None;
        for &(start, end, y) in &route.stretches {
            if let Some((x0, y0)) = before {
                let middle = (x0 + start) / 2.0;
                let (m, a, b) = (px(middle), px(y0), px(y));
                path.push_str(&format!(" C{m} {a} {m} {b} {} {b}", px(start)));
            } else {
                path.push_str(&format!("M{} {}", px(start), px(y)));
            }
            if end > start {
                path.push_str(&format!(" L{} {}", px(end), px(y)));
            }
            before = Some((end, y));
        }
        let joined = route.label.is_none();
        let dashes = if joined { "4 4" } else { "none" };
        let stroke = theme::LINE.light;
        svg.element(
            "path",
            &[
                ("d", &path),
                ("fill", &"none"),
                ("stroke", &stroke),
                ("stroke-width", &"1.5"),
                ("stroke-dasharray", &dashes),
            ],
        );
        if let Some((x, y)) = before {
            let head = format!("M{} {} l-8 -4 l0 8 z", px(x), px(y));
            svg.element("path", &[("d", &head), ("fill", &stroke)]);
        }
    }
}

/// A rectangle with rounded corners.
fn boxed(svg: &mut Svg, rect: &Rect, [radius, fill, stroke, width]: [&str; 4]) {
    svg.element(
        "rect",
        &[
            ("x", &px(rect.x)),
            ("y", &px(rect.y)),
            ("width", &px(rect.width)),
            ("height", &px(rect.height)),
            ("rx", &radius),
            ("fill", &fill),
            ("stroke", &stroke),
            ("stroke-width", &width),
        ],
    );
}

fn name_label(svg: &mut Svg, rect: &Rect, op: &str, place: &str) {
    svg.open("g", &[("class", &"op")]);
    svg.title(&format!("{place}: {op}"));
    boxed(svg, rect, ["4", theme::SURFACE.light, theme::op(op).light, "1.5"]);
    let (x, y) = rect.middle();
    svg.text((x, y + 4.2), "middle", 12.0, theme::TEXT.light, op);
    svg.close("g");
}

/// A small square for an op: filled and lettered when it is alive, else hollow.
fn chip(svg: &mut Svg, x: f64, y: f64, op: &str, alive: bool) {
    let ink = theme::op(op).light;
    let fill = if alive { ink } else { "none" };
    let opacity = if alive { "1" } else { "0.45" };
    svg.element(
        "rect",
        &[
            ("x", &px(x + 1.0)),
            ("y", &px(y + 1.0)),
            ("width", &px(CHIP - 2.0)),
            ("height", &px(CHIP - 2.0)),
            ("rx", &"2"),
            ("fill", &fill),
            ("stroke", &ink),
            ("opacity", &opacity),
        ],
    );
    if alive {
        let at = (x + CHIP / 2.0, y + CHIP / 2.0 + 3.2);
        svg.text(at, "middle", 9.0, theme::SURFACE.light, &theme::op_letters(op));
    }
}

fn vertices(svg: &mut Svg, vertices: &[Rect], inputs: usize) {
    for (vertex, rect) in vertices.iter().enumerate() {
        let last = vertex + 1 == vertices.len();
        let end = vertex < inputs || last;
        let name = if last { "c_{k}".to_owned() } else { node_name(vertex, inputs) };
        let radius = if end { 6.0 } else { rect.height / 2.0 };
        svg.open("g", &[("class", &"node")]);
        boxed(svg, rect, [&px(radius), theme::PANEL.light, theme::MUTED.light, "1.2"]);
        let (x, y) = rect.middle();
        match name.strip_prefix("c_{").and_then(|rest| rest.strip_suffix('}')) {
            // An index set lower, without tspan's baseline-shift, which not every renderer knows.
            Some(index) => {
                let width = index.chars().count() as f64 * 5.4;
                svg.text((x - width / 2.0 - 3.0, y + 4.0), "middle", 15.0, theme::TEXT.light, "c");
                svg.text((x + 2.5, y + 8.0), "middle", 10.0, theme::TEXT.light, index);
            }
            None => svg.text((x, y + 4.8), "middle", 14.0, theme::TEXT.light, &name),
        }
        svg.close("g");
    }
}
