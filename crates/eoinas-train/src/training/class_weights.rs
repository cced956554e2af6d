//! Classes that weigh differently in the training loss.

use std::sync::Arc;

use eoinas_core::Setting;
use eoinas_nn::task::{Task, WeightedClasses};

use super::{
    config::{ClassWeights, TrainConfig},
    data::TrainData,
};
use crate::{error::Result, run::Options};

/// What each class weighs, where that differs.
pub(super) fn told(config: &TrainConfig, data: &TrainData) -> Option<String> {
    let (Some(weighted), Some(classes)) = (balanced(config, data), data.train.dataset().info().target.classes()) else {
        return None;
    };
    let said = classes.iter().zip(weighted.weights()).map(|(class, weight)| format!("{class} {weight:.2}"));
    Some(format!("weights of the classes in the training loss: {}", said.collect::<Vec<_>>().join(", ")))
}

fn balanced(config: &TrainConfig, data: &TrainData) -> Option<WeightedClasses> {
    let counts = &data.class_counts;
    (config.class_weights == ClassWeights::Balanced && !counts.is_empty()).then(|| WeightedClasses::balanced(counts))
}

/// The task of the images, with the weights of the classes that the settings want.
pub(super) fn task_of(config: &TrainConfig, data: &TrainData, options: &Options) -> Result<Arc<dyn Task>> {
    let target = &data.train.dataset().info().target;
    let task = options.task_of(target)?;
    if config.class_weights == ClassWeights::None {
        return Ok(task);
    }
    let wrong = |expected: String| Setting::new("class_weights", "balanced", expected);
    if options.task.is_some() {
        return Err(wrong("none: a task of one's own has its own loss".to_owned()).into());
    }
    match balanced(config, data) {
        Some(weighted) => Ok(Arc::new(weighted)),
        None => Err(wrong(format!("none: the images have {}, and classes alone are weighted", target.kind())).into()),
    }
}
