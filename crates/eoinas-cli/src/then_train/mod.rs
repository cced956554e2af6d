//! From a search's cell to a trained network: what the commands that do both have in common.

pub(crate) mod going_on;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use eoinas_core::{Genotype, SearchSpace, count, counted, models::Design, run_folder::names};
use eoinas_data::DatasetInfo;
use eoinas_nn::saved::SavedNetwork;
use eoinas_train::{
    FinalistsConfig, Options, Outcome, RunDir, SearchConfig, TrainConfig, TrainError, Trained, Training,
    config::{DataConfig, MethodConfig, RetrainConfig},
    data::open_dataset,
};

#[cfg(feature = "images")]
use eoinas_train::config::NetworkConfig;

use crate::{
    Error, Start,
    baselines::Plan,
    data::has_windows,
    flags,
    host::Host,
    latency,
    limits::{in_words, size},
    out::say,
    time,
};

/// The same settings with a batch that `images` training images, of which there are at least 4, fill eight times, or at least twice
/// where that were fewer than eight images: of few pictures small batches learn more in the same time (RESULTS.md).
pub(crate) fn with_batch_for(mut config: TrainConfig, images: usize) -> TrainConfig {
    const BATCHES: usize = 8;
    const LEAST: usize = 8;
    config.batch_size = config.batch_size.min((images / BATCHES).max(LEAST)).min(images / 2).max(2);
    config
}

/// Few pictures make few steps an epoch, and learning takes steps.
pub(crate) fn epochs(steps: usize, batch: usize, images: usize, (least, most): (usize, usize)) -> usize {
    (steps * batch / images.max(1)).clamp(least, most)
}

/// Steps of each training in the first round of a search's finals, about as many as `recommended` has with its own images.
const FINALISTS_STEPS: usize = 320;

/// Gives the finals of a search with `images` pictures as many steps as they have with many, up to 30 epochs.
pub(crate) fn fit_finalists(search: &mut SearchConfig, images: usize) {
    if let Some(finalists) = &mut search.finalists {
        let learned_from = ((1.0 - finalists.held_out) * images as f64) as usize;
        finalists.batch_size = finalists.batch_size.min(learned_from / 2).max(2);
        let most = finalists.epochs.max(30);
        finalists.epochs = epochs(FINALISTS_STEPS, finalists.batch_size, learned_from, (finalists.epochs, most));
    }
}

/// Random cells of which one is chosen where none is trained: to ask the predictor costs nothing.
const DRAWN: usize = 1000;

/// Takes the random cell that promises the most where random cells would be in the finals of a method that trains nothing: of few
/// images too few are held out to tell cells apart by trainings, and with more of them short trainings found nothing better, so that
/// the time is worth more in the training that follows (RESULTS.md). Nobody asks for the method's own cell then, so that it has one
/// epoch.
pub(crate) fn choose_by_promise(search: &mut SearchConfig) {
    if let Some(finalists) = random_finals(search) {
        (finalists.candidates, finalists.random) = (1, 1.0);
        finalists.drawn.get_or_insert(DRAWN);
        search.epochs = 1;
    }
}

/// Whether a search takes the cell that promises the most, in seconds.
pub(crate) fn is_by_promise(search: &SearchConfig) -> bool {
    search.finalists.as_ref().is_some_and(|finalists| finalists.candidates == 1 && finalists.leave_out_own())
}

/// The finals of a method that trains nothing, where random cells take part.
fn random_finals(search: &mut SearchConfig) -> Option<&mut FinalistsConfig> {
    let trains = !matches!(search.method, MethodConfig::ZeroCostPt(_));
    search.finalists.as_mut().filter(|finalists| !trains && finalists.random > 0.0)
}

/// The preset `quick` for these images, as `eoinas train` has it.
fn quick(data: &DataConfig) -> TrainConfig {
    match data.image_size {
        Some(size) if has_windows(data.dataset, size) => TrainConfig::quick().for_pictures(size),
        _ => TrainConfig::quick(),
    }
}

/// The network of that training, for the search before it, whose limits it is fitted to.
pub(crate) fn retrain(data: &DataConfig, max_ops: Option<usize>) -> RetrainConfig {
    let mut config = quick(data);
    config.network.max_ops = max_ops;
    RetrainConfig { image_size: data.image_size, ..RetrainConfig::from(&config) }
}

/// Settings of the training that follows a search, on its images.
///
/// # Errors
/// Images that cannot be opened; settings that cannot work.
pub(crate) fn settings(search: &SearchConfig, epochs: Option<usize>) -> Result<TrainConfig, Error> {
    let data = &search.data;
    let available = open_dataset(data)?.len();
    let mut config = quick(data);
    config.seed = search.seed;
    config.limits = search.limits.clone();
    config.data = data.into();
    config.network.max_ops = search.network.max_ops;
    config.epochs = epochs.unwrap_or(config.epochs);
    let config = with_batch_for(config, data.used(available));
    config.validate()?;
    Ok(config)
}

/// What trainings have to fit into.
#[derive(Clone, Copy)]
pub(crate) struct Room<'a> {
    /// For all of them.
    pub time: Duration,
    /// All that was asked for, of which that is a part.
    pub asked: Duration,
    /// Epochs that were asked for.
    pub epochs: Option<usize>,
    /// Trainings, with those of the plan.
    pub trainings: usize,
    /// What is set beside the found cell.
    pub plan: Option<&'a Plan>,
}

/// Passes over the images that a training has at least before it gets more of them.
const PASSES: usize = 8;

/// Images that a training of which nothing is said is measured with.
const FIRST_IMAGES: usize = 4000;

/// Epochs of a training under which a smaller network learns more.
#[cfg(feature = "images")]
const FEW_EPOCHS: usize = 10;

/// That training with as many epochs as there is room for, or those that were asked for, and how long it will take. Large cells stand
/// for those that are not found yet.
///
/// # Errors
/// A time in which not even one epoch fits.
pub(crate) fn fitted(
    config: TrainConfig,
    search: &SearchConfig,
    room: Room<'_>,
    host: &Host,
) -> Result<(TrainConfig, Duration), Error> {
    let fitted = fit(config, (search, open_dataset(&search.data)?.info()), room, host)?;
    tell(&fitted, room.trainings, None, host);
    Ok(fitted)
}

/// The same with as many of the images as there is room to pass over [`PASSES`] times, at least [`FIRST_IMAGES`]: more images are worth
/// more than more epochs (RESULTS.md).
///
/// # Errors
/// As [`fitted`].
pub(crate) fn fitted_with_images(
    config: TrainConfig,
    search: &SearchConfig,
    room: Room<'_>,
    host: &Host,
) -> Result<(TrainConfig, Duration), Error> {
    let begun = Instant::now();
    let dataset = open_dataset(&search.data)?;
    let (available, search) = (dataset.len(), (search, dataset.info()));
    let with_images = |images: usize| {
        let mut config = config.clone();
        config.data.train_images = (images < available).then_some(images);
        config
    };
    let first = FIRST_IMAGES.min(available);
    let mut fitted = fit(with_images(first), search, room, host)?;
    let images = (first * fitted.0.epochs / PASSES).clamp(first, available);
    if images > first && room.epochs.is_none() {
        let room = Room { time: room.time.saturating_sub(begun.elapsed()), ..room };
        fitted = fit(with_images(images), search, room, host)?;
    }
    tell(&fitted, room.trainings, Some(fitted.0.data.train_images.unwrap_or(available)), host);
    Ok(fitted)
}

/// The same as [`fitted`], with the smaller network where there is room for a few epochs of the larger one alone.
///
/// # Errors
/// As [`fitted`].
#[cfg(feature = "images")]
pub(crate) fn fitted_in_size(
    config: TrainConfig,
    smaller: Option<NetworkConfig>,
    search: &SearchConfig,
    room: Room<'_>,
    host: &Host,
) -> Result<TrainConfig, Error> {
    let begun = Instant::now();
    let dataset = open_dataset(&search.data)?;
    let search = (search, dataset.info());
    let fitted = fit(config.clone(), search, room, host);
    let few = match &fitted {
        Ok((fitted, _)) => Some(fitted.epochs).filter(|epochs| *epochs < FEW_EPOCHS),
        Err(_) => Some(0),
    };
    let fitted = match (few, smaller) {
        (Some(few), Some(network)) => {
            let room = Room { time: room.time.saturating_sub(begun.elapsed()), ..room };
            let NetworkConfig { channels, cells, .. } = network;
            let fitted = fit(TrainConfig { network, ..config }, search, room, host)?;
            let alone = counted(few, "epoch", "epochs");
            host.tell(&format!("a smaller network, C = {channels}, {cells} cells: the larger one would have {alone}"));
            fitted
        }
        _ => fitted?,
    };
    tell(&fitted, room.trainings, None, host);
    Ok(fitted.0)
}

/// Says how long a training will be.
fn tell((config, ahead): &(TrainConfig, Duration), trainings: usize, images: Option<usize>, host: &Host) {
    let what = if trainings == 1 { "the training" } else { "each training" };
    let epochs = counted(config.epochs, "epoch", "epochs");
    let of = images.map(|images| format!(" of {}", counted(images, "image", "images"))).unwrap_or_default();
    let ahead = ahead.as_secs_f64();
    host.tell(&format!("{what}: {epochs}{of}, {ahead:.0} s in all by what was measured"));
}

/// That training for the time; the search before it, with what its images are, says which cells stand for the one to be found.
fn fit(
    config: TrainConfig,
    (search, info): (&SearchConfig, &DatasetInfo),
    Room { time, asked, epochs, trainings, plan }: Room<'_>,
    host: &Host,
) -> Result<(TrainConfig, Duration), Error> {
    let space = SearchSpace::darts();
    let stand_ins = search.stand_ins(info, &space)?;
    let other = match (plan, stand_ins.first()) {
        (Some(plan), Some(cell)) => {
            let sides = config.data.image_size.map_or((info.height, info.width), |size| (size, size));
            let info = DatasetInfo { height: sides.0, width: sides.1, ..info.clone() };
            let skeleton = config.skeleton(cell, &space, &info)?;
            let multiply_adds = count::network(cell, &skeleton, &space)?.multiply_adds;
            plan.human_designed(&config, multiply_adds).map(|other| (other, cell.clone()))
        }
        _ => None,
    };
    let cells = |count: usize| stand_ins.iter().cloned().map(Design::from).cycle().take(count).collect::<Vec<_>>();
    let fitted = match other {
        // For as many multiply-adds it may take twice as long as a cell.
        Some((other, cell)) => {
            let own = trainings.saturating_sub(1);
            match config.clone().fitted_beside(time, (cell.into(), own), other, || host.options()) {
                // One that cannot be made so small is not trained.
                Err(TrainError::Setting(setting)) if setting.name != "time" => {
                    config.clone().fitted_to(time, &cells(own), || host.options())
                }
                fitted => fitted,
            }
        }
        None => config.clone().fitted_to(time, &cells(trainings), || host.options()),
    };
    let fitted = fitted.map_err(|error| flags::of_training(time::of_part(error, asked)))?;
    let each = fitted.ahead.div_f64(fitted.config.epochs.max(1) as f64);
    let config = TrainConfig { epochs: epochs.unwrap_or(fitted.config.epochs), ..config };
    let ahead = each.mul_f64(config.epochs as f64);
    Ok((config, ahead))
}

/// Trains the network of the cell that was found in `search` with the settings in `out`, or goes on with that, unless it
/// is done.
pub(crate) fn train(out: &RunDir, search: &Path, options: Options) -> Result<Outcome<Trained>, Error> {
    let search = RunDir::open(search)?;
    let design = match search.join(names::MODEL).exists() {
        true => Design::Model(search.read_json(names::MODEL)?),
        false => Genotype::parse(&search.read(names::GENOTYPE_JSON)?)?.into(),
    };
    let task = (out.read_json(names::TRAINING_PLAN)?, design);
    let task = going_on::task(out, &search, task)?;
    // The network is trained with the images that its cell was found with.
    let options = Options { study: Some(out.path().to_owned()), ..options };
    Ok(Training::complete(task, &out.join(names::TRAINING), options)?)
}

/// Writes down of which design the network will be, where no search leaves it.
///
/// # Errors
/// A folder that cannot be written.
#[cfg(feature = "images")]
pub(crate) fn write_design(out: &eoinas_train::RunWriter, design: &Design) -> Result<(), Error> {
    match design {
        Design::Cell(genotype) => {
            out.write(names::GENOTYPE_TEXT, &format!("{genotype}\n"))?;
            out.write(names::GENOTYPE_JSON, &format!("{}\n", genotype.to_json()))?;
        }
        Design::Model(model) => out.write_json(names::MODEL, model)?,
    }
    Ok(())
}

/// Says what the network is worth, where it is and how to use it.
///
/// # Errors
/// A training's folder that cannot be read.
pub(crate) fn print_trained(out: &RunDir, trained: &Trained, start: &Start) -> Result<(), Error> {
    let network = out.join(names::TRAINING).join(names::NETWORK);
    let target = SavedNetwork::read(&network)?.description.target;
    let guessing =
        target.classes().map(|classes| format!(" (by guessing {:.2} %)", 100.0 / classes.len().max(1) as f64));
    say!(
        "{:.2} % of {} right{}; {}{} parameters, {} multiply-adds",
        100.0 * trained.accuracy,
        counted(trained.test_images, "test picture is", "test pictures are"),
        guessing.unwrap_or_default(),
        size(trained.channels, trained.cells),
        in_words(trained.parameters),
        in_words(trained.multiply_adds)
    );
    if let Some(got) = latency::of_training(&out.join(names::TRAINING), trained.latency_ms)? {
        say!("{}", got.line());
    }
    say!("the network: {}", network.display());
    say!("use it: {} PICTURE", start.line("classify", [network.as_os_str()]));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_images_fill_eight_batches() {
        let batch = |images| with_batch_for(TrainConfig { batch_size: 32, ..TrainConfig::quick() }, images).batch_size;
        assert_eq!([4, 10, 60, 100, 256, 5000].map(batch), [2, 5, 8, 12, 32, 32]);
    }
}
