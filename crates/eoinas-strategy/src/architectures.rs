//! CSV files with a row for each architecture of NAS-Bench-201, which a column `arch` names.

use std::collections::HashMap;
use std::io;
use std::ops::RangeInclusive;

use eoinas_core::{CoreError, Genotype, SearchSpace};

use crate::StrategyError;

/// Architectures of the space: 5 ops on 6 edges.
const ALL: usize = 15_625;

/// The column with the architectures.
pub(crate) const ARCHITECTURE: &str = "arch";

/// Which architecture stands in which row of a file.
#[derive(Clone, Debug)]
pub(crate) struct Architectures {
    space: SearchSpace,
    /// From the op of each edge to the row, from 0, and its line, from 1.
    rows: HashMap<Vec<usize>, (usize, u64)>,
}

impl Architectures {
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// The row of an architecture; an edge that the genotype does not have is `none`.
    ///
    /// # Errors
    /// A genotype that is none of the space.
    pub fn row(&self, genotype: &Genotype) -> Result<Option<usize>, CoreError> {
        Ok(self.rows.get(&self.key(genotype)?).map(|(row, _)| *row))
    }

    /// Whether all of the space are there.
    ///
    /// # Errors
    /// One that is missing.
    pub fn check_whole(&self) -> Result<(), StrategyError> {
        let Some(example) = self.missing() else { return Ok(()) };
        let problem = format!("{} of {ALL} architectures; one that is missing is `{example}`", self.rows.len());
        Err(StrategyError::Table { line: None, problem })
    }

    /// An architecture that is not there, as the names of its ops.
    fn missing(&self) -> Option<String> {
        let ops = self.space.ops().len();
        let edges = self.space.edges().count();
        let digits = |mut code: usize| -> Vec<usize> {
            (0..edges)
                .map(|_| {
                    let digit = code % ops;
                    code /= ops;
                    digit
                })
                .collect()
        };
        let key = (0..ALL).map(digits).find(|key| !self.rows.contains_key(key))?;
        let names: Vec<&str> = key.iter().map(|&op| self.space.ops().get(op).map_or("", |op| op.name())).collect();
        Some(names.join(", "))
    }

    /// The op of each edge, as an index into the space's ops.
    fn key(&self, genotype: &Genotype) -> Result<Vec<usize>, CoreError> {
        let none = self.space.op_index("none").unwrap_or(0);
        let gates = genotype.gates(&self.space)?;
        Ok(gates.kinds.iter().flatten().map(|gates| gates.first().map_or(none, |gate| gate.op)).collect())
    }
}

/// A file that is read row by row.
pub(crate) struct Rows<R> {
    records: csv::StringRecordsIntoIter<R>,
    header: csv::StringRecord,
    at: usize,
    /// Those that were read.
    pub architectures: Architectures,
}

/// One row.
#[derive(Debug)]
pub(crate) struct ArchitectureRow {
    pub genotype: Genotype,
    record: csv::StringRecord,
    line: u64,
}

impl<R: io::Read> Rows<R> {
    /// Reads the header.
    pub fn open(source: R) -> Result<Self, StrategyError> {
        let mut reader = csv::Reader::from_reader(source);
        let header = reader.headers()?.clone();
        let architectures = Architectures { space: SearchSpace::nas_bench_201(), rows: HashMap::new() };
        let mut rows = Self { records: reader.into_records(), header, at: 0, architectures };
        rows.at = rows.column(ARCHITECTURE)?;
        Ok(rows)
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(str::trim)
    }

    /// Where a column stands.
    pub fn column(&self, name: &str) -> Result<usize, StrategyError> {
        let found = || self.columns().map(cut).collect::<Vec<_>>();
        let missing = || wrong(1, format!("no column `{}`; found are {:?}", cut(name), found()));
        self.columns().position(|column| column == name).ok_or_else(missing)
    }

    /// The next row; `None` at the end.
    pub fn next(&mut self) -> Result<Option<ArchitectureRow>, StrategyError> {
        let Some(record) = self.records.next().transpose()? else { return Ok(None) };
        let line = record.position().map_or(0, csv::Position::line);
        let none = |error: CoreError| wrong(line, error.to_string());
        let text = record.get(self.at).unwrap_or_default();
        let genotype = Genotype::parse_in(text, &self.architectures.space).map_err(none)?;
        let key = self.architectures.key(&genotype).map_err(none)?;
        let row = self.architectures.rows.len();
        if let Some((_, first)) = self.architectures.rows.insert(key, (row, line)) {
            return Err(wrong(line, format!("`{genotype}` is in the table already, on line {first}")));
        }
        Ok(Some(ArchitectureRow { genotype, record, line }))
    }
}

impl ArchitectureRow {
    /// The number in a column.
    pub fn number(
        &self,
        (at, column): (usize, &str),
        accepted: RangeInclusive<f64>,
        expected: &'static str,
    ) -> Result<f64, StrategyError> {
        let text = self.record.get(at).unwrap_or_default();
        let value = text.trim().parse::<f64>().ok().filter(|value| accepted.contains(value));
        let problem = || format!("`{}` in column `{}` is not {expected}", cut(text), cut(column));
        value.ok_or_else(|| wrong(self.line, problem()))
    }
}

fn wrong(line: u64, problem: String) -> StrategyError {
    StrategyError::Table { line: Some(line), problem }
}

/// As much of a text as a message shows.
fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
