//! How good a trained network is.

use eoinas_data::Loader;
use eoinas_nn::DerivedNetwork;

use crate::{
    data::to_device,
    error::{Result, TrainError},
    run::Tally,
};

/// Which statistics BatchNorm has in an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statistics {
    /// Those that were gathered while training.
    Running,
    /// Those of each mini-batch.
    OfTheBatch,
}

/// Loss and score (top-1 and top-5 where there are classes) over all images of `loader`, with the running statistics of BatchNorm.
///
/// # Errors
/// Images that cannot be read or do not fit the network.
pub fn evaluate_network(network: &DerivedNetwork, loader: &Loader) -> Result<Tally> {
    evaluate_while(network, loader, Statistics::Running, || Ok::<(), TrainError>(()))
}

/// The same, asking `check` before every batch.
pub(super) fn evaluate_while<C, E>(
    network: &DerivedNetwork,
    loader: &Loader,
    statistics: Statistics,
    mut check: impl FnMut() -> Result<(), C>,
) -> Result<Tally, E>
where
    E: From<C> + From<TrainError>,
{
    let mut tally = Tally::default();
    for batch in loader.epoch(0, 0) {
        check()?;
        let batch = batch.map_err(TrainError::from)?;
        let batch = to_device(batch, network_device(network))?;
        let output = match statistics {
            Statistics::Running => network.evaluate(&batch),
            Statistics::OfTheBatch => network.evaluate_by_batch(&batch),
        };
        let output = output.map_err(TrainError::from)?;
        tally.add(Tally::from(&output));
    }
    Ok(tally.scored(network.task().as_ref()))
}

/// Where the network's weights are.
fn network_device(network: &DerivedNetwork) -> &candle_core::Device {
    const CPU: &candle_core::Device = &candle_core::Device::Cpu;
    network.parameters().iter().next().map_or(CPU, |(_, parameter)| parameter.value().device())
}
