//! A new search: its settings, what follows it, and how both fit a time.

use std::{
    ops::ControlFlow,
    process::ExitCode,
    time::{Duration, Instant},
};

use eoinas_core::{SearchSpace, Setting, run_folder::names};
use eoinas_train::{
    Options, RunWriter, Runs, Search, SearchConfig, Seeds, TrainConfig, TrainError, batch::Single, budget::Fitted,
    data::open_dataset, run::TimePlan,
};

use super::{Args, Ended, args::Asked, download, settings};
use crate::{
    Error,
    baselines::Plan,
    flags,
    host::Host,
    resume,
    share::{Several, patiently},
    then_train::{
        self, Room,
        going_on::{self, GoingOn},
    },
    time,
};

/// What will be done, all of it among the first files of the folder, so that nothing is forgotten whenever the search is stopped.
struct Plans {
    search: SearchConfig,
    training: Option<TrainConfig>,
    going_on: Option<GoingOn>,
    time: Option<TimePlan>,
    baselines: Option<Plan>,
}

/// Begins one search or several.
///
/// # Errors
/// Settings that cannot work, a folder that is there already, a search that fails.
pub(super) fn begin(args: &Args, several: &Several<'_>) -> Result<ControlFlow<ExitCode, Ended>, Error> {
    args.check_processes(true)?;
    let host = several.host;
    let plans = Plans::of(args, host)?;
    let config = plans.search.clone();
    if args.seeds == 1
        && let (true, Some(out)) = (args.processes.are_several(), &args.out)
    {
        Single::check_home(out)?;
        let (single, study) = (Single(config), out.join(names::CLAIMS));
        single.check(host.options())?;
        let ended = several.complete(&single, &study, || Ok(patiently(|| single.join(&study))?))?;
        return Ok(ended.map_continue(|outcome| (out.clone(), single.0, outcome)));
    }
    if args.seeds == 1 {
        let mut search = Search::create_in(config.clone(), || plans.folder(args), host.options())?;
        let outcome = search.run()?;
        return Ok(ControlFlow::Continue((search.run_dir().path().to_owned(), config, outcome)));
    }
    let seeds = Seeds::new(config, args.seeds);
    seeds.check(host.options())?;
    // What follows, and counts that were fitted to a time, are of one process.
    let folder = match args.out.clone().filter(|_| args.time.is_none() && !args.then_train) {
        Some(out) => out,
        None => {
            let mut dir = plans.folder(args)?;
            seeds.create(&mut dir)?;
            dir.home().to_owned()
        }
    };
    let join = || Ok(patiently(|| seeds.join(&folder))?);
    let ended = several.complete(&seeds, &folder, join)?;
    Ok(ended.map_continue(|outcome| (folder, plans.search, outcome)))
}

impl Plans {
    /// What the flags say, fitted to the time that they give.
    fn of(args: &Args, host: &Host) -> Result<Self, Error> {
        let begun = Instant::now();
        let asked = args.asked(host);
        let (base, mut search) = settings::of(args)?;
        if args.download {
            let dir = search.data.dir.unwrap_or_else(|| "data".into());
            search.data.dir = Some(download::fetch(search.data.dataset, dir)?);
        }
        if args.limits.limit_latency() {
            let skeleton = search.unlimited(open_dataset(&search.data)?.info());
            let limits = args.limits.with_latency(search.limits.clone(), &skeleton, &SearchSpace::darts(), host)?;
            search = search.with_limits(limits);
        }
        let training = asked.then_train.then(|| then_train::settings(&search, args.train_epochs)).transpose();
        let training = training.map_err(flags::of_training)?;
        let baselines = asked.baselines.then(|| Plan::new(search.seed));
        let plans = Self { search, training, going_on: None, time: None, baselines };
        match asked.time {
            Some(time) => plans.fitted_to(time, begun, (args, &asked, &base), host),
            None => Ok(plans),
        }
    }

    /// With counts for the time `asked`, of which what is gone since `begun` is a part.
    fn fitted_to(
        mut self,
        asked: Duration,
        begun: Instant,
        (args, what, base): (&Args, &Asked, &SearchConfig),
        host: &Host,
    ) -> Result<Self, Error> {
        let left = || asked.saturating_sub(begun.elapsed());
        // A random cell's network is trained beside the found one's.
        let trainings = 1 + usize::from(what.baselines);
        let room = |time| Room { time, asked, epochs: args.train_epochs, trainings, plan: None };
        let Some(settings) = self.training.take() else {
            self.fit_search((left(), asked), args, host)?;
            return Ok(self);
        };
        if then_train::is_by_promise(&self.search) {
            // In seconds: what is left is the training's.
            let ahead = self.fit_search((left(), asked), args, host)?;
            let room = room(left().saturating_sub(ahead));
            let fitted = match args.train_images.is_none() && settings.data.train_images.is_none() {
                true => then_train::fitted_with_images(settings, &self.search, room, host)?,
                false => then_train::fitted(settings, &self.search, room, host)?,
            };
            if let Some(epochs) = args.train_epochs.filter(|_| fitted.1 > room.time) {
                let most = epochs as f64 * room.time.as_secs_f64() / fitted.1.as_secs_f64();
                let expected = format!("at most {most:.0}, for which there is time, or a longer --time");
                return Err(Setting::new("--train-epochs", epochs, expected).into());
            }
            self.training = Some(fitted.0);
            return Ok(self);
        }
        let (mut fitted, mut takes) = then_train::fitted(settings, &self.search, room(left() / 2), host)?;
        let may_go_on = self.search.limits.are_none() && args.seeds == 1 && args.train_epochs.is_none();
        let alike = self.search.finalists == base.finalists && going_on::finals_like(&fitted, &mut self.search);
        let goes_on = match &mut self.search.finalists {
            Some(finalists) if alike && may_go_on => {
                takes = left().mul_f64(GoingOn::prepare(finalists, trainings));
                true
            }
            _ => false,
        };
        self.fit_search((left().saturating_sub(takes), asked), args, host)?;
        if let (true, Some(finalists)) = (goes_on, &self.search.finalists) {
            // What is set beside it sees as many images.
            fitted.epochs = finalists.epochs;
            self.going_on = Some(GoingOn::after(finalists));
        }
        self.training = Some(fitted);
        Ok(self)
    }

    /// Fits the search, or those of all seeds together, to a time; returns how long they will take.
    fn fit_search(&mut self, (time, asked): (Duration, Duration), args: &Args, host: &Host) -> Result<Duration, Error> {
        let seeds = u32::try_from(args.seeds).unwrap_or(u32::MAX);
        let search = self.search.clone();
        let fitted = match then_train::is_by_promise(&search) {
            // It is as long as it is.
            true => {
                let fitted = search.fitted_to(time / seeds, || host.options());
                let fitted = fitted.map_err(|error| time::of_part(error, asked))?;
                host.tell(&format!("the search: {:.0} s by what was measured", fitted.ahead.as_secs_f64()));
                fitted
            }
            false => fitted(search, (time / seeds, asked), host, || host.options())?,
        };
        self.time = (args.seeds == 1).then_some(fitted.time);
        self.search = fitted.config;
        Ok(fitted.ahead * seeds)
    }

    /// The folder, with these plans in it.
    fn folder(&self, args: &Args) -> Result<RunWriter, TrainError> {
        let name = format!("search-{}-{}", self.search.data.dataset, self.search.preset);
        let dir = resume::new_folder(args.out.as_deref(), &name)?;
        self.training.iter().try_for_each(|training| dir.write_json(names::TRAINING_PLAN, training))?;
        self.going_on.iter().try_for_each(|going_on| dir.write_json(names::GOING_ON, going_on))?;
        self.time.iter().try_for_each(|time| dir.write_json(names::TIME, time))?;
        self.baselines.iter().try_for_each(|baselines| dir.write_json(names::BASELINES_PLAN, baselines))?;
        Ok(dir)
    }
}

/// The settings with counts for that time, and a line that says so.
///
/// # Errors
/// A time in which not even the shortest search fits.
pub(crate) fn fitted(
    config: SearchConfig,
    (time, asked): (Duration, Duration),
    host: &Host,
    options: impl FnMut() -> Options,
) -> Result<Fitted<SearchConfig>, Error> {
    let fitted = config.fitted_to(time, options);
    let fitted = fitted.map_err(|error| time::of_part(error, asked))?;
    host.tell(&fitted.note);
    Ok(fitted)
}
