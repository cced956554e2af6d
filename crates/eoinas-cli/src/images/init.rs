//! Weights that were trained on other pictures, in the place of a search.

use std::{path::Path, time::Instant};

use eoinas_core::run_folder::names;
use eoinas_train::{RunDir, RunWriter, TrainConfig, config::DataConfig, training::InitConfig};

use super::{Args, estimate, settings};
use crate::{Error, Start, flags, host::Host, resume, then_train, train::INIT_RATE};

/// The folder of a new run that begins with the weights in `model`; `None` where an estimate alone was asked for.
///
/// # Errors
/// Pictures or a network that cannot be used, or do not fit each other.
pub(super) fn begin(
    args: &Args,
    (dir, model): (&Path, &Path),
    start: &Start,
    host: &Host,
) -> Result<Option<RunWriter>, Error> {
    let begun = Instant::now();
    let data = settings::data_of(args, dir, DataConfig::default());
    let images = settings::pictures(&data, start, host)?;
    let config = settings::training_of(args, &data, images);
    let (mut config, design) = config.with_init(model, args.init_rate.unwrap_or(INIT_RATE))?;
    config.validate().map_err(flags::of_training)?;
    match args.time {
        Some(time) => {
            let left = time.saturating_sub(begun.elapsed());
            let fitted = config.fitted_to(left, std::slice::from_ref(&design), || host.options());
            let fitted = fitted.map_err(|error| flags::of_training(crate::time::of_part(error, time)))?;
            host.tell(&fitted.note);
            config = fitted.config;
        }
        None => estimate::say_training(args, (&config, &design), host)?,
    }
    if args.estimate {
        return Ok(None);
    }
    let out = resume::new_folder(args.out.as_deref(), "folder")?;
    then_train::write_design(&out, &design)?;
    out.write_json(names::TRAINING_PLAN, &config)?;
    Ok(Some(out))
}

/// What the training in the folder of a run of `eoinas images` begins with; `None` where its cell is searched.
///
/// # Errors
/// Settings that cannot be read.
pub(super) fn of(out: &RunDir) -> Result<Option<InitConfig>, Error> {
    let config: TrainConfig = out.read_json(names::TRAINING_PLAN)?;
    Ok(config.init)
}

/// Whether there is such a thing.
///
/// # Errors
/// As [`of`].
pub(super) fn is_in(out: &RunDir) -> Result<bool, Error> {
    Ok(of(out)?.is_some())
}

/// What it is, for people.
pub(super) fn in_words(init: &InitConfig) -> String {
    let how = if init.is_frozen() { ", which stayed as they were below the head" } else { "" };
    format!("nothing was searched: it began with the weights of {}{how}", init.network.display())
}
