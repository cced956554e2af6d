//! `eoinas compare front`: searches for cells that are accurate and fast, by NAS-Bench-201's table and one of latencies.

mod limits;

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{
    ValueEnum,
    builder::{PossibleValue, RangedU64ValueParser},
};
use eoinas_core::{Cost as _, Genotype, Skeleton, file};
use eoinas_report::Table;
use eoinas_strategy::{
    ArchitectureLatencies, Column, NasBench201Table, Nsga2, Row, StrategySearch, TabularEvaluator,
    front::{self, Point},
};

use super::{nas_bench_201, strategy, table::mean_deviation};
use crate::{Error, MOST_RUNS, Start, out::say};
use limits::{Limited, limits};

/// Search for the front of accuracy and latency in NAS-Bench-201's tables, with several strategies and seeds.
///
/// Each strategy asks for the validation accuracies (12 epochs) and latencies of so many architectures. Of those, the ones that
/// no other dominates are its front; its hypervolume is said as a share of that of the front of all 15,625 architectures. It
/// takes seconds and leaves no files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Strategies of one objective (all but nsga2 and random) search under one limit of latency after another, with an equal share of
the architectures each. What they learn from is accuracy * min(1, limit / latency): MnasNet's objective for a hard limit.

Examples:
  eoinas compare front --table cifar10.csv --latency-table latencies.csv --latency-column edgegpu_latency_ms
  eoinas compare front --table cifar10.csv --latency-table latencies.csv --seeds 1 --json")]
pub struct Args {
    /// The benchmark's accuracies on CIFAR-10: a CSV file with the columns arch, c10valid_val_e12, c10_test_e12,
    /// c10valid_val_e200, c10valid_test_e200, c10_test_e200, flops_m_c10_computed and params_m_c10_computed.
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Latencies of all architectures: a CSV file with the column arch and one of milliseconds for each device.
    #[arg(long, value_name = "FILE")]
    latency_table: PathBuf,
    /// The column of the device; where there is one alone it needs no name.
    #[arg(long, value_name = "NAME")]
    latency_column: Option<String>,
    /// Strategies to compare, joined by commas.
    #[arg(
        long,
        visible_alias = "strategies",
        value_enum,
        value_delimiter = ',',
        default_value = "nsga2,random,evolution"
    )]
    strategy: Vec<Strategy>,
    /// Architectures that a strategy may ask for.
    #[arg(long, default_value_t = 200, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    budget: usize,
    /// Searches of each strategy, with seeds that count up from 0.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Limits in milliseconds for the strategies of one objective, joined by commas
    /// [default: the three quartiles of the table's latencies, and its largest].
    #[arg(long, value_name = "MS", value_delimiter = ',')]
    latency_limit: Vec<f64>,
    /// Accuracy of the reference point of the hypervolume, in percent: that of chance.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    reference_accuracy: f64,
    /// Latency of the reference point, in milliseconds [default: the table's largest]
    #[arg(long, value_name = "MS")]
    reference_latency: Option<f64>,
    /// Print one JSON object a search, and no tables; those of the first seed have the front.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    Nsga2,
    Single(strategy::Strategy),
}

impl ValueEnum for Strategy {
    fn value_variants<'a>() -> &'a [Self] {
        use strategy::Strategy as Single;
        &[
            Self::Nsga2,
            Self::Single(Single::Random),
            Self::Single(Single::Evolution),
            Self::Single(Single::Reinforce),
            Self::Single(Single::Smbo),
            Self::Single(Single::MetaQnn),
            Self::Single(Single::Hierarchical),
            Self::Single(Single::GeneticCnn),
            Self::Single(Single::Nao),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Nsga2 => Some(PossibleValue::new("nsga2")),
            Self::Single(strategy) => strategy.to_possible_value(),
        }
    }
}

/// Searches and compares.
///
/// # Errors
/// A table that cannot be read; limits, a budget or a reference point that cannot be.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let study = Study::open(args)?;
    let mut table = Table::new([
        "strategy",
        "seeds",
        "architectures asked for",
        "hypervolume, % of the table's",
        "by test accuracies, %",
        "architectures of the table's front",
    ]);
    let mut first = None;
    for &strategy in &args.strategy {
        let mut found = Vec::new();
        for seed in 0..args.seeds {
            let front = study.found(study.search(strategy, seed)?);
            if args.json {
                say!("{}", study.json(strategy, seed, &front));
            }
            found.push(study.merits(&front));
            first.get_or_insert((strategy, front));
        }
        let column =
            |at: usize| mean_deviation(&found.iter().filter_map(|all| all.get(at).copied()).collect::<Vec<_>>());
        let row = [strategy.name(), args.seeds.to_string(), args.budget.to_string(), column(0), column(1), column(2)];
        table.rows.push(row.into());
    }
    if let (false, Some((strategy, front))) = (args.json, first) {
        say!("{}", table.to_markdown());
        say!("the front that {} found with seed 0: latency, validation and test accuracy", strategy.name());
        for cell in &front {
            let [validation, test] = OBJECTIVES.map(|column| cell.row.accuracy(column));
            say!("{:8.3} ms  {validation:5.2} %  {test:5.2} %  {}", cell.latency, cell.row.genotype);
        }
        say!(
            "{}: the table's front has {} of {} architectures; hypervolumes reach to {} % and {} ms",
            study.latencies.name(),
            study.front.len(),
            study.table.rows().len(),
            study.reference.score(),
            study.reference.cost()
        );
    }
    Ok(ExitCode::SUCCESS)
}

impl Strategy {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it learns from one objective alone, and is given limits of the other.
    fn is_single(self) -> bool {
        !matches!(self, Self::Nsga2 | Self::Single(strategy::Strategy::Random))
    }
}

/// The tables and what the searches are compared with.
struct Study<'a> {
    args: &'a Args,
    table: NasBench201Table,
    latencies: Arc<ArchitectureLatencies>,
    limits: Vec<f64>,
    /// In percent and milliseconds.
    reference: Point,
    /// Texts of the architectures of the table's front.
    front: HashSet<String>,
    /// Hypervolumes of the table's fronts: by [`OBJECTIVES`].
    best: [f64; 2],
}

/// What the searches see, and what their fronts are judged by besides.
const OBJECTIVES: [Column; 2] = [Column::ValidE12, Column::TestE200];

/// One architecture that was asked for.
struct Cell<'a> {
    row: &'a Row,
    latency: f64,
}

impl Cell<'_> {
    fn point(&self, column: Column) -> Point {
        Point::new(self.row.accuracy(column), self.latency)
    }
}

impl<'a> Study<'a> {
    fn open(args: &'a Args) -> Result<Self, Error> {
        let table = nas_bench_201::read_table(&args.table)?;
        let path = args.latency_table.display();
        let bytes = file::read(&args.latency_table, nas_bench_201::LARGEST)
            .map_err(|error| format!("cannot read the table {path}: {error}"))?;
        let latencies = ArchitectureLatencies::read(bytes.as_slice(), args.latency_column.as_deref())
            .map_err(|error| format!("{path}: {error}"))?;
        let limits = limits(args, latencies.all())?;
        let largest = latencies.all().iter().copied().fold(0.0, f64::max);
        let reference = Point::new(args.reference_accuracy, args.reference_latency.unwrap_or(largest));
        let latencies = Arc::new(latencies);
        let mut study = Self { args, table, latencies, limits, reference, front: HashSet::new(), best: [0.0; 2] };
        let all = study.table.rows().iter().map(|row| study.cell(row)).collect::<Result<Vec<_>, _>>()?;
        let best = OBJECTIVES.map(|column| study.hypervolume(&all, column));
        if best.iter().any(|volume| *volume <= 0.0) {
            let (accuracy, latency) = (args.reference_accuracy, reference.cost());
            return Err(format!(
                "no architecture is better than {accuracy} % and {latency} ms; choose --reference-accuracy and \
                 --reference-latency so that the table has some that are"
            )
            .into());
        }
        let front = study.found(all).iter().map(|cell| cell.row.genotype.to_string()).collect();
        (study.front, study.best) = (front, best);
        Ok(study)
    }

    /// A row with its latency.
    fn cell<'r>(&self, row: &'r Row) -> Result<Cell<'r>, Error> {
        let latency = self.latencies.of(&row.genotype, &skeleton(), self.table.space())?;
        Ok(Cell { row, latency })
    }

    /// All that a strategy asks for with one seed, each once.
    fn search(&self, strategy: Strategy, seed: u64) -> Result<Vec<Cell<'_>>, Error> {
        let mut asked = BTreeMap::new();
        let unlimited = [f64::INFINITY];
        let limits = if strategy.is_single() { &self.limits[..] } else { &unlimited };
        let parts = limits.len();
        for (part, &limit) in limits.iter().enumerate() {
            let table = TabularEvaluator { table: &self.table, score: OBJECTIVES[0], test: OBJECTIVES[1] };
            let evaluator = Limited { table, latencies: &self.latencies, limit };
            let budget = self.args.budget / parts + usize::from(part < self.args.budget % parts);
            // Each part has draws of its own: with the same, all would begin with the same random architectures.
            let seed = seed * parts as u64 + part as u64;
            let mut search = StrategySearch::new(self.build(strategy, budget)?, evaluator, budget, seed);
            for entry in &search.run(|_| {})?.entries {
                let genotype = Genotype::parse_in(&entry.genotype, self.table.space())?;
                let row = self.table.get(&genotype).ok_or_else(|| format!("{genotype} is not in the table"))?;
                asked.insert(entry.genotype.clone(), self.cell(row)?);
            }
        }
        Ok(asked.into_values().collect())
    }

    fn build(&self, strategy: Strategy, budget: usize) -> Result<Box<dyn eoinas_strategy::Strategy>, Error> {
        let space = self.table.space().clone();
        match strategy {
            Strategy::Nsga2 => Ok(Box::new(Nsga2::new(space, skeleton(), self.latencies.clone()))),
            Strategy::Single(single) => single.build(space, budget),
        }
    }

    /// The front of these by what the searches see, fastest first.
    fn found<'r>(&self, cells: Vec<Cell<'r>>) -> Vec<Cell<'r>> {
        let points: Vec<Point> = cells.iter().map(|cell| cell.point(OBJECTIVES[0])).collect();
        let mut cells: Vec<Option<Cell<'r>>> = cells.into_iter().map(Some).collect();
        front::front(&points).into_iter().filter_map(|at| cells.get_mut(at)?.take()).collect()
    }

    fn hypervolume(&self, cells: &[Cell<'_>], column: Column) -> f64 {
        let points: Vec<Point> = cells.iter().map(|cell| cell.point(column)).collect();
        front::hypervolume(&points, self.reference)
    }

    /// Shares of the table's hypervolumes in percent, and how many architectures of its front these have.
    fn merits(&self, front: &[Cell<'_>]) -> [f64; 3] {
        let [seen, test] = OBJECTIVES.map(|column| self.hypervolume(front, column));
        let on_front = front.iter().filter(|cell| self.front.contains(&cell.row.genotype.to_string()));
        [100.0 * seen / self.best[0], 100.0 * test / self.best[1], on_front.count() as f64]
    }

    fn json(&self, strategy: Strategy, seed: u64, front: &[Cell<'_>]) -> serde_json::Value {
        let [share, test_share, on_front] = self.merits(front);
        let mut json = serde_json::json!({
            "strategy": strategy.name(), "seed": seed, "budget": self.args.budget, "cost": self.latencies.name(),
            "reference": { "accuracy": self.reference.score(), "latency_ms": self.reference.cost() },
            "hypervolume_percent": share, "test_hypervolume_percent": test_share,
            "of_the_front": on_front as u64, "front_of_all": self.front.len(),
        });
        if strategy.is_single() {
            json["latency_limits_ms"] = self.limits.clone().into();
        }
        if seed == 0 {
            let cell = |cell: &Cell<'_>| {
                let [validation, test] = OBJECTIVES.map(|column| cell.row.accuracy(column));
                serde_json::json!({
                    "genotype": cell.row.genotype.to_string(), "validation_accuracy": validation, "test_accuracy": test,
                    "latency_ms": cell.latency,
                })
            };
            json["front"] = front.iter().map(cell).collect();
        }
        json
    }
}

/// The network that the tables are of.
fn skeleton() -> Skeleton {
    Skeleton::nas_bench_201(5)
}
