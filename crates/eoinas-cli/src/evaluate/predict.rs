//! From images to predictions.

use candle_core::{Device, Tensor};
use eoinas_data::DataError;
use eoinas_nn::{DerivedNetwork, saved::Description, task::Answer};
use eoinas_report::evaluation::Prediction;
use indicatif::ProgressBar;
use rayon::prelude::*;

use super::samples::{Entry, Samples};
use crate::{Error, data::PictureFlags};

/// Images in a pass.
pub(super) const BATCH: usize = 64;

/// Indices of the images that were read, what the network says of each, and those that were left out, with reasons.
pub(super) type Predicted = (Vec<usize>, Vec<Prediction>, Vec<String>);

/// What the network says of all samples: as it was trained and as the test of its training asked it, BatchNorm unfolded, so
/// that the result is the same to the last picture.
///
/// # Errors
/// An image that cannot be read, where such are not to be left out; outputs that are no numbers.
pub(super) fn predict(
    network: &DerivedNetwork,
    description: &Description,
    samples: &Samples,
    device: &Device,
    (quiet, pictures): (bool, &PictureFlags),
) -> Result<Predicted, Error> {
    let [height, width, channels] = description.architecture.images();
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(samples.entries.len() as u64) };
    let (mut kept, mut predictions, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    let mut index = 0;
    for batch in samples.entries.chunks(BATCH) {
        let pixels: Vec<_> = batch.par_iter().map(|entry| samples.pixels(entry)).collect();
        let (mut read, mut values): (Vec<&Entry>, Vec<f32>) = (Vec::new(), Vec::new());
        for (entry, pixels) in batch.iter().zip(pixels) {
            match pixels {
                Ok(pixels) => {
                    kept.push(index);
                    read.push(entry);
                    values.extend(description.normalisation.apply(&pixels));
                }
                Err(DataError::Image { path, reason }) if pictures.skip_unreadable => {
                    skipped.push(format!("{} ({reason})", path.display()));
                }
                Err(error) => return Err(error.into()),
            }
            index += 1;
        }
        if !read.is_empty() {
            let images = Tensor::from_vec(values, (read.len(), height, width, channels), &Device::Cpu)?;
            let logits: Vec<Vec<f32>> = network.logits(&images.to_device(device)?)?.to_vec2()?;
            for (entry, logits) in read.into_iter().zip(logits) {
                predictions.push(prediction(entry, description, &logits)?);
            }
        }
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    Ok((kept, predictions, skipped))
}

fn prediction(entry: &Entry, description: &Description, logits: &[f32]) -> Result<Prediction, Error> {
    if logits.iter().any(|logit| !logit.is_finite()) {
        return Err(format!("{}: the network's outputs are no finite numbers; train it again", entry.name).into());
    }
    // The first of the largest, as the accuracy of a training counts.
    let first =
        |best: (usize, f32), (class, logit): (usize, &f32)| if *logit > best.1 { (class, *logit) } else { best };
    let (predicted, _) = logits.iter().enumerate().fold((0, f32::NEG_INFINITY), first);
    let probabilities = match Answer::new(&description.target, logits) {
        Answer::Classes(classes) => classes.into_iter().map(|(_, probability)| probability).collect(),
        Answer::Numbers(_) | Answer::Labels(_) => Vec::new(),
    };
    Ok(Prediction { name: entry.name.clone(), class: entry.class, predicted, probabilities })
}
