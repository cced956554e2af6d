//! What several measurements of all ops say together.

use eoinas_core::{EdgeId, EdgeOpTable, OpShape, SearchSpace, Skeleton, count, statistics::mean_and_deviation};
use eoinas_prune::{EdgeView, Indicator, OpView};
use serde::{Deserialize, Serialize};

/// What decides between ops that the measurements do not tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// The larger mean, however small the difference.
    None,
    /// The op with more multiply-adds (the default): in both spaces of the paper size alone ranks cells well.
    #[default]
    MoreMultiplyAdds,
    /// The op with fewer.
    FewerMultiplyAdds,
}

/// Measurements of all ops, paired: each was taken of all ops under the same conditions (weights, images).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Measurements {
    tables: Vec<EdgeOpTable<Option<f64>>>,
}

impl Measurements {
    /// Adds a measurement. What is not finite there counts as not measured.
    pub fn add(&mut self, table: &EdgeOpTable<Option<f64>>) {
        self.tables.push(table.map(|value| value.filter(|value| value.is_finite())));
    }

    /// Measurements so far.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The mean of each op; `None` where it was not measured each time.
    pub fn means(&self, space: &SearchSpace) -> EdgeOpTable<Option<f64>> {
        let mut means = EdgeOpTable::filled(space, None);
        for edge in space.edges() {
            for op in 0..space.ops().len() {
                let values: Option<Vec<f64>> = self.tables.iter().map(|table| table[edge.op(op)]).collect();
                means[edge.op(op)] = values.and_then(|values| mean_and_deviation(&values)).map(|(mean, _)| mean);
            }
        }
        means
    }

    /// By how much op `a` of an edge is better than op `b`: the mean of the paired differences and its standard error, which
    /// one measurement alone does not have (infinite).
    pub fn difference(&self, edge: EdgeId, a: usize, b: usize) -> Option<(f64, f64)> {
        let differences: Option<Vec<f64>> =
            self.tables.iter().map(|table| Some(table[edge.op(a)]? - table[edge.op(b)]?)).collect();
        let (differences, count) = (differences?, self.tables.len());
        let (mean, deviation) = mean_and_deviation(&differences)?;
        Some((mean, if count > 1 { deviation / (count as f64).sqrt() } else { f64::INFINITY }))
    }

    /// The means, but on every edge the best one is that of the op which `ties` prefers among those that are within one
    /// standard error of the best; the two change places. Multiply-adds are those of an op in a network like `skeleton`.
    pub fn scores(&self, space: &SearchSpace, skeleton: &Skeleton, ties: Ties) -> EdgeOpTable<Option<f64>> {
        let mut scores = self.means(space);
        let shape = OpShape {
            channels: skeleton.channels,
            stride: 1,
            height: skeleton.height,
            width: skeleton.width,
            affine: false,
        };
        let cost = |op: usize| space.ops().get(op).map_or(0, |op| count::op(op, shape).multiply_adds);
        for edge in space.edges().filter(|_| ties != Ties::None && self.len() > 1) {
            let measured: Vec<(usize, f64)> =
                scores[edge].iter().enumerate().filter_map(|(op, score)| Some((op, (*score)?))).collect();
            let Some(&(best, top)) = measured.iter().reduce(|best, op| if op.1 > best.1 { op } else { best }) else {
                continue;
            };
            let tied = |op: usize| self.difference(edge, best, op).is_some_and(|(mean, error)| mean <= error);
            let better = |a: usize, b: usize| match ties {
                Ties::FewerMultiplyAdds => cost(a) < cost(b),
                _ => cost(a) > cost(b),
            };
            let mut chosen = (best, top);
            for &(op, mean) in measured.iter().filter(|(op, _)| tied(*op)) {
                if better(op, chosen.0) || (cost(op) == cost(chosen.0) && mean > chosen.1) {
                    chosen = (op, mean);
                }
            }
            scores[edge.op(best)] = Some(chosen.1);
            scores[edge.op(chosen.0)] = Some(top);
        }
        scores
    }
}

/// An importance that was worked out before, for all ops at once; ops without one have no evidence.
#[derive(Clone, Debug)]
pub struct ByTable(pub EdgeOpTable<Option<f64>>);

impl Indicator for ByTable {
    fn name(&self) -> String {
        "table".to_owned()
    }

    fn value(&self, edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        self.0[EdgeId { kind: edge.kind, edge: edge.edge }.op(op.index)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurements(rows: &[[f64; 5]]) -> (SearchSpace, EdgeId, Measurements) {
        let space = SearchSpace::nas_bench_201();
        let edge = space.edges().next().unwrap();
        let mut measurements = Measurements::default();
        for row in rows {
            let mut table = EdgeOpTable::filled(&space, Some(0.0));
            row.iter().enumerate().for_each(|(op, value)| table[edge.op(op)] = Some(*value));
            measurements.add(&table);
        }
        (space, edge, measurements)
    }

    fn best(rows: &[[f64; 5]], ties: Ties) -> String {
        let (space, edge, measurements) = measurements(rows);
        let scores = measurements.scores(&space, &Skeleton::nas_bench_201(1), ties);
        let of = |op: usize| scores[edge.op(op)].unwrap();
        let op = (0..5).reduce(|a, b| if of(b) > of(a) { b } else { a }).unwrap();
        space.ops()[op].name().to_owned()
    }

    /// none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3.
    #[test]
    fn within_the_noise_costs_decide_and_beyond_it_the_mean() {
        let names: Vec<String> = SearchSpace::nas_bench_201().ops().iter().map(|op| op.name().to_owned()).collect();
        assert_eq!(names, ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]);
        let noisy = [[0.0, 0.0, 2.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.9, 0.0]];
        assert_eq!(best(&noisy, Ties::None), "nor_conv_1x1");
        assert_eq!(best(&noisy, Ties::MoreMultiplyAdds), "nor_conv_3x3");
        assert_eq!(best(&noisy, Ties::FewerMultiplyAdds), "nor_conv_1x1");
        let clear = [[0.0, 0.0, 2.0, 1.0, 0.0], [0.0, 0.0, 2.1, 1.0, 0.0]];
        assert_eq!(best(&clear, Ties::MoreMultiplyAdds), "nor_conv_1x1");
        assert_eq!(best(&noisy[..1], Ties::MoreMultiplyAdds), "nor_conv_1x1");
    }

    #[test]
    fn differences_are_paired() {
        let (_, edge, measurements) = measurements(&[[1.0, 0.0, 0.0, 0.0, 0.0], [5.0, 3.0, 0.0, 0.0, 0.0]]);
        let (mean, error) = measurements.difference(edge, 0, 1).unwrap();
        assert!((mean - 1.5).abs() < 1e-12 && (error - 0.5).abs() < 1e-12, "{mean} {error}");
    }

    #[test]
    fn what_is_not_finite_is_not_measured() {
        let (space, edge, mut measurements) = measurements(&[[1.0, 0.0, 0.0, 0.0, 0.0]]);
        measurements.add(&EdgeOpTable::filled(&space, Some(f64::NEG_INFINITY)));
        assert_eq!(measurements.means(&space)[edge.op(0)], None);
        assert_eq!(measurements.difference(edge, 0, 1), None);
    }
}
