//! The simplest classifier, beside which a network's accuracy can be seen.

use std::f64::consts::PI;

use candle_core::{DType, Device, Tensor};
use eoinas_core::{Setting, Targets};
use eoinas_data::Augment;
use eoinas_kernels::{
    Workspace,
    head::{cross_entropy, linear_backward, linear_forward},
};
use eoinas_nn::NnError;
use serde::{Deserialize, Serialize};

use super::{
    config::TrainConfig,
    data::{TrainData, open_parts},
};
use crate::{error::Result, run::Options};

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
/// Adam's learning rate at the start; it ends at 0 on half a cosine.
const RATE: f64 = 3e-4;

impl LinearClassifier {
    /// Trains it on the images of `config`, which are not augmented, on the CPU: 15 epochs of Adam, from weights of 0. `None` where the
    /// task has no classes.
    ///
    /// # Errors
    /// Images that cannot be read, settings that cannot work.
    pub fn train(config: &TrainConfig, mut options: Options) -> Result<Option<Self>> {
        let augment = Augment { crop: config.augment.crop, ..Augment::none() };
        let config = TrainConfig { augment, ..config.clone() };
        let (train, test) = open_parts(&config, &mut options)?;
        let Some(classes) = train.info().target.classes().map(<[String]>::len) else { return Ok(None) };
        let data = TrainData::new(&config, train, test)?;
        let workspace = Workspace::new();
        let steps = (EPOCHS as f64 * data.train.batches_per_epoch() as f64).max(1.0);
        let mut model: Option<[Adam; 2]> = None;
        for epoch in 0..EPOCHS {
            for batch in data.train.epoch(epoch, 0) {
                let (x, labels) = rows(batch?)?;
                let [weight, bias] = match &mut model {
                    Some(model) => model,
                    None => model.insert([Adam::new(&[x.dim(1)?, classes])?, Adam::new(&[classes])?]),
                };
                let logits = linear_forward(&workspace, &x, &weight.value, &bias.value).map_err(NnError::from)?;
                let d = cross_entropy(&workspace, &logits, &labels, 0.0).map_err(NnError::from)?.dlogits;
                let gradients =
                    linear_backward(&workspace, &x, &weight.value, &d, false, true).map_err(NnError::from)?;
                let rate = 0.5 * RATE * (1.0 + (PI * f64::from(weight.steps) / steps).cos());
                for (parameter, gradient) in [(weight, gradients.weight), (bias, gradients.bias)] {
                    gradient.iter().try_for_each(|gradient| parameter.step(gradient, rate))?;
                }
            }
        }
        let Some([weight, bias]) = model else { return Ok(None) };
        let (mut correct, mut images, mut sizes) = (0, 0, vec![0usize; classes]);
        for batch in data.test.epoch(0, 0) {
            let (x, labels) = rows(batch?)?;
            let logits = linear_forward(&workspace, &x, &weight.value, &bias.value).map_err(NnError::from)?;
            correct += cross_entropy(&workspace, &logits, &labels, 0.0).map_err(NnError::from)?.correct;
            images += labels.len();
            labels.iter().filter_map(|&label| usize::try_from(label).ok()).for_each(|label| {
                sizes.iter_mut().skip(label).take(1).for_each(|size| *size += 1);
            });
        }
        let share = |count: usize| count as f64 / images.max(1) as f64;
        let largest_class = share(sizes.into_iter().max().unwrap_or(0));
        Ok(Some(Self { accuracy: share(correct), largest_class, test_images: images as u64 }))
    }
}

/// A batch as rows of pixels, `[n, pixels]`, and its classes.
fn rows(batch: eoinas_data::Batch) -> Result<(Tensor, Vec<u32>)> {
    let Targets::Classes(labels) = batch.targets else {
        return Err(Setting::new("dataset", "targets of another kind", "classes").into());
    };
    Ok((Tensor::from_vec(batch.images, (batch.n, batch.h * batch.w * batch.c), &Device::Cpu)?, labels))
}

/// A parameter with its moments.
struct Adam {
    value: Tensor,
    first: Tensor,
    second: Tensor,
    steps: i32,
}

impl Adam {
    const BETAS: (f64, f64) = (0.9, 0.999);
    const EPSILON: f64 = 1e-8;

    fn new(shape: &[usize]) -> Result<Self> {
        let zeros = Tensor::zeros(shape, DType::F32, &Device::Cpu)?;
        Ok(Self { value: zeros.clone(), first: zeros.clone(), second: zeros, steps: 0 })
    }

    fn step(&mut self, gradient: &Tensor, rate: f64) -> Result<()> {
        let (one, two) = Self::BETAS;
        self.steps += 1;
        self.first = ((&self.first * one)? + (gradient * (1.0 - one))?)?;
        self.second = ((&self.second * two)? + (gradient.sqr()? * (1.0 - two))?)?;
        let first = (&self.first * (rate / (1.0 - one.powi(self.steps))))?;
        let second = (&self.second / (1.0 - two.powi(self.steps)))?;
        self.value = (&self.value - (first / (second.sqrt()? + Self::EPSILON)?)?)?;
        Ok(())
    }
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
