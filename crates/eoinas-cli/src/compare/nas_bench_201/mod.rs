//! `eoinas compare nas-bench-201`: searches in that space, and what the found cells reach by the benchmark's table.

mod asked;
mod case;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::builder::RangedU64ValueParser;
use eoinas_core::{
    Genotype, SearchSpace, file,
    run_folder::{self, names},
};
use eoinas_data::SourceKind;
use eoinas_report::Table;
use eoinas_strategy::{Column, NasBench201Table};
use eoinas_train::{Claims, MethodConfig, Options, RunDir, Search, SearchConfig};
use serde::{Deserialize, Serialize};

use self::{
    asked::Asked,
    case::{Case, RANKING, ops, ranking},
};
use super::{
    evidence,
    method::{Variant, check_names},
    settings::{self, Note, Noted},
    strategy::Strategy,
    table::{self, mean_deviation},
};
use crate::{
    Error, MOST_RUNS, Start, data,
    host::{Host, HostArgs},
    out::say,
    search,
    share::{self, Ended, Flow, Processes, Share},
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
    /// [default: recommended,eoinas,gdas-pruning,gdas,darts; none where there is a --strategy].
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
/// A table that cannot be read; settings that cannot work; other ones in the folder; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
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
    check_names(&methods)?;
    let dataset = data::kind_of(None, args.data.as_deref())?;
    let host = args.host.open()?;
    let study = Study { args, table, methods, dataset };
    let mut variants = Vec::new();
    for method in &study.methods {
        variants.push((method.name.clone(), method.settings(study.config())?));
    }
    // Seed by seed, so that a study that is stopped early compares all methods.
    let of_seed = |seed| variants.iter().map(move |variant| part(variant, seed));
    let parts: Vec<Part> = (0..args.seeds).flat_map(of_seed).collect();
    // Strategies alone write nothing but their tables.
    if parts.is_empty() {
        return study.report(&[]).map(|()| ExitCode::SUCCESS);
    }
    let begin = |claims: &Claims| study.note((&variants, &parts), (claims, &host), start);
    let share = match args.processes.open((parts.len(), &args.out), &args.host, &host, begin)? {
        ControlFlow::Continue(share) => share,
        ControlFlow::Break(code) => return Ok(code),
    };
    let ended = args.host.run(|| {
        let case = |part: &Part| study.case(part, &host, &share);
        let ended = share.each(&parts, |part| case(part).inspect(|case| case.say(args.json)))?;
        let Ended::Done(mut cases) = ended else { return Ok(ended) };
        cases.extend(share::others(&study.others(&parts)?, case));
        Ok(Ended::Done(cases))
    })?;
    share::end(ended, |cases| study.report(&cases))
}

/// A search: its method's name, and with its seed the settings.
type Part = (String, SearchConfig);

fn part((name, config): &Part, seed: u64) -> Part {
    (name.clone(), SearchConfig { seed, ..config.clone() })
}

/// What the searches of a study share, whatever their method and seed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    search: SearchConfig,
    /// Seconds that each search has, whose counts are fitted to it.
    time: Option<f64>,
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

/// What is recommended, the paper's method, its ablation and its baselines.
const DEFAULT: [&str; 5] = ["recommended", "eoinas", "gdas-pruning", "gdas", "darts"];

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

impl Study<'_> {
    /// Notes what the study is, before any part begins.
    fn note(
        &self,
        (variants, parts): (&[Part], &[Part]),
        (claims, host): (&Claims, &Host),
        start: &Start,
    ) -> Result<(), Error> {
        let out = &self.args.out;
        let time = self.args.time.map(|time| time.as_secs_f64());
        let study = Note::of_study(out, Shared { search: self.config(), time });
        let noted: Vec<_> = variants.iter().map(|(name, config)| Note::of_variant(out, name, config.clone())).collect();
        let notes = [&study as &dyn Noted].into_iter().chain(noted.iter().map(|note| note as &dyn Noted));
        // Counts that were fitted to a time are each search's own.
        let begun = || {
            let mut any = false;
            for part in parts.iter().filter(|_| time.is_none()) {
                any |= claims.check_begun(&self.run(part), &part.1)?;
            }
            Ok(any)
        };
        let check = || {
            let each = |(_, config): &Part| Ok(Search::check(config.clone(), self.options(host))?);
            variants.iter().try_for_each(each)
        };
        settings::agree(&notes.collect::<Vec<_>>(), begun, check, start)
    }

    fn options(&self, host: &Host) -> Options {
        Options { space: Some(SearchSpace::nas_bench_201()), ..host.options_in(&self.args.out) }
    }

    /// Where a search is.
    fn run(&self, (method, config): &Part) -> PathBuf {
        self.args.out.join(method).join(run_folder::seed(config.seed))
    }

    fn case(&self, search: &Part, host: &Host, share: &Share) -> Flow<Case> {
        let (run, (method, config)) = (self.run(search), search);
        let options = || self.options(host);
        // With counts for the time that each search has; those of a search that has begun are in its folder.
        let task = |begun: Option<&Path>| match (self.args.time, begun) {
            (Some(_), Some(begun)) => Ok::<_, Error>(RunDir::open(begun)?.read_json(names::CONFIG)?),
            (Some(time), None) => Ok(search::fitted(config.clone(), (time, time), host, options)?.config),
            (None, _) => Ok(config.clone()),
        };
        let found = share::flow(Search::share(task, &run, options(), &share.claims))?;
        let genotype = Genotype::parse_in(&found.genotype, self.table.space())?;
        let test = self.test(&genotype)?;
        let ranking = ranking(&self.table, &evidence::before_pruning(&run)?);
        Ok(Case { method: method.clone(), seed: config.seed, genotype, test, found, ranking })
    }

    /// What the folder has done of methods and seeds that are no `parts`.
    fn others(&self, parts: &[Part]) -> Result<Vec<Part>, Error> {
        let mut others = Vec::new();
        for variant in settings::variants(&self.args.out)? {
            let seeds = settings::seeds(&self.args.out.join(&variant.0), &[""]);
            others.extend(seeds.into_iter().map(|seed| part(&variant, seed)));
        }
        others.retain(|other| parts.iter().all(|part| self.run(part) != self.run(other)));
        Ok(others)
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

    /// The tables, printed and as `table.*` and `strategies-*.*` in the study's folder: of all searches that are done in it, first the
    /// methods that were asked for.
    fn report(&self, cases: &[Case]) -> Result<(), Error> {
        let args = self.args;
        if args.json {
            return Asked::of(args, &self.table).map(drop);
        }
        let head = ["method", "seeds", "test accuracy, %", "none ops", "skip_connect ops", "search, s"];
        let mut table = Table::new(head.into_iter().chain(RANKING));
        let asked = self.methods.iter().map(|method| &method.name);
        for method in settings::once(asked.chain(cases.iter().map(|case| &case.method))) {
            let own: Vec<&Case> = cases.iter().filter(|case| case.method == *method).collect();
            let of = |value: &dyn Fn(&Case) -> Option<f64>| {
                mean_deviation(&own.iter().filter_map(|case| value(case)).collect::<Vec<_>>())
            };
            let count = |name: &'static str| of(&|case| Some(ops(&case.genotype, name) as f64));
            table.rows.push(vec![
                method.clone(),
                own.len().to_string(),
                of(&|case| Some(case.test)),
                count("none"),
                count("skip_connect"),
                of(&|case| Some(case.found.seconds)),
                of(&|case| case.ranking[0]),
                of(&|case| case.ranking[1]),
            ]);
        }
        let all: Vec<f64> = self.table.rows().iter().map(|row| row.accuracy(Column::TestE200)).collect();
        let optimum = self.table.optimum(Column::TestE200).map_or(0.0, |row| row.accuracy(Column::TestE200));
        let mut tables = Vec::new();
        if !self.methods.is_empty() {
            tables.push(("table".to_owned(), table));
        }
        let asked = (!args.strategy.is_empty()).then(|| Asked::of(args, &self.table)).transpose()?;
        if let Some(asked) = &asked {
            tables.push((asked.name(), asked.table(&args.strategy)));
        }
        let written = fs::create_dir_all(&args.out).map_err(Error::from);
        let written = written.and_then(|()| asked.map_or(Ok(()), |asked| asked.write(&args.out)));
        share::written(written.and_then(|()| table::write(&tables, &args.out)), &args.out)?;
        tables.iter().for_each(|(_, table)| say!("\n{}", table.to_markdown()));
        say!("a random architecture: {} %; the best of all: {optimum:.2} %", mean_deviation(&all));
        say!("files: {}", args.out.display());
        Ok(())
    }
}
