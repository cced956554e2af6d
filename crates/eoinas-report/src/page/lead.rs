//! What came of a search whose network was trained, before all that led there: how good it is, beside what, and what one does
//! with it.

use std::{fs, path::Path};

use eoinas_core::{
    counted,
    event::shell_word,
    run_folder::names,
    statistics::{accuracy_difference_error, wilson_interval},
};
use serde_json::Value;

use crate::{
    format::{count, duration, percent, shown},
    record::{Run, Source, State},
    story::Section,
    svg::escape,
    table::Table,
};

/// A trained network with the search that found its cell and what it is set beside.
#[derive(Clone, Debug)]
pub struct Lead<'a> {
    trained: &'a Run,
    /// `None` where the network began with weights that were trained before.
    search: Option<&'a Run>,
    /// Networks that were trained alike, with their names.
    beside: Vec<(String, &'a Run)>,
    /// What is reached without any network: by whom, and the accuracy.
    simple: Vec<(&'static str, f64)>,
}

impl<'a> Lead<'a> {
    /// That of one folder with a search and its training, as `eoinas images` and `eoinas search --then-train` leave it, or
    /// with a training alone that began with another network's weights (`eoinas images --init`); `None` of others.
    pub fn of(sources: &'a [Source]) -> Option<Self> {
        let dir = &sources.first()?.dir;
        if sources.iter().any(|source| source.dir != *dir || source.several) {
            return None;
        }
        let runs = || sources.iter().flat_map(|source| &source.runs);
        let trained = runs().find(|run| run.dir == dir.join(names::TRAINING) && !run.is_search())?;
        let search = runs().find(|run| (run.dir == *dir || run.dir == dir.join(names::SEARCH)) && run.is_search());
        search.map(drop).or_else(|| begins_with(trained).map(drop))?;
        let baselines = dir.join(names::BASELINES);
        let beside = runs().filter(|run| run.dir.parent() == Some(&baselines));
        let beside = beside.map(|run| (run.dir.file_name().map_or_else(String::new, name), run)).collect();
        Some(Self { trained, search, beside, simple: simple(dir) })
    }

    /// Whether the run is the network, the search, or what they are set beside, in the order in which they are told.
    pub(crate) fn order(&self, run: &Run) -> usize {
        match () {
            () if run.dir == self.trained.dir => 0,
            () if self.search.is_some_and(|search| run.dir == search.dir) => 1,
            () => 2,
        }
    }

    fn share(&self, run: &Run) -> Option<(f64, u64)> {
        let images = run.started.as_ref().map_or(0, |started| started.dataset.valid_images);
        let images = run.evaluations.last().map_or(images, |last| last.images);
        run.measure().is_accuracy().then(|| Some((run.score()?.0, images))).flatten()
    }

    /// What says nothing of the pictures is right for as many: the largest class, or one class of all.
    fn chance(&self) -> Option<(f64, String)> {
        if let Some((_, share)) = self.simple.iter().find(|(by, _)| *by == ALWAYS) {
            return Some((*share, format!("by saying {ALWAYS}")));
        }
        let classes = self.trained.started.as_ref()?.dataset.classes.len();
        (classes > 1).then(|| (1.0 / classes as f64, format!("by guessing one of {classes} classes")))
    }

    pub(super) fn html(&self) -> String {
        self.head() + &self.table() + &self.next()
    }

    fn head(&self) -> String {
        let (title, mut text) = match (self.share(self.trained), self.trained.score()) {
            (Some((share, images)), _) => {
                let (low, high) = interval(share, images);
                let text = format!(
                    "Measured on {}. Of other images like these it recognises, with a certainty of 95 %, between {:.1} and {:.1} %. ",
                    counted(images, "test image", "test images"),
                    100.0 * low,
                    100.0 * high
                );
                (format!("The network recognises {} of the test images", percent(share)), text)
            }
            (None, Some((score, on))) => (
                format!("The network has {}", shown(&self.trained.measure(), score)),
                format!("Measured on the {on}. "),
            ),
            (None, None) => ("The network is not trained yet".to_owned(), String::new()),
        };
        let trained = duration(self.trained.seconds);
        text += &match (self.search, begins_with(self.trained)) {
            (Some(search), Some(_)) => format!(
                "Its cell was found by a search of {}, whose finals began its training; that went on for {trained}.",
                duration(search.seconds)
            ),
            (Some(search), None) => {
                format!(
                    "Its cell was found by a search of {}, and it was trained for {trained}.",
                    duration(search.seconds)
                )
            }
            (None, from) => format!(
                "Nothing was searched: it began with the weights of {}, which was trained on other pictures, and was trained on \
                 these for {trained}.",
                from.unwrap_or("another network")
            ),
        };
        if self.trained.state() != State::Finished {
            text += " The training did not come to its end.";
        }
        let mut tiles = Vec::new();
        if let Some((share, images)) = self.share(self.trained) {
            let (low, high) = interval(share, images);
            tiles.push((percent(share), "right of the test images".to_owned()));
            tiles.push((format!("{:.1}–{:.1}\u{a0}%", 100.0 * low, 100.0 * high), "95 % interval".to_owned()));
            tiles.extend(self.chance().map(|(share, by)| (percent(share), by)));
        }
        if let Some(costs) = self.trained.costs() {
            tiles.push((count(costs.parameters), "parameters".to_owned()));
            tiles.push((count(costs.multiply_adds), "multiply-adds for one image".to_owned()));
        }
        let tile = |(value, name): &(String, String)| {
            format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>", escape(value), escape(name))
        };
        let tiles: String = tiles.iter().map(tile).collect();
        format!(
            "<header><h1>{}</h1><p>{}</p><div class=\"tiles\">{tiles}</div></header>\n",
            escape(&title),
            escape(&text)
        )
    }

    /// The network among those that it is set beside, the best first.
    fn table(&self) -> String {
        let Some(found) = self.share(self.trained) else { return String::new() };
        let mut rows = vec![(found.0, "the found cell".to_owned(), Some(self.trained))];
        rows.extend(self.beside.iter().filter_map(|(name, run)| Some((self.share(run)?.0, name.clone(), Some(*run)))));
        rows.extend(self.simple.iter().map(|(by, share)| (*share, (*by).to_owned(), None)));
        if rows.len() == 1 {
            return String::new();
        }
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut table = Table::new(["network", "right", "difference", "parameters", "multiply-adds"]);
        for (share, name, run) in rows {
            let costs = run.and_then(Run::costs);
            let cost = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), count);
            let images = run.and_then(|run| self.share(run)).map_or(found.1, |(_, images)| images);
            let own = run.is_some_and(|run| run.dir == self.trained.dir);
            let error = 100.0 * accuracy_difference_error((share, images), found);
            let apart = if own { "–".to_owned() } else { format!("{:+.1} ± {error:.1}", 100.0 * (share - found.0)) };
            let [parameters, multiply_adds] =
                [costs.map(|of| of.parameters), costs.map(|of| of.multiply_adds)].map(cost);
            // Numbers are not broken where the screen is narrow.
            let values = [percent(share), apart, parameters, multiply_adds].map(|value| value.replace(' ', "\u{a0}"));
            table.rows.push([name].into_iter().chain(values).collect());
        }
        format!(
            "<section><h2>What it is worth</h2><p>On the same test images: networks of equal cost, each trained once and alike. The \
             difference is in points, after ± its standard error by the number of test images: less than two of these is \
             chance.</p>{}</section>\n",
            table.to_html()
        )
    }

    /// Commands that use it.
    fn next(&self) -> String {
        if self.trained.state() != State::Finished {
            return String::new();
        }
        let network = shell_word(self.trained.dir.join(names::NETWORK));
        let data = self.trained.started.as_ref().and_then(|started| started.config.get("data"));
        let images = data.and_then(|data| data.get("dir")).and_then(Value::as_str).map(shell_word);
        let program = self.trained.started.as_ref().and_then(|started| started.command.first());
        let installed = program.filter(|program| Path::new(program).file_stem().is_some_and(|stem| stem == "eoinas"));
        let command = |name: &str, example: &str| match installed {
            Some(program) => format!("{} {name}", shell_word(program)),
            None => format!("cargo run --release --features images,report --example {example} --"),
        };
        let mut commands =
            vec![("what is on a picture", format!("{} {network} PICTURE", command("classify", "classify")))];
        commands.extend(images.map(|images| {
            let evaluate = command("evaluate", "evaluate");
            (
                "which it takes for what, with its most certain mistakes",
                format!("{evaluate} {network} {images} --out mistakes.html"),
            )
        }));
        commands.push((
            "a file for other programs (ONNX)",
            format!("{} {network} --out network.onnx", command("export", "export_onnx")),
        ));
        let lines: String = commands
            .iter()
            .map(|(what, command)| {
                format!("<p>{}:</p><pre>{}</pre>\n", escape(&crate::format::sentence(what)), escape(command))
            })
            .collect();
        format!("<section><h2>What to do with it</h2>\n{lines}</section>\n")
    }
}

/// The network whose weights a training began with.
fn begins_with(run: &Run) -> Option<&str> {
    run.started.as_ref()?.config.pointer("/init/network")?.as_str()
}

/// The cells of a lead's network, under another heading.
pub(crate) fn cells(section: Section) -> Section {
    Section { title: "Its cells".to_owned(), ..section }
}

const ALWAYS: &str = "always the most frequent class";

fn interval(share: f64, images: u64) -> (f64, f64) {
    wilson_interval((share * images as f64).round() as u64, images).unwrap_or((0.0, 1.0))
}

/// What a folder's network is called.
fn name(folder: &std::ffi::OsStr) -> String {
    match folder.to_string_lossy().as_ref() {
        "random-cell" => "a random cell".to_owned(),
        other => other.to_owned(),
    }
}

/// What the linear classifier that was trained beside it left.
fn simple(dir: &Path) -> Vec<(&'static str, f64)> {
    let text = fs::read_to_string(dir.join(names::LINEAR_CLASSIFIER)).unwrap_or_default();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let share = |name: &str| value.get(name)?.as_f64().filter(|share| (0.0..=1.0).contains(share));
    let found = [("a linear classifier", share("accuracy")), (ALWAYS, share("largest_class"))];
    found.into_iter().filter_map(|(by, share)| Some((by, share?))).collect()
}
