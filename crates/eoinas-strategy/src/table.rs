//! NAS-Bench-201's table (Dong and Yang, ICLR 2020) as a CSV file, and as an evaluator.

use std::{fmt, io};

use eoinas_core::{Genotype, SearchSpace};

use crate::architectures::{Architectures, Rows};
use crate::{EvaluateError, Evaluation, Evaluator, StrategyError};

/// A column of accuracies on CIFAR-10: which images were trained on, which the accuracy is of, after how many epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// Trained on half of the training images, 12 epochs, validation accuracy on the other half.
    ValidE12,
    /// Trained on all training images, 12 epochs, test accuracy.
    TestE12,
    /// Trained on half of the training images, 200 epochs, validation accuracy on the other half.
    ValidE200,
    /// Trained on half of the training images, 200 epochs, test accuracy.
    ValidTestE200,
    /// Trained on all training images, 200 epochs, test accuracy: what papers report.
    TestE200,
}

impl Column {
    /// All of them, in the order of the file.
    pub const ALL: [Self; 5] = [Self::ValidE12, Self::TestE12, Self::ValidE200, Self::ValidTestE200, Self::TestE200];

    /// The name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::ValidE12 => "c10valid_val_e12",
            Self::TestE12 => "c10_test_e12",
            Self::ValidE200 => "c10valid_val_e200",
            Self::ValidTestE200 => "c10valid_test_e200",
            Self::TestE200 => "c10_test_e200",
        }
    }
}

/// The name in the file.
impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One architecture.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The architecture.
    pub genotype: Genotype,
    /// Millions of multiply-adds as the table counts them: with the additions of the classifier's bias.
    pub multiply_adds: f64,
    /// Millions of parameters.
    pub parameters: f64,
    accuracies: [f64; 5],
}

impl Row {
    /// An accuracy in percent.
    pub fn accuracy(&self, column: Column) -> f64 {
        match (column, self.accuracies) {
            (Column::ValidE12, [a, ..]) | (Column::TestE12, [_, a, ..]) | (Column::ValidE200, [_, _, a, ..]) => a,
            (Column::ValidTestE200, [.., a, _]) | (Column::TestE200, [.., a]) => a,
        }
    }
}

/// The table: every architecture with the accuracies that were measured.
///
/// A CSV file with a header and the columns `arch` (the string of NAS-Bench-201), the five of [`Column`] (percent),
/// `flops_m_c10_computed` and `params_m_c10_computed` (millions), in any order; other columns are not read.
#[derive(Clone, Debug)]
pub struct NasBench201Table {
    rows: Vec<Row>,
    architectures: Architectures,
}

impl NasBench201Table {
    /// Reads a table of all 15,625 architectures.
    pub fn read(source: impl io::Read) -> Result<Self, StrategyError> {
        let table = Self::read_part(source)?;
        table.architectures.check_whole()?;
        Ok(table)
    }

    /// Reads a table that may lack architectures.
    pub fn read_part(source: impl io::Read) -> Result<Self, StrategyError> {
        let mut file = Rows::open(source)?;
        let [a, b, c, d, e] = Column::ALL;
        let find = |column: &'static str| file.column(column).map(|at| (at, column));
        let accuracies = [find(a.name())?, find(b.name())?, find(c.name())?, find(d.name())?, find(e.name())?];
        let (flops, parameters) = (find("flops_m_c10_computed")?, find("params_m_c10_computed")?);
        let mut rows = Vec::new();
        while let Some(row) = file.next()? {
            let mut measured = [0.0; 5];
            for (slot, column) in measured.iter_mut().zip(accuracies) {
                *slot = row.number(column, 0.0..=100.0, "an accuracy from 0 to 100")?;
            }
            let positive = "a number of millions, 0 or more";
            let multiply_adds = row.number(flops, 0.0..=f64::MAX, positive)?;
            let parameters = row.number(parameters, 0.0..=f64::MAX, positive)?;
            rows.push(Row { genotype: row.genotype, multiply_adds, parameters, accuracies: measured });
        }
        Ok(Self { rows, architectures: file.architectures })
    }

    /// The space.
    pub fn space(&self) -> &SearchSpace {
        self.architectures.space()
    }

    /// All architectures, in the order of the file.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of an architecture, found by the ops of its edges; an edge that the genotype does not have is `none`.
    pub fn get(&self, genotype: &Genotype) -> Option<&Row> {
        self.rows.get(self.architectures.row(genotype).ok()??)
    }

    /// The best row by one column, the first of equal ones; `None` for a table without rows.
    pub fn optimum(&self, column: Column) -> Option<&Row> {
        self.rows.iter().reduce(|best, row| if row.accuracy(column) > best.accuracy(column) { row } else { best })
    }
}

/// An architecture that the table does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{genotype}` is not in the table of NAS-Bench-201")]
struct NotInTable {
    genotype: String,
}

/// Answers from the table: the score is one column, the test accuracy another, both over 100.
#[derive(Clone, Copy, Debug)]
pub struct TabularEvaluator<'a> {
    /// The table.
    pub table: &'a NasBench201Table,
    /// What the strategy learns from; a validation column.
    pub score: Column,
    /// What is reported.
    pub test: Column,
}

impl Evaluator for TabularEvaluator<'_> {
    fn name(&self) -> &str {
        "nas-bench-201"
    }

    fn evaluate(&mut self, genotype: &Genotype) -> Result<Evaluation, EvaluateError> {
        let row = self.table.get(genotype).ok_or_else(|| NotInTable { genotype: genotype.to_string() })?;
        let share = |column| row.accuracy(column) / 100.0;
        Ok(Evaluation { score: share(self.score), test: Some(share(self.test)), cost_seconds: None })
    }
}
