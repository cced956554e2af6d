//! `eoinas compare ablation`: what pruning and the indicator bring (the paper's Table 3 and Sections 3.3 and 4.5).

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use eoinas_core::{
    Event, Genotype, event,
    run_folder::{self, names},
};
use eoinas_data::SourceKind;
use eoinas_report::Table;
use eoinas_train::{Found, Search, SearchConfig, TrainConfig, TrainError, Trained, Training};

use super::{
    method::Variant,
    scale::Scale,
    table::{self, mean_deviation},
};
use crate::{
    Error, MOST_RUNS, Start, flags,
    host::Host,
    out::say,
    share::{self, Flow, Share},
};

/// What pruning and the indicator bring (the paper's Table 3): GDAS, with gradual pruning, and with the indicator.
///
/// Each is searched with several seeds, and its cells are trained with and without cutout. The study's folder has the
/// tables as Markdown and CSV; the defaults take about an hour on two cores.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas compare ablation
  eoinas compare ablation --data cifar-10-batches-bin --seeds 3 --train-images 10000
  eoinas compare ablation --method eoinas,gentle=eoinas:indicator.lambda=0.1 --out runs/lambda")]
pub struct Args {
    /// Variants to compare, joined by commas: methods, or NAME=METHOD:SETTING=VALUE:... with the settings' names in
    /// config.json.
    #[arg(long, value_delimiter = ',', default_value = "gdas,gdas-pruning,eoinas")]
    method: Vec<Variant>,
    /// Searches of each variant, with seeds that count up from 0; those that are done are not done again.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Side of the square that cutout blanks, in pixels.
    #[arg(long, default_value_t = 16)]
    cutout: usize,
    /// Folder of the study.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR", default_value = "runs/ablation")]
    out: PathBuf,
    #[command(flatten)]
    scale: Scale,
}

/// Searches, trains, compares.
///
/// # Errors
/// Settings that cannot work; a run that fails.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let (host, dataset) = (args.scale.host.open()?, args.scale.dataset()?);
    let mut parts = Vec::new();
    // Seed by seed, so that a study that is stopped early compares all variants.
    for seed in 0..args.seeds {
        for method in &args.method {
            let config = SearchConfig { seed, ..method.settings(args.scale.search(dataset))? };
            parts.push(Part { method, seed, config });
        }
    }
    let share = match args.scale.processes.open((parts.len(), &args.out), &args.scale.host, &host)? {
        ControlFlow::Continue(share) => share,
        ControlFlow::Break(code) => return Ok(code),
    };
    let study = Study { args, host, dataset, share };
    let ended = args.scale.host.run(|| study.share.each(&parts, |part| study.case(part)))?;
    share::end(ended, |cases| report(args, &cases))
}

struct Study<'a> {
    args: &'a Args,
    host: Host,
    dataset: SourceKind,
    share: Share,
}

/// A seed of a variant.
struct Part<'a> {
    method: &'a Variant,
    seed: u64,
    config: SearchConfig,
}

/// One search and the trainings of its cell.
struct Case {
    method: String,
    found: Found,
    without_cutout: Trained,
    with_cutout: Trained,
    /// The supernet's training accuracy in each epoch.
    supernet: Vec<f64>,
}

impl Study<'_> {
    fn case(&self, Part { method, seed, config }: &Part<'_>) -> Flow<Case> {
        let dir = self.args.out.join(&method.name).join(run_folder::seed(*seed));
        let run = dir.join(names::SEARCH);
        let options = || self.host.options_in(&self.args.out);
        let found = Search::share(|_| Ok::<_, TrainError>(config.clone()), &run, options(), &self.share.claims);
        let found = share::flow(found.map_err(flags::of_search))?;
        let genotype = Genotype::parse(&found.genotype)?;
        let trainings = [(names::TRAIN.to_owned(), 0), (run_folder::training_with("cutout"), self.args.cutout)];
        let trained = share::all(trainings.into_iter().map(|(name, cutout)| {
            let mut config = TrainConfig { seed: *seed, ..self.args.scale.training(self.dataset) };
            config.augment.cutout = cutout;
            let task = (config, genotype.clone().into());
            let task = |_: Option<&Path>| Ok::<_, TrainError>(task);
            share::flow(Training::share(task, &dir.join(name), options(), &self.share.claims))
        }))?;
        let [without_cutout, with_cutout] = <[Trained; 2]>::try_from(trained).map_err(|_| "two trainings")?;
        let supernet = event::read(&run.join(names::EVENTS))?.into_iter().filter_map(|record| match record.event {
            Event::EpochEnd(end) => Some(end.train_accuracy),
            _ => None,
        });
        let supernet = supernet.collect();
        say!(
            "{} seed {seed}: error {:.2} %, with cutout {:.2} %; {:.2} M parameters; search {:.0} s",
            method.name,
            error(&without_cutout),
            error(&with_cutout),
            without_cutout.parameters as f64 / 1e6,
            found.seconds
        );
        Ok(Case { method: method.name.clone(), found, without_cutout, with_cutout, supernet })
    }
}

/// In percent.
fn error(trained: &Trained) -> f64 {
    100.0 * (1.0 - trained.accuracy)
}

/// The tables, printed and as `table.md`, `table.csv`, `supernet.md` and `supernet.csv` in the study's folder.
fn report(args: &Args, cases: &[Case]) -> Result<(), Error> {
    let mut table = Table::new([
        "variant",
        "seeds",
        "test error without cutout, %",
        "with cutout, %",
        "parameters, M",
        "search, s",
    ]);
    let mut supernet = Table::new(["variant", "after 1/4 of the epochs", "1/2", "3/4", "all"]);
    for method in &args.method {
        let own: Vec<&Case> = cases.iter().filter(|case| case.method == method.name).collect();
        let of = |value: fn(&Case) -> f64| own.iter().map(|case| value(case)).collect::<Vec<_>>();
        table.rows.push(vec![
            method.name.clone(),
            args.seeds.to_string(),
            mean_deviation(&of(|case| error(&case.without_cutout))),
            mean_deviation(&of(|case| error(&case.with_cutout))),
            mean_deviation(&of(|case| case.without_cutout.parameters as f64 / 1e6)),
            mean_deviation(&of(|case| case.found.seconds)),
        ]);
        let mut row = vec![method.name.clone()];
        for quarter in 1..=4 {
            let accuracies = own.iter().filter_map(|case| {
                let epoch = (quarter * case.supernet.len()).div_ceil(4).checked_sub(1)?;
                Some(100.0 * case.supernet.get(epoch)?)
            });
            row.push(mean_deviation(&accuracies.collect::<Vec<_>>()));
        }
        supernet.rows.push(row);
    }
    table::write(&table, &args.out, "table")?;
    table::write(&supernet, &args.out, "supernet")?;
    say!("\n{}\nThe supernet's training accuracy, %:\n\n{}", table.to_markdown(), supernet.to_markdown());
    say!("files: {}", args.out.display());
    Ok(())
}
