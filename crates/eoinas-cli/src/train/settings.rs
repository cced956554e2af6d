//! From the flags of a training, its file of settings and the preset to its settings.

use eoinas_core::{Setting, models::Design, schedule::Warmup, skeleton::Form};
use eoinas_train::{TrainConfig, TrainPreset, training::EarlyStopping};

use super::Args;
use crate::{
    Error,
    config_file::{ConfigFile, set},
    data::has_windows,
};

/// Learning rate of the layers that have weights already, as a factor: the best of those that RESULTS.md compares.
pub(crate) const INIT_RATE: f64 = 1.0;
/// Share of the training images that choose the best epoch.
const HELD_OUT: f64 = 0.2;

/// What flags and file ask for.
pub(super) struct Settings {
    /// The settings of the preset below them.
    pub base: TrainConfig,
    pub config: TrainConfig,
    /// What the network that `--init` names is.
    pub of_init: Option<Design>,
}

/// Those of the flags over the file over the preset.
///
/// # Errors
/// Flags or a file that cannot be, or that contradict each other.
pub(super) fn of(args: &Args) -> Result<Settings, Error> {
    let file = ConfigFile::read(args.config.as_deref())?;
    let preset = args.preset.or(file.get("preset")?).unwrap_or(TrainPreset::Quick);
    let base = preset.config();
    let mut config = file.over(&base)?;
    config.preset = preset;
    let below = (config.data.dataset, config.data.dir.take());
    (config.data.dataset, config.data.dir) = args.images.choose(None, &file, below)?;
    if let Some(size) = args.images.image_size {
        let pictures = has_windows(config.data.dataset, size) && config.augment.crop.is_none();
        config = if pictures { config.for_pictures(size) } else { config };
        config.data.image_size = Some(size);
    }
    let mut of_init = None;
    if let Some(folder) = &args.init {
        let before = config.clone();
        let (with_init, design) = config.with_init(folder, args.init_rate.unwrap_or(INIT_RATE))?;
        match &design {
            Design::Cell(_) => check_file(&file, &before, &with_init)?,
            Design::Model(_) => check_model(&file, &before)?,
        }
        (config, of_init) = (with_init, Some(design));
    }
    if let Some(rate) = args.init_rate {
        let init = config.init.as_mut();
        init.ok_or_else(|| Setting::new("init.rate", rate, "none without the weights of a network: `init`"))?.rate =
            rate;
    }
    set(&mut config.seed, args.seed);
    config.data.train_images = args.train_images.or(config.data.train_images);
    config.data.test_images = args.test_images.or(config.data.test_images);
    config.data.skip_unreadable |= args.images.pictures.skip_unreadable;
    config.data.labels = args.images.pictures.labels.clone().or(config.data.labels);
    config.data.max_pixels = args.images.pictures.max_pixels.or(config.data.max_pixels);
    set(&mut config.epochs, args.epochs);
    set(&mut config.batch_size, args.batch_size);
    set(&mut config.network.channels, args.channels);
    set(&mut config.network.cells, args.cells);
    config.network.max_ops = args.max_ops.or(config.network.max_ops);
    config.multiply_adds = args.multiply_adds.or(config.multiply_adds);
    config.limits = args.limits.over(config.limits, args.cells.is_some());
    let limited = args.limits.limit_latency() || !config.limits.are_none();
    let beside = args.channels.filter(|_| limited);
    let expected = "none beside `limits` of the settings, to which the number of channels is fitted";
    Setting::check(beside.is_none(), "network.channels", beside.unwrap_or_default(), expected)?;
    if args.network.is_some() {
        check_model(&file, &config)?;
        config = config.for_model();
    }
    set(&mut config.drop_path, args.drop_path);
    set(&mut config.augment.cutout, args.cutout);
    set(&mut config.auxiliary, args.auxiliary);
    set(&mut config.label_smoothing, args.label_smoothing);
    set(&mut config.accumulate, args.accumulate);
    config.average = args.ema.or(config.average);
    set(&mut config.class_weights, args.class_weights);
    if let Some(epochs) = args.early_stopping {
        let held_out = config.early_stopping.map_or(HELD_OUT, |stopping| stopping.held_out);
        config.early_stopping = Some(EarlyStopping { epochs, held_out });
    }
    if let Some(held_out) = args.held_out {
        let stopping = config.early_stopping.as_mut();
        let alone = || Setting::new("early_stopping.held_out", held_out, "none without `early_stopping.epochs`");
        stopping.ok_or_else(alone)?.held_out = held_out;
    }
    if let Some(epochs) = args.warm_up {
        let expected = format!("0 to {}, the epochs of the training", config.epochs);
        Setting::check((0.0..=config.epochs as f64).contains(&epochs), "warm_up", epochs, expected)?;
        let then = Box::new(config.weights.learning_rate.clone());
        config.weights.learning_rate = Warmup { epochs, start: 0.0, then }.into();
    }
    Ok(Settings { base, config, of_init })
}

/// Whether the file says nothing that a human-designed network does not have.
fn check_model(file: &ConfigFile, config: &TrainConfig) -> Result<(), Error> {
    let expected = "none for a human-designed network, which says itself how large it is: leave it out of the file";
    for name in ["channels", "cells", "stem_multiplier", "layers"] {
        Setting::check(!file.has("network", name), format!("network.{name}"), "given", expected)?;
    }
    for (name, got) in [("drop_path", config.drop_path), ("auxiliary", config.auxiliary)] {
        let given = file.get::<f64>(name)?.is_some_and(|given| given != 0.0);
        Setting::check(!given, name, got, "0: a human-designed network has no such thing")?;
    }
    Ok(())
}

/// Whether the file says nothing of the network that `--init` does not, too.
fn check_file(file: &ConfigFile, before: &TrainConfig, with_init: &TrainConfig) -> Result<(), Error> {
    let fields = |config: &TrainConfig| {
        let network = &config.network;
        [
            ("channels", network.channels.to_string()),
            ("cells", network.cells.to_string()),
            ("stem_multiplier", network.stem_multiplier.to_string()),
            ("layers", format!("{:?}", network.layers)),
        ]
    };
    for ((name, got), (_, wanted)) in fields(before).into_iter().zip(fields(with_init)) {
        let expected = format!("{wanted}, as the network of `init` has; leave it out of the file");
        Setting::check(got == wanted || !file.has("network", name), format!("network.{name}"), &got, expected)?;
    }
    let expected = format!("{:?}, as the network of `init` has; leave it out of the file", with_init.form);
    let same = file.get::<Form>("form")?.is_none_or(|form| form == with_init.form);
    Ok(Setting::check(same, "form", format!("{:?}", before.form), expected)?)
}
