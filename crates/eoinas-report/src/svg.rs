//! Text of SVG elements.

use std::fmt::{Display, Write};

/// Text that is safe in an element or an attribute; control characters, which XML cannot hold, become `?`.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' => safe.push(c),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => safe.push('?'),
            c => safe.push(c),
        }
    }
    safe
}

/// A picture that is being written.
#[derive(Debug)]
pub struct Svg {
    text: String,
}

impl Svg {
    /// An empty picture of this size in pixels, with a name for those who hear it.
    pub fn new(width: f64, height: f64, name: &str) -> Self {
        let (w, h) = (width.ceil(), height.ceil());
        let text = format!(
            "<svg width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" \
             aria-label=\"{}\" font-family=\"sans-serif\">\n",
            escape(name)
        );
        Self { text }
    }

    /// One element without content; attributes as pairs.
    pub fn element(&mut self, tag: &str, attributes: &[(&str, &dyn Display)]) {
        self.open(tag, attributes);
        self.text.truncate(self.text.len() - 2);
        self.text.push_str("/>\n");
    }

    /// Opens an element that [`Self::close`] ends.
    pub fn open(&mut self, tag: &str, attributes: &[(&str, &dyn Display)]) {
        let _ = write!(self.text, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.text, " {name}=\"{}\"", escape(&value.to_string()));
        }
        self.text.push_str(">\n");
    }

    /// Ends an element.
    pub fn close(&mut self, tag: &str) {
        let _ = writeln!(self.text, "</{tag}>");
    }

    /// What hovering over the open element shows.
    pub fn title(&mut self, title: &str) {
        let _ = writeln!(self.text, "<title>{}</title>", escape(title));
    }

    /// Text at a place. `anchor`: start, middle or end.
    pub fn text(&mut self, at: (f64, f64), anchor: &str, size: f64, fill: &str, text: &str) {
        let _ = writeln!(
            self.text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{fill}\">{}</text>",
            at.0,
            at.1,
            escape(text)
        );
    }

    /// Text that begins at a place and is turned around it by `degrees`, clockwise.
    pub fn turned_text(&mut self, at: (f64, f64), degrees: f64, size: f64, fill: &str, text: &str) {
        let (x, y) = (px(at.0), px(at.1));
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{y}\" transform=\"rotate({degrees} {x} {y})\" font-size=\"{size}\" fill=\"{fill}\">{}</text>",
            escape(text)
        );
    }

    /// The whole picture.
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Tenths of a pixel.
pub fn px(value: f64) -> String {
    format!("{value:.1}")
}
