//! A table, as Markdown, CSV and HTML.

use crate::svg::escape;

/// Cells with more letters than this are broken into lines on the page.
const LONG: usize = 60;

/// Text of a Markdown cell: nothing in it ends the cell, begins an element or a link, or is emphasis. Underscores within
/// words, as in the names of ops, are none.
fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '|' | '\\' | '`' | '*' | '[' | ']' => safe.extend(['\\', c]),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// Text of a CSV cell that no spreadsheet takes for a formula: what begins like one and is no number, such as a class that is
/// called `=cmd`, gets an apostrophe before it.
pub fn no_formula(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// The input nodes of a cell, `c_{k-1}`, as they are written by hand.
fn subscripts(html: &str) -> String {
    ["k-2", "k-1", "k"]
        .iter()
        .fold(html.to_owned(), |html, index| html.replace(&format!("c_{{{index}}}"), &format!("c<sub>{index}</sub>")))
}

/// Rows of text under a header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        Self { header: header.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }

    /// The table as GitHub-flavoured Markdown, columns padded.
    pub fn to_markdown(&self) -> String {
        let cell = markdown;
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.header]).filter_map(|row| row.get(column));
            cells.map(|text| cell(text).chars().count()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let line = |row: &[String]| {
            let padded = widths.iter().enumerate().map(|(column, width)| {
                let text = row.get(column).map(|text| cell(text)).unwrap_or_default();
                format!(" {text:width$} ")
            });
            format!("|{}|\n", padded.collect::<Vec<_>>().join("|"))
        };
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        let mut text = line(&self.header) + &line(&rule);
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }

    /// The table as CSV (RFC 4180), whose cells are none of a spreadsheet's formulas ([`no_formula`]).
    pub fn to_csv(&self) -> String {
        let field = |text: &String| {
            let text = &no_formula(text);
            if text.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.clone()
            }
        };
        let line = |row: &Vec<String>| row.iter().map(field).collect::<Vec<_>>().join(",") + "\n";
        std::iter::once(&self.header).chain(&self.rows).map(line).collect()
    }

    /// The table as HTML, in a box that scrolls where the screen is too narrow.
    pub fn to_html(&self) -> String {
        let cells = |row: &[String], tag: &str| {
            let cell = |text: &String| {
                let long = if text.chars().count() > LONG { " class=\"long\"" } else { "" };
                format!("<{tag}{long}>{}</{tag}>", subscripts(&escape(text)))
            };
            row.iter().map(cell).collect::<String>()
        };
        let rows: String = self.rows.iter().map(|row| format!("<tr>{}</tr>\n", cells(row, "td"))).collect();
        format!(
            "<div class=\"scroll\"><table><thead><tr>{}</tr></thead><tbody>\n{rows}</tbody></table></div>",
            cells(&self.header, "th")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_formulas_stay_names() {
        let mut table = Table::new(["name", "value"]);
        for (name, value) in [("=cmd,1", "-2"), ("-2+3", "+0.5"), ("@SUM", "-1e-3"), ("a=b", "–")] {
            table.rows.push([name, value].map(str::to_owned).to_vec());
        }
        assert_eq!(table.to_csv(), "name,value\n\"'=cmd,1\",-2\n'-2+3,+0.5\n'@SUM,-1e-3\na=b,–\n");
    }
}
