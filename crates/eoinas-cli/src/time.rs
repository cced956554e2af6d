//! `--time`: how long a run may take.

use std::time::Duration;

use eoinas_train::TrainError;

/// The longest that a run is fitted to: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Reads the flag: 20m, 1h 30m.
///
/// # Errors
/// No such time, more than a year, or months that were meant as minutes.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if text.contains('M') {
        return Err(format!("M stands for months; for minutes write {}", text.replace('M', "m")));
    }
    match time <= LONGEST {
        true => Ok(time),
        false => Err("at most a year, 365days, is expected".to_owned()),
    }
}

/// The error of a part of a command that has a part of its `--time` alone, with what was asked for.
pub(crate) fn of_part(error: TrainError, asked: Duration) -> TrainError {
    let asked = format!("{:.0} seconds", asked.as_secs_f64());
    match error {
        TrainError::Setting(mut setting) if setting.name == "time" && setting.got != asked => {
            setting.got = format!("{asked}, of which {} are this part's", setting.got);
            setting.expected = format!("{} for it, and the same for the others", setting.expected);
            setting.into()
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_lifetimes_are_refused() {
        assert_eq!(parse("1h 30m").unwrap(), Duration::from_secs(5400));
        assert_eq!(parse("365days").unwrap(), LONGEST);
        assert!(parse("20M").unwrap_err().contains("for minutes write 20m"));
        assert!(parse("9999y").unwrap_err().contains("at most a year"));
        assert!(parse("soon").is_err());
    }

    #[test]
    fn a_part_says_what_was_asked_for() {
        let error = eoinas_core::Setting::new("time", "5 seconds", "at least 9 seconds");
        let text = of_part(error.clone().into(), Duration::from_secs(10)).to_string();
        assert_eq!(
            text,
            "time is 10 seconds, of which 5 seconds are this part's; expected at least 9 seconds for it, and the same for the others"
        );
        let text = of_part(error.into(), Duration::from_millis(5100)).to_string();
        assert_eq!(text, "time is 5 seconds; expected at least 9 seconds");
    }
}
