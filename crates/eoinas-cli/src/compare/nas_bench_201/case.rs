//! What comes of one search, and how well what it knew ranks all architectures.

use eoinas_core::{Genotype, event::SearchSnapshot, statistics};
use eoinas_prune::{Beta, EoiNas, Indicator};
use eoinas_strategy::{Column, NasBench201Table};
use eoinas_train::Found;

use crate::{compare::evidence, out::say};

/// One search.
pub(super) struct Case {
    pub method: String,
    pub seed: u64,
    pub genotype: Genotype,
    /// Test accuracy that the benchmark measured after 200 epochs, in percent.
    pub test: f64,
    pub found: Found,
    pub ranking: [Option<f64>; 2],
}

/// Column titles of [`Case::ranking`].
pub(super) const RANKING: [&str; 2] = ["tau of the weights", "tau of the indicator"];

impl Case {
    /// A line for people, or an object of JSON.
    pub fn say(&self, json: bool) {
        let Self { method, seed, genotype, test, found, .. } = self;
        if json {
            let line = serde_json::json!({
                "method": method, "seed": seed, "genotype": found.genotype, "test_accuracy": test,
                "seconds": found.seconds,
            });
            say!("{line}");
        } else {
            say!("{method} seed {seed}: {test:.2} % {genotype} {:.0} s", found.seconds);
        }
    }
}

/// Kendall's tau, over all architectures, of the sum over the edges of what the search said of their ops, with their
/// test accuracies: by the logarithm of the architecture weights and by the paper's indicator.
pub(super) fn ranking(table: &NasBench201Table, snapshot: &SearchSnapshot) -> [Option<f64>; 2] {
    let space = table.space();
    let accuracies: Vec<f64> = table.rows().iter().map(|row| row.accuracy(Column::TestE200)).collect();
    let tau = |value: &dyn Fn(f64) -> f64, indicator: &dyn Indicator| {
        let edges = space.edges().map(|id| {
            let view = evidence::edge(snapshot, space, id);
            view.ops.iter().map(|op| indicator.value(&view, op).map(value)).collect::<Option<Vec<f64>>>()
        });
        let edges = edges.collect::<Option<Vec<_>>>()?;
        let score = |genotype: &Genotype| {
            let ops = genotype.cells.iter().flat_map(|cell| cell.nodes.iter().flatten());
            let of_edge = |(values, edge): (&Vec<f64>, &eoinas_core::GenotypeEdge)| {
                space.op_index(edge.op.name()).and_then(|op| values.get(op)).copied()
            };
            edges.iter().zip(ops).filter_map(of_edge).sum::<f64>()
        };
        let scores: Vec<f64> = table.rows().iter().map(|row| score(&row.genotype)).collect();
        statistics::kendall_tau(&scores, &accuracies)
    };
    [tau(&f64::ln, &Beta {}), tau(&|value| value, &EoiNas::default())]
}

/// How many edges have the op with this name.
pub(super) fn ops(genotype: &Genotype, name: &str) -> usize {
    genotype.cells.iter().flat_map(|cell| cell.nodes.iter().flatten()).filter(|edge| edge.op.name() == name).count()
}
