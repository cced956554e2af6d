//! The evaluation that a training ends with, for its page.

use std::path::Path;

use eoinas_core::run_folder::names;
use eoinas_nn::{Operations, saved::SavedNetwork};
use eoinas_report::evaluation::{Evaluation, Kept, Prediction};
use eoinas_train::{RunDir, TrainConfig, Trained};

use super::{Asked, Which, classes, files, predict, samples::Samples};
use crate::{Error, data::PictureFlags, host::Host};

/// Has the network of the training in a folder, which is done, say what it takes the test pictures for, unless that is there
/// already: counts and some pictures go to a file from which the page is made. What cannot be done is said, and leaves the
/// training's result alone.
pub(crate) fn keep(training: &Path, host: &Host) {
    if Kept::path(training).exists() {
        return;
    }
    if let Err(error) = try_to(training, host) {
        host.tell(&format!("the page will have no confusion matrix: {error}"));
    }
}

fn try_to(training: &Path, host: &Host) -> Result<(), Error> {
    let run = RunDir::open(training)?;
    let config: TrainConfig = run.read_json(names::CONFIG)?;
    let (model, data) = (run.join(names::NETWORK), &config.data);
    let saved = SavedNetwork::read(&model)?;
    // What has no classes has no such matrix; folds and parts of the training images are no test part.
    let Ok(classes) = classes(&saved.description) else { return Ok(()) };
    if data.held_out.is_some() || data.fold.is_some() || data.test_images.is_some() {
        return Ok(());
    }
    let pictures = PictureFlags {
        skip_unreadable: data.skip_unreadable,
        max_pixels: data.max_pixels,
        labels: data.labels.clone(),
    };
    let dataset = Some(data.dataset);
    let asked =
        Asked { model: &model, data: data.dir.as_deref(), dataset, part: Some(Which::Test), pictures: &pictures };
    let samples = Samples::open(&asked, &saved.description, &classes)?;
    let device = host.device();
    let network = saved.build(&Operations::built_in(), device)?;
    let (places, predictions, _) = predict::predict(&network, &saved.description, &samples, device, (true, &pictures))?;
    let trained: Trained = run.read_json(names::RESULT)?;
    if predictions.len() as u64 != trained.test_images {
        let (now, then) = (predictions.len(), trained.test_images);
        return Err(format!("there are {now} test pictures now, and {then} when the network was tested").into());
    }
    let [height, width, channels] = saved.description.architecture.images();
    // The folder of all of them is said once.
    let below = |name: &str| {
        let path = data.dir.as_ref().and_then(|dir| Path::new(name).strip_prefix(dir).ok());
        path.map_or_else(|| name.to_owned(), |path| path.display().to_string())
    };
    let predictions = predictions.into_iter().map(|one| Prediction { name: below(&one.name), ..one }).collect();
    let evaluation = Evaluation::new(classes, predictions);
    let picture = |index: usize| -> Result<Option<Vec<u8>>, Error> {
        let entry = places.get(index).and_then(|place| samples.entries.get(*place));
        entry.map(|entry| files::picture(&samples, entry, [height, width, channels])).transpose()
    };
    Ok(Kept::new(&evaluation, samples.on.clone(), (height, width), picture)?.write(training)?)
}
