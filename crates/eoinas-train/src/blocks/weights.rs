//! An update of the weights.

use eoinas_core::Gates;
use eoinas_nn::{Wanted, WeightGradients};

use super::Path;
use crate::{halt::Flow, learner::Learner, method::Step, stop::check_finite, tally::Tally};

/// The weights of these paths on the step's training batch, by their mean gradient. The ops of each path count as drawn
/// (C^e) from the end of the warm-up on.
///
/// # Errors
/// A batch that does not fit. Stops when a loss or the gradients' norm is not finite; nothing is updated then.
pub fn train_weights(learner: &mut Learner, step: &Step, paths: &[Path]) -> Flow<Tally> {
    let (mut gradients, mut tally) = (WeightGradients::new(), Tally::default());
    for (path, drawn) in paths.iter().enumerate() {
        let mut output = learner.pass(&step.train, drawn.run(), Wanted::WEIGHTS, &step.path_options(path))?;
        finite("training loss", output.loss)?;
        gradients.merge(output.weight_gradients.take().unwrap_or_default())?;
        tally.add(Tally::from(&output));
    }
    if paths.len() > 1 {
        gradients.scale(1.0 / paths.len() as f64)?;
    }
    let paths: Vec<Gates> = paths.iter().map(|path| path.gates().clone()).collect();
    let norm = learner.update_weights(gradients, &paths, step.plan.learning_rate, !step.plan.warm_up)?;
    finite("gradient of the weights", norm)?;
    Ok(tally)
}

/// Stops the run unless `value` is finite; `what` it is goes into the reason.
///
/// # Errors
/// The stop.
pub fn finite(what: &str, value: f64) -> Flow<()> {
    Ok(check_finite(what, value)?)
}
