//! Runs in MLflow: parameters, metrics, tags, cells and settings as artefacts, over its REST interface. A run never waits for
//! the server, and never ends because of it.

mod client;
mod messages;
mod sender;

use std::path::{Component, Path, PathBuf};

use eoinas_core::{
    Event, Measure,
    event::{EpochEnd, Record, RecordReader, RunStarted},
    run_folder::names,
};
use eoinas_train::{Observer, Result};
use serde_json::Value;

use self::{
    messages::{Message, Metric},
    sender::Sender,
};

/// The flags of it.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Tracking")]
pub struct Tracking {
    /// Tell an MLflow server of the run, such as http://127.0.0.1:5000; one that is lost stops nothing.
    #[arg(long, value_name = "URL", value_parser = address)]
    mlflow: Option<String>,
    /// The experiment there, which is made where it is not there.
    #[arg(long, value_name = "NAME", default_value = "eoinas", requires = "mlflow")]
    mlflow_experiment: String,
}

/// Reads `--mlflow`.
fn address(text: &str) -> Result<String, String> {
    match ["http://", "https://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme)) {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err("expected the address of a server, such as http://127.0.0.1:5000".to_owned()),
    }
}

impl Tracking {
    /// Refuses a server where there is no run to tell of.
    ///
    /// # Errors
    /// One is given.
    pub(crate) fn refuse(&self) -> std::result::Result<(), crate::Error> {
        match &self.mlflow {
            Some(_) => Err("--mlflow is of searches and trainings".into()),
            None => Ok(()),
        }
    }

    /// What tells the server of one run, where there is one.
    pub(crate) fn observer(&self) -> Option<Box<dyn Observer>> {
        let server = self.mlflow.clone()?;
        Some(Box::new(Tracked {
            sender: Sender::start(server, self.mlflow_experiment.clone())?,
            folder: PathBuf::new(),
            measure: Measure::accuracy(),
        }))
    }
}

/// Tells the server of one run.
#[derive(Debug)]
struct Tracked {
    sender: Sender,
    /// Where the run is.
    folder: PathBuf,
    measure: Measure,
}

impl Observer for Tracked {
    fn opened(&mut self, run: &Path) {
        self.folder = run.to_owned();
    }

    fn observe(&mut self, record: &Record) -> Result<()> {
        match &record.event {
            Event::RunStarted(started) => self.begin(started, false),
            Event::Resumed { .. } => {
                if let Some(started) = first(&self.folder.join(names::EVENTS)) {
                    self.begin(&started, true);
                }
            }
            Event::EpochEnd(end) => self.sender.send(Message::Metrics(self.of_epoch(end))),
            Event::Evaluated { what, accuracy, loss, score, finalist: None, .. } => {
                let metrics = [(self.measure.name.as_str(), score.unwrap_or(*accuracy)), ("loss", *loss)];
                let metrics =
                    metrics.into_iter().filter_map(|(name, value)| Metric::new(&format!("{what}/{name}"), value, 0));
                self.sender.send(Message::Metrics(metrics.collect()));
            }
            Event::Derived { text, genotype, parameters, multiply_adds } => {
                let costs = [("parameters", *parameters), ("multiply_adds", *multiply_adds)];
                let costs = costs.into_iter().filter_map(|(name, value)| Metric::new(name, value? as f64, 0));
                self.sender.send(Message::Metrics(costs.collect()));
                self.sender.send(Message::Artefact(names::GENOTYPE_TEXT, format!("{text}\n")));
                self.sender.send(Message::Artefact(names::GENOTYPE_JSON, format!("{genotype:#}\n")));
            }
            Event::Warning { text } => self.sender.send(Message::Tag("warning", text.clone())),
            Event::Stopped { detail, .. } => {
                self.sender.send(Message::Tag("stopped", detail.clone()));
                self.sender.send(Message::End("KILLED"));
            }
            Event::RunEnded { .. } => self.sender.send(Message::End("FINISHED")),
            _ => {}
        }
        Ok(())
    }
}

impl Tracked {
    fn begin(&mut self, started: &RunStarted, resumed: bool) {
        self.measure = started.measure.clone().unwrap_or_else(Measure::accuracy);
        let place = place(&self.folder);
        let mut params = Vec::new();
        flatten("", &started.config, &mut params);
        let tags = [
            ("eoinas.folder", place.display().to_string()),
            ("eoinas.version", started.program_version.clone()),
            ("eoinas.method", started.method.clone()),
            ("eoinas.dataset", started.dataset.name.clone()),
            ("eoinas.command", started.command.join(" ")),
        ];
        self.sender.send(Message::Begin {
            name: name(&place),
            tags: tags.map(|(key, value)| (key.to_owned(), value)).into(),
            params,
            resumed,
        });
        self.sender.send(Message::Artefact(names::CONFIG, format!("{:#}\n", started.config)));
    }

    fn of_epoch(&self, end: &EpochEnd) -> Vec<Metric> {
        let search = end.search.as_ref();
        let score = &self.measure.name;
        let has_classes = self.measure.is_accuracy();
        let metrics = [
            ("train_loss".to_owned(), Some(end.train_loss)),
            (format!("train_{score}"), end.train_score.or(has_classes.then_some(end.train_accuracy))),
            ("valid_loss".to_owned(), end.valid_loss),
            (format!("valid_{score}"), end.valid_score.or(end.valid_accuracy)),
            ("valid_top5".to_owned(), end.valid_top5),
            ("learning_rate".to_owned(), Some(end.learning_rate)),
            ("temperature".to_owned(), search.and_then(|search| search.temperature)),
            ("alive_ops".to_owned(), search.map(|search| search.alive_ops as f64)),
        ];
        metrics.into_iter().filter_map(|(name, value)| Metric::new(&name, value?, end.epoch)).collect()
    }
}

/// What a run is, with which its record begins.
fn first(record: &Path) -> Option<Box<RunStarted>> {
    match RecordReader::open(record).ok()?.next_line().ok()??.record.ok()?.event {
        Event::RunStarted(started) => Some(started),
        _ => None,
    }
}

/// Where a run is in the end: one of a study that processes share is worked on elsewhere.
fn place(folder: &Path) -> PathBuf {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let is_of_claims = folder.components().any(|part| part.as_os_str() == names::CLAIMS);
    let is_kept = |part: &Component<'_>| {
        let name = part.as_os_str().to_string_lossy();
        !is_of_claims || name != names::CLAIMS && !name.starts_with(names::ATTEMPT)
    };
    folder.components().filter(is_kept).collect()
}

/// The last three folders on the way: `gdas/seed-0/search`.
fn name(place: &Path) -> String {
    let parts: Vec<_> = place.iter().map(|part| part.to_string_lossy()).filter(|part| part != "/").collect();
    parts.get(parts.len().saturating_sub(3)..).unwrap_or_default().join("/")
}

/// Settings by their names in `config.json`: `network.channels`.
fn flatten(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                flatten(&name, value, found);
            }
        }
        Value::Null => {}
        Value::String(text) => found.push((name.to_owned(), text.clone())),
        other => found.push((name.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests;
