//! A training by several processes.

use std::process::ExitCode;

use eoinas_core::{models::Design, run_folder::names};
use eoinas_train::{RunWriter, Runs, Training, Trials};

use super::{Args, report, report::Ended, settings};
use crate::{
    Error, Start, cell, page,
    ranks::{Place, Ranks, check_flags},
    resume,
};

/// Trains the network of a cell with the others; the first rank prints what came out.
///
/// # Errors
/// What several processes do not share; settings that cannot work; ranks that differ.
pub(super) fn run(args: &Args, ranks: &Ranks, start: &Start) -> Result<ExitCode, Error> {
    args.check_shared()?;
    let host = ranks.open(&args.host)?.with_max_steps(args.max_steps);
    let begin = |place: Place<'_>| -> Result<Training, Error> {
        let Some(from) = &args.resume else {
            let settings::Settings { config, of_init, .. } = settings::of(args)?;
            let design = match &args.genotype {
                Some(text) => Some(Design::Cell(cell::read(text)?)),
                None => of_init,
            };
            let design = design.filter(|design| design.genotype().is_some()).ok_or(CELLS)?;
            let name = format!("train-{}-{}", config.data.dataset, config.preset);
            let dir = || match place {
                Place::First => resume::new_folder(args.out.as_deref(), &name),
                Place::Other(own) => RunWriter::create(own),
            };
            return Ok(Training::create_in((config, design), dir, host.options())?);
        };
        let run = match place {
            Place::First => {
                resume::check(from, "train", start)?;
                from
            }
            Place::Other(own) => own,
        };
        if Trials::is_in(run) {
            return Err(format!("--resume {}: {CELLS}", from.display()).into());
        }
        Ok(Training::resume(run, host.options())?)
    };
    let ended = ranks.run(&args.host, args.resume.as_deref(), begin, start)?;
    if !ranks.is_first() {
        return Ok(ExitCode::SUCCESS);
    }
    let ended = Ended { folder: ended.folder, outcome: ended.outcome.map(|trained| vec![trained]), folds: false };
    if ended.folder.join(names::NETWORK).is_dir() {
        args.host.run(|| {
            page::keep_evaluation(&ended.folder, &host);
            Ok(())
        })?;
    }
    let code = report::report(args, &ended, start)?;
    args.page.end(&ended.folder);
    Ok(code)
}

const CELLS: &str = "several processes share one training of a cell's network; start one process for anything else";

impl Args {
    /// Refuses what several processes do not share.
    fn check_shared(&self) -> Result<(), Error> {
        let clock = "what is measured on one process says nothing of several; give --epochs";
        check_flags([
            (self.time.is_some(), "--time", clock),
            (self.replan, "--replan", clock),
            (self.limits.limit_latency(), "--max-latency", clock),
            (self.seeds > 1, "--seeds", CELLS),
            (self.folds.is_some(), "--folds", CELLS),
            (self.random.is_some(), "--random", CELLS),
            (self.network.is_some(), "--network", CELLS),
        ])?;
        self.processes.given().map_or(Ok(()), |flag| Err(format!("--{flag}: {CELLS}").into()))
    }
}
