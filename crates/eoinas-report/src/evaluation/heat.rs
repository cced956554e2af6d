//! The confusion matrix as a picture.

use super::{Evaluation, Mixed};
use crate::{
    format::percent,
    plot::Figure,
    svg::{Svg, px},
    table::Table,
    theme,
};

/// Letters of a class's name that have room beside the matrix.
const NAME: usize = 24;
/// Width of a letter of a name, as a share of its height.
const LETTER: f64 = 0.56;
/// Height of the letters in pixels.
const SIZE: f64 = 13.0;
/// With cells smaller than this in pixels there is no room for names; pointing at a cell tells them.
const SMALLEST_NAMED: f64 = 11.0;
/// Rows of the table of what was taken for what.
const ROWS: usize = 200;

/// Rows are classes, columns what was said of them; classes that are neither there nor were said are left out.
pub(super) fn figure(evaluation: &Evaluation) -> Figure {
    let (confusion, present) = (evaluation.confusion(), evaluation.confusion().present());
    let side = (900.0 / present.len().max(1) as f64).clamp(2.0, 44.0);
    let is_named = side >= SMALLEST_NAMED;
    let names: Vec<String> = present.iter().map(|class| short(evaluation.class(*class))).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64;
    let size = SIZE.min(side);
    // Names of columns are turned by 45 degrees, to the right and upwards.
    let (left, top, right) = match is_named {
        true => (longest * size * LETTER + 12.0, longest * size * LETTER * 0.71 + 18.0, longest * size * LETTER * 0.71),
        false => (8.0, 8.0, 8.0),
    };
    let extent = side * present.len() as f64;
    let mut svg = Svg::new(left + extent + right, top + extent + 4.0, "confusion matrix");
    for (place, name) in names.iter().enumerate().filter(|_| is_named) {
        let middle = place as f64 * side + side / 2.0;
        svg.text((left - 6.0, top + middle + size * 0.35), "end", size, theme::TEXT.light, name);
        svg.turned_text((left + middle, top - 6.0), -45.0, size, theme::TEXT.light, name);
    }
    for (row, class) in present.iter().enumerate() {
        let (y, of) = (top + row as f64 * side, confusion.of(*class));
        let attributes: [(&str, &dyn std::fmt::Display); 5] = [
            ("x", &px(left)),
            ("y", &px(y)),
            ("width", &px(extent)),
            ("height", &px(side - 1.0)),
            ("fill", &theme::PANEL.light),
        ];
        svg.element("rect", &attributes);
        for (column, said) in present.iter().enumerate() {
            let count = confusion.count(*class, *said);
            if count == 0 {
                continue;
            }
            let (x, share) = (left + column as f64 * side, count as f64 / of.samples.max(1) as f64);
            let (r, g, b) = theme::scale(share);
            let color = format!("#{r:02x}{g:02x}{b:02x}");
            let edge = px((side - 1.0).max(1.0));
            svg.open("g", &[]);
            let name = evaluation.class(*class);
            let taken =
                if class == said { "recognised".to_owned() } else { format!("taken for {}", evaluation.class(*said)) };
            svg.title(&format!("{name}, {taken}: {count} of {} ({})", of.samples, percent(share)));
            svg.element("rect", &[("x", &px(x)), ("y", &px(y)), ("width", &edge), ("height", &edge), ("fill", &color)]);
            // As large as all of its digits have room for.
            let digits = count.to_string();
            let size = SIZE.min((side - 4.0) / (digits.len() as f64 * LETTER));
            if size >= 8.0 {
                let ink = if share > 0.6 { "#000000" } else { "#ffffff" };
                svg.text((x + side / 2.0 - 0.5, y + side / 2.0 + size * 0.35), "middle", size, ink, &digits);
            }
            svg.close("g");
        }
    }
    let caption = "Rows are the true classes, columns what the network said; the diagonal is right. A number is a count of \
                   pictures, a colour its share of the row, from dark (few) to yellow (all).";
    Figure { wide: true, ..Figure::new("Confusion matrix", caption, svg.finish(), table(evaluation)) }
}

/// What was taken for what, the most frequent first.
pub(super) fn table(evaluation: &Evaluation) -> Table {
    let mut table = Table::new(["class", "taken for", "pictures", "share of the class"]);
    table.rows = evaluation
        .confusion()
        .mixed()
        .into_iter()
        .take(ROWS)
        .map(|Mixed { class, said, samples }| {
            let share = samples as f64 / evaluation.confusion().of(class).samples.max(1) as f64;
            let (class, said) = (evaluation.class(class).to_owned(), evaluation.class(said).to_owned());
            vec![class, said, samples.to_string(), percent(share)]
        })
        .collect();
    table
}

/// The beginning of a name that has no room.
fn short(name: &str) -> String {
    match name.chars().count() <= NAME {
        true => name.to_owned(),
        false => name.chars().take(NAME - 1).chain(['…']).collect(),
    }
}
