//! Latencies that were measured of every architecture of NAS-Bench-201, as a CSV file: those of HW-NAS-Bench (Li et al.,
//! ICLR 2021), for one.

use std::io;

use eoinas_core::{CoreError, Cost, Genotype, SearchSpace, Skeleton};

use crate::StrategyError;
use crate::architectures::{ARCHITECTURE, Architectures, Rows};

/// The latency in milliseconds of each architecture of NAS-Bench-201 on one device, as a [`Cost`].
///
/// A CSV file with a header, the column `arch` (the string of NAS-Bench-201) and one column of milliseconds for each device,
/// with a row for each of the 15,625 architectures, in any order. They are those of the benchmark's network for CIFAR-10
/// ([`Skeleton::nas_bench_201`] with 5 cells a stage); of another nothing is known.
#[derive(Clone, Debug)]
pub struct ArchitectureLatencies {
    column: String,
    latencies: Vec<f64>,
    architectures: Architectures,
}

impl ArchitectureLatencies {
    /// Reads one column of a table; `None` takes the only one that there is beside `arch`.
    ///
    /// # Errors
    /// A column that is not there or, without a name, is one of several; a line with a latency that is no positive number, or
    /// with an architecture that is none or was there before; a table that lacks architectures.
    pub fn read(source: impl io::Read, column: Option<&str>) -> Result<Self, StrategyError> {
        let mut file = Rows::open(source)?;
        let column = match column {
            Some(name) => name.to_owned(),
            None => only(file.columns().filter(|name| *name != ARCHITECTURE).collect())?,
        };
        let at = file.column(&column)?;
        let mut latencies = Vec::new();
        while let Some(row) = file.next()? {
            let expected = "a latency in milliseconds, more than 0";
            latencies.push(row.number((at, &column), f64::MIN_POSITIVE..=f64::MAX, expected)?);
        }
        file.architectures.check_whole()?;
        Ok(Self { column, latencies, architectures: file.architectures })
    }

    /// All latencies in milliseconds, in the order of the file.
    pub fn all(&self) -> &[f64] {
        &self.latencies
    }
}

impl Cost for ArchitectureLatencies {
    /// That of the column.
    fn name(&self) -> &str {
        &self.column
    }

    /// Milliseconds.
    fn of(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<f64, CoreError> {
        genotype.fits(space)?;
        // A limit of the builder's changes no network.
        if (Skeleton { max_ops: None, ..skeleton.clone() }) != Skeleton::nas_bench_201(5) {
            let problem = "the latencies of a table are those of NAS-Bench-201's network for CIFAR-10 (16 channels, 5 cells \
                           a stage, 10 classes, 32 x 32 pixels), and this is another";
            return Err(CoreError::Fit { problem: problem.to_owned() });
        }
        let latency = self.architectures.row(genotype)?.and_then(|row| self.latencies.get(row));
        let missing = || CoreError::Fit { problem: format!("`{genotype}` is not in the table of latencies") };
        latency.copied().ok_or_else(missing)
    }
}

/// The column, where there is no choice.
fn only(columns: Vec<&str>) -> Result<String, StrategyError> {
    let problem = match columns.as_slice() {
        [column] => return Ok((*column).to_owned()),
        [] => format!("no column beside `{ARCHITECTURE}`, where one of latencies in milliseconds is expected"),
        columns => format!("several columns of latencies; choose one by its name: {}", columns.join(", ")),
    };
    Err(StrategyError::Table { line: Some(1), problem })
}
