//! From the flags of a search, its file of settings and the preset to its settings.

use clap::ValueEnum;
use eoinas_data::SourceKind;
use eoinas_train::{
    Preset, SearchConfig, TrainConfig,
    config::{DataConfig, RetrainConfig},
    data::open_dataset,
    finalists::FEW_IMAGES,
};

use super::Args;
use crate::{
    Error,
    config_file::{ConfigFile, set},
    then_train,
};

/// The settings that flags and file ask for, and those of the preset below them.
pub(super) fn of(args: &Args) -> Result<(SearchConfig, SearchConfig), Error> {
    let file = ConfigFile::read(args.config.as_deref())?;
    let preset = args.preset.or(file.get("preset")?).unwrap_or(Preset::Recommended);
    let method = file.method()?;
    // The settings of the file's method stand over those of the same method.
    let base = match method {
        Some((kind, true)) => preset.config().with_method(kind),
        _ => preset.config(),
    };
    let mut config = file.over(&base)?;
    config.preset = preset;
    set(&mut config.seed, args.seed);
    set(&mut config.epochs, args.epochs);
    set(&mut config.batch_size, args.batch_size);
    set(&mut config.network.channels, args.channels);
    set(&mut config.network.cells, args.cells);
    config.network.max_ops = args.max_ops.or(config.network.max_ops);
    let chosen = args.method.or(method.and_then(|(kind, with_settings)| (!with_settings).then_some(kind)));
    if let Some(method) = chosen {
        config = config.with_method(method);
        // Some methods have epochs of their own.
        set(&mut config.epochs, args.epochs);
    }
    match args.finalists {
        Some(0) => config.finalists = None,
        Some(cells) => config = config.with_setting("finalists.candidates", &cells.to_string())?,
        None => {}
    }
    // Of the method, which refuses by name what it does not have.
    let own = [
        ("partial_channels", args.partial_channels.map(|share| share.to_string())),
        ("edges", args.edges.map(|edges| name(&edges))),
        ("paths_per_step", args.paths_per_step.map(|paths| paths.to_string())),
        ("path", args.path.map(|path| name(&path))),
    ];
    for (setting, value) in own {
        if let Some(value) = value {
            config = config.with_setting(setting, &value)?;
        }
    }
    if let Some(images) = args.train_images {
        config.data.train_images = (images > 0).then_some(images);
    }
    // What is fetched is known before it is there.
    let fetched = args.download && config.data.dataset.is_embedded();
    let below = (config.data.dataset, config.data.dir.take());
    (config.data.dataset, config.data.dir) =
        args.images.choose(fetched.then_some(SourceKind::Cifar10), &file, below)?;
    config.data.image_size = args.images.image_size.or(config.data.image_size);
    config.data.skip_unreadable |= args.images.pictures.skip_unreadable;
    config.data.labels = args.images.pictures.labels.clone().or(config.data.labels);
    config.data.max_pixels = args.images.pictures.max_pixels.or(config.data.max_pixels);
    let available = available(&config.data)?;
    // The preset's number of images, which nobody asked for, is for sets that have more.
    if let Some(available) = available
        && args.train_images.is_none()
        && !file.has("data", "train_images")
    {
        config.data.train_images = config.data.train_images.filter(|most| available > *most);
    }
    let images = [config.data.train_images, available].into_iter().flatten().min();
    if let (Some(images), Some(_)) = (images, available) {
        if args.batch_size.is_none() && file.get::<usize>("batch_size")?.is_none() {
            config.batch_size = config.batch_size.min(images / 2).max(2);
        }
        if !file.has("finalists", "epochs") {
            then_train::fit_finalists(&mut config, images);
        }
    }
    // What promises the most was learned from photographs, and not from the embedded drawings; of several seeds trainings choose.
    let trained_next = args.then_train && args.seeds == 1 && !config.data.dataset.is_embedded();
    if (trained_next || images.is_some_and(|images| images < FEW_IMAGES))
        && args.finalists.is_none()
        && !["candidates", "random", "drawn_by"].into_iter().any(|setting| file.has("finalists", setting))
    {
        then_train::choose_by_promise(&mut config);
        set(&mut config.epochs, args.epochs.or(file.get("epochs")?));
        // Few images make a search short, and the training good for nothing.
        if trained_next
            && args.train_images.is_none()
            && !file.has("data", "train_images")
            && then_train::is_by_promise(&config)
        {
            config.data.train_images = None;
        }
    }
    let limits = args.limits.over(config.limits.clone(), false);
    if limits != config.limits {
        config = config.with_limits(limits);
    }
    let retrain = then_train::retrain(&config.data, config.network.max_ops);
    if let (Some(retrain), Some(_)) = (&mut config.retrain, args.max_ops) {
        retrain.network.max_ops = args.max_ops;
    }
    if config.retrain.is_none() && retrain != RetrainConfig::from(&TrainConfig::quick()) {
        config.retrain = Some(retrain);
    }
    Ok((chosen.map_or(base.clone(), |method| base.with_method(method)), config))
}

/// How many training images there are; nothing of embedded sets, and of what cannot be read, which the search will say.
fn available(data: &DataConfig) -> Result<Option<usize>, Error> {
    match (data.dataset, &data.dir) {
        #[cfg(feature = "images")]
        (SourceKind::Folder, Some(dir)) => {
            let config =
                eoinas_data::FolderConfig { files: data.files, labels: data.labels.clone(), ..Default::default() };
            Ok(Some(eoinas_data::ImageFolder::count(dir, &config)?))
        }
        (kind, Some(_)) if !kind.is_embedded() => Ok(open_dataset(data).ok().map(|set| set.len())),
        _ => Ok(None),
    }
}

/// As it is on the command line.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
