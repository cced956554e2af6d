//! Where everything stands.

use super::graph::Link;
use super::{order, place};

/// A box, by its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge in pixels.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// The middle.
    pub fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// The way of one edge: level stretches, joined by curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Source vertex.
    pub from: usize,
    /// Target vertex.
    pub to: usize,
    /// Level stretches (start x, end x, y), the first at the source and the last at the target.
    pub stretches: Vec<(f64, f64, f64)>,
    /// Index of its label.
    pub label: Option<usize>,
}

/// A cell's layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Width of all in pixels.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Box of each vertex: inputs, intermediate nodes, output. None of a cell that is too large to be drawn.
    pub vertices: Vec<Rect>,
    /// Box of each label; `None` for one whose edge is not drawn.
    pub labels: Vec<Option<Rect>>,
    /// The edges.
    pub routes: Vec<Route>,
}

/// What stands in a column: a vertex, a label, or an edge that passes.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub column: usize,
    pub width: f64,
    pub height: f64,
    /// Items in the columns beside, and how much each draws this one to its height.
    pub before: Vec<usize>,
    pub after: Vec<usize>,
}

/// Space between columns, in which edges curve.
const GAP: f64 = 34.0;
const MARGIN: f64 = 10.0;

/// Lays out vertices of the given sizes and ranks; `labels` are the sizes of the links' labels.
pub(super) fn layout(sizes: &[(f64, f64)], ranks: &[usize], links: &[Link], labels: &[(f64, f64)]) -> Layout {
    let (items, chains) = items(sizes, ranks, links, labels);
    let columns = order::order(&items);
    let middles = place::heights(&items, &columns);
    let lefts = lefts(&items, &columns);
    let top = items.iter().zip(&middles).map(|(item, y)| y - item.height / 2.0).fold(f64::INFINITY, f64::min);
    let shift = MARGIN - top.min(1e9);
    let rect = |index: usize| {
        let (item, (x, width)) = (&items[index], lefts[items[index].column]);
        let left = x + (width - item.width) / 2.0;
        Rect { x: left, y: middles[index] + shift - item.height / 2.0, width: item.width, height: item.height }
    };
    let mut placed = vec![None; labels.len()];
    let mut routes = Vec::new();
    for (link, chain) in links.iter().zip(&chains) {
        let label = link.label.and_then(|label| Some((label, chain.get(label_place(chain.len()))?)));
        if let Some((label, &item)) = label {
            placed[label] = Some(rect(item));
        }
        routes.push(Route {
            from: link.from,
            to: link.to,
            stretches: stretches(link, chain, &rect, &items, &lefts),
            label: link.label,
        });
    }
    spread_ports(&mut routes, sizes);
    let bottom = |index: usize| rect(index).y + items[index].height;
    Layout {
        width: lefts.last().map_or(0.0, |(x, width)| x + width) + MARGIN,
        height: (0..items.len()).map(bottom).fold(0.0, f64::max) + MARGIN,
        vertices: (0..sizes.len()).map(rect).collect(),
        labels: placed,
        routes,
    }
}

/// Which item of a chain carries the label: one near the middle, in a column between those of the vertices.
fn label_place(length: usize) -> usize {
    (length / 2) & !1
}

/// Vertices first, then for each link the items between its ends: one in every column that it passes.
fn items(sizes: &[(f64, f64)], ranks: &[usize], links: &[Link], labels: &[(f64, f64)]) -> (Vec<Item>, Vec<Vec<usize>>) {
    let item = |column, (width, height)| Item { column, width, height, before: Vec::new(), after: Vec::new() };
    let mut items: Vec<Item> = sizes.iter().zip(ranks).map(|(size, rank)| item(2 * rank, *size)).collect();
    let mut chains = Vec::new();
    for link in links {
        let columns = 2 * ranks[link.from] + 1..2 * ranks[link.to];
        let label = link.label.and_then(|label| labels.get(label)).copied();
        let at = label_place(columns.len());
        let mut chain = Vec::new();
        for (index, column) in columns.enumerate() {
            let size = if index == at { label.unwrap_or((0.0, 4.0)) } else { (0.0, 4.0) };
            chain.push(items.len());
            items.push(item(column, size));
        }
        let path: Vec<usize> = [link.from].into_iter().chain(chain.iter().copied()).chain([link.to]).collect();
        for pair in path.windows(2) {
            if let [a, b] = *pair {
                items[a].after.push(b);
                items[b].before.push(a);
            }
        }
        chains.push(chain);
    }
    (items, chains)
}

/// Left edge and width of each column.
fn lefts(items: &[Item], columns: &[Vec<usize>]) -> Vec<(f64, f64)> {
    let mut x = MARGIN;
    let column = |column: &Vec<usize>| {
        let width = column.iter().map(|item| items[*item].width).fold(0.0, f64::max);
        let left = x;
        x += width + GAP;
        (left, width)
    };
    columns.iter().map(column).collect()
}

fn stretches(
    link: &Link,
    chain: &[usize],
    rect: &impl Fn(usize) -> Rect,
    items: &[Item],
    lefts: &[(f64, f64)],
) -> Vec<(f64, f64, f64)> {
    let (from, to) = (rect(link.from), rect(link.to));
    let start = (from.x + from.width, lefts[items[link.from].column]);
    let end = (to.x, lefts[items[link.to].column]);
    let mut stretches = vec![(start.0, start.1.0 + start.1.1, from.middle().1)];
    for &item in chain {
        let (left, width) = lefts[items[item].column];
        stretches.push((left, left + width, rect(item).middle().1));
    }
    stretches.push((end.1.0, end.0, to.middle().1));
    stretches
}

/// Several edges leave or reach a vertex at heights of their own, in the order in which they come.
fn spread_ports(routes: &mut [Route], sizes: &[(f64, f64)]) {
    for (vertex, (_, height)) in sizes.iter().enumerate() {
        for leaving in [true, false] {
            let mut ends: Vec<(f64, usize)> = routes
                .iter()
                .enumerate()
                .filter(|(_, route)| if leaving { route.from == vertex } else { route.to == vertex })
                .filter_map(|(index, route)| {
                    let next = if leaving { route.stretches.get(1) } else { route.stretches.iter().rev().nth(1) };
                    Some((next?.2, index))
                })
                .collect();
            ends.sort_by(|a, b| a.0.total_cmp(&b.0));
            let step = (height * 0.7 / ends.len().max(1) as f64).min(9.0);
            let middle = (ends.len() as f64 - 1.0) / 2.0;
            for (place, (_, index)) in ends.iter().enumerate() {
                let stretches = &mut routes[*index].stretches;
                if let Some(end) = if leaving { stretches.first_mut() } else { stretches.last_mut() } {
                    end.2 += (place as f64 - middle) * step;
                }
            }
        }
    }
}
