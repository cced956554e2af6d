//! Numbers and durations as a reader wants them.

use eoinas_core::{Measure, event::shell_word, statistics::mean_and_deviation};

/// The epoch as people count it, from 1. A damaged record may have the last number that there is.
pub fn nth(epoch: u64) -> u64 {
    epoch.saturating_add(1)
}

/// Four significant digits, without trailing zeros; `–` for what is not finite.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..7.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = (3.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The same for a value that may be missing.
pub fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

/// `34.21 ± 0.35`, or the value alone where there is one or all are equal.
pub fn mean(values: &[f64]) -> String {
    match mean_and_deviation(values) {
        Some((mean, deviation)) if deviation > 0.0 => {
            let decimals = decimals(mean);
            format!("{mean:.decimals$} ± {deviation:.decimals$}")
        }
        Some((mean, _)) => fixed(mean),
        None => "–".to_owned(),
    }
}

/// A value with the decimals that all of its size have, so that columns can be compared.
pub fn fixed(value: f64) -> String {
    format!("{value:.0$}", decimals(value))
}

fn decimals(value: f64) -> usize {
    match value.abs() {
        0.0 | 1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    }
}

/// A fraction as `64.26 %`.
pub fn percent(fraction: f64) -> String {
    if fraction.is_finite() { format!("{:.2} %", fraction * 100.0) } else { "–".to_owned() }
}

/// A text as a sentence begins.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A score: an accuracy as `64.26 %`, others with their name, `R2 0.9125`.
pub fn shown(measure: &Measure, score: f64) -> String {
    match measure.is_accuracy() {
        true => percent(score),
        false => format!("{} {}", measure.title(), number(score)),
    }
}

/// `2.85 s`, `14 min 8 s`, `3 h 5 min`, `1 d 2 h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{} s", number(seconds)),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86400, whole % 86400 / 3600),
    }
}

/// `3.44 M`, `57.6 k`.
pub fn count(value: u64) -> String {
    match value {
        0..1000 => value.to_string(),
        1000..1_000_000 => format!("{:.1} k", value as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} M", value as f64 / 1e6),
        _ => format!("{:.2} G", value as f64 / 1e9),
    }
}

/// A command line as one would type it.
pub fn command(words: &[String]) -> String {
    words.iter().map(shell_word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_a_reader_wants_them() {
        let numbers = [0.0, 0.125, 1.0, 123_456.0, 0.000_001_2, f64::NAN, -0.5, 1e9];
        let expected = ["0", "0.125", "1", "123456", "1.200e-6", "–", "-0.5", "1.000e9"];
        assert_eq!(numbers.map(number), expected);
        assert_eq!([2.853, 848.0, 11_100.0, 93_600.0].map(duration), ["2.853 s", "14 min 8 s", "3 h 5 min", "1 d 2 h"]);
        let measures = [Measure::accuracy(), Measure::higher("mAP"), Measure::higher("R2")];
        let shown = measures.map(|measure| shown(&measure, 0.6425));
        assert_eq!(shown, ["64.25 %", "mean average precision 0.6425", "R2 0.6425"]);
        assert_eq!([512, 57_618, 3_438_334].map(count), ["512", "57.6 k", "3.44 M"]);
        assert_eq!(command(&["a b".to_owned(), "--x=1".to_owned(), "it's".to_owned()]), r"'a b' --x=1 'it'\''s'");
    }
}
