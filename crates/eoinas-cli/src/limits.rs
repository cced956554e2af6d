//! What the network may cost: flags of every command that trains a found cell.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use eoinas_core::{
    SearchSpace, Skeleton,
    count::{LatencyLimit, Limits, MeasuredWith},
};
use eoinas_nn::{LatencyRuns, Operations};
use eoinas_train::machine::{threads, with_threads};

use crate::{Error, bench::small, host::Host, latency};

/// The most that the delivered network may cost.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LimitFlags {
    /// The most trained parameters that the network may have (500k, 1M): its depth and width are fitted.
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Size")]
    max_parameters: Option<u64>,
    /// The most multiply-adds that it may take for one image (30M), likewise.
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Size")]
    max_multiply_adds: Option<u64>,
    /// The longest that a pass may take (5ms), likewise: by what the parts of networks take on this machine, which is measured first, or
    /// by --latency-table.
    #[arg(long, value_name = "TIME", value_parser = pass_time, help_heading = "Size")]
    max_latency: Option<Duration>,
    /// What the parts of networks take, as `eoinas latency --out` writes it: CSV with the columns
    /// op,channels,height,width,stride,latency_ms.
    #[arg(long, value_name = "FILE", requires = "max_latency", help_heading = "Size")]
    latency_table: Option<PathBuf>,
    /// Images at once of the pass whose latency is limited [default: 1]
    #[arg(long, value_name = "N", requires = "max_latency", conflicts_with = "latency_table", value_parser = small(), help_heading = "Size")]
    latency_batch: Option<usize>,
    /// Threads of that pass [default: all cores]
    #[arg(long, value_name = "N", requires = "max_latency", conflicts_with = "latency_table", help_heading = "Size")]
    latency_threads: Option<usize>,
}

impl LimitFlags {
    /// Whether they limit nothing.
    pub(crate) fn are_none(&self) -> bool {
        self.max_parameters.is_none() && self.max_multiply_adds.is_none() && !self.limit_latency()
    }

    /// These limits over others; `keep_cells` where the depth was asked for, too.
    pub(crate) fn over(&self, below: Limits, keep_cells: bool) -> Limits {
        let limits = Limits {
            parameters: self.max_parameters.or(below.parameters),
            multiply_adds: self.max_multiply_adds.or(below.multiply_adds),
            latency: below.latency,
            keep_cells: below.keep_cells,
        };
        let any = !limits.are_none() || self.max_latency.is_some();
        Limits { keep_cells: limits.keep_cells || keep_cells && any, ..limits }
    }

    /// Whether a latency is limited here.
    pub(crate) fn limit_latency(&self) -> bool {
        self.max_latency.is_some()
    }

    /// These limits with that on latency, for networks of cells of `space` with images, form and classes of `skeleton`: the table is
    /// read, or measured now.
    ///
    /// # Errors
    /// A table that cannot be read; a network that cannot be.
    pub(crate) fn with_latency(
        &self,
        limits: Limits,
        skeleton: &Skeleton,
        space: &SearchSpace,
        host: &Host,
    ) -> Result<Limits, Error> {
        let Some(most) = self.max_latency else { return Ok(limits) };
        let milliseconds = most.as_secs_f64() * 1e3;
        let (table, measured) = match &self.latency_table {
            Some(path) => (latency::read(path)?, None),
            None => {
                let runs = LatencyRuns { batch: self.latency_batch.unwrap_or(1).max(1), ..LatencyRuns::default() };
                let operations = Operations::built_in();
                host.tell("what the parts of networks take is measured, for up to a minute");
                let measure = || (runs.table_up_to(milliseconds, space, skeleton, &operations), threads());
                let (table, threads) = with_threads(self.latency_threads, measure)?;
                (table?, Some(MeasuredWith { batch: runs.batch, threads }))
            }
        };
        for part in latency::left_out(&table, skeleton, space)? {
            host.tell(&format!("the table has no {part}: what it takes is not counted"));
        }
        Ok(Limits { latency: Some(LatencyLimit { milliseconds, measured, table }), ..limits })
    }
}

/// A time that a pass may take: `5ms`, `800us`, `1s`.
fn pass_time(text: &str) -> Result<Duration, String> {
    let expected = "a time such as 5ms, 800us or 1s is expected";
    // Fractions, too: 2.5ms.
    let units = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0)];
    let number = units.iter().find_map(|(unit, seconds)| {
        let digits = text.strip_suffix(unit)?.trim_end();
        digits.parse::<f64>().ok().map(|number| number * seconds)
    });
    let time = number.filter(|seconds| (1e-6..=3600.0).contains(seconds)).map(Duration::from_secs_f64);
    time.ok_or_else(|| expected.to_owned())
}

/// The flags that mean these limits, for a command that is printed and trains a network of so many channels and cells. What a table of
/// another device has limited is said by them: the limit alone would have this machine measured.
pub(crate) fn flags_of(limits: &Limits, (channels, cells): (Option<usize>, Option<usize>)) -> Vec<OsString> {
    if let (Some(LatencyLimit { measured: None, .. }), Some(channels), Some(cells)) = (&limits.latency, channels, cells)
    {
        return ["--channels".into(), channels.to_string().into(), "--cells".into(), cells.to_string().into()].into();
    }
    let all = [("--max-parameters", limits.parameters), ("--max-multiply-adds", limits.multiply_adds)];
    let mut words: Vec<OsString> =
        all.into_iter().filter_map(|(flag, most)| Some([flag.into(), most?.to_string().into()])).flatten().collect();
    if let Some(limit) = &limits.latency {
        words.extend(["--max-latency".into(), format!("{}ms", limit.milliseconds).into()]);
        if let Some(MeasuredWith { batch, threads }) = limit.measured {
            let runs = [("--latency-batch", batch), ("--latency-threads", threads)];
            words.extend(runs.into_iter().flat_map(|(flag, of)| [flag.into(), of.to_string().into()]));
        }
    }
    words
}

/// A number with a unit: 30M, 1.5G, 20000.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    let units = [('k', 1e3), ('K', 1e3), ('M', 1e6), ('G', 1e9)];
    let unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(*unit)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, 1.0));
    let number = digits.parse::<f64>().map_or(f64::NAN, |number| (number * factor).round());
    match (1.0..=1e15).contains(&number) {
        true => Ok(number as u64),
        false => {
            Err("a positive number, with k, M or G for thousands, millions and billions, is expected: 30M".to_owned())
        }
    }
}

/// The size of a network, where it is known: `C = 8, 5 cells, `.
pub(crate) fn size(channels: Option<usize>, cells: Option<usize>) -> String {
    match (channels, cells) {
        (Some(channels), Some(cells)) => format!("C = {channels}, {cells} cells, "),
        _ => String::new(),
    }
}

/// A count as people read it: 950, 46.2 k, 3.35 M.
pub(crate) fn in_words(count: u64) -> String {
    let with = |factor: f64, unit: &str| {
        let value = count as f64 / factor;
        // Three digits.
        let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
        format!("{value:.digits$} {unit}")
    };
    match count {
        0..1000 => count.to_string(),
        1000..1_000_000 => with(1e3, "k"),
        1_000_000..1_000_000_000 => with(1e6, "M"),
        _ => with(1e9, "G"),
    }
}

#[cfg(test)]
mod tests {
    use eoinas_core::latency::LatencyTable;

    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(
            ["5ms", "2.5 ms", "800us", "1s"].map(pass_time),
            [5000, 2500, 800, 1_000_000].map(Duration::from_micros).map(Ok)
        );
        for wrong in ["", "5", "ms", "-3ms", "0ms", "1e300s", "nanms", "2h"] {
            assert!(pass_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!(["30M", "1.5G", "20000", "3k"].map(number), [30_000_000, 1_500_000_000, 20_000, 3000].map(Ok));
        for wrong in ["", "M", "-3", "0", "1e300", "30 M", "nan"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert_eq!([950, 46_190, 3_349_342, 528_359_040].map(in_words), ["950", "46.2 k", "3.35 M", "528 M"]);
    }

    #[test]
    fn limits_become_flags_and_flags_limits() {
        let limits = Limits { parameters: Some(5), ..Limits::default() };
        let size = (Some(12), Some(7));
        assert_eq!(flags_of(&limits, size), ["--max-parameters", "5"]);
        let rows = "op,channels,height,width,stride,latency_ms\nskip_connect,4,8,8,1,0.1\n";
        let limit = |measured| {
            let table = LatencyTable::read(rows.as_bytes()).unwrap();
            Limits { latency: Some(LatencyLimit { milliseconds: 2.5, measured, table }), ..Limits::default() }
        };
        assert_eq!(flags_of(&limit(None), size), ["--channels", "12", "--cells", "7"]);
        let here = flags_of(&limit(Some(MeasuredWith { batch: 1, threads: 2 })), size);
        assert_eq!(here, ["--max-latency", "2.5ms", "--latency-batch", "1", "--latency-threads", "2"]);
        let none = LimitFlags {
            max_parameters: None,
            max_multiply_adds: None,
            max_latency: None,
            latency_table: None,
            latency_batch: None,
            latency_threads: None,
        };
        let flags = LimitFlags { max_multiply_adds: Some(7), ..none.clone() };
        let both = Limits { parameters: Some(5), multiply_adds: Some(7), keep_cells: true, latency: None };
        assert_eq!(flags.over(limits, true), both);
        assert_eq!(none.over(Limits::default(), true), Limits::default());
    }
}
