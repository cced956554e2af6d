//! `log.txt`: what happens, in the lines that the field's scripts look for.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use eoinas_core::{
    Event, counted,
    event::{EpochEnd, Record, RunStarted},
};

use super::Observer;
use crate::error::{Result, TrainError};

/// Writes [`log_lines`] to a file.
#[derive(Debug)]
pub struct TextLog {
    path: PathBuf,
    file: File,
    cells: Vec<Vec<(usize, usize)>>,
    names: Vec<String>,
}

impl TextLog {
    /// A new log. A file that is there already is an error.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path).map_err(TrainError::write(path))?;
        Ok(Self { path: path.to_owned(), file, cells: Vec::new(), names: Vec::new() })
    }

    /// The same where its folder has another name now.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn moved(self, path: &Path) -> Result<Self> {
        let file = OpenOptions::new().append(true).open(path).map_err(TrainError::write(path))?;
        Ok(Self { path: path.to_owned(), file, ..self })
    }

    /// The log of a resumed run: written anew from the events that the record keeps.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn resume(path: &Path, kept: &[Record]) -> Result<Self> {
        let temporary = path.with_extension("tmp");
        let file = File::create(&temporary).map_err(TrainError::write(path))?;
        let mut log = Self { path: path.to_owned(), file, cells: Vec::new(), names: Vec::new() };
        kept.iter().try_for_each(|record| log.observe(record))?;
        fs::rename(&temporary, path).map_err(TrainError::write(path))?;
        log.file = OpenOptions::new().append(true).open(path).map_err(TrainError::write(path))?;
        Ok(log)
    }

    /// Remembers how the space calls its edges.
    fn learn(&mut self, started: &RunStarted) {
        if let Some(space) = &started.space {
            let ends = |cell: &eoinas_core::CellSpec| cell.edges.iter().map(|edge| (edge.from, edge.to)).collect();
            self.cells = space.cells.iter().map(ends).collect();
            self.names = space.cells.iter().map(|cell| cell.name.clone()).collect();
        }
    }

    fn edge(&self, kind: usize, edge: usize) -> String {
        let name = self.names.get(kind).map_or("cell", String::as_str);
        match self.cells.get(kind).and_then(|edges| edges.get(edge)) {
            Some((from, to)) => format!("{name} edge {edge} ({from}->{to})"),
            None => format!("{name} edge {edge}"),
        }
    }
}

impl Observer for TextLog {
    fn observe(&mut self, record: &Record) -> Result<()> {
        if let Event::RunStarted(started) = &record.event {
            self.learn(started);
        }
        let lines = log_lines(&record.event, |kind, edge| self.edge(kind, edge));
        let text: String = lines.iter().map(|line| format!("[{:9.1} s] {line}\n", record.elapsed_seconds)).collect();
        self.file.write_all(text.as_bytes()).map_err(TrainError::write(&self.path))
    }
}

/// The lines of one event, in the field's usual words: `epoch 3 lr 2.4e-2`, `train_acc 61.2`, `genotype = Genotype(...)`.
/// Accuracies are in percent here; other scores are called `train_score` and `valid_score`. `edge` gives the name of an edge by kind of cell and index.
pub fn log_lines(event: &Event, edge: impl Fn(usize, usize) -> String) -> Vec<String> {
    match event {
        Event::RunStarted(started) => run_lines(started),
        Event::EpochEnd(end) => epoch_lines(end),
        Event::Pruned { epoch, kind, edge: index, op, name, reason, indicator, evidence } => {
            let own: Vec<String> = indicator
                .iter()
                .map(|(op, value)| value.map_or_else(|| format!("{op}:-"), |value| format!("{op}:{value:.4}")))
                .collect();
            let mut line = format!("epoch {epoch} prune {} {name} ({reason}; {})", edge(kind.0, *index), own.join(" "));
            if let Some((difference, next)) =
                evidence.as_ref().and_then(|all| Some((all.against_next(*op)?, &all.next_name)))
            {
                let noise = if difference.within_noise() { ", within the noise" } else { "" };
                line += &format!(": {difference} points against {next}{noise}");
            }
            vec![line]
        }
        Event::Warning { text } => vec![format!("warning: {text}")],
        Event::Replanned { text, .. } => vec![format!("replanned: {text}")],
        Event::CheckpointSaved { name, .. } => vec![format!("checkpoint {name}")],
        Event::Evaluated { what, accuracy, loss, images, score, .. } => {
            let good = match score {
                Some(score) => format!("score {score:.6}"),
                None => format!("acc {:.4}", 100.0 * accuracy),
            };
            vec![format!("{what}: {good} loss {loss:.6} ({})", counted(*images, "image", "images"))]
        }
        Event::Derived { text, parameters, multiply_adds, .. } => {
            let mut lines = vec![format!("genotype = {text}")];
            if let (Some(parameters), Some(multiply_adds)) = (parameters, multiply_adds) {
                lines.push(format!(
                    "param size = {:.6}MB, multiply-adds = {:.3}M",
                    millions(*parameters),
                    millions(*multiply_adds)
                ));
            }
            lines
        }
        Event::Stopped { reason, detail } => vec![format!("stopped ({reason}): {detail}")],
        Event::RunEnded { epochs, steps } => {
            vec![format!("done: {}, {}", counted(*epochs, "epoch", "epochs"), counted(*steps, "step", "steps"))]
        }
        _ => Vec::new(),
    }
}

fn run_lines(started: &RunStarted) -> Vec<String> {
    let data = &started.dataset;
    let measure = started.measure.iter().map(|measure| format!("score = {}", measure.title()));
    let cells =
        started.skeleton.as_ref().map(|skeleton| format!("{} cells, C = {}", skeleton.cells, skeleton.channels));
    let network = cells.or(started.model.as_ref().map(|info| info.model.to_string())).unwrap_or_default();
    let lines = vec![
        format!("args = {}", started.config),
        format!(
            "{} on {}: {} + {} images, {}, {network}, seed {}",
            started.method,
            data.name,
            data.train_images,
            data.valid_images,
            data.answers(),
            started.seed
        ),
    ];
    lines.into_iter().chain(measure).collect()
}

fn epoch_lines(end: &EpochEnd) -> Vec<String> {
    let mut first = format!("epoch {} lr {:e}", end.epoch, end.learning_rate);
    let good = |part: &str, accuracy: f64, score: Option<f64>| match score {
        Some(score) => format!("{part}_score {score:.6}"),
        None => format!("{part}_acc {:.6}", 100.0 * accuracy),
    };
    let train = good("train", end.train_accuracy, end.train_score);
    let mut lines = vec![format!("{train} train_loss {:.6}", end.train_loss)];
    if let (Some(value), Some(loss)) = (end.valid_score.or(end.valid_accuracy), end.valid_loss) {
        lines.push(format!("{} valid_loss {loss:.6}", good("valid", value, end.valid_score)));
    }
    if let Some(top5) = end.valid_top5 {
        lines.push(format!("valid_acc_top5 {:.6}", 100.0 * top5));
    }
    if let Some(search) = &end.search {
        if let Some(temperature) = search.temperature {
            first += &format!(" tau {temperature:.6}");
        }
        first += &format!(" alive {}", search.alive_ops);
        if let Some(genotype) = &search.genotype {
            lines.push(format!("genotype = {genotype}"));
        }
    }
    lines.insert(0, first);
    lines
}

fn millions(value: u64) -> f64 {
    value as f64 / 1e6
}
