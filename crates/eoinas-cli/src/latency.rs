//! `eoinas latency`: what the parts of networks take on this machine, and what whole networks do.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
};

use candle_core::Device;
use eoinas_core::{
    Genotype, NetworkSpec, SearchSpace, SeedStream, Skeleton, Streams,
    count::MeasuredWith,
    file,
    latency::{LatencyTable, Part, parts},
    run_folder::names,
};
use eoinas_nn::{DerivedNetwork, LatencyRuns, Operations, saved::SavedNetwork};
use eoinas_train::{RunDir, TrainConfig, machine::with_threads};
use rand::RngExt;
use serde_json::json;

use crate::{Error, Start, bench::small, cell, out::say};

/// Measure what each part of a network takes on this machine, and predict whole networks.
///
/// A network for evaluation runs its parts one after the other, so that its latency is the sum of theirs. The table that is measured,
/// some seconds for each width, serves --latency-table of `search`, `train` and `images`, which measure one of
/// their own without it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas latency --out latency.csv
  eoinas latency --table latency.csv darts-v2 --channels 16 --cells 8
  eoinas latency --table latency.csv --random 30")]
pub struct Args {
    /// Networks to predict and to measure: published cells, files with a genotype, or genotypes.
    #[arg(value_name = "CELL|FILE")]
    networks: Vec<PathBuf>,
    /// The same of so many random cells, each in a network of random depth and width.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    random: u64,
    /// Read the table from this file in place of measuring it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "widths"])]
    table: Option<PathBuf>,
    /// Write the table that was measured to this file, which must not be there.
    #[arg(long, value_parser = crate::start::path(), value_name = "FILE")]
    out: Option<PathBuf>,
    /// Initial numbers of channels that the table is measured at.
    #[arg(long, value_delimiter = ',', value_parser = small(), default_values_t = (1..=18).map(|half| 2 * half))]
    widths: Vec<usize>,
    /// Height and width of the images.
    #[arg(long, default_value_t = 32, value_parser = small())]
    image_size: usize,
    /// Classes of the output.
    #[arg(long, default_value_t = 10, value_parser = small())]
    classes: usize,
    /// Initial number of channels C of the networks that are named.
    #[arg(long, default_value_t = 16)]
    channels: usize,
    /// Their number of cells L.
    #[arg(long, default_value_t = 8)]
    cells: usize,
    /// Images at once.
    #[arg(long, default_value_t = 1, value_parser = small())]
    batch: usize,
    /// Runs that each median is taken of.
    #[arg(long, default_value_t = 15, value_parser = small())]
    runs: usize,
    /// Random cells differ by it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads of the kernels [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

/// Measures and predicts.
///
/// # Errors
/// A table that cannot be read or written; a cell that is not known; a network that cannot be.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    with_threads(args.threads, || measure(args))?
}

fn measure(args: &Args) -> Result<ExitCode, Error> {
    if let Some(path) = args.out.as_ref().filter(|path| path.exists()) {
        return Err(format!("{} is there already; give another --out", path.display()).into());
    }
    let space = SearchSpace::darts();
    let skeleton =
        Skeleton { classes: args.classes, ..Skeleton::cifar() }.with_image(3, args.image_size, args.image_size);
    let runs = LatencyRuns { batch: args.batch.max(1), runs: args.runs };
    let cells = args.networks.iter().map(|name| Ok((name.display().to_string(), cell::read(name)?)));
    let cells = cells.collect::<Result<Vec<_>, Error>>()?;
    let table = match &args.table {
        Some(path) => read(path)?,
        None => runs.table(&space, &skeleton, &args.widths, &Operations::built_in())?,
    };
    if let Some(path) = &args.out {
        let written = File::create_new(path).and_then(|file| table.write(file));
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        if !args.json {
            say!("the table: {}", path.display());
        }
    }
    let size = |channels, cells| Skeleton { channels, cells, ..skeleton.clone() };
    let mut rows = Vec::new();
    for (name, genotype) in cells {
        rows.push(Row::measure(name, &genotype, &size(args.channels, args.cells), &table, &runs)?);
    }
    // Not as wide as the table, so that there is something between its widths, too.
    let widest = table.widest("stem").map_or(args.channels, |stem| stem / skeleton.stem_multiplier.max(1)).max(2);
    for index in 0..args.random {
        let mut rng = Streams::new(args.seed).rng(SeedStream::Named("latency"), 0, index);
        let genotype = Genotype::random(&space, &mut rng);
        let network = size(rng.random_range(1..=widest.div_ceil(2)) * 2, rng.random_range(3..=20));
        rows.push(Row::measure(format!("random {}", index + 1), &genotype, &network, &table, &runs)?);
    }
    report(args, &table, &rows);
    Ok(ExitCode::SUCCESS)
}

/// One network.
struct Row {
    name: String,
    channels: usize,
    cells: usize,
    predicted: f64,
    measured: f64,
}

impl Row {
    fn measure(
        name: String,
        genotype: &Genotype,
        skeleton: &Skeleton,
        table: &LatencyTable,
        runs: &LatencyRuns,
    ) -> Result<Self, Error> {
        let space = genotype.space()?;
        let predicted = table.network(genotype, skeleton, &space)?;
        let (operations, streams) = (Operations::built_in(), Streams::new(0));
        let network = DerivedNetwork::new(genotype, &space, skeleton, &operations, &streams, &Device::Cpu)?;
        let measured = runs.of_network(&network.into_inference()?)?;
        Ok(Self { name, channels: skeleton.channels, cells: skeleton.cells, predicted, measured })
    }

    /// How far the prediction is off, as a share of what was measured.
    fn off(&self) -> f64 {
        self.predicted / self.measured - 1.0
    }
}

fn report(args: &Args, table: &LatencyTable, rows: &[Row]) {
    let worst = rows.iter().map(|row| row.off().abs()).fold(0.0, f64::max);
    let mean = rows.iter().map(|row| row.off().abs()).sum::<f64>() / rows.len().max(1) as f64;
    if args.json {
        let network = |row: &Row| {
            json!({ "network": row.name, "channels": row.channels, "cells": row.cells, "predicted_ms": row.predicted,
                "measured_ms": row.measured })
        };
        let networks: Vec<_> = rows.iter().map(network).collect();
        say!("{}", json!({ "table": table.made(), "networks": networks, "mean_off": mean, "worst_off": worst }));
        return;
    }
    if !table.made().is_empty() {
        say!("{}", table.made());
    }
    if rows.is_empty() {
        return;
    }
    let width = rows.iter().map(|row| row.name.chars().count().min(40)).max().unwrap_or(0).max(7);
    say!("{:width$}  {:>3} {:>5}  {:>12} {:>12} {:>8}", "network", "C", "cells", "predicted ms", "measured ms", "off");
    for row in rows {
        let name: String = row.name.chars().take(40).collect();
        let Row { channels, cells, predicted, measured, .. } = row;
        let off = 100.0 * row.off();
        say!("{name:width$}  {channels:>3} {cells:>5}  {predicted:>12.2} {measured:>12.2} {off:>+6.1} %");
    }
    say!("predictions are off by {:.1} % on average, by {:.1} % at most", 100.0 * mean, 100.0 * worst);
}

/// A table in a file.
///
/// # Errors
/// The file, and what is wrong in it.
pub(crate) fn read(path: &Path) -> Result<LatencyTable, Error> {
    let shown = path.display();
    let bytes =
        file::read(path, file::TEXT).map_err(|error| format!("cannot read the table of latencies {shown}: {error}"))?;
    Ok(LatencyTable::read(bytes.as_slice()).map_err(|error| format!("{shown}: {error}"))?)
}

/// Kinds of parts that the table leaves out of a network of these cells.
///
/// # Errors
/// A network that cannot be.
pub(crate) fn left_out(table: &LatencyTable, skeleton: &Skeleton, space: &SearchSpace) -> Result<Vec<String>, Error> {
    let cell = Genotype::random(space, &mut Streams::new(0).rng(SeedStream::Named("latency"), 0, 0));
    let network = parts(&NetworkSpec::derived(&cell, space, skeleton)?);
    let mut names: Vec<String> =
        network.iter().filter(|part| table.leaves_out(part)).map(|part: &Part| part.op.clone()).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Of a training that had a limit on latency: what its network takes by the table and, where that was measured here, what it
/// takes now; `None` where there was no such limit.
///
/// # Errors
/// A training's folder that cannot be read.
pub(crate) fn of_training(folder: &Path, predicted: Option<f64>) -> Result<Option<Got>, Error> {
    let Some(predicted) = predicted else { return Ok(None) };
    let config: TrainConfig = RunDir::open(folder)?.read_json(names::CONFIG)?;
    let Some(limit) = config.limits.latency else { return Ok(None) };
    let measured = match limit.measured {
        Some(MeasuredWith { batch, threads }) => {
            let network = SavedNetwork::read(&folder.join(names::NETWORK))?;
            let network = network.build(&Operations::built_in(), &Device::Cpu)?.into_inference()?;
            let runs = LatencyRuns { batch, ..LatencyRuns::default() };
            Some(with_threads(Some(threads), || runs.of_network(&network))??)
        }
        None => None,
    };
    Ok(Some(Got { asked: limit.milliseconds, predicted, measured }))
}

/// What was asked of a network's latency and what was got, in milliseconds.
pub(crate) struct Got {
    asked: f64,
    predicted: f64,
    measured: Option<f64>,
}

impl Got {
    /// In a line.
    pub(crate) fn line(&self) -> String {
        let Self { asked, predicted, measured } = self;
        let now = measured.map(|measured| format!(", {measured:.2} ms measured now")).unwrap_or_default();
        format!("latency: {predicted:.2} ms by the table{now}; at most {asked} ms were asked for")
    }
}
