//! An evaluation on standard output.

use std::path::Path;

use eoinas_core::counted;
use eoinas_report::evaluation::{Evaluation, Mixed};
use serde_json::{Value, json};

use super::{Args, samples::Samples};
use crate::out::say;

/// So many classes have room for a matrix beside each other.
const MATRIX: usize = 12;
/// With more, so many of what was taken for what.
const MIXED: usize = 10;
/// Letters of a class's name.
const NAME: usize = 32;

/// Says it to people.
pub(super) fn print(evaluation: &Evaluation, on: &str) {
    let confusion = evaluation.confusion();
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let (low, high) = evaluation.interval().unwrap_or((0.0, 1.0));
    let (most, chance) = evaluation.chance().unwrap_or((0, 0.0));
    let present = confusion.present();
    say!("{on}: {}", counted(confusion.samples(), "image", "images"));
    say!(
        "accuracy {} ({} right; 95 % interval {:.2} to {})",
        percent(evaluation.accuracy().unwrap_or(0.0)),
        confusion.right(),
        100.0 * low,
        percent(high)
    );
    say!("chance level {}: always saying {}", percent(chance), short(evaluation.class(most)));
    say!("");
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    let class = |(index, name): (usize, &String)| {
        let of = confusion.of(index);
        let [samples, right, said] = [of.samples, of.right, of.said].map(|count| count.to_string());
        vec![short(name), samples, right, share(of.recall()), said, share(of.precision())]
    };
    let header = ["class", "images", "right", "recall", "said", "precision"].map(str::to_owned).to_vec();
    aligned([header].into_iter().chain(evaluation.classes().iter().enumerate().map(class)).collect());
    if present.len() <= MATRIX {
        // Names over the columns would be wider than a terminal.
        say!("\nconfusion matrix: a row a class, a column what was said, by the same numbers");
        let numbers = (1..=present.len()).map(|number| number.to_string());
        let header = [String::new()].into_iter().chain(numbers.clone()).collect();
        let row = |(class, number): (&usize, String)| {
            let name = format!("{number:>2} {}", short(evaluation.class(*class)));
            [name].into_iter().chain(present.iter().map(|said| confusion.count(*class, *said).to_string())).collect()
        };
        aligned([header].into_iter().chain(present.iter().zip(numbers).map(row)).collect());
        return;
    }
    say!("\nmost often taken for another");
    for Mixed { class, said, samples } in confusion.mixed().into_iter().take(MIXED) {
        let of = confusion.of(class).samples;
        say!("  {} for {}: {samples} of {of}", short(evaluation.class(class)), short(evaluation.class(said)));
    }
}

/// Rows whose first column begins and whose others end together.
fn aligned(rows: Vec<Vec<String>>) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| Some(row.get(column)?.chars().count())).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &rows {
        let cell = |(column, (text, width)): (usize, (&String, &usize))| {
            if column == 0 { format!("{text:width$}") } else { format!("  {text:>width$}") }
        };
        let line: String = row.iter().zip(&widths).enumerate().map(cell).collect();
        say!("{}", line.trim_end());
    }
}

/// A name as a table has room for it; what would move the cursor is left out.
fn short(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    match name.chars().count() <= NAME {
        true => name,
        false => name.chars().take(NAME - 3).chain("...".chars()).collect(),
    }
}

/// All of it for programs; shares are 0 to 1, and null where there is nothing to be a share of.
pub(super) fn json(evaluation: &Evaluation, samples: &Samples, page: Option<&Path>, args: &Args) -> Value {
    let confusion = evaluation.confusion();
    let class = |(index, name): (usize, &String)| {
        let of = confusion.of(index);
        let (recall, precision) = (of.recall(), of.precision());
        json!({ "class": name, "images": of.samples, "right": of.right, "recall": recall, "said": of.said, "precision": precision })
    };
    let chance =
        evaluation.chance().map(|(class, share)| json!({ "class": evaluation.class(class), "accuracy": share }));
    let shown = |path: &Path| path.display().to_string();
    json!({
        "network": shown(&args.model),
        "on": samples.on,
        "part": samples.part.name(),
        "images": confusion.samples(),
        "right": confusion.right(),
        "accuracy": evaluation.accuracy(),
        "interval": evaluation.interval(),
        "chance": chance,
        "classes": evaluation.classes().iter().enumerate().map(class).collect::<Vec<_>>(),
        "confusion": confusion.rows().collect::<Vec<_>>(),
        "notes": samples.notes,
        "page": page.map(shown),
        "csv": args.csv.as_deref().map(shown),
    })
}
