//! `eoinas images`: from a folder of pictures to a trained network.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use eoinas_core::{Genotype, SearchSpace, SeedStream, Streams, counted, run_folder::names};
use eoinas_data::SourceKind;
use eoinas_train::{
    Found, Options, Outcome, RunDir, RunWriter, Search, SearchConfig, StopReason, TrainConfig, Trained, Training,
    config::RetrainConfig, data::open_dataset,
};

use crate::{
    Error, Start,
    baselines::{Baselines, Plan},
    data::PictureFlags,
    end, flags,
    host::{Host, HostArgs},
    limits::LimitFlags,
    out::{say, tell},
    page::PageArgs,
    resume, then_train, time,
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
  eoinas images --resume runs/folder")]
pub struct Args {
    /// The folder of pictures.
    #[arg(required_unless_present = "resume")]
    dir: Option<PathBuf>,
    /// Folder for everything that the run leaves, which must not exist [default: runs/folder]
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dir", "out", "image_size", "search_epochs", "epochs", "time", "channels",
        "cells", "max_parameters", "max_multiply_adds", "max_latency", "seed", "skip_unreadable", "max_pixels", "labels", "alone", "estimate"])]
    resume: Option<PathBuf>,
    /// Height and width of the images that the network sees.
    #[arg(long, default_value_t = 64)]
    image_size: usize,
    /// Epochs of the search [default: 24 to 160, the more the fewer pictures there are]
    #[arg(long)]
    search_epochs: Option<usize>,
    /// Epochs of the training [default: 30 to 200, the more the fewer pictures there are]
    #[arg(long)]
    epochs: Option<usize>,
    /// Fit search and training together to a time, such as 20m or 1h 30m: some steps are measured, then epochs are chosen once;
    /// half of it is the training's.
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

/// Steps that the estimate measures.
const MEASURED: usize = 4;

/// Epochs of a search that is fitted to a time, at most: the paper's.
const MOST_SEARCH_EPOCHS: usize = 160;

/// Of fewer training pictures it is said what may do better.
const FEW: usize = 2000;

/// Longer than this, it is said what would be shorter.
const LONG: Duration = Duration::from_secs(3600);

/// Searches, trains, measures and saves.
///
/// # Errors
/// Pictures that cannot be used; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    args.host.run(|| run_here(args, start))
}

fn run_here(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    args.page.check()?;
    args.resume.as_deref().map_or(Ok(()), |path| resume::check(path, "images", start))?;
    let host = args.host.open()?.saying_notes_once().with_phases(!args.verbose);
    let (out, search) = match (&args.resume, &args.dir) {
        (Some(path), _) => {
            let mut out = RunWriter::resume(path)?;
            // Version 0.1.0 did not write it down.
            let planned = out.join(names::SEARCH_PLAN).exists();
            let search = planned.then(|| out.read_json(names::SEARCH_PLAN)).transpose()?;
            out.settle()?;
            (out, search)
        }
        (None, Some(dir)) => {
            let begun = Instant::now();
            let (mut search, mut training) = plan(args, dir, start, &host)?;
            let baselines = (!args.alone).then(|| Plan::new(search.seed).with_published());
            let trainings = 1 + baselines.as_ref().map_or(0, Plan::trainings);
            match args.time {
                Some(time) => {
                    let left = time.saturating_sub(begun.elapsed());
                    let fitted = search.fitted_to(left / 2, || host.options());
                    let fitted = fitted.map_err(|error| flags::of_search(time::of_part(error, time)))?;
                    let each = fitted.expected.div_f64(fitted.config.epochs.max(1) as f64);
                    search = fitted.config;
                    // Few pictures are searched with no longer than with many.
                    search.epochs = search.epochs.min(MOST_SEARCH_EPOCHS);
                    let searching = each.mul_f64(search.epochs as f64);
                    host.tell(&format!(
                        "the search: {}, {:.0} s by what was measured",
                        counted(search.epochs, "epoch", "epochs"),
                        searching.as_secs_f64()
                    ));
                    let rest = time.saturating_sub(begun.elapsed()).saturating_sub(searching);
                    training = then_train::fitted(training, &search, (rest, time), (None, trainings), &host)?.0;
                }
                None => estimate(args, &search, &training, trainings - 1, &host)?,
            }
            if args.estimate {
                return Ok(ExitCode::SUCCESS);
            }
            let mut out = match &args.out {
                Some(path) => RunWriter::create(path)?,
                None => RunWriter::create_unique("runs".as_ref(), "folder")?,
            };
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
    let code = match ended {
        Ok(baselines) => report(&out, baselines.as_ref(), start)?,
        Err(reason) => end::stopped(&reason, "images", out.path(), start).0,
    };
    args.page.end(out.path());
    Ok(code)
}

/// Settings that fit the number of pictures.
fn plan(args: &Args, dir: &Path, start: &Start, host: &Host) -> Result<(SearchConfig, TrainConfig), Error> {
    let mut search = SearchConfig::quick();
    search.seed = args.seed;
    search.data.dataset = SourceKind::Folder;
    search.data.dir = Some(dir.to_owned());
    search.data.train_images = None;
    search.data.skip_unreadable = args.pictures.skip_unreadable;
    search.data.max_pixels = args.pictures.max_pixels;
    search.data.labels = args.pictures.labels.clone();
    let kind = if args.pictures.labels.is_some() { SourceKind::Folder } else { SourceKind::detect(dir)? };
    if kind != SourceKind::Folder {
        let search = start.line("search", ["--data".as_ref(), dir.as_os_str(), "--then-train".as_ref()]);
        return Err(
            format!("{} has the files of {kind}, and no folders of pictures; for it: {search}", dir.display()).into()
        );
    }
    let data = open_dataset(&search.data)?;
    let images = data.len();
    data.info().notes.iter().for_each(|note| host.note(note));
    if images < 4 || data.info().target.outputs() < 2 {
        let classes = data.info().target.outputs();
        return Err(format!(
            "{} has {} of {}; at least 4 of 2 classes are needed",
            dir.display(),
            counted(images, "training picture", "training pictures"),
            counted(classes, "class", "classes")
        )
        .into());
    }
    if images < FEW {
        let words = [OsStr::new("--init"), OsStr::new("MODEL"), OsStr::new("--data"), dir.as_os_str()];
        let instead = start.line("train", words);
        host.note(&format!(
            "{} few for a search and a network from scratch; weights that were trained on others may do \
             better: {instead} (and --folds 5, to know how good it is)",
            counted(images, "training picture is", "training pictures are")
        ));
    }
    search.batch_size = search.batch_size.min(images / 2);
    let mut training = then_train::with_batch_for(TrainConfig::quick().for_pictures(args.image_size), images);
    training.seed = args.seed;
    training.data.dir = search.data.dir.clone();
    training.data.skip_unreadable = args.pictures.skip_unreadable;
    training.data.max_pixels = args.pictures.max_pixels;
    training.data.labels = args.pictures.labels.clone();
    training.network.channels = args.channels.unwrap_or(16);
    training.network.cells = args.cells.unwrap_or(8);
    training.limits = args.limits.over(training.limits, args.cells.is_some());
    training.label_smoothing = 0.1;
    // Few pictures make few steps an epoch, and learning takes steps.
    let epochs = |steps: usize, batch: usize, least, most| (steps * batch / images).clamp(least, most);
    search.epochs = args.search_epochs.unwrap_or(epochs(2400, search.batch_size, 24, 160));
    training.epochs = args.epochs.unwrap_or(epochs(3000, training.batch_size, 30, 200));
    if args.limits.limit_latency() {
        let skeleton = training.unlimited_for(&mut host.options())?;
        training.limits = args.limits.with_latency(training.limits, &skeleton, &SearchSpace::darts(), host)?;
    }
    training.validate()?;
    search.retrain = Some(RetrainConfig::from(&training));
    Ok((search.with_limits(training.limits.clone()), training))
}

/// Says how long it will take. The cell is not known yet, so random ones stand for it.
fn estimate(
    args: &Args,
    search: &SearchConfig,
    training: &TrainConfig,
    others: usize,
    host: &Host,
) -> Result<(), Error> {
    let searching = Search::estimate(search.clone(), Options::default(), MEASURED).map_err(flags::of_search)?;
    let mut rng = Streams::new(args.seed).rng(SeedStream::Named("estimate"), 0, 0);
    let cell = Genotype::random(&SearchSpace::darts(), &mut rng);
    let (time, notes) = Training::estimate_with_notes((training.clone(), cell.into()), Options::default(), MEASURED)?;
    // A run says in its course what there is to know of the test pictures, too.
    if args.estimate {
        notes.iter().for_each(|note| host.note(note));
    }
    let [search, training] = [search.epochs, training.epochs].map(|epochs| counted(epochs, "epoch", "epochs"));
    let beside = match others {
        0 => String::new(),
        _ => format!(", and as long for each of {others} networks to set beside it"),
    };
    let said = format!(
        "on this machine: about {} to search ({search}), about {} to train ({training}){beside}",
        in_words(searching),
        in_words(time)
    );
    // What was asked for is the command's answer; else it is said before the work.
    match args.estimate {
        true => say!("{said}"),
        false => tell!("{said}"),
    }
    if searching + time * (1 + others as u32) > LONG {
        tell!("fewer --search-epochs and --epochs, a smaller --image-size, or --alone, take less");
    }
    Ok(())
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0..90 => format!("{:.0} s", time.as_secs_f64().max(1.0)),
        seconds @ 90..5400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
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
    let trained = match then_train::train(out, &out.join(names::SEARCH), host.options_of("training"))? {
        Outcome::Done(trained) => trained,
        Outcome::Stopped(reason) => return Ok(Err(reason)),
    };
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
    let found: Found = RunDir::open(&out.join(names::SEARCH))?.read_json(names::RESULT)?;
    let trained: Trained = RunDir::open(&out.join(names::TRAINING))?.read_json(names::RESULT)?;
    say!("{}", trained.design);
    say!("searched for {:.0} s, trained for {:.0} s", found.seconds, trained.seconds);
    baselines.iter().for_each(|baselines| baselines.print(&trained));
    then_train::print_trained(out, &trained, start)?;
    Ok(ExitCode::SUCCESS)
}
