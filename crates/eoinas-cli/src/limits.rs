//! What the network may cost: flags of every command that trains a found cell.

use std::ffi::OsString;

use eoinas_core::count::Limits;

/// The most that the delivered network may cost.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LimitFlags {
    /// The most trained parameters that the network may have (500k, 1M): its depth and width are fitted.
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Size")]
    max_parameters: Option<u64>,
    /// The most multiply-adds that it may take for one image (30M), likewise.
    #[arg(long, value_name = "N", value_parser = number, help_heading = "Size")]
    max_multiply_adds: Option<u64>,
}

impl LimitFlags {
    /// These limits over others; `keep_cells` where the depth was asked for, too.
    pub(crate) fn over(&self, below: Limits, keep_cells: bool) -> Limits {
        let limits = Limits {
            parameters: self.max_parameters.or(below.parameters),
            multiply_adds: self.max_multiply_adds.or(below.multiply_adds),
            keep_cells: below.keep_cells,
        };
        Limits { keep_cells: limits.keep_cells || keep_cells && !limits.are_none(), ..limits }
    }
}

/// The flags that mean these limits, for a command that is printed.
pub(crate) fn flags_of(limits: &Limits) -> Vec<OsString> {
    let all = [("--max-parameters", limits.parameters), ("--max-multiply-adds", limits.multiply_adds)];
    all.into_iter().filter_map(|(flag, most)| Some([flag.into(), most?.to_string().into()])).flatten().collect()
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
    use super::*;

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
        let limits = Limits { parameters: Some(5), multiply_adds: None, keep_cells: false };
        assert_eq!(flags_of(&limits), ["--max-parameters", "5"]);
        let flags = LimitFlags { max_parameters: None, max_multiply_adds: Some(7) };
        let both = Limits { parameters: Some(5), multiply_adds: Some(7), keep_cells: true };
        assert_eq!(flags.over(limits, true), both);
        let none = LimitFlags { max_parameters: None, max_multiply_adds: None };
        assert_eq!(none.over(Limits::default(), true), Limits::default());
    }
}
