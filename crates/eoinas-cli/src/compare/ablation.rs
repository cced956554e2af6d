//! `eoinas compare ablation`: what pruning and the indicator bring (the paper's Table 3 and Sections 3.3 and 4.5).

use std::{
    collections::BTreeSet,
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
use eoinas_train::{Claims, Found, Search, SearchConfig, TrainConfig, TrainError, Trained, Training};
use serde::{Deserialize, Serialize};

use super::{
    method::{Variant, check_names},
    scale::Scale,
    settings::{self, Note, Noted},
    table::{self, mean_deviation},
};
use crate::{
    Error, MOST_RUNS, Start, flags,
    host::Host,
    out::say,
    share::{self, Ended, Flow, Share},
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
/// Settings that cannot work; other ones in the folder; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    let (host, dataset) = (args.scale.host.open()?, args.scale.dataset()?);
    check_names(&args.method)?;
    let mut variants = Vec::new();
    for method in &args.method {
        variants.push((method.name.clone(), method.settings(args.scale.search(dataset))?));
    }
    // Seed by seed, so that a study that is stopped early compares all variants.
    let parts: Vec<Part> =
        (0..args.seeds).flat_map(|seed| variants.iter().map(move |variant| Part::new(variant, seed))).collect();
    let begin = |claims: &Claims| args.note(dataset, (&variants, &parts), (claims, &host), start);
    let share = match args.scale.processes.open((parts.len(), &args.out), &args.scale.host, &host, begin)? {
        ControlFlow::Continue(share) => share,
        ControlFlow::Break(code) => return Ok(code),
    };
    let study = Study { args, host, dataset, share };
    let ended = args.scale.host.run(|| {
        let ended = study.share.each(&parts, |part| study.case(part).inspect(Case::say))?;
        let Ended::Done(mut cases) = ended else { return Ok(ended) };
        cases.extend(share::others(&study.others(&parts)?, |part| study.case(part)));
        Ok(Ended::Done(cases))
    })?;
    share::end(ended, |cases| report(args, &cases))
}

/// What the ablation has beside what it shares with a correlation in the same folder: `ablation.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    cutout: usize,
}

impl Args {
    /// Notes what the study is, before any part begins.
    fn note(
        &self,
        dataset: SourceKind,
        (variants, parts): (&[(String, SearchConfig)], &[Part]),
        (claims, host): (&Claims, &Host),
        start: &Start,
    ) -> Result<(), Error> {
        let study = Note::of_study(&self.out, self.scale.shared(dataset));
        let own = Note::named(&self.out, "ablation.json", Own { cutout: self.cutout });
        let noted: Vec<_> =
            variants.iter().map(|(name, config)| Note::of_variant(&self.out, name, config.clone())).collect();
        let notes = [&study as &dyn Noted, &own].into_iter().chain(noted.iter().map(|note| note as &dyn Noted));
        let begun = || {
            let mut any = false;
            for part in parts {
                let dir = part.dir(&self.out);
                any |= claims.check_begun(&dir.join(names::SEARCH), &part.config)?;
                for (name, config) in self.trainings(dataset, part.config.seed) {
                    any |= claims.check_begun(&dir.join(name), &config)?;
                }
            }
            Ok(any)
        };
        let check = || {
            let each = |(_, config): &(_, SearchConfig)| self.scale.check(config, self.scale.training(dataset), host);
            variants.iter().try_for_each(each)
        };
        settings::agree(&notes.collect::<Vec<_>>(), begun, check, start)
    }

    /// The trainings of a seed, by their folders: without cutout and with it.
    fn trainings(&self, dataset: SourceKind, seed: u64) -> [(String, TrainConfig); 2] {
        [(names::TRAIN.to_owned(), 0), (run_folder::training_with("cutout"), self.cutout)].map(|(name, cutout)| {
            let mut config = TrainConfig { seed, ..self.scale.training(dataset) };
            config.augment.cutout = cutout;
            (name, config)
        })
    }
}

struct Study<'a> {
    args: &'a Args,
    host: Host,
    dataset: SourceKind,
    share: Share,
}

/// A seed of a variant.
struct Part {
    method: String,
    config: SearchConfig,
}

impl Part {
    fn new((name, config): &(String, SearchConfig), seed: u64) -> Self {
        Self { method: name.clone(), config: SearchConfig { seed, ..config.clone() } }
    }

    /// Its folder.
    fn dir(&self, out: &Path) -> PathBuf {
        out.join(&self.method).join(run_folder::seed(self.config.seed))
    }
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
    fn case(&self, part: &Part) -> Flow<Case> {
        let Part { method, config } = part;
        let dir = part.dir(&self.args.out);
        let run = dir.join(names::SEARCH);
        let options = || self.host.options_in(&self.args.out);
        let found = Search::share(|_| Ok::<_, TrainError>(config.clone()), &run, options(), &self.share.claims);
        let found = share::flow(found.map_err(flags::of_search))?;
        let genotype = Genotype::parse(&found.genotype)?;
        let trainings = self.args.trainings(self.dataset, config.seed);
        let trained = share::all(trainings.into_iter().map(|(name, config)| {
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
        Ok(Case { method: method.clone(), found, without_cutout, with_cutout, supernet })
    }

    /// What the folder has done of variants and seeds that are no `parts`.
    fn others(&self, parts: &[Part]) -> Result<Vec<Part>, Error> {
        let out = &self.args.out;
        let asked: BTreeSet<PathBuf> = parts.iter().map(|part| part.dir(out)).collect();
        let runs = [names::SEARCH.to_owned(), names::TRAIN.to_owned(), run_folder::training_with("cutout")];
        let mut others = Vec::new();
        for variant in settings::variants(out)? {
            let seeds = settings::seeds(&out.join(&variant.0), &runs);
            others.extend(seeds.into_iter().map(|seed| Part::new(&variant, seed)));
        }
        others.retain(|part| !asked.contains(&part.dir(out)));
        Ok(others)
    }
}

impl Case {
    fn say(&self) {
        say!(
            "{} seed {}: error {:.2} %, with cutout {:.2} %; {:.2} M parameters; search {:.0} s",
            self.method,
            self.found.seed,
            error(&self.without_cutout),
            error(&self.with_cutout),
            self.without_cutout.parameters as f64 / 1e6,
            self.found.seconds
        );
    }
}

/// In percent.
fn error(trained: &Trained) -> f64 {
    100.0 * (1.0 - trained.accuracy)
}

/// The tables, printed and as `table.md`, `table.csv`, `supernet.md` and `supernet.csv` in the study's folder: of all that is done in
/// it, first the variants that were asked for.
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
    let asked = args.method.iter().map(|method| &method.name);
    for method in settings::once(asked.chain(cases.iter().map(|case| &case.method))) {
        let own: Vec<&Case> = cases.iter().filter(|case| case.method == *method).collect();
        let of = |value: fn(&Case) -> f64| own.iter().map(|case| value(case)).collect::<Vec<_>>();
        table.rows.push(vec![
            method.clone(),
            own.len().to_string(),
            mean_deviation(&of(|case| error(&case.without_cutout))),
            mean_deviation(&of(|case| error(&case.with_cutout))),
            mean_deviation(&of(|case| case.without_cutout.parameters as f64 / 1e6)),
            mean_deviation(&of(|case| case.found.seconds)),
        ]);
        let mut row = vec![method.clone()];
        for quarter in 1..=4 {
            let accuracies = own.iter().filter_map(|case| {
                let epoch = (quarter * case.supernet.len()).div_ceil(4).checked_sub(1)?;
                Some(100.0 * case.supernet.get(epoch)?)
            });
            row.push(mean_deviation(&accuracies.collect::<Vec<_>>()));
        }
        supernet.rows.push(row);
    }
    let tables = [("table".to_owned(), table), ("supernet".to_owned(), supernet)];
    share::written(table::write(&tables, &args.out), &args.out)?;
    let [(_, table), (_, supernet)] = &tables;
    say!("\n{}\nThe supernet's training accuracy, %:\n\n{}", table.to_markdown(), supernet.to_markdown());
    say!("files: {}", args.out.display());
    Ok(())
}
