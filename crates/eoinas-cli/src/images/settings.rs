//! From the number of pictures to settings.

use std::{ffi::OsStr, path::Path};

use eoinas_core::{SearchSpace, counted};
use eoinas_data::SourceKind;
use eoinas_train::{
    Preset, SearchConfig, TrainConfig,
    config::{DataConfig, NetworkConfig, RetrainConfig},
    data::open_dataset,
    finalists::FEW_IMAGES,
};

use super::Args;
use crate::{
    Error, Start,
    host::Host,
    then_train::{self, epochs},
};

/// Settings that fit the number of pictures.
pub(super) fn plan(args: &Args, dir: &Path, start: &Start, host: &Host) -> Result<(SearchConfig, TrainConfig), Error> {
    let mut search = args.preset.config();
    search.seed = args.seed;
    search.data = data_of(args, dir, search.data);
    let images = pictures(&search.data, start, host)?;
    if images < FEW_IMAGES {
        let words = [dir.as_os_str(), OsStr::new("--init"), OsStr::new("MODEL")];
        let instead = start.line("images", words);
        host.note(&format!(
            "{} few for a search and a network from scratch; weights that were trained on others may do better: {instead}",
            counted(images, "training picture is", "training pictures are")
        ));
    }
    search.batch_size = search.batch_size.min(images / 2);
    let mut training = training_of(args, &search.data, images);
    training.network.channels = args.channels.unwrap_or(16);
    training.network.cells = args.cells.unwrap_or(8);
    training.limits = args.limits.over(training.limits, args.cells.is_some());
    if args.preset == Preset::Quick {
        search.epochs = epochs(2400, search.batch_size, images, (24, 160));
    }
    then_train::fit_finalists(&mut search, images);
    then_train::choose_by_promise(&mut search);
    search.epochs = args.search_epochs.unwrap_or(search.epochs);
    if args.limits.limit_latency() {
        let skeleton = training.unlimited_for(&mut host.options())?;
        training.limits = args.limits.with_latency(training.limits, &skeleton, &SearchSpace::darts(), host)?;
    }
    training.validate()?;
    search.retrain = Some(RetrainConfig::from(&training));
    Ok((search.with_limits(training.limits.clone()), training))
}

/// The network where there is no time for the usual one, unless its size was asked for.
pub(super) fn smaller(args: &Args) -> Option<NetworkConfig> {
    let asked = args.channels.is_some() || args.cells.is_some() || !args.limits.are_none();
    (!asked).then(|| TrainConfig::quick().network)
}

/// The pictures that the flags mean.
pub(super) fn data_of(args: &Args, dir: &Path, below: DataConfig) -> DataConfig {
    DataConfig {
        dataset: SourceKind::Folder,
        dir: Some(dir.to_owned()),
        train_images: None,
        skip_unreadable: args.pictures.skip_unreadable,
        max_pixels: args.pictures.max_pixels,
        labels: args.pictures.labels.clone(),
        ..below
    }
}

/// Looks at the pictures, and says how many there are to learn from.
///
/// # Errors
/// No folder of pictures; too few of them.
pub(super) fn pictures(data: &DataConfig, start: &Start, host: &Host) -> Result<usize, Error> {
    let dir = data.dir.as_deref().unwrap_or(Path::new("."));
    let kind = if data.labels.is_some() { SourceKind::Folder } else { SourceKind::detect(dir)? };
    if kind != SourceKind::Folder {
        let search = start.line("search", ["--data".as_ref(), dir.as_os_str(), "--then-train".as_ref()]);
        return Err(
            format!("{} has the files of {kind}, and no folders of pictures; for it: {search}", dir.display()).into()
        );
    }
    let set = open_dataset(data)?;
    let images = set.len();
    set.info().notes.iter().for_each(|note| host.note(note));
    if images < 4 {
        let classes = set.info().target.outputs();
        return Err(format!(
            "{} has {} of {}; at least 4 of 2 classes are needed",
            dir.display(),
            counted(images, "training picture", "training pictures"),
            counted(classes, "class", "classes")
        )
        .into());
    }
    Ok(images)
}

/// The training of a network with so many pictures.
pub(super) fn training_of(args: &Args, data: &DataConfig, images: usize) -> TrainConfig {
    let mut training = then_train::with_batch_for(TrainConfig::quick().for_pictures(args.image_size), images);
    training.seed = args.seed;
    training.data.dir = data.dir.clone();
    training.data.skip_unreadable = data.skip_unreadable;
    training.data.max_pixels = data.max_pixels;
    training.data.labels = data.labels.clone();
    training.label_smoothing = 0.1;
    training.epochs = args.epochs.unwrap_or_else(|| epochs(3000, training.batch_size, images, (30, 200)));
    training
}
