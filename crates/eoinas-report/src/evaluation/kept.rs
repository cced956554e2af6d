//! What a training keeps of its network's evaluation, for its page: counts, and some pictures.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use eoinas_core::{counted, run_folder::names};
use serde::{Deserialize, Serialize};

use super::{Card, Confusion, Evaluation, heat};
use crate::{
    error::{ReportError, Result},
    format::percent,
    story::Section,
    table::Table,
};

/// Bytes of the pictures of one kind, right or wrong ones; those that do not fit are left out.
const PICTURES: usize = 256 << 10;
/// Classes with a matrix that is drawn, and a row each in the table; of more the page would grow without a bound.
const CLASSES: usize = 150;
/// Rows of what was taken for what, where no matrix is drawn.
const MIXED: usize = 50;
/// No such file is larger: a count for each of a million pictures, and the pictures.
const LIMIT: u64 = 64 << 20;

/// An evaluation as a training's folder has it (`evaluation.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What was evaluated, for example `the test part of my-pictures`.
    pub on: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// How often a class was taken for another or itself: class, what was said, and how many pictures; zeros are left out.
    pub counts: Vec<(usize, usize, u64)>,
    /// Rows and columns of the pictures, as the network sees them.
    pub size: (usize, usize),
    /// Pictures that it was wrong of, the most certain ones first.
    pub wrong: Vec<Example>,
    /// Pictures that it was right of, of every class where there is room.
    pub right: Vec<Example>,
}

/// A picture, and what was said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    name: String,
    class: usize,
    said: usize,
    probability: f32,
    /// PNG, in base64.
    png: String,
}

impl Kept {
    /// Pictures of either kind that are asked for.
    pub const EXAMPLES: usize = 12;

    /// That of an evaluation `on` some pictures of `size`; `png` makes the picture of a prediction by its index.
    ///
    /// # Errors
    /// Those of `png`.
    pub fn new<E>(
        evaluation: &Evaluation,
        on: String,
        size: (usize, usize),
        mut png: impl FnMut(usize) -> std::result::Result<Option<Vec<u8>>, E>,
    ) -> std::result::Result<Self, E> {
        let mut examples = |indices: Vec<usize>| {
            let (mut found, mut room) = (Vec::new(), PICTURES);
            for index in indices {
                let (Some(of), Some(png)) = (evaluation.predictions().get(index), png(index)?) else { continue };
                let Some(left) = room.checked_sub(png.len()) else { break };
                room = left;
                found.push(Example {
                    name: of.name.clone(),
                    class: of.class,
                    said: of.predicted,
                    probability: of.probability(),
                    png: STANDARD.encode(png),
                });
            }
            Ok(found)
        };
        let wrong = examples(evaluation.certain_mistakes(Self::EXAMPLES))?;
        let right = examples(evaluation.right_of_each(Self::EXAMPLES))?;
        let row = |(class, row): (usize, &[u64])| {
            row.iter().enumerate().map(move |(said, count)| (class, said, *count)).collect::<Vec<_>>()
        };
        let counts = evaluation.confusion().rows().enumerate().flat_map(row).filter(|(.., count)| *count > 0).collect();
        Ok(Self { on, classes: evaluation.classes().to_vec(), counts, size, wrong, right })
    }

    /// Its file in the folder of a training.
    pub fn path(run: &Path) -> PathBuf {
        run.join(names::EVALUATION)
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, run: &Path) -> Result<()> {
        let path = Self::path(run);
        let text = serde_json::to_string(self).map_err(|error| ReportError::write(&path)(error.into()))?;
        let beside = path.with_extension("json.part");
        fs::write(&beside, text + "\n").and_then(|()| fs::rename(&beside, &path)).map_err(ReportError::write(&path))
    }

    /// That of a training's folder; `None` where there is none, or what is there is no such thing.
    pub fn read(run: &Path) -> Option<Self> {
        let bytes = eoinas_core::file::read(&Self::path(run), LIMIT).ok()?;
        let kept: Self = serde_json::from_slice(&bytes).ok()?;
        kept.counts.iter().try_fold(0_u64, |sum, (.., count)| sum.checked_add(*count))?;
        // A table of all pairs is made: of no more than the largest sets have.
        (kept.classes.len() <= 4096).then_some(kept)
    }

    /// The confusion matrix and the pictures, as parts of a page.
    pub(crate) fn sections(&self) -> Vec<Section> {
        let mut confusion = Confusion::new(self.classes.len());
        self.counts.iter().for_each(|(class, said, count)| confusion.add_many(*class, *said, *count));
        let of = Evaluation { classes: self.classes.clone(), predictions: Vec::new(), confusion };
        let (right, all) = (of.confusion().right(), of.confusion().samples());
        let drawn = of.confusion().present().len() <= CLASSES;
        let mut matrix = Section {
            title: "What was taken for what".to_owned(),
            text: format!(
                "The network that was saved, on {}: {right} of {} are right.",
                self.on,
                counted(all, "picture", "pictures")
            ),
            ..Section::default()
        };
        if drawn {
            matrix.figures.push(heat::figure(&of));
            matrix.tables.push(("By class".to_owned(), by_class(&of)));
        } else {
            let mut table = heat::table(&of);
            table.rows.truncate(MIXED);
            matrix.tables.push(("What was taken for what, the most frequent first".to_owned(), table));
        }
        let cards = |examples: &[Example]| examples.iter().filter_map(|example| self.card(example)).collect::<Vec<_>>();
        let pictures = [
            (
                "Mistakes",
                "The wrong answers that the network was most certain of, as it sees the pictures.",
                &self.wrong,
            ),
            ("Right answers", "Some pictures that the network recognised, as it sees them.", &self.right),
        ];
        let pictures = pictures.map(|(title, text, examples)| Section {
            title: title.to_owned(),
            text: text.to_owned(),
            cards: cards(examples),
            ..Section::default()
        });
        [matrix].into_iter().chain(pictures).collect()
    }

    fn card(&self, example: &Example) -> Option<Card> {
        let name = |class: usize| self.classes.get(class).cloned();
        Some(Card {
            png: STANDARD.decode(&example.png).ok()?,
            width: self.size.1,
            name: example.name.clone(),
            class: name(example.class)?,
            said: name(example.said)?,
            probability: example.probability,
        })
    }
}

/// How each class fared.
pub(super) fn by_class(evaluation: &Evaluation) -> Table {
    let header = ["class", "pictures", "recognised", "recall", "taken for it", "precision"];
    let share = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
    let row = |(index, name): (usize, &String)| {
        let of = evaluation.confusion().of(index);
        let [samples, right, said] = [of.samples, of.right, of.said].map(|count| count.to_string());
        vec![name.clone(), samples, right, share(of.recall()), said, share(of.precision())]
    };
    Table { rows: evaluation.classes().iter().enumerate().map(row).collect(), ..Table::new(header) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Prediction;

    fn evaluation(classes: usize, pictures: usize) -> Evaluation {
        let said = |index: usize| {
            let (class, predicted) = (index % classes, if index.is_multiple_of(3) { 0 } else { index % classes });
            Prediction { name: format!("{index}.png"), class, predicted, probabilities: vec![0.5; classes] }
        };
        let names = (0..classes).map(|class| format!("<class {class}>")).collect();
        Evaluation::new(names, (0..pictures).map(said).collect())
    }

    #[test]
    fn what_is_kept_has_the_counts_and_some_pictures() {
        let dir = tempfile::tempdir().unwrap();
        let of = evaluation(4, 60);
        let kept =
            Kept::new(&of, "some pictures".to_owned(), (8, 8), |index| Ok::<_, ReportError>(Some(vec![index as u8])));
        let kept = kept.unwrap();
        assert!(kept.wrong.len() == Kept::EXAMPLES && kept.right.len() == Kept::EXAMPLES);
        assert_eq!(kept.counts.iter().map(|(.., count)| count).sum::<u64>(), 60);
        assert!(Kept::read(dir.path()).is_none());
        kept.write(dir.path()).unwrap();
        assert_eq!(Kept::read(dir.path()), Some(kept.clone()));
        let [matrix, wrong, right] = kept.sections().try_into().unwrap();
        assert!(matrix.text.ends_with("45 of 60 pictures are right."), "{}", matrix.text);
        assert_eq!(matrix.tables[0].1.rows[1], ["<class 1>", "15", "10", "66.67 %", "10", "100.00 %"]);
        assert!(wrong.cards.iter().all(|card| card.class != card.said) && right.cards[1].class == "<class 1>");
        // Whatever stands there instead is no evaluation.
        for other in ["", "{", "[1]"] {
            fs::write(Kept::path(dir.path()), other).unwrap();
            assert!(Kept::read(dir.path()).is_none());
        }
    }

    #[test]
    fn pages_do_not_grow_with_pictures_and_classes() {
        let large = |_| Ok::<_, ReportError>(Some(vec![0; 100 << 10]));
        let kept = Kept::new(&evaluation(1000, 5000), String::new(), (224, 224), large).unwrap();
        assert_eq!((kept.wrong.len(), kept.right.len()), (2, 2));
        let sections = kept.sections();
        assert!(sections[0].figures.is_empty() && sections[0].tables[0].1.rows.len() == MIXED);
        // A class that does not exist counts nothing.
        let mut wild = Kept { counts: vec![(9999, 0, 3), (0, usize::MAX, 3)], ..kept };
        assert!(wild.sections()[0].text.ends_with("0 of 0 pictures are right."), "{}", wild.sections()[0].text);
        let dir = tempfile::tempdir().unwrap();
        wild.counts = vec![(0, 0, u64::MAX), (0, 1, 1)];
        wild.write(dir.path()).unwrap();
        assert!(Kept::read(dir.path()).is_none());
    }
}
