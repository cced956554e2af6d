//! `eoinas compare nas-bench-201`: searches in that space, and what the found cells reach by the benchmark's table.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::builder::RangedU64ValueParser;
use eoinas_core::{
    Genotype, SearchSpace,
    event::SearchSnapshot,
    file,
    run_folder::{self, names},
    statistics,
};
use eoinas_data::SourceKind;
use eoinas_prune::{Beta, EoiNas, Indicator};
use eoinas_report::Table;
use eoinas_strategy::{Column, NasBench201Table, StrategySearch, TabularEvaluator};
use eoinas_train::{MethodConfig, Options, RunDir, Search, SearchConfig};

use super::{
    evidence,
    method::Variant,
    strategy::Strategy,
    table::{self, mean_deviation},
};
use crate::{
    Error, MOST_RUNS, Start, data,
    host::{Host, HostArgs},
    out::say,
    search,
    share::{self, Flow, Processes, Share},
};

/// Search in NAS-Bench-201's space with several methods and seeds, and look the found cells up.
///
/// It makes a table of their test accuracies, of how often a search collapsed, and of how well what it knew ranks the 15,625
/// architectures.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas compare nas-bench-201 --table cifar10.csv --data cifar-10-batches-bin
  eoinas compare nas-bench-201 --table cifar10.csv --strategy random,evolution --seeds 10")]
pub struct Args {
    /// The benchmark's accuracies on CIFAR-10: a CSV file with the columns arch, c10valid_val_e12, c10_test_e12,
    /// c10valid_val_e200, c10valid_test_e200, c10_test_e200, flops_m_c10_computed and params_m_c10_computed.
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Folder of the images, which is looked at; without it the embedded set is used. The table knows of CIFAR-10 alone.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    data: Option<PathBuf>,
    /// Methods that search with a supernet, joined by commas: eoinas, gdas-pruning, gdas, darts, ..., or one with other
    /// settings, NAME=METHOD:SETTING=VALUE:... with the settings' names in config.json
    /// [default: eoinas,gdas-pruning,gdas,darts; none where there is a --strategy].
    #[arg(long, value_delimiter = ',')]
    method: Vec<Variant>,
    /// Strategies that ask the table for validation accuracies (12 epochs), joined by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    strategy: Vec<Strategy>,
    /// Architectures that a strategy may ask for.
    #[arg(long, default_value_t = 100, requires = "strategy", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    budget: usize,
    /// Searches of each method, with seeds that count up from 0; those that are done are not done again.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Epochs of a search [default: 160]
    #[arg(long)]
    epochs: Option<usize>,
    /// Fit each search to a time, such as 2m or 20m: some steps are measured, then epochs and finalists are chosen.
    #[arg(long, value_parser = crate::time::parse, conflicts_with = "epochs")]
    time: Option<Duration>,
    /// Print one JSON object a search, and no tables: method, seed, genotype, test accuracy in percent, seconds; of a strategy
    /// its name and budget in the place of method and seconds.
    #[arg(long)]
    json: bool,
    /// Images in a step [default: 64]
    #[arg(long)]
    batch_size: Option<usize>,
    /// Channels of the first stage [default: 16]
    #[arg(long)]
    channels: Option<usize>,
    /// Cells in each of the three stages [default: 5]
    #[arg(long)]
    cells_per_stage: Option<usize>,
    /// Use only so many training images, both halves together.
    #[arg(long)]
    train_images: Option<usize>,
    /// Learning rate of the architecture parameters, of all methods but MdeNAS [default: the paper's, 3e-4]
    #[arg(long)]
    arch_learning_rate: Option<f64>,
    /// Folder of the study.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR", default_value = "runs/nas-bench-201")]
    out: PathBuf,
    #[command(flatten)]
    processes: Processes,
    #[command(flatten)]
    host: HostArgs,
}

/// Searches and looks up.
///
/// # Errors
/// A table that cannot be read; settings that cannot work; a run that fails.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let table = read_table(&args.table)?;
    let methods = match args.method.as_slice() {
        [] if args.strategy.is_empty() => DEFAULT.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
        methods => methods.to_vec(),
    };
    if methods.is_empty()
        && let Some(flag) = args.of_searches()
    {
        return Err(format!("--{flag} is of searches with a supernet, and there is none; give --method, too").into());
    }
    let dataset = data::kind_of(None, args.data.as_deref())?;
    let host = args.host.open()?;
    let study = Study { args, table, methods, dataset };
    let mut parts = Vec::new();
    // Seed by seed, so that a study that is stopped early compares all methods.
    for seed in 0..args.seeds {
        for method in &study.methods {
            parts.push((method.name.as_str(), SearchConfig { seed, ..method.settings(study.config())? }));
        }
    }
    // Strategies alone write nothing but their tables.
    if parts.is_empty() {
        return study.report(&[]).map(|()| ExitCode::SUCCESS);
    }
    let share = match args.processes.open((parts.len(), &args.out), &args.host, &host)? {
        ControlFlow::Continue(share) => share,
        ControlFlow::Break(code) => return Ok(code),
    };
    let ended = args.host.run(|| share.each(&parts, |part| study.case(part, &host, &share)))?;
    share::end(ended, |cases| study.report(&cases))
}

/// Bytes of a table, at most: more than ten thousand for each architecture.
pub(super) const LARGEST: u64 = 256 << 20;

/// The table in a file.
///
/// # Errors
/// A file that cannot be read, or that is no such table.
pub(super) fn read_table(path: &Path) -> Result<NasBench201Table, Error> {
    let name = path.display();
    let bytes = file::read(path, LARGEST).map_err(|error| format!("cannot read the table {name}: {error}"))?;
    Ok(NasBench201Table::read(bytes.as_slice()).map_err(|error| format!("{name}: {error}"))?)
}

/// The paper's method, its ablation and its baselines.
const DEFAULT: [&str; 4] = ["eoinas", "gdas-pruning", "gdas", "darts"];

struct Study<'a> {
    args: &'a Args,
    table: NasBench201Table,
    methods: Vec<Variant>,
    dataset: SourceKind,
}

impl Args {
    /// A flag that is given and that only searches with a supernet use.
    fn of_searches(&self) -> Option<&'static str> {
        let given = [
            ("data", self.data.is_some()),
            ("epochs", self.epochs.is_some()),
            ("time", self.time.is_some()),
            ("batch-size", self.batch_size.is_some()),
            ("channels", self.channels.is_some()),
            ("cells-per-stage", self.cells_per_stage.is_some()),
            ("train-images", self.train_images.is_some()),
            ("arch-learning-rate", self.arch_learning_rate.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

/// One search.
struct Case {
    method: String,
    genotype: Genotype,
    /// Test accuracy that the benchmark measured after 200 epochs, in percent.
    test: f64,
    seconds: f64,
    ranking: [Option<f64>; 2],
}

/// Column titles of [`Case::ranking`].
const RANKING: [&str; 2] = ["tau of the weights", "tau of the indicator"];

impl Study<'_> {
    fn case(&self, (method, config): &(&str, SearchConfig), host: &Host, share: &Share) -> Flow<Case> {
        let run = self.args.out.join(method).join(run_folder::seed(config.seed));
        let options = || Options { space: Some(SearchSpace::nas_bench_201()), ..host.options_in(&self.args.out) };
        // With counts for the time that each search has; those of a search that has begun are in its folder.
        let task = |begun: Option<&Path>| match (self.args.time, begun) {
            (Some(_), Some(begun)) => Ok::<_, Error>(RunDir::open(begun)?.read_json(names::CONFIG)?),
            (Some(time), None) => search::fitted(config.clone(), (time, time), host, options),
            (None, _) => Ok(config.clone()),
        };
        let found = share::flow(Search::share(task, &run, options(), &share.claims))?;
        let genotype = Genotype::parse_in(&found.genotype, self.table.space())?;
        let (seed, test) = (config.seed, self.test(&genotype)?);
        if self.args.json {
            let line = serde_json::json!({
                "method": method, "seed": seed, "genotype": found.genotype, "test_accuracy": test,
                "seconds": found.seconds,
            });
            say!("{line}");
        } else {
            say!("{method} seed {seed}: {test:.2} % {genotype} {:.0} s", found.seconds);
        }
        let ranking = self.ranking(&evidence::before_pruning(&run)?);
        Ok(Case { method: (*method).to_owned(), genotype, test, seconds: found.seconds, ranking })
    }

    fn config(&self) -> SearchConfig {
        let args = self.args;
        let mut config = SearchConfig::nas_bench_201(args.cells_per_stage.unwrap_or(5));
        config.epochs = args.epochs.unwrap_or(160);
        config.batch_size = args.batch_size.unwrap_or(64);
        config.network.channels = args.channels.unwrap_or(16);
        config.data.dataset = self.dataset;
        config.data.dir = args.data.clone();
        config.data.train_images = args.train_images;
        if let (MethodConfig::Eoinas(method), Some(rate)) = (&mut config.method, args.arch_learning_rate) {
            method.arch.learning_rate = rate;
        }
        config
    }

    fn test(&self, genotype: &Genotype) -> Result<f64, Error> {
        let row = self.table.get(genotype).ok_or_else(|| format!("{genotype} is not in the table"))?;
        Ok(row.accuracy(Column::TestE200))
    }

    /// Kendall's tau, over all architectures, of the sum over the edges of what the search said of their ops, with their
    /// test accuracies: by the logarithm of the architecture weights and by the paper's indicator.
    fn ranking(&self, snapshot: &SearchSnapshot) -> [Option<f64>; 2] {
        let space = self.table.space();
        let accuracies: Vec<f64> = self.table.rows().iter().map(|row| row.accuracy(Column::TestE200)).collect();
        let tau = |value: &dyn Fn(f64) -> f64, indicator: &dyn Indicator| {
            let edges = space.edges().map(|id| {
                let view = evidence::edge(snapshot, space, id);
                view.ops.iter().map(|op| indicator.value(&view, op).map(value)).collect::<Option<Vec<f64>>>()
            });
            let edges = edges.collect::<Option<Vec<_>>>()?;
            let score = |genotype: &Genotype| {
                let ops = genotype.cells.iter().flat_map(|cell| cell.nodes.iter().flatten());
                let of_edge = |(values, edge): (&Vec<f64>, &eoinas_core::GenotypeEdge)| {
                    space.op_index(edge.op.name()).and_then(|op| values.get(op)).copied()
                };
                edges.iter().zip(ops).filter_map(of_edge).sum::<f64>()
            };
            let scores: Vec<f64> = self.table.rows().iter().map(|row| score(&row.genotype)).collect();
            statistics::kendall_tau(&scores, &accuracies)
        };
        [tau(&f64::ln, &Beta {}), tau(&|value| value, &EoiNas::default())]
    }

    /// The tables, printed and as `table.*` and `strategies-*.*` in the study's folder.
    fn report(&self, cases: &[Case]) -> Result<(), Error> {
        if self.args.json {
            return self.strategies().map(drop);
        }
        std::fs::create_dir_all(&self.args.out)?;
        let head = ["method", "seeds", "test accuracy, %", "none ops", "skip_connect ops", "search, s"];
        let mut table = Table::new(head.into_iter().chain(RANKING));
        for method in &self.methods {
            let of = |value: &dyn Fn(&Case) -> Option<f64>| {
                let values: Vec<f64> =
                    cases.iter().filter(|case| case.method == method.name).filter_map(value).collect();
                mean_deviation(&values)
            };
            let count = |name: &'static str| of(&|case| Some(ops(&case.genotype, name) as f64));
            table.rows.push(vec![
                method.name.clone(),
                self.args.seeds.to_string(),
                of(&|case| Some(case.test)),
                count("none"),
                count("skip_connect"),
                of(&|case| Some(case.seconds)),
                of(&|case| case.ranking[0]),
                of(&|case| case.ranking[1]),
            ]);
        }
        let all: Vec<f64> = self.table.rows().iter().map(|row| row.accuracy(Column::TestE200)).collect();
        let optimum = self.table.optimum(Column::TestE200).map_or(0.0, |row| row.accuracy(Column::TestE200));
        if !self.methods.is_empty() {
            table::write(&table, &self.args.out, "table")?;
            say!("\n{}", table.to_markdown());
        }
        if !self.args.strategy.is_empty() {
            let strategies = self.strategies()?;
            table::write(&strategies, &self.args.out, &format!("strategies-{}", self.args.budget))?;
            say!("\n{}", strategies.to_markdown());
        }
        say!("a random architecture: {} %; the best of all: {optimum:.2} %", mean_deviation(&all));
        say!("files: {}", self.args.out.display());
        Ok(())
    }

    /// Searches that ask the table; as JSON they are printed here.
    fn strategies(&self) -> Result<Table, Error> {
        let mut table = Table::new(["strategy", "seeds", "architectures asked for", "test accuracy of the best, %"]);
        for &strategy in &self.args.strategy {
            let mut tests = Vec::new();
            for seed in 0..self.args.seeds {
                let evaluator =
                    TabularEvaluator { table: &self.table, score: Column::ValidE12, test: Column::TestE200 };
                let asking = strategy.build(self.table.space().clone(), self.args.budget)?;
                let mut search = StrategySearch::new(asking, evaluator, self.args.budget, seed);
                search.run(|_| {})?;
                let best = search.history().best().ok_or("a budget of 0 finds nothing; give --budget 1 or more")?;
                let test = best.evaluation.test.map(|test| 100.0 * test);
                if self.args.json {
                    let line = serde_json::json!({
                        "strategy": strategy.name(), "seed": seed, "budget": self.args.budget,
                        "genotype": best.genotype.to_string(), "test_accuracy": test,
                    });
                    say!("{line}");
                }
                tests.extend(test);
            }
            table.rows.push(vec![
                strategy.name(),
                self.args.seeds.to_string(),
                self.args.budget.to_string(),
                mean_deviation(&tests),
            ]);
        }
        Ok(table)
    }
}

/// How many edges have the op with this name.
fn ops(genotype: &Genotype, name: &str) -> usize {
    genotype.cells.iter().flat_map(|cell| cell.nodes.iter().flatten()).filter(|edge| edge.op.name() == name).count()
}
