//! How good a trained network is.

use eoinas_data::Loader;
use eoinas_nn::DerivedNetwork;

use super::score::Score;
use crate::{data::to_device, error::Result};

/// Loss, top-1 and top-5 over all images of `loader`, with the running statistics of BatchNorm.
///
/// # Errors
/// Images that cannot be read or do not fit the network.
pub fn evaluate_network(network: &DerivedNetwork, loader: &Loader) -> Result<Score> {
    Ok(evaluate_unless(network, loader, || None::<()>)?.unwrap_or_default())
}

/// The same, asking `stop` before every batch; `Err` in the result is its answer.
pub(super) fn evaluate_unless<T>(
    network: &DerivedNetwork,
    loader: &Loader,
    mut stop: impl FnMut() -> Option<T>,
) -> Result<std::result::Result<Score, T>> {
    let mut score = Score::default();
    for batch in loader.epoch(0, 0) {
        if let Some(reason) = stop() {
            return Ok(Err(reason));
        }
        score.add(&network.evaluate(&to_device(batch?, network_device(network))?)?);
    }
    Ok(Ok(score))
}

/// Where the network's weights are.
fn network_device(network: &DerivedNetwork) -> &candle_core::Device {
    const CPU: &candle_core::Device = &candle_core::Device::Cpu;
    network.parameters().iter().next().map_or(CPU, |(_, parameter)| parameter.value().device())
}
