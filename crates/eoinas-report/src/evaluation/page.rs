//! An evaluation as a page for the owner of the network.

use eoinas_core::counted;

use super::{Card, Evaluation, heat, kept};
use crate::{
    format::percent,
    id::Ids,
    page::{document, figure},
    story::Section,
    svg::escape,
};

/// What the page shows.
#[derive(Clone, Debug)]
pub struct EvaluationPage<'a> {
    /// The result.
    pub evaluation: &'a Evaluation,
    /// What was evaluated, for example `the test part of my-pictures`.
    pub on: String,
    /// What a reader must know before anything else, a line each.
    pub notes: Vec<String>,
    /// Rows and columns of the pictures, as the network sees them.
    pub size: (usize, usize),
    /// Wrong predictions, by their index, with their pictures as PNG files; in the order in which they are shown.
    pub mistakes: Vec<(usize, Vec<u8>)>,
    /// How it was made: name and value.
    pub facts: Vec<(String, String)>,
}

impl EvaluationPage<'_> {
    /// The page's text: one file that needs no other.
    pub fn to_html(&self) -> String {
        let mut ids = Ids::reserving(["tip"]);
        let matrix = Section {
            title: "What was taken for what".to_owned(),
            figures: vec![heat::figure(self.evaluation)],
            ..Section::default()
        };
        let notes: String = self.notes.iter().map(|note| format!("<p class=\"note\">{}</p>\n", escape(note))).collect();
        let body = [
            self.head(),
            notes,
            figure::section(&matrix, &mut ids),
            format!("<section><h2>By class</h2>{}</section>\n", kept::by_class(self.evaluation).to_html()),
            self.mistakes(),
            self.facts(),
        ];
        document(&format!("Evaluation: {}", self.on), &body.concat())
    }

    fn head(&self) -> String {
        let of = self.evaluation;
        let (right, all) = (of.confusion().right(), of.confusion().samples());
        let accuracy = of.accuracy().map_or_else(|| "–".to_owned(), percent);
        let (low, high) = of.interval().unwrap_or((0.0, 1.0));
        let between = format!("{:.1}–{:.1}\u{a0}%", 100.0 * low, 100.0 * high);
        let (most, chance) = of.chance().unwrap_or((0, 0.0));
        let title = format!("The network recognised {right} of {}", counted(all, "picture", "pictures"));
        let text = format!(
            "That is {accuracy} of {}. Of other pictures like these it recognises, with a certainty of 95 %, between {:.1} and \
             {:.1} %. Always saying {} would be right for {}.",
            self.on,
            100.0 * low,
            100.0 * high,
            of.class(most),
            percent(chance),
        );
        let tiles = [
            (accuracy, "accuracy"),
            (between, "95 % interval"),
            (all.to_string(), "pictures"),
            (percent(chance), "by always saying the most frequent class"),
        ];
        let tile = |(value, name): (String, &str)| {
            format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>", escape(&value), escape(name))
        };
        format!(
            "<header><h1>{}</h1><p>{}</p><div class=\"tiles\">{}</div></header>\n",
            escape(&title),
            escape(&text),
            tiles.map(tile).concat()
        )
    }

    fn mistakes(&self) -> String {
        let (shown, all) = (self.mistakes.len(), self.evaluation.certain_mistakes(usize::MAX).len());
        let text = match shown {
            0 => "There is none.".to_owned(),
            _ => format!(
                "The {shown} of {all} wrong answers that the network was most certain of, as it sees the pictures."
            ),
        };
        let cards: String = self.mistakes.iter().map(|(index, png)| self.card(*index, png)).collect();
        format!(
            "<section><h2>The most certain mistakes</h2><p>{text}</p><div class=\"mistakes\">\n{cards}</div></section>\n"
        )
    }

    fn card(&self, index: usize, png: &[u8]) -> String {
        let Some(prediction) = self.evaluation.predictions().get(index) else { return String::new() };
        let card = Card {
            png: png.to_vec(),
            width: self.size.1,
            name: prediction.name.clone(),
            class: self.evaluation.class(prediction.class).to_owned(),
            said: self.evaluation.class(prediction.predicted).to_owned(),
            probability: prediction.probability(),
        };
        card.html()
    }

    fn facts(&self) -> String {
        let rows: String = self
            .facts
            .iter()
            .map(|(name, value)| {
                format!("<tr><th>{}</th><td class=\"long\">{}</td></tr>\n", escape(name), escape(value))
            })
            .collect();
        format!("<section><h2>How it was made</h2><div class=\"scroll\"><table>{rows}</table></div></section>\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Prediction;

    fn page(evaluation: &Evaluation, mistakes: Vec<(usize, Vec<u8>)>) -> String {
        let (evil, size) = ("\"><script>alert(1)</script>".to_owned(), (32, 32));
        let facts = vec![("network".to_owned(), evil.clone())];
        EvaluationPage { evaluation, on: evil.clone(), notes: vec![evil], size, mistakes, facts }.to_html()
    }

    #[test]
    fn names_are_no_markup() {
        let evil = "<img src=x onerror=alert(1)>,\"'";
        let said = |class, predicted| Prediction { name: evil.into(), class, predicted, probabilities: vec![0.2, 0.8] };
        let of = Evaluation::new(vec![evil.into(), "bee".into()], vec![said(0, 1), said(0, 0)]);
        let html = page(&of, vec![(0, vec![1, 2, 3])]);
        assert!(!html.contains("<img src=x") && !html.contains("<script>alert"), "{html}");
        assert!(html.contains("recognised 1 of 2 pictures") && html.contains("data:image/png;base64,AQID"), "{html}");
    }

    #[test]
    fn hundreds_of_classes_and_no_mistake_have_a_page_too() {
        let said =
            |class: usize| Prediction { name: class.to_string(), class, predicted: class, probabilities: vec![] };
        let of =
            Evaluation::new((0..300).map(|class| format!("class {class}")).collect(), (0..300).map(said).collect());
        let html = page(&of, Vec::new());
        assert!(html.contains("There is none.") && html.contains("class 299, recognised: 1 of 1 (100.00 %)"));
        let nothing = page(&Evaluation::new(Vec::new(), Vec::new()), Vec::new());
        assert!(nothing.contains("recognised 0 of 0 pictures"));
    }
}
