//! The simplest classifier, beside which a network's accuracy can be seen.

use candle_core::{D, DType, Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, loss::cross_entropy};
use eoinas_core::{Setting, Targets, schedule::Cosine};
use eoinas_data::Augment;
use serde::{Deserialize, Serialize};

use super::{
    config::TrainConfig,
    data::{TrainData, open_parts},
};
use crate::{data::largest_class, error::Result, run::Options};

/// What a linear classifier on the pixels reaches: multinomial logistic regression, without any network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinearClassifier {
    /// Top-1 accuracy on the test part, 0 to 1.
    pub accuracy: f64,
    /// Share of the test images in their largest class, which naming it always would reach.
    pub largest_class: f64,
    /// Images of the test part.
    pub test_images: u64,
}

/// Passes over the training images.
const EPOCHS: u64 = 15;
/// Adam's learning rate.
const RATE: Cosine = Cosine { start: 3e-4, end: 0.0 };

impl LinearClassifier {
    /// Trains it on the images of `config`, which are not augmented, on the CPU: 15 epochs of Adam, at a rate from 3e-4 to 0, from
    /// weights of 0. `None` where the task has no classes.
    ///
    /// # Errors
    /// Images that cannot be read, settings that cannot work.
    pub fn train(config: &TrainConfig, mut options: Options) -> Result<Option<Self>> {
        let augment = Augment { crop: config.augment.crop, ..Augment::none() };
        let config = TrainConfig { augment, ..config.clone() };
        let (train, test) = open_parts(&config, &mut options)?;
        let Some(classes) = train.info().target.classes().map(<[String]>::len) else { return Ok(None) };
        let data = TrainData::new(&config, train, test)?;
        let inputs = data.train.dataset().info().image_len();
        let weight = Var::zeros((inputs, classes), DType::F32, &Device::Cpu)?;
        let bias = Var::zeros(classes, DType::F32, &Device::Cpu)?;
        let settings = ParamsAdamW { lr: RATE.start, weight_decay: 0.0, ..ParamsAdamW::default() };
        let mut adam = AdamW::new(vec![weight.clone(), bias.clone()], settings)?;
        let logits = |x: &Tensor| x.matmul(weight.as_tensor())?.broadcast_add(bias.as_tensor());
        let steps = EPOCHS as f64 * data.train.batches_per_epoch() as f64;
        let mut step = 0.0;
        for batch in (0..EPOCHS).flat_map(|epoch| data.train.epoch(epoch, 0)) {
            let (x, labels) = rows(batch?)?;
            adam.set_learning_rate(RATE.value(step, steps));
            adam.backward_step(&cross_entropy(&logits(&x)?, &Tensor::new(labels, &Device::Cpu)?)?)?;
            step += 1.0;
        }
        let (mut correct, mut all) = (0, Vec::new());
        for batch in data.test.epoch(0, 0) {
            let (x, labels) = rows(batch?)?;
            let answers = logits(&x)?.argmax(D::Minus1)?.to_vec1::<u32>()?;
            correct += answers.iter().zip(&labels).filter(|(answer, label)| answer == label).count();
            all.extend(labels);
        }
        let accuracy = correct as f64 / all.len().max(1) as f64;
        Ok(Some(Self { accuracy, largest_class: largest_class(&all), test_images: all.len() as u64 }))
    }
}

/// A batch as rows of pixels, `[n, pixels]`, and its classes.
fn rows(batch: eoinas_data::Batch) -> Result<(Tensor, Vec<u32>)> {
    let Targets::Classes(labels) = batch.targets else {
        return Err(Setting::new("dataset", "targets of another kind", "classes").into());
    };
    Ok((Tensor::from_vec(batch.images, (batch.n, batch.h * batch.w * batch.c), &Device::Cpu)?, labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_data::SourceKind;

    #[test]
    fn it_is_far_above_chance_where_colours_say_much_and_not_where_they_say_little() {
        let of = |dataset| {
            let mut config = TrainConfig::quick();
            config.data.dataset = dataset;
            (config.data.train_images, config.data.test_images) = (Some(1000), Some(500));
            LinearClassifier::train(&config, Options::default()).unwrap().unwrap()
        };
        let (first, second) = (of(SourceKind::Embedded), of(SourceKind::EmbeddedV2));
        assert_eq!(second.test_images, 500);
        assert!(first.accuracy > 0.45, "{first:?}");
        assert!((0.12..0.36).contains(&second.accuracy), "{second:?}");
        // The same images and weights, the same result.
        assert_eq!(of(SourceKind::EmbeddedV2), second);
    }
}
