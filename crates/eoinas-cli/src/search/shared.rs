//! A search by several processes.

use std::process::ExitCode;

use eoinas_core::run_folder::names;
use eoinas_train::{RunDir, RunWriter, Runs, Search, Seeds};

use super::{Args, report, settings};
use crate::{
    Error, Start,
    ranks::{Place, Ranks, check_flags},
    resume,
};

/// Searches with the others; the first rank prints what came out.
///
/// # Errors
/// What several processes do not share; settings that cannot work; ranks that differ.
pub(super) fn run(args: &Args, ranks: &Ranks, start: &Start) -> Result<ExitCode, Error> {
    args.check_shared()?;
    let host = ranks.open(&args.host)?.with_max_steps(args.max_steps);
    let begin = |place: Place<'_>| -> Result<Search, Error> {
        let Some(from) = &args.resume else {
            let (_, config) = settings::of(args)?;
            let name = format!("search-{}-{}", config.data.dataset, config.preset);
            let dir = || match place {
                Place::First => resume::new_folder(args.out.as_deref(), &name),
                Place::Other(own) => RunWriter::create(own),
            };
            return Ok(Search::create_in(config, dir, host.options())?);
        };
        let run = match place {
            Place::First => {
                resume::check(from, "search", start)?;
                from
            }
            Place::Other(own) => own,
        };
        if Seeds::is_in(run) || run.join(names::TRAINING_PLAN).exists() {
            let what = "several processes share one search, without what follows it; go on with one process";
            return Err(format!("--resume {}: {what}", from.display()).into());
        }
        Ok(Search::resume(run, host.options())?)
    };
    let ended = ranks.run(&args.host, args.resume.as_deref(), begin, start)?;
    if !ranks.is_first() {
        return Ok(ExitCode::SUCCESS);
    }
    let config = RunDir::open(&ended.folder)?.read_json(names::CONFIG)?;
    let code = report::report(args, (&ended.folder, &config), &ended.outcome, None, start)?;
    args.page.end(&ended.folder);
    Ok(code)
}

impl Args {
    /// Refuses what several processes do not share.
    fn check_shared(&self) -> Result<(), Error> {
        let clock = "what is measured on one process says nothing of several; give --epochs, or --preset";
        let one = "several processes share one search, and nothing else; start one process, or leave it out";
        check_flags([
            (self.time.is_some(), "--time", clock),
            (self.replan, "--replan", clock),
            (self.limits.limit_latency(), "--max-latency", clock),
            (self.seeds > 1, "--seeds", one),
            (self.then_train, "--then-train", one),
            (self.download, "--download", one),
            (self.processes.given().is_some(), "--jobs, --part and the like", one),
            (self.says_nothing(), "a search without flags (--time, --then-train)", clock),
        ])
    }
}
