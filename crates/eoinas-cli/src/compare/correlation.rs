//! `eoinas compare correlation`: whether architecture weights, and the importance indicator, say how good an op is (the
//! paper's Figure 1 and its central claim).

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use eoinas_core::{
    CellKind, EdgeId, Genotype, SearchSpace,
    event::SearchSnapshot,
    run_folder::{self, names},
    statistics,
};
use eoinas_data::SourceKind;
use eoinas_prune::{Beta, EoiNas, Indicator, ScaleFree};
use eoinas_report::Table;
use eoinas_train::{Claims, Search, SearchConfig, TrainConfig, TrainError, Trained, Training};

use super::{
    evidence,
    method::Variant,
    scale::Scale,
    settings::{self, Note},
    table::{self, mean_deviation},
};
use crate::{
    Error, MOST_RUNS, Start, flags,
    host::Host,
    out::say,
    share::{self, Ended, Flow, Share},
};

/// Set stand-alone accuracies of an edge's ops against what the search said of them (the paper's Figure 1).
///
/// On one edge of a found cell every op is tried in turn, each network is trained on its own, and its accuracy is set
/// against the op's architecture weight and indicator.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas compare correlation
  eoinas compare correlation --data cifar-10-batches-bin --seeds 3 --cell normal --edge 0")]
pub struct Args {
    /// The method that searches, or NAME=METHOD:SETTING=VALUE:... with the settings' names in config.json.
    #[arg(long, default_value = "eoinas")]
    method: Variant,
    /// Kind of cell: normal or reduce.
    #[arg(long, default_value = "normal")]
    cell: String,
    /// Edge of the cell, from 0 in the order of the DARTS files; the first node's two edges, 0 and 1, are in every cell.
    #[arg(long, default_value_t = 0)]
    edge: usize,
    /// Searches, with seeds that count up from 0, and so many trainings of each op.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Folder of the study.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR", default_value = "runs/correlation")]
    out: PathBuf,
    #[command(flatten)]
    scale: Scale,
}

/// Searches, tries every op, correlates.
///
/// # Errors
/// Settings that cannot work; other ones in the folder; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    let (edge, host, dataset) = (Edge::find(args)?, args.scale.host.open()?, args.scale.dataset()?);
    let config = args.method.settings(args.scale.search(dataset))?;
    let part = |seed| SearchConfig { seed, ..config.clone() };
    let parts: Vec<SearchConfig> = (0..args.seeds).map(part).collect();
    let space = SearchSpace::darts();
    let begin = |claims: &Claims| args.note(dataset, (&config, &parts), (claims, &host), start);
    let share = match args.scale.processes.open((parts.len(), &args.out), &args.scale.host, &host, begin)? {
        ControlFlow::Continue(share) => share,
        ControlFlow::Break(code) => return Ok(code),
    };
    let study = Study { args, edge, space, host, dataset, share };
    let ended = args.scale.host.run(|| {
        let ended =
            study.share.each(&parts, |config| study.seed(config).inspect(|all| all.iter().for_each(Tried::say)))?;
        let Ended::Done(mut tried) = ended else { return Ok(ended) };
        let seeds = settings::seeds(&args.folder(), &study.runs());
        let others: Vec<SearchConfig> = seeds.into_iter().filter(|seed| *seed >= args.seeds).map(part).collect();
        tried.extend(share::others(&others, |config| study.seed(config)));
        Ok(Ended::Done(tried))
    })?;
    share::end(ended, |tried| report(args, &tried.concat()))
}

impl Args {
    /// The folder of the variant.
    fn folder(&self) -> PathBuf {
        self.out.join(&self.method.name)
    }

    /// The folder of the training with an op on the edge.
    fn with_op(&self, op: &str) -> String {
        run_folder::with_op(&self.cell, self.edge, op)
    }

    /// Notes what the study is, before any part begins.
    fn note(
        &self,
        dataset: SourceKind,
        (config, parts): (&SearchConfig, &[SearchConfig]),
        (claims, host): (&Claims, &Host),
        start: &Start,
    ) -> Result<(), Error> {
        let study = Note::of_study(&self.out, self.scale.shared(dataset));
        let variant = Note::of_variant(&self.out, &self.method.name, config.clone());
        let begun = || {
            let mut any = false;
            for config in parts {
                let dir = self.folder().join(run_folder::seed(config.seed));
                any |= claims.check_begun(&dir.join(names::SEARCH), config)?;
                let training = TrainConfig { seed: config.seed, ..self.scale.training(dataset) };
                for (_, op) in ops(&SearchSpace::darts()) {
                    any |= claims.check_begun(&dir.join(self.with_op(op)), &training)?;
                }
            }
            Ok(any)
        };
        let check = || self.scale.check(config, self.scale.training(dataset), host);
        settings::agree(&[&study, &variant], begun, check, start)
    }
}

/// The ops that are tried on the edge, by number and name: all but `none`, which is no op of a cell.
fn ops(space: &SearchSpace) -> impl Iterator<Item = (usize, &str)> {
    space.ops().iter().enumerate().filter(|(_, op)| !op.is_zero()).map(|(index, op)| (index, op.name()))
}

/// The edge whose ops are tried.
struct Edge {
    kind: CellKind,
    index: usize,
    from: usize,
    /// Its target among the intermediate nodes, from 0.
    node: usize,
}

/// What the search said of an op on the edge, and how well its network does on its own.
#[derive(Clone)]
struct Tried {
    seed: u64,
    op: String,
    /// Test accuracy of the stand-alone network, in percent.
    accuracy: f64,
    /// Architecture weight (Eq. 2), the paper's indicator (Eq. 7), and its scale-free form.
    said: [Option<f64>; 3],
}

const SAID: [&str; 3] = ["beta", "indicator (Eq. 7)", "scale-free indicator"];

impl Edge {
    fn find(args: &Args) -> Result<Self, Error> {
        let space = SearchSpace::darts();
        let names: Vec<&str> = space.cells().iter().map(|cell| cell.name.as_str()).collect();
        let wrong = || format!("there is no cell `{}`; choose {}", args.cell, names.join(" or "));
        let kind = names.iter().position(|name| *name == args.cell).ok_or_else(wrong)?;
        let cell = space.cell(CellKind(kind)).ok_or_else(wrong)?;
        let edge = cell.edges.get(args.edge).ok_or_else(|| {
            format!("the {} cell has no edge {}; choose 0 to {}", args.cell, args.edge, cell.edges.len() - 1)
        })?;
        Ok(Self { kind: CellKind(kind), index: args.edge, from: edge.from, node: edge.to - cell.inputs })
    }
}

struct Study<'a> {
    args: &'a Args,
    edge: Edge,
    space: SearchSpace,
    host: Host,
    dataset: SourceKind,
    share: Share,
}

impl Study<'_> {
    /// A search, and every op in the place of the one that it found.
    fn seed(&self, config: &SearchConfig) -> Flow<Vec<Tried>> {
        let seed = config.seed;
        let dir = self.args.out.join(&self.args.method.name).join(run_folder::seed(seed));
        let run = dir.join(names::SEARCH);
        let options = || self.host.options_in(&self.args.out);
        let found = Search::share(|_| Ok::<_, TrainError>(config.clone()), &run, options(), &self.share.claims);
        let found = Genotype::parse(&share::flow(found.map_err(flags::of_search))?.genotype)?;
        let snapshot = evidence::before_pruning(&run)?;
        share::all(ops(&self.space).map(|(op, name)| {
            let genotype = self.replaced(&found, op);
            let config = TrainConfig { seed, ..self.args.scale.training(self.dataset) };
            let task = |_: Option<&Path>| Ok::<_, Error>((config, genotype?.into()));
            let run = dir.join(self.args.with_op(name));
            let trained = share::flow(Training::share(task, &run, options(), &self.share.claims));
            trained.map(|trained: Trained| Tried {
                seed,
                op: name.to_owned(),
                accuracy: 100.0 * trained.accuracy,
                said: self.said(&snapshot, op),
            })
        }))
    }

    /// What has to be done of a seed, by its folders.
    fn runs(&self) -> Vec<String> {
        let trainings = ops(&self.space).map(|(_, op)| self.args.with_op(op));
        [names::SEARCH.to_owned()].into_iter().chain(trainings).collect()
    }

    /// The found cell with another op on the edge.
    fn replaced(&self, found: &Genotype, op: usize) -> Result<Genotype, Error> {
        let op = self.space.ops().get(op).ok_or("there is no such op")?;
        let mut genotype = found.clone();
        let node = genotype.cells.get_mut(self.edge.kind.0).and_then(|cell| cell.nodes.get_mut(self.edge.node));
        let input = node.and_then(|inputs| inputs.iter_mut().find(|input| input.from == self.edge.from));
        let input =
            input.ok_or("the found cell does not have this edge; the first node's edges, 0 and 1, are in every one")?;
        input.op = op.clone();
        Ok(genotype)
    }

    fn said(&self, snapshot: &SearchSnapshot, op: usize) -> [Option<f64>; 3] {
        let view = evidence::edge(snapshot, &self.space, EdgeId::new(self.edge.kind, self.edge.index));
        let value = |indicator: &dyn Indicator| {
            view.ops.iter().find(|view| view.index == op).and_then(|op| indicator.value(&view, op))
        };
        [value(&Beta {}), value(&EoiNas::default()), value(&ScaleFree::default())]
    }
}

impl Tried {
    fn say(&self) {
        let Self { seed, op, accuracy, said, .. } = self;
        say!("seed {seed}: {op} {accuracy:.2} %, beta {}, indicator {}", show(said[0]), show(said[1]));
    }
}

/// The tables, printed and as `ops-*` and `correlation-*` in the study's folder: of all seeds that are done in it.
fn report(args: &Args, tried: &[Tried]) -> Result<(), Error> {
    let header = ["seed", "op", "stand-alone test accuracy, %"];
    let mut ops = Table::new(header.into_iter().chain(SAID));
    for Tried { seed, op, accuracy, said } in tried {
        let first = [seed.to_string(), op.clone(), format!("{accuracy:.2}")];
        ops.rows.push(first.into_iter().chain(said.map(show)).collect());
    }
    let seeds: BTreeSet<u64> = tried.iter().map(|tried| tried.seed).collect();
    let mut correlation = Table::new(["", "Kendall's tau", "Spearman's rho", "seeds"]);
    for (index, name) in SAID.into_iter().enumerate() {
        let (mut taus, mut rhos) = (Vec::new(), Vec::new());
        for seed in &seeds {
            let known = tried.iter().filter(|tried| tried.seed == *seed);
            let known = known.filter_map(|tried| Some((tried.said.get(index).copied().flatten()?, tried.accuracy)));
            let (said, accuracies): (Vec<f64>, Vec<f64>) = known.unzip();
            taus.extend(statistics::kendall_tau(&said, &accuracies));
            rhos.extend(statistics::spearman_rho(&said, &accuracies));
        }
        let count = taus.len().to_string();
        correlation.rows.push(vec![name.to_owned(), mean_deviation(&taus), mean_deviation(&rhos), count]);
    }
    let name = |what: &str| format!("{what}-{}-{}-{}", args.method.name, args.cell, args.edge);
    let tables = [(name("ops"), ops), (name("correlation"), correlation)];
    share::written(table::write(&tables, &args.out), &args.out)?;
    let [(_, ops), (_, correlation)] = &tables;
    say!("\n{}\n{}\nfiles: {}", ops.to_markdown(), correlation.to_markdown(), args.out.display());
    Ok(())
}

fn show(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}
