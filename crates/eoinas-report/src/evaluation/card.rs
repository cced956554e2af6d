//! A picture with what a network said of it.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::svg::escape;

/// From so many columns on a picture is shown smaller than it is, or about as large.
const FINE: usize = 96;

/// A picture as the network sees it, what it is and what was said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// PNG.
    pub png: Vec<u8>,
    /// Its columns.
    pub width: usize,
    /// What it is called.
    pub name: String,
    /// Its class.
    pub class: String,
    /// The class that the network said.
    pub said: String,
    /// The probability of that, 0 to 1.
    pub probability: f32,
}

impl Card {
    /// As a figure of the page.
    pub(crate) fn html(&self) -> String {
        let Self { class, said, .. } = self;
        // Smooth where a picture is shown smaller than it is, and its own pixels where it is shown larger.
        let fine = if self.width >= FINE { " class=\"fine\"" } else { "" };
        let (what, is) = match class == said {
            true => (format!("{class}, recognised"), "right".to_owned()),
            false => (format!("{class}, taken for {said}"), format!("is <b>{}</b>", escape(class))),
        };
        format!(
            "<figure><img{fine} alt=\"{}\" src=\"data:image/png;base64,{}\"><figcaption><b>{}</b>, said with {:.1} %<br>{is}\
             <br><small>{}</small></figcaption></figure>\n",
            escape(&what),
            STANDARD.encode(&self.png),
            escape(said),
            100.0 * self.probability,
            escape(&self.name)
        )
    }
}
