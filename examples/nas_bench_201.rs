//! Searches in the space of NAS-Bench-201 and looks up what the found cells reach.
mod common;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use common::method::Method;
use eoinas_core::SearchSpace;
use eoinas_data::SourceKind;
use eoinas_train::{Outcome, Search, SearchConfig, SearchOptions, machine::with_threads};

/// Search in NAS-Bench-201's space with several methods and seeds.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder of CIFAR-10; without it the embedded set is used.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Methods to compare, joined by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["eoinas", "gdas-pruning", "gdas", "darts"])]
    method: Vec<Method>,
    /// Searches of each method.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long, default_value_t = 160)]
    epochs: usize,
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    #[arg(long, default_value_t = 16)]
    channels: usize,
    #[arg(long, default_value_t = 5)]
    cells_per_stage: usize,
    #[arg(long)]
    train_images: Option<usize>,
    #[arg(long)]
    arch_learning_rate: Option<f64>,
    #[arg(long)]
    threads: Option<usize>,
    #[arg(long, value_name = "DIR", default_value = "runs/nas-bench-201")]
    out: PathBuf,
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
    let interrupt = common::interrupt()?;
    let options = || SearchOptions {
        space: SearchSpace::nas_bench_201(),
        command: std::env::args().collect(),
        rules: vec![Box::new(interrupt.clone())],
        ..SearchOptions::default()
    };
    with_threads(args.threads, || searches(args, options))?
}

fn searches(args: &Args, options: impl Fn() -> SearchOptions) -> Result<ExitCode, Error> {
    for seed in args.seed..args.seed + args.seeds {
        for &method in &args.method {
            let config = SearchConfig { seed, ..method.settings(config(args)) };
            let run = args.out.join(method.name()).join(format!("seed-{seed}"));
            match Search::complete(&config, &run, options())? {
                Outcome::Found(found) => {
                    println!("{} {seed}: {} {:.0} s", method.name(), found.genotype, found.seconds)
                }
                Outcome::Stopped(reason) => {
                    eprintln!("stopped: {reason}");
                    return Ok(common::exit_code(&reason));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn config(args: &Args) -> SearchConfig {
    let mut config = SearchConfig::nas_bench_201(args.cells_per_stage);
    config.epochs = args.epochs;
    config.batch_size = args.batch_size;
    config.network.channels = args.channels;
    config.data.dataset = if args.data.is_some() { SourceKind::Cifar10 } else { SourceKind::Embedded };
    config.data.dir = args.data.clone();
    config.data.train_images = args.train_images;
    if let Some(rate) = args.arch_learning_rate {
        config.arch.learning_rate = rate;
    }
    config
}
