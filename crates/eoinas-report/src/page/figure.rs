//! Sections and figures as HTML.

use crate::{
    evaluation::Card,
    id::Ids,
    plot::{Figure, Grid},
    story::Section,
    svg::{escape, px},
    theme,
};

pub(crate) fn section(section: &Section, ids: &mut Ids) -> String {
    if section.figures.is_empty() && section.tables.is_empty() && section.cards.is_empty() {
        return String::new();
    }
    // The page is long: each part can be folded.
    let mut text =
        format!("<section><details class=\"part\" open><summary><h2>{}</h2></summary>\n", escape(&section.title));
    if !section.text.is_empty() {
        text += &format!("<p>{}</p>\n", escape(&section.text));
    }
    if !section.figures.is_empty() {
        let figures: String = section.figures.iter().map(|figure| html(figure, ids)).collect();
        text += &format!("<div class=\"figures\">\n{figures}</div>\n");
    }
    if !section.cards.is_empty() {
        let cards: String = section.cards.iter().map(Card::html).collect();
        text += &format!("<div class=\"mistakes\">\n{cards}</div>\n");
    }
    for (title, table) in &section.tables {
        // Long tables stay closed.
        let open = if table.rows.len() <= 12 { " open" } else { "" };
        text += &format!("<details{open}><summary>{}</summary>{}</details>\n", escape(title), table.to_html());
    }
    text + "</details></section>\n"
}

fn html(figure: &Figure, ids: &mut Ids) -> String {
    let id = ids.take(&figure.id);
    let wide = if figure.wide { " class=\"wide\"" } else { "" };
    let caption = if figure.caption.is_empty() { String::new() } else { format!("<br>{}", escape(&figure.caption)) };
    let (table, data) = match &figure.grid {
        // A heat map's values are there once, and the script makes the table of them when it is asked for.
        Some(grid) => ("<div class=\"scroll lazy\"></div>".to_owned(), grid_data(grid)),
        None => (figure.table.to_html(), String::new()),
    };
    let dot = figure
        .dot
        .as_ref()
        .map_or(String::new(), |dot| format!("<details><summary>DOT</summary><pre>{}</pre></details>", escape(dot)));
    format!(
        "<figure id=\"{id}\"{wide}><div class=\"picture\">{}</div>{data}\n<figcaption><b>{}</b>{caption}</figcaption>\n\
         <details><summary>Table</summary>{table}</details>{dot}</figure>\n",
        picture(figure),
        escape(&figure.title)
    )
}

/// The SVG with the page's colours, a name, and an element for each place that has something to say.
fn picture(figure: &Figure) -> String {
    let svg = theme::with_variables(&figure.svg);
    let svg = svg.trim_start_matches(|c| c != '<').trim_end();
    let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(&figure.title));
    let svg = if svg.contains("role=\"img\"") { svg.to_owned() } else { svg.replacen("<svg ", &label, 1) };
    let Some(open) = svg.strip_suffix("</svg>") else { return svg };
    let mut text = open.to_owned();
    for place in &figure.hover {
        text += &format!(
            "<circle class=\"pt\" cx=\"{}\" cy=\"{}\" r=\"6\"><title>{}</title></circle>\n",
            px(place.x),
            px(place.y),
            escape(&place.text)
        );
    }
    text + "</svg>"
}

/// The values of a heat map for the script; `<` cannot end the element, since it is written as an escape.
fn grid_data(grid: &Grid) -> String {
    let json = serde_json::to_string(grid).unwrap_or_default().replace('<', "\\u003c");
    format!("<script type=\"application/json\" class=\"grid\">{json}</script>")
}
