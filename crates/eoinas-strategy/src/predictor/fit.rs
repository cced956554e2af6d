//! Fitting a predictor to cells that were trained.

use std::collections::BTreeMap;

use eoinas_core::{Genotype, SearchSpace, Setting};
use nalgebra::{Cholesky, DMatrix, DVector};

use super::{LinearPredictor, Worth};
use crate::StrategyError;

/// A cell that was trained, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedCell {
    /// The cell.
    pub genotype: Genotype,
    /// Its accuracy in percent, or whatever else predictions are to be in.
    pub score: f64,
    /// Multiply-adds of a network of it, the same network for all.
    pub multiply_adds: u64,
}

/// Fewer cells say nothing of so many choices.
const LEAST: usize = 10;

impl LinearPredictor {
    /// Fitted to cells of a space: what the logarithm of their multiply-adds explains is taken from the scores by least squares,
    /// and the rest is fitted by a regression with the weight `ridge` on the squared coefficients of standardised counts (of
    /// each op where it reads an input of the cell, and where it reads a node). 5 is a good weight for hundreds of cells.
    ///
    /// # Errors
    /// Fewer than ten cells, a score that is not finite, a ridge that is not positive.
    pub fn fit(space: &SearchSpace, cells: &[TrainedCell], ridge: f64) -> Result<Self, StrategyError> {
        let wanted = format!("at least {LEAST} cells");
        Setting::check(cells.len() >= LEAST, "predictor.cells", cells.len(), &wanted)?;
        Setting::check(ridge.is_finite() && ridge > 0.0, "predictor.ridge", ridge, "a positive number")?;
        if let Some(cell) = cells.iter().find(|cell| !cell.score.is_finite()) {
            return Err(Setting::new("predictor.score", cell.score, "a finite number").into());
        }
        let rest = at_equal_cost(cells);
        let choices = Choices::of(space);
        let rows: Vec<Vec<f64>> = cells.iter().map(|cell| choices.counts(&cell.genotype)).collect();
        let count = choices.names.len() * 2;
        let mut counts = DMatrix::from_fn(cells.len(), count, |row, column| {
            rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0.0)
        });
        // Standardised, so that the ridge weighs rare and frequent ops alike.
        let deviations: Vec<f64> = counts
            .column_iter_mut()
            .map(|mut column| {
                let mean = column.mean();
                column.add_scalar_mut(-mean);
                let deviation = (column.norm_squared() / cells.len() as f64).sqrt();
                let deviation = if deviation > 0.0 { deviation } else { 1.0 };
                column.unscale_mut(deviation);
                deviation
            })
            .collect();
        let products = counts.tr_mul(&counts) + DMatrix::identity(count, count) * ridge;
        let solved = Cholesky::new(products).map(|of| of.solve(&counts.tr_mul(&rest)));
        let solved = solved.ok_or(StrategyError::Surrogate { strategy: "predictor", examples: cells.len(), ridge })?;
        let worth: Vec<f64> = solved.iter().zip(&deviations).map(|(worth, deviation)| worth / deviation).collect();
        Ok(Self { kinds: choices.tables(&worth, space.cells().len()) })
    }
}

/// Scores without their mean and without what the logarithm of multiply-adds explains.
fn at_equal_cost(cells: &[TrainedCell]) -> DVector<f64> {
    let count = cells.len() as f64;
    let centred = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / count;
        DVector::from_iterator(cells.len(), values.into_iter().map(|value| value - mean))
    };
    let costs = centred(cells.iter().map(|cell| (cell.multiply_adds.max(1) as f64).ln()).collect());
    let scores = centred(cells.iter().map(|cell| cell.score).collect());
    let spread = costs.norm_squared();
    if spread == 0.0 {
        return scores;
    }
    let slope = costs.dot(&scores) / spread;
    scores - costs * slope
}

/// The ops that cells of each kind can have.
struct Choices {
    /// Kind of cell and name of the op.
    names: Vec<(usize, String)>,
}

impl Choices {
    fn of(space: &SearchSpace) -> Self {
        let of_kind = |(kind, cell): (usize, &eoinas_core::CellSpec)| {
            let ops = cell.genotype_ops(space.ops());
            ops.into_iter().map(|op| (kind, op.name().to_owned())).collect::<Vec<_>>()
        };
        Self { names: space.cells().iter().enumerate().flat_map(of_kind).collect() }
    }

    /// How often a cell makes each choice: two numbers an op, of inputs and of nodes.
    fn counts(&self, genotype: &Genotype) -> Vec<f64> {
        let mut counts = Vec::with_capacity(self.names.len() * 2);
        for (kind, name) in &self.names {
            let cell = genotype.cells.get(*kind);
            let inputs =
                || cell.into_iter().flat_map(|cell| cell.nodes.iter().flatten().map(|input| (cell.inputs, input)));
            let of = |from_input: bool| {
                inputs().filter(|(count, input)| input.op.name() == name && (input.from < *count) == from_input).count()
            };
            counts.extend([of(true) as f64, of(false) as f64]);
        }
        counts
    }

    fn tables(&self, worth: &[f64], kinds: usize) -> Vec<BTreeMap<String, Worth>> {
        let mut tables = vec![BTreeMap::new(); kinds];
        for ((kind, name), pair) in self.names.iter().zip(worth.chunks_exact(2)) {
            if let (Some(table), [of_input, of_node]) = (tables.get_mut(*kind), pair) {
                table.insert(name.clone(), Worth { of_input: *of_input, of_node: *of_node });
            }
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use eoinas_core::{SeedStream, Skeleton, Streams, count};

    use super::*;

    fn cells(space: &SearchSpace, count: u64, score: impl Fn(&Genotype, u64) -> f64) -> Vec<TrainedCell> {
        let streams = Streams::new(3);
        let cell = |index| {
            let genotype = Genotype::random(space, &mut streams.rng(SeedStream::Named("test"), 0, index));
            let counted = count::network(&genotype, &Skeleton::search(), space).unwrap().multiply_adds;
            TrainedCell { score: score(&genotype, counted), multiply_adds: counted, genotype }
        };
        (0..count).map(cell).collect()
    }

    #[test]
    fn what_made_the_scores_is_found_again() {
        let space = SearchSpace::darts();
        let truth = LinearPredictor::darts();
        let trained = cells(&space, 2000, |genotype, cost| 90.0 + truth.predict(genotype) + (cost as f64).ln());
        let found = LinearPredictor::fit(&space, &trained, 1e-3).unwrap();
        // Of both scores what goes with the cost is gone: they are compared at equal cost.
        let rest = |predictor: &LinearPredictor| {
            let told: Vec<TrainedCell> = trained
                .iter()
                .map(|cell| TrainedCell { score: predictor.predict(&cell.genotype), ..cell.clone() })
                .collect();
            at_equal_cost(&told)
        };
        let (wanted, got) = (rest(&truth), rest(&found));
        assert!((&wanted - &got).norm() < 0.02 * wanted.norm(), "{}", (&wanted - &got).norm() / wanted.norm());
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let space = SearchSpace::darts();
        let few = cells(&space, 9, |_, _| 1.0);
        assert!(LinearPredictor::fit(&space, &few, 5.0).unwrap_err().to_string().contains("at least 10 cells"));
        let odd = cells(&space, 20, |_, cost| if cost.is_multiple_of(2) { f64::NAN } else { 1.0 });
        assert!(LinearPredictor::fit(&space, &odd, 5.0).unwrap_err().to_string().contains("a finite number"));
        let enough = cells(&space, 20, |_, _| 1.0);
        assert!(LinearPredictor::fit(&space, &enough, 0.0).unwrap_err().to_string().contains("predictor.ridge"));
        let flat = LinearPredictor::fit(&space, &enough, 5.0).unwrap();
        assert!(flat.worth(0, "skip_connect").unwrap().of_input.abs() < 1e-9 && flat.worth(0, "conv").is_none());
    }
}
