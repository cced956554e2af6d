//! `eoinas images`: from a folder of pictures to a trained network.

mod estimate;
mod init;
mod settings;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use eoinas_core::{counted, run_folder::names};
use eoinas_train::{
    Found, Options, Outcome, Preset, RunDir, RunWriter, Search, SearchConfig, StopReason, Trained,
    config::RetrainConfig,
};

use crate::{
    Error, Start,
    baselines::{Baselines, Plan},
    choices,
    data::PictureFlags,
    end, flags,
    host::{Host, HostArgs},
    limits::LimitFlags,
    out::say,
    page::{self, PageArgs},
    resume,
    then_train::{self, Room},
    time,
};

/// From a folder of pictures to a trained network: searches for a cell, trains its network, measures it and saves it.
///
/// The folder has one subfolder of pictures for each class, or `train` and `test` with such subfolders; or --labels says what
/// they are. It is said first how long it will take on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas images my-pictures --estimate
  eoinas images my-pictures --image-size 128 --open-report
  eoinas images my-pictures --init runs/train-cifar10-quick
  eoinas images --resume runs/folder")]
pub struct Args {
    /// The folder of pictures.
    #[arg(required_unless_present = "resume")]
    dir: Option<PathBuf>,
    /// Folder for everything that the run leaves, which must not exist [default: runs/folder]
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dir", "out", "image_size", "preset", "search_epochs", "epochs", "time",
        "channels", "cells", "max_parameters", "max_multiply_adds", "max_latency", "seed", "skip_unreadable", "max_pixels", "labels", "alone", "estimate", "init",
        "init_rate"])]
    resume: Option<PathBuf>,
    /// Search nothing: begin with the weights of a network that was trained before, on other pictures (its folder network/, or that of
    /// the training), as `eoinas train --init` does. Cell, size and normalisation are that network's; the head is new, unless the
    /// classes are the same. For few pictures.
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["preset", "search_epochs", "channels", "cells", "max_parameters", "max_multiply_adds",
        "max_latency", "alone"])]
    init: Option<PathBuf>,
    /// With --init: what the learning rate of all but the head is multiplied by, 0 (frozen) to 1 [default: 1]
    #[arg(long, value_name = "FACTOR")]
    init_rate: Option<f64>,
    /// Height and width of the images that the network sees.
    #[arg(long, default_value_t = 64)]
    image_size: usize,
    /// Settings that the search starts from.
    #[arg(long, default_value_t = Preset::Recommended, value_parser = choices::presets())]
    preset: Preset,
    /// Epochs of the search [default: the preset's; with `quick` 24 to 160, the more the fewer pictures there are]
    #[arg(long)]
    search_epochs: Option<usize>,
    /// Epochs of the training [default: 30 to 200, the more the fewer pictures there are]
    #[arg(long)]
    epochs: Option<usize>,
    /// Fit search and training together to a time, such as 20m or 1h 30m: some steps are measured, then epochs are chosen once;
    /// half of it is the training's at least.
    #[arg(long, value_parser = crate::time::parse, conflicts_with_all = ["search_epochs", "epochs"])]
    time: Option<Duration>,
    /// Initial number of channels C of the trained network [default: 16]
    #[arg(long, conflicts_with_all = ["max_parameters", "max_multiply_adds", "max_latency"])]
    channels: Option<usize>,
    /// Number of cells L of the trained network [default: 8]
    #[arg(long)]
    cells: Option<usize>,
    #[command(flatten)]
    limits: LimitFlags,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    pictures: PictureFlags,
    /// Train the found cell's network alone. Without this a random cell, a published one and a human-designed network are trained
    /// alike, at equal cost, to know what it is worth.
    #[arg(long)]
    alone: bool,
    /// Say what each epoch brought, not one line for the search and one for each training.
    #[arg(long)]
    verbose: bool,
    /// Say how long it would take, and do nothing.
    #[arg(long, conflicts_with_all = ["out", "open_report"])]
    estimate: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    host: HostArgs,
}

/// Epochs of a search that is fitted to a time, at most: the paper's.
const MOST_SEARCH_EPOCHS: usize = 160;

/// Searches, trains, measures and saves.
///
/// # Errors
/// Pictures that cannot be used; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    args.host.run(|| run_here(args, start))
}

fn run_here(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    args.page.check()?;
    if args.init_rate.is_some() && args.init.is_none() {
        return Err("--init-rate is of the weights of a network; give it, too: --init MODEL".into());
    }
    args.resume.as_deref().map_or(Ok(()), |path| resume::check(path, "images", start))?;
    let host = args.host.open()?.saying_notes_once().with_phases(!args.verbose);
    if let (Some(dir), Some(model)) = (&args.dir, &args.init) {
        let Some(mut out) = init::begin(args, (dir, model), start, &host)? else { return Ok(ExitCode::SUCCESS) };
        out.settle()?;
        return end(&out, args, train(&out, &host)?, start);
    }
    let (out, search) = match (&args.resume, &args.dir) {
        (Some(path), _) => {
            let mut out = RunWriter::resume(path)?;
            // Version 0.1.0 did not write it down.
            let planned = out.join(names::SEARCH_PLAN).exists();
            let search = planned.then(|| out.read_json(names::SEARCH_PLAN)).transpose()?;
            out.settle()?;
            if init::is_in(&out)? {
                return end(&out, args, train(&out, &host)?, start);
            }
            (out, search)
        }
        (None, Some(dir)) => {
            let begun = Instant::now();
            let (mut search, mut training) = settings::plan(args, dir, start, &host)?;
            let baselines = (!args.alone).then(|| Plan::new(search.seed).with_published());
            let trainings = 1 + baselines.as_ref().map_or(0, Plan::trainings);
            match args.time {
                Some(time) => {
                    let left = time.saturating_sub(begun.elapsed());
                    let fitted = search.fitted_to(left / 2, || host.options());
                    let fitted = fitted.map_err(|error| flags::of_search(time::of_part(error, time)))?;
                    let mut searching = fitted.ahead;
                    search = fitted.config;
                    if search.epochs > MOST_SEARCH_EPOCHS {
                        // Few pictures are searched with no longer than with many.
                        searching = searching.mul_f64(MOST_SEARCH_EPOCHS as f64 / search.epochs as f64);
                        search.epochs = MOST_SEARCH_EPOCHS;
                        host.tell(&format!(
                            "the search: {}, {:.0} s by what was measured",
                            counted(search.epochs, "epoch", "epochs"),
                            searching.as_secs_f64()
                        ));
                    } else if then_train::is_by_promise(&search) {
                        host.tell(&format!("the search: {:.0} s by what was measured", searching.as_secs_f64()));
                    } else {
                        host.tell(&format!("the search: {}", fitted.note));
                    }
                    let rest = time.saturating_sub(begun.elapsed()).saturating_sub(searching);
                    let room = Room { time: rest, asked: time, epochs: None, trainings, plan: baselines.as_ref() };
                    training = then_train::fitted_in_size(training, settings::smaller(args), &search, room, &host)?;
                    search.retrain = Some(RetrainConfig::from(&training));
                }
                None => estimate::say_both(args, &search, &training, trainings - 1, &host)?,
            }
            if args.estimate {
                return Ok(ExitCode::SUCCESS);
            }
            let mut out = resume::new_folder(args.out.as_deref(), "folder")?;
            out.write_json(names::TRAINING_PLAN, &training)?;
            out.write_json(names::SEARCH_PLAN, &search)?;
            baselines.iter().try_for_each(|plan| out.write_json(names::BASELINES_PLAN, plan))?;
            out.settle()?;
            (out, Some(search))
        }
        (None, None) => return Err("give a folder of pictures, or --resume".into()),
    };
    let ended = match find(&out, search, &host)? {
        Some(reason) => Err(reason),
        None => train(&out, &host)?,
    };
    end(&out, args, ended, start)
}

/// Says what came of it, makes the page, and says how the program ends.
fn end(
    out: &RunWriter,
    args: &Args,
    ended: Result<Option<Baselines>, StopReason>,
    start: &Start,
) -> Result<ExitCode, Error> {
    let code = match ended {
        Ok(baselines) => report(out, baselines.as_ref(), start)?,
        Err(reason) => end::stopped(&reason, "images", out.path(), start).0,
    };
    args.page.end(out.path());
    Ok(code)
}

/// Searches, or goes on with the search, unless that is done.
fn find(out: &RunDir, config: Option<SearchConfig>, host: &Host) -> Result<Option<StopReason>, Error> {
    let path = out.join(names::SEARCH);
    let options = Options { study: Some(out.path().to_owned()), ..host.options_of("search") };
    let outcome = match config {
        Some(config) => Search::complete(config, &path, options)?,
        None if path.join(names::RESULT).exists() => return Ok(None),
        None => Search::resume(&path, options)?.run()?,
    };
    Ok(match outcome {
        Outcome::Done(_) => None,
        Outcome::Stopped(reason) => Some(reason),
    })
}

/// Trains the network of the cell that was found, and what it is set beside, or goes on with that.
fn train(out: &RunWriter, host: &Host) -> Result<Result<Option<Baselines>, StopReason>, Error> {
    // Where nothing was searched, the network's design stands in the folder itself.
    let found = if init::is_in(out)? { out.path().to_owned() } else { out.join(names::SEARCH) };
    let trained = match then_train::train(out, &found, host.options_of("training"))? {
        Outcome::Done(trained) => trained,
        Outcome::Stopped(reason) => return Ok(Err(reason)),
    };
    page::keep_evaluation(&out.join(names::TRAINING), host);
    if !Plan::is_in(out) {
        return Ok(Ok(None));
    }
    let baselines = Baselines::train(out, &trained, host)?;
    // The report has no images to work it out from.
    if let Some(linear) = baselines.as_ref().ok().and_then(Baselines::linear_classifier)
        && !out.join(names::LINEAR_CLASSIFIER).exists()
    {
        out.write_json(names::LINEAR_CLASSIFIER, linear)?;
    }
    Ok(baselines.map(Some))
}

fn report(out: &RunDir, baselines: Option<&Baselines>, start: &Start) -> Result<ExitCode, Error> {
    let trained: Trained = RunDir::open(&out.join(names::TRAINING))?.read_json(names::RESULT)?;
    say!("{}", trained.design);
    match init::of(out)? {
        Some(init) => say!("{}; trained for {:.0} s", init::in_words(&init), trained.seconds),
        None => {
            let found: Found = RunDir::open(&out.join(names::SEARCH))?.read_json(names::RESULT)?;
            say!("searched for {:.0} s, trained for {:.0} s", found.seconds, trained.seconds);
        }
    }
    baselines.iter().for_each(|baselines| baselines.print(&trained, None));
    then_train::print_trained(out, &trained, start)?;
    Ok(ExitCode::SUCCESS)
}
