//! Latencies of parts at some widths, and of whole networks.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use super::parts::{Part, parts};
use crate::cost::Cost;
use crate::error::CoreError;
use crate::file;
use crate::genotype::Genotype;
use crate::network::NetworkSpec;
use crate::skeleton::Skeleton;
use crate::space::SearchSpace;

/// Milliseconds that parts of networks take, each at some numbers of channels.
///
/// As a file: CSV with the columns `op,channels,height,width,stride,latency_ms` in any order, others are not read; what [`Part`]
/// says of names and sizes holds. Lines that begin with `#` are comments.
///
/// ```
/// use eoinas_core::{SearchSpace, Skeleton, latency::LatencyTable, zoo};
/// let rows = "op,channels,height,width,stride,latency_ms\nsep_conv_3x3,16,32,32,1,0.5\n";
/// let table = LatencyTable::read(rows.as_bytes())?;
/// let cell = zoo::find("darts-v2")?.genotype();
/// // Of the ops of this cell the table has one.
/// assert!(table.network(&cell, &Skeleton::cifar(), &SearchSpace::darts()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LatencyTable {
    /// How it was made, in words: device, batch, threads.
    made: String,
    parts: Vec<Widths>,
}

/// A part at all widths that are known.
#[derive(Clone, Debug, PartialEq)]
struct Widths {
    op: String,
    height: usize,
    width: usize,
    stride: usize,
    /// Ascending.
    channels: Vec<usize>,
    /// For each of those.
    milliseconds: Vec<f64>,
}

/// A row of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    op: String,
    channels: usize,
    height: usize,
    width: usize,
    stride: usize,
    latency_ms: f64,
}

const HEADER: &str = "op,channels,height,width,stride,latency_ms";

impl LatencyTable {
    /// A table of these parts; `made` says how it was made.
    ///
    /// # Errors
    /// [`CoreError::Latency`] for a part that is there twice, for milliseconds that are negative or not finite, and for no part at
    /// all.
    pub fn new(made: &str, rows: impl IntoIterator<Item = (Part, f64)>) -> Result<Self, CoreError> {
        let mut sorted: BTreeMap<(String, usize, usize, usize), BTreeMap<usize, f64>> = BTreeMap::new();
        for (part, milliseconds) in rows {
            if !(milliseconds >= 0.0 && milliseconds.is_finite()) {
                return Err(wrong(format!("{part}: {milliseconds} ms; 0 or more are expected")));
            }
            let text = part.to_string();
            let Part { op, height, width, stride, channels } = part;
            if sorted.entry((op, height, width, stride)).or_default().insert(channels, milliseconds).is_some() {
                return Err(wrong(format!("{text}: is there twice; one row for each is expected")));
            }
        }
        if sorted.is_empty() {
            return Err(wrong("no row; one for each op, size and stride is expected".to_owned()));
        }
        let parts = sorted.into_iter().map(|((op, height, width, stride), widths)| {
            let (channels, milliseconds) = widths.into_iter().unzip();
            Widths { op, height, width, stride, channels, milliseconds }
        });
        Ok(Self { made: made.replace(['\n', '\r'], " ").trim().to_owned(), parts: parts.collect() })
    }

    /// The largest number of channels of a part of this name.
    pub fn widest(&self, op: &str) -> Option<usize> {
        self.parts.iter().filter(|of| of.op == op).filter_map(|of| of.channels.last().copied()).max()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`CoreError::Latency`] for what is no such table, with its line; as [`LatencyTable::new`].
    pub fn read(source: impl io::Read) -> Result<Self, CoreError> {
        let bytes = file::read_from(source, file::TEXT).map_err(|error| wrong(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
        let text = text.trim_start_matches('\u{feff}');
        let made = text.lines().find_map(|line| line.strip_prefix('#')).unwrap_or_default().trim().to_owned();
        let mut reader =
            csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
        if let Some(missing) = HEADER.split(',').find(|name| !header.iter().any(|found| found == *name)) {
            return Err(wrong(format!("no column `{missing}`; the columns {HEADER} are expected")));
        }
        let rows: Result<Vec<Row>, csv::Error> = reader.deserialize().collect();
        let rows = rows.map_err(|error| wrong(error.to_string()))?.into_iter().map(|row| {
            let Row { op, channels, height, width, stride, latency_ms } = row;
            (Part { op, height, width, stride, channels }, latency_ms)
        });
        Self::new(&made, rows)
    }

    /// Writes the file that [`LatencyTable::read`] reads.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn write(&self, mut to: impl io::Write) -> io::Result<()> {
        if !self.made.is_empty() {
            writeln!(to, "# {}", self.made)?;
        }
        let mut writer = csv::Writer::from_writer(to);
        for of in &self.parts {
            let Widths { op, height, width, stride, .. } = of;
            for (&channels, &latency_ms) in of.channels.iter().zip(&of.milliseconds) {
                let (op, height, width, stride) = (op.clone(), *height, *width, *stride);
                writer.serialize(Row { op, channels, height, width, stride, latency_ms }).map_err(io::Error::other)?;
            }
        }
        writer.flush()
    }

    /// How it was made, in words; empty where nobody said so.
    pub fn made(&self) -> &str {
        &self.made
    }

    /// Milliseconds of one part. Between two widths of the table they lie on a line, below the least they are those of the least,
    /// and above the largest they are infinite: slower than any limit. Where the table has none of the parts around
    /// the ops of a kind ([`Part::is_around_ops`]) these take nothing ([`LatencyTable::leaves_out`]); `none` takes nothing either
    /// where the table does not have it.
    ///
    /// # Errors
    /// [`CoreError::Latency`] for a part that the table should have.
    pub fn of_part(&self, part: &Part) -> Result<f64, CoreError> {
        let size = (part.height, part.width, part.stride);
        let is = |of: &&Widths| of.op == part.op && (of.height, of.width, of.stride) == size;
        if let Some(found) = self.parts.iter().find(is) {
            return Ok(found.at(part.channels));
        }
        let unknown = part.op == "none" || (part.is_around_ops() && self.leaves_out(part));
        if unknown { Ok(0.0) } else { Err(wrong(format!("no row of {part}, nor of other channels there"))) }
    }

    /// Whether the table has nothing of this kind of part, as of what stands around the ops where only those were measured.
    pub fn leaves_out(&self, part: &Part) -> bool {
        let kind = |op: &str| Part::AROUND.iter().position(|name| op.starts_with(name));
        kind(&part.op).is_some_and(|of| !self.parts.iter().any(|widths| kind(&widths.op) == Some(of)))
    }

    /// Milliseconds of the network of a found cell: the sum over its parts.
    ///
    /// # Errors
    /// As [`LatencyTable::of_part`]; a network that cannot be.
    pub fn network(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<f64, CoreError> {
        self.sum(&parts(&NetworkSpec::derived(genotype, space, skeleton)?))
    }

    /// Milliseconds of so many parts together.
    ///
    /// # Errors
    /// As [`LatencyTable::of_part`].
    pub fn sum(&self, parts: &[Part]) -> Result<f64, CoreError> {
        parts.iter().map(|part| self.of_part(part)).sum()
    }
}

impl Cost for LatencyTable {
    fn name(&self) -> &str {
        "latency_ms"
    }

    fn of(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<f64, CoreError> {
        self.network(genotype, skeleton, space)
    }
}

/// In settings it is its file, as one text.
impl From<LatencyTable> for String {
    fn from(table: LatencyTable) -> Self {
        let mut file = Vec::new();
        // Memory takes all that is written to it.
        table.write(&mut file).map_or_else(|error| error.to_string(), |()| Self::from_utf8_lossy(&file).into_owned())
    }
}

impl TryFrom<String> for LatencyTable {
    type Error = CoreError;

    fn try_from(file: String) -> Result<Self, CoreError> {
        Self::read(file.as_bytes())
    }
}

impl Widths {
    fn at(&self, channels: usize) -> f64 {
        let after = self.channels.partition_point(|&known| known < channels);
        let point = |at: usize| Some((*self.channels.get(at)?, *self.milliseconds.get(at)?));
        match (after.checked_sub(1).and_then(point), point(after)) {
            (_, None) => f64::INFINITY,
            (None, Some((_, of))) => of,
            (Some((low, from)), Some((high, to))) => {
                from + (to - from) * (channels - low) as f64 / (high - low).max(1) as f64
            }
        }
    }
}

fn wrong(problem: String) -> CoreError {
    CoreError::Latency { problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    fn part(op: &str, channels: usize) -> Part {
        Part { op: op.to_owned(), height: 8, width: 8, stride: 1, channels }
    }

    fn table(rows: &[(&str, usize, f64)]) -> LatencyTable {
        LatencyTable::new("by hand", rows.iter().map(|&(op, channels, ms)| (part(op, channels), ms))).unwrap()
    }

    #[test]
    fn widths_between_those_that_are_known_lie_on_a_line() {
        let table = table(&[("sep_conv_3x3", 16, 3.0), ("sep_conv_3x3", 8, 1.0)]);
        let of = |channels| table.of_part(&part("sep_conv_3x3", channels)).unwrap();
        assert_eq!([of(4), of(8), of(12), of(16), of(17)], [1.0, 1.0, 2.0, 3.0, f64::INFINITY]);
        let error = table.of_part(&Part { height: 9, ..part("sep_conv_3x3", 8) }).unwrap_err().to_string();
        assert_eq!(
            error,
            "latencies: no row of sep_conv_3x3 of 8 channels, 9 x 8 pixels, stride 1, nor of other channels there"
        );
        assert_eq!(table.of_part(&part("none", 8)).unwrap(), 0.0);
    }

    #[test]
    fn what_stands_around_the_ops_may_be_left_out_by_kind() {
        let with = table(&[("node_sum_2", 8, 1.0)]);
        assert_eq!(with.of_part(&part("head", 8)).unwrap(), 0.0);
        assert!(with.leaves_out(&part("relu_conv_bn_x4", 8)));
        // A sum of three terms is of a kind that it has.
        assert!(with.of_part(&part("node_sum_3", 8)).is_err());
    }

    #[test]
    fn a_network_is_the_sum_of_its_parts_and_files_read_back() {
        let (cell, space) = (zoo::find("darts-v2").unwrap().genotype(), SearchSpace::darts());
        let skeleton = Skeleton { channels: 8, cells: 3, ..Skeleton::cifar() };
        let all = parts(&NetworkSpec::derived(&cell, &space, &skeleton).unwrap());
        let mut rows: Vec<(Part, f64)> = all.iter().map(|part| (part.clone(), part.channels as f64 / 64.0)).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows.dedup();
        let table = LatencyTable::new("two threads", rows).unwrap();
        let sum = all.iter().map(|part| part.channels as f64 / 64.0).sum::<f64>();
        assert!((table.network(&cell, &skeleton, &space).unwrap() - sum).abs() < 1e-9);
        let mut file = Vec::new();
        table.write(&mut file).unwrap();
        assert_eq!(LatencyTable::read(file.as_slice()).unwrap(), table);
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<LatencyTable>(&json).unwrap(), table);
    }

    #[test]
    fn files_that_are_no_table_are_refused() {
        let error = |text: &str| LatencyTable::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("op,ms\n"), format!("latencies: no column `channels`; the columns {HEADER} are expected"));
        assert!(error(&format!("{HEADER}\n")).contains("no row"));
        let row = "none,1,1,1,1,";
        assert!(error(&format!("{HEADER}\n{row}-1\n")).contains("0 or more are expected"));
        assert!(error(&format!("{HEADER}\n{row}nan\n")).contains("0 or more are expected"));
        assert!(error(&format!("{HEADER}\n{row}1\n{row}1\n")).contains("twice"));
        assert!(error(&format!("{HEADER}\n{row}x\n")).contains("line: 2"));
    }
}
