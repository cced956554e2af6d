//! From events of a run to TensorBoard's.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use eoinas_core::{
    CellKind, EdgeId, Event as Told, Measure, Record,
    event::{EpochEnd, RecordReader, SearchSnapshot, SpaceInfo},
    run_folder::names,
};
use prost::Message;

use super::{
    messages::{Content, Event, Histogram, Summary, Value, What},
    tfrecord,
};
use crate::{
    error::{ReportError, Result},
    record::{train_score, valid_score},
};

/// Writes the events of the record in `run` to an event file in `out`. Files that an earlier call left there are
/// replaced. Gives the number of events.
///
/// # Errors
/// The record cannot be opened, the folder cannot be written.
pub fn convert(run: &Path, out: &Path) -> Result<usize> {
    Follower::new(run, out)?.catch_up()
}

/// A record that is turned into an event file as it grows.
#[derive(Debug)]
pub struct Follower {
    reader: RecordReader,
    path: PathBuf,
    file: BufWriter<File>,
    /// Seconds since 1970 at which the run's clock stood at 0, as far as the record's file tells.
    start: f64,
    space: Option<SpaceInfo>,
    /// What the scores are.
    measure: Measure,
    /// The cell that was drawn last: most epochs would derive the one of the epoch before.
    drawn: Option<String>,
    ended: bool,
}

impl Follower {
    /// Opens the record in `run` and starts an event file in `out`.
    ///
    /// # Errors
    /// The record cannot be opened, the folder cannot be written.
    pub fn new(run: &Path, out: &Path) -> Result<Self> {
        let reader = RecordReader::open(&run.join(names::EVENTS))?;
        let path = out.join("events.out.tfevents.0000000000.eoinas");
        let file = fs::create_dir_all(out).and_then(|()| File::create(&path)).map_err(ReportError::write(&path))?;
        let created =
            fs::metadata(reader.path()).ok().and_then(|data| data.created().or_else(|_| data.modified()).ok());
        let since = created.unwrap_or(UNIX_EPOCH).duration_since(UNIX_EPOCH);
        let start = since.map_or(0.0, |since| since.as_secs_f64());
        let mut follower = Self {
            reader,
            path: path.clone(),
            file: BufWriter::new(file),
            start,
            space: None,
            measure: Measure::default(),
            drawn: None,
            ended: false,
        };
        follower.put(0.0, 0, What::FileVersion("brain.Event:2".to_owned())).map_err(ReportError::write(&path))?;
        Ok(follower)
    }

    /// Turns everything that the record has got since the last call into events; gives how many there were.
    ///
    /// # Errors
    /// The record cannot be read any more, the file cannot be written.
    pub fn catch_up(&mut self) -> Result<usize> {
        let mut count = 0;
        while let Some(line) = self.reader.next_line()? {
            // What is wrong inside a record is said by the report's page.
            let Ok(record) = line.record else { continue };
            count += self.take(record).map_err(ReportError::write(&self.path))?;
        }
        self.file.flush().map_err(ReportError::write(&self.path))?;
        Ok(count)
    }

    /// Whether the record says that the run has ended.
    pub fn ended(&self) -> bool {
        self.ended
    }

    fn take(&mut self, record: Record) -> std::io::Result<usize> {
        let (step, values) = match record.event {
            Told::RunStarted(started) => {
                self.measure = started.measure.unwrap_or_default();
                self.space = started.space;
                return Ok(0);
            }
            Told::EpochEnd(end) => (end.epoch, self.epoch(&end)),
            Told::Evaluated { what, accuracy, loss, score, .. } => {
                let values = [(self.measure.name.as_str(), score.unwrap_or(accuracy)), ("loss", loss)];
                (0, values.into_iter().filter_map(|(name, value)| scalar(&format!("{what}/{name}"), value)).collect())
            }
            Told::Derived { text, .. } => (0, cells("found", &text)),
            Told::RunEnded { .. } | Told::Stopped { .. } => {
                self.ended = true;
                return Ok(0);
            }
            _ => return Ok(0),
        };
        if values.is_empty() {
            return Ok(0);
        }
        self.put(record.elapsed_seconds, step, What::Summary(Summary { value: values }))?;
        Ok(1)
    }

    fn put(&mut self, seconds: f64, step: u64, what: What) -> std::io::Result<()> {
        let event =
            Event { wall_time: self.start + seconds, step: i64::try_from(step).unwrap_or(i64::MAX), what: Some(what) };
        tfrecord::write(&mut self.file, &event.encode_to_vec())
    }

    fn epoch(&mut self, end: &EpochEnd) -> Vec<Value> {
        let search = end.search.as_ref();
        let measure = &self.measure.name;
        let (train, valid) = (format!("epoch/train_{measure}"), format!("epoch/valid_{measure}"));
        let scalars = [
            ("epoch/train_loss", Some(end.train_loss)),
            (&train, train_score(end)),
            ("epoch/valid_loss", end.valid_loss),
            (&valid, valid_score(end)),
            ("epoch/valid_top5", end.valid_top5),
            ("epoch/learning_rate", Some(end.learning_rate)),
            ("epoch/drop_path", (end.drop_path > 0.0).then_some(end.drop_path)),
            ("search/temperature", search.and_then(|search| search.temperature)),
            ("search/alive_ops", search.map(|search| search.alive_ops as f64)),
        ];
        let mut values: Vec<Value> = scalars.into_iter().filter_map(|(tag, value)| scalar(tag, value?)).collect();
        let (Some(search), Some(space)) = (search, &self.space) else { return values };
        for (kind, cell) in space.cells.iter().enumerate() {
            values.extend(
                search.entropy.get(kind).and_then(|entropy| scalar(&format!("search/entropy_{}", cell.name), *entropy)),
            );
            values.extend(histograms(search, CellKind(kind), &cell.name, cell.edges.len()));
        }
        if search.genotype.is_some() && search.genotype != self.drawn {
            self.drawn.clone_from(&search.genotype);
            values.extend(search.genotype.iter().flat_map(|text| cells("derived now", text)));
        }
        values
    }
}

fn scalar(tag: &str, value: f64) -> Option<Value> {
    value.is_finite().then(|| Value { tag: tag.to_owned(), content: Some(Content::Scalar(value as f32)) })
}

/// How the values of the ops that are alive are spread.
fn histograms(search: &SearchSnapshot, kind: CellKind, name: &str, edges: usize) -> Vec<Value> {
    let places: Vec<(usize, usize)> =
        (0..edges).flat_map(|edge| search.alive.ops(EdgeId::new(kind, edge)).map(move |op| (edge, op))).collect();
    let histogram = |tag: &str, value: &dyn Fn(usize, usize) -> Option<f64>| {
        let histogram = Histogram::of(places.iter().filter_map(|(edge, op)| value(*edge, *op)))?;
        Some(Value { tag: format!("{tag}/{name}"), content: Some(Content::Histogram(histogram)) })
    };
    let alphas = histogram("alphas", &|edge, op| {
        search.alphas.entry(EdgeId::new(kind, edge).op(op)).map(|alpha| f64::from(*alpha))
    });
    let beta = histogram("beta", &|edge, op| search.beta.entry(EdgeId::new(kind, edge).op(op)).copied());
    let indicator = histogram("indicator", &|edge, op| {
        search.indicator.as_ref()?.entry(EdgeId::new(kind, edge).op(op)).copied().flatten()
    });
    [alphas, beta, indicator].into_iter().flatten().collect()
}

/// The cells as images.
#[cfg(feature = "png")]
fn cells(tag: &str, text: &str) -> Vec<Value> {
    let Some(genotype) = crate::record::read_genotype(text) else { return Vec::new() };
    let value = |cell: &eoinas_core::CellGenotype| {
        let png = crate::png::png(&crate::cell::draw(cell).svg, 1.0).ok()?;
        let image = super::messages::Image {
            height: png.height as i32,
            width: png.width as i32,
            colorspace: 4,
            encoded: png.bytes,
        };
        Some(Value { tag: format!("cell {tag}/{}", cell.name), content: Some(Content::Image(image)) })
    };
    genotype.cells.iter().filter_map(value).collect()
}

/// Images need the feature `png`.
#[cfg(not(feature = "png"))]
fn cells(_: &str, _: &str) -> Vec<Value> {
    Vec::new()
}
