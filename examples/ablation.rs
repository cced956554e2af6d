//! What pruning and the indicator bring (the paper's Table 3 and Sections 3.3 and 4.5): GDAS, with gradual pruning, and
//! with the importance indicator, each searched with several seeds and its cells trained with and without cutout.
//!
//! ```text
//! cargo run --release --example ablation
//! cargo run --release --example ablation -- --data cifar-10-batches-bin --seeds 3 --train-images 10000
//! ```
//!
//! A study that was stopped goes on with the same command, and one with more seeds adds to it.

mod common;

use std::{ops::ControlFlow, path::PathBuf, process::ExitCode};

use clap::Parser;
use common::{
    method::Method,
    table::{Table, mean_deviation},
};
use eoinas_core::{Event, Genotype};
use eoinas_data::SourceKind;
use eoinas_train::{
    Found, Outcome, Search, SearchConfig, SearchOptions, StopReason, TrainConfig, TrainOptions, TrainOutcome, Trained,
    Training,
    machine::with_threads,
    observer::{JsonlRecord, progress_display},
    run_dir::names,
    stop::Interrupt,
};

/// Compare GDAS, gradual pruning and the importance indicator.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder of CIFAR-10; without it the embedded set is used.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Variants to compare, joined by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["gdas", "gdas-pruning", "eoinas"])]
    method: Vec<Method>,
    /// Searches of each variant, with seeds that count up from 0; those that are done are not done again.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Epochs of a search [default: those of the preset `quick`]
    #[arg(long)]
    search_epochs: Option<usize>,
    /// Images of a search, both halves together.
    #[arg(long, default_value_t = 4000)]
    search_images: usize,
    /// Initial channels C of the network that is searched in.
    #[arg(long, default_value_t = 8)]
    search_channels: usize,
    /// Cells of the network that is searched in.
    #[arg(long, default_value_t = 4)]
    search_cells: usize,
    /// Epochs of a training.
    #[arg(long, default_value_t = 8)]
    epochs: usize,
    /// Images that train a found cell.
    #[arg(long, default_value_t = 5000)]
    train_images: usize,
    /// Images that test it.
    #[arg(long, default_value_t = 2000)]
    test_images: usize,
    /// Initial channels C of the network that is trained.
    #[arg(long, default_value_t = 8)]
    channels: usize,
    /// Cells of the network that is trained.
    #[arg(long, default_value_t = 5)]
    cells: usize,
    /// Side of the square that cutout blanks, in pixels.
    #[arg(long, default_value_t = 16)]
    cutout: usize,
    /// Threads of the kernels; results do not depend on it [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Folder of the study.
    #[arg(long, value_name = "DIR", default_value = "runs/ablation")]
    out: PathBuf,
    /// No progress display.
    #[arg(long)]
    quiet: bool,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<ExitCode, Error> {
    let study = Study { args, interrupt: common::interrupt()? };
    let outcome = with_threads(args.threads, || study.run())??;
    Ok(match outcome {
        ControlFlow::Continue(cases) => {
            report(args, &cases)?;
            ExitCode::SUCCESS
        }
        ControlFlow::Break(reason) => {
            eprintln!("stopped: {reason}; the same command goes on with it");
            common::exit_code(&reason)
        }
    })
}

struct Study<'a> {
    args: &'a Args,
    interrupt: Interrupt,
}

/// One search and the trainings of its cell.
struct Case {
    method: Method,
    found: Found,
    without_cutout: Trained,
    with_cutout: Trained,
    /// The supernet's training accuracy in each epoch.
    supernet: Vec<f64>,
}

impl Study<'_> {
    /// Seed by seed, so that a study that is stopped early compares all variants.
    fn run(&self) -> Result<ControlFlow<StopReason, Vec<Case>>, Error> {
        let mut cases = Vec::new();
        for seed in 0..self.args.seeds {
            for &method in &self.args.method {
                match self.case(method, seed)? {
                    ControlFlow::Continue(case) => cases.push(case),
                    ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
                }
            }
        }
        Ok(ControlFlow::Continue(cases))
    }

    fn case(&self, method: Method, seed: u64) -> Result<ControlFlow<StopReason, Case>, Error> {
        let dir = self.args.out.join(method.name()).join(format!("seed-{seed}"));
        let run = dir.join("search");
        let config = SearchConfig { seed, ..method.settings(search_config(self.args)) };
        let found = match Search::complete(&config, &run, self.search_options())? {
            Outcome::Found(found) => found,
            Outcome::Stopped(reason) => return Ok(ControlFlow::Break(reason)),
        };
        let genotype = Genotype::parse(&found.genotype)?;
        let mut trained = Vec::new();
        for (name, cutout) in [("train", 0), ("train-cutout", self.args.cutout)] {
            let mut config = TrainConfig { seed, ..train_config(self.args) };
            config.augment.cutout = cutout;
            match Training::complete(&config, &genotype, &dir.join(name), self.train_options())? {
                TrainOutcome::Trained(result) => trained.push(result),
                TrainOutcome::Stopped(reason) => return Ok(ControlFlow::Break(reason)),
            }
        }
        let [without_cutout, with_cutout] = <[Trained; 2]>::try_from(trained).map_err(|_| "two trainings")?;
        let supernet =
            JsonlRecord::read(&run.join(names::EVENTS))?.into_iter().filter_map(|record| match record.event {
                Event::EpochEnd(end) => Some(end.train_accuracy),
                _ => None,
            });
        let supernet = supernet.collect();
        println!(
            "{} seed {seed}: error {:.2} %, with cutout {:.2} %; {:.2} M parameters; search {:.0} s",
            method.name(),
            error(&without_cutout),
            error(&with_cutout),
            without_cutout.parameters as f64 / 1e6,
            found.seconds
        );
        Ok(ControlFlow::Continue(Case { method, found, without_cutout, with_cutout, supernet }))
    }

    fn search_options(&self) -> SearchOptions {
        let mut options = SearchOptions { command: std::env::args().collect(), ..SearchOptions::default() };
        options.rules.push(Box::new(self.interrupt.clone()));
        options.observers.extend((!self.args.quiet).then(progress_display));
        options
    }

    fn train_options(&self) -> TrainOptions {
        let mut options = TrainOptions { command: std::env::args().collect(), ..TrainOptions::default() };
        options.rules.push(Box::new(self.interrupt.clone()));
        options.observers.extend((!self.args.quiet).then(progress_display));
        options
    }
}

fn search_config(args: &Args) -> SearchConfig {
    let mut config = SearchConfig::quick();
    config.epochs = args.search_epochs.unwrap_or(config.epochs);
    config.network.channels = args.search_channels;
    config.network.cells = args.search_cells;
    config.data.dataset = dataset(args);
    config.data.dir = args.data.clone();
    config.data.train_images = Some(args.search_images);
    config
}

fn train_config(args: &Args) -> TrainConfig {
    let mut config = TrainConfig { epochs: args.epochs, split_seed: Some(0), ..TrainConfig::quick() };
    config.network.channels = args.channels;
    config.network.cells = args.cells;
    config.data.dataset = dataset(args);
    config.data.dir = args.data.clone();
    config.data.train_images = Some(args.train_images);
    config.data.test_images = Some(args.test_images);
    config
}

fn dataset(args: &Args) -> SourceKind {
    if args.data.is_some() { SourceKind::Cifar10 } else { SourceKind::Embedded }
}

/// In percent.
fn error(trained: &Trained) -> f64 {
    100.0 * (1.0 - trained.accuracy)
}

/// The tables, printed and as `table.md`, `table.csv`, `supernet.md` and `supernet.csv` in the study's folder.
fn report(args: &Args, cases: &[Case]) -> Result<(), Error> {
    let mut table = Table::new(&[
        "variant",
        "seeds",
        "test error without cutout, %",
        "with cutout, %",
        "parameters, M",
        "search, s",
    ]);
    let mut supernet = Table::new(&["variant", "after 1/4 of the epochs", "1/2", "3/4", "all"]);
    for &method in &args.method {
        let of = |value: fn(&Case) -> f64| -> Vec<f64> {
            cases.iter().filter(|case| case.method == method).map(value).collect()
        };
        table.row(vec![
            method.name(),
            args.seeds.to_string(),
            mean_deviation(&of(|case| error(&case.without_cutout))),
            mean_deviation(&of(|case| error(&case.with_cutout))),
            mean_deviation(&of(|case| case.without_cutout.parameters as f64 / 1e6)),
            mean_deviation(&of(|case| case.found.seconds)),
        ]);
        let mut row = vec![method.name()];
        for quarter in 1..=4 {
            let accuracies = cases.iter().filter(|case| case.method == method).filter_map(|case| {
                let epoch = (quarter * case.supernet.len()).div_ceil(4).checked_sub(1)?;
                Some(100.0 * case.supernet.get(epoch)?)
            });
            row.push(mean_deviation(&accuracies.collect::<Vec<_>>()));
        }
        supernet.row(row);
    }
    table.write(&args.out, "table")?;
    supernet.write(&args.out, "supernet")?;
    println!("\n{}\nThe supernet's training accuracy, %:\n\n{}", table.markdown(), supernet.markdown());
    println!("files: {}", args.out.display());
    Ok(())
}
