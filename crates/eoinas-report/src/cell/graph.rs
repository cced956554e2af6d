//! Cells as graphs: what is connected, how deep.

use eoinas_core::CellGenotype;

/// An edge between vertices, with the index of its label if it has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub from: usize,
    pub to: usize,
    pub label: Option<usize>,
}

/// The vertices of a cell (inputs, intermediate nodes, the output as the last) and their links: first the given edges
/// with their labels, then those to the output.
pub(super) fn links(inputs: usize, nodes: usize, edges: &[(usize, usize)], concat: &[usize]) -> Vec<Link> {
    let output = inputs + nodes;
    let labelled = edges.iter().enumerate().map(|(index, &(from, to))| Link { from, to, label: Some(index) });
    // In NAS-Bench-201 the last node is the output itself, yet a vertex of its own keeps pictures alike.
    let joined = concat.iter().filter(|node| **node < output).map(|&from| Link { from, to: output, label: None });
    labelled.filter(|link| link.from < link.to && link.to < output).chain(joined).collect()
}

/// Length of the longest path from an input to each vertex, inputs 0. The output comes after all others.
pub(super) fn ranks(inputs: usize, nodes: usize, links: &[Link]) -> Vec<usize> {
    let output = inputs + nodes;
    let mut ranks = vec![0; output + 1];
    for vertex in inputs..output {
        let before = links.iter().filter(|link| link.to == vertex).map(|link| ranks[link.from]).max();
        ranks[vertex] = before.map_or(1, |rank| rank + 1);
    }
    ranks[output] = ranks.iter().max().copied().unwrap_or(0) + 1;
    ranks
}

/// Depth of a cell: the largest number of intermediate nodes on a path from an input to the output (Section 4.6:
/// "connections in a cell to cascade more levels"). Edges with `none` carry nothing and do not count.
///
/// ```
/// use eoinas_core::zoo;
/// let chain = &zoo::find("nas-bench-201-best")?.genotype().cells[0];
/// assert_eq!(eoinas_report::cell::depth(chain), 3);
/// # Ok::<(), zoo::UnknownCell>(())
/// ```
pub fn depth(cell: &CellGenotype) -> usize {
    let mut depths = vec![0; cell.inputs];
    for node in &cell.nodes {
        let before = node.iter().filter(|edge| !edge.op.is_zero()).filter_map(|edge| depths.get(edge.from)).max();
        depths.push(before.map_or(0, |depth| depth + 1));
    }
    cell.concat.iter().filter_map(|node| depths.get(*node)).max().copied().unwrap_or(0)
}

/// Where the skip connections of a cell sit: (source, target) node of each.
pub fn skip_sources(cell: &CellGenotype) -> Vec<(usize, usize)> {
    let node = |(index, edges): (usize, &Vec<eoinas_core::GenotypeEdge>)| {
        let to = cell.inputs + index;
        edges.iter().filter(|edge| edge.op.is_skip()).map(move |edge| (edge.from, to)).collect::<Vec<_>>()
    };
    cell.nodes.iter().enumerate().flat_map(node).collect()
}
