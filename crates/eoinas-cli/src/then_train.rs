//! From a search's cell to a trained network: what the commands that do both have in common.

use std::path::Path;

use eoinas_core::{Genotype, run_folder::names};
use eoinas_train::{Options, Outcome, RunDir, SearchConfig, TrainConfig, Trained, Training, data::open_dataset};

use crate::{Error, Start, out::say};

/// The same settings with a batch that `images` training images, of which there are at least 4, can fill twice.
pub(crate) fn with_batch_for(mut config: TrainConfig, images: usize) -> TrainConfig {
    config.batch_size = config.batch_size.min(images / 2).max(2);
    config
}

/// Settings of the training that follows a search, on its images.
///
/// # Errors
/// Images that cannot be opened; settings that cannot work.
pub(crate) fn settings(search: &SearchConfig, epochs: Option<usize>) -> Result<TrainConfig, Error> {
    let data = &search.data;
    let available = open_dataset(data)?.len();
    let mut config = TrainConfig::quick();
    config.seed = search.seed;
    config.data = data.into();
    config.epochs = epochs.unwrap_or(config.epochs);
    let config = with_batch_for(config, data.train_images.map_or(available, |images| images.min(available)));
    config.validate()?;
    Ok(config)
}

/// Trains the network of the cell that was found in `search` with the settings in `out`, or goes on with that, unless it
/// is done.
pub(crate) fn train(out: &RunDir, search: &Path, options: Options) -> Result<Outcome<Trained>, Error> {
    let genotype = Genotype::parse(&RunDir::open(search)?.read(names::GENOTYPE_JSON)?)?;
    let task = (out.read_json(names::TRAINING_PLAN)?, genotype);
    // The network is trained with the images that its cell was found with.
    let options = Options { study: Some(out.path().to_owned()), ..options };
    Ok(Training::complete(task, &out.join(names::TRAINING), options)?)
}

/// Says what the network is worth, where it is and how to use it.
pub(crate) fn print_trained(out: &RunDir, trained: &Trained, start: &Start) {
    say!(
        "{:.2} % of {} test pictures are right; {:.2} M parameters, {:.0} M multiply-adds",
        100.0 * trained.accuracy,
        trained.test_images,
        trained.parameters as f64 / 1e6,
        trained.multiply_adds as f64 / 1e6
    );
    let network = out.join(names::TRAINING).join(names::NETWORK);
    say!("the network: {}", network.display());
    say!("use it: {} PICTURE", start.line("classify", [network.as_os_str()]));
}
