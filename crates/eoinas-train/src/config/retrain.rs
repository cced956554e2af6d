//! The network that the found cell is meant for.

use eoinas_core::{
    Genotype, SearchSpace, Skeleton,
    count::{Counts, Limits},
    skeleton::Form,
};
use eoinas_data::DatasetInfo;
use serde::{Deserialize, Serialize};

use super::{MethodConfig, NetworkConfig, SearchConfig};
use crate::{error::Result, probes::Ties, training::TrainConfig};

/// The network that a found cell will be trained in: what a search's result says of parameters and multiply-adds is of it, and
/// limits are about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrainConfig {
    /// Stem and stacking.
    pub form: Form,
    /// Size of the network; where the search has limits, cells and channels are fitted to them instead.
    pub network: NetworkConfig,
    /// Height and width of its images. `None`: those of the search's.
    pub image_size: Option<usize>,
}

/// A network's size and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkSize {
    /// Initial number of channels C.
    pub channels: usize,
    /// Number of cells L.
    pub cells: usize,
    /// Trained parameters, auxiliary head left out.
    pub parameters: u64,
    /// Multiply-adds for one image.
    pub multiply_adds: u64,
    /// Milliseconds by the table of a limit on latency; `None` where there is no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

impl NetworkSize {
    /// Of a network of these numbers that costs so much.
    pub fn new(skeleton: &Skeleton, counts: Counts) -> Self {
        let Skeleton { channels, cells, .. } = *skeleton;
        let Counts { parameters, multiply_adds } = counts;
        Self { channels, cells, parameters, multiply_adds, latency_ms: None }
    }
}

/// That of a training.
impl From<&TrainConfig> for RetrainConfig {
    fn from(training: &TrainConfig) -> Self {
        let TrainConfig { form, network, data, .. } = training;
        Self { form: *form, network: network.clone(), image_size: data.image_size }
    }
}

impl SearchConfig {
    /// The network of a cell that is found with images like those of `info`: that of `retrain`, fitted to the limits. Without
    /// `retrain` it is that of [`TrainConfig::quick`] in the search's own form, in the form of NAS-Bench-201 the benchmark's, and
    /// where the search names the kind of each layer, these layers.
    ///
    /// # Errors
    /// A network that cannot be; limits that it cannot keep to.
    pub fn retrained(&self, genotype: &Genotype, info: &DatasetInfo, space: &SearchSpace) -> Result<Skeleton> {
        let skeleton = self.unlimited(info);
        Ok(match self.limits.are_none() {
            true => skeleton,
            false => self.limits.fit(genotype, &skeleton, space)?,
        })
    }

    /// These settings with limits. What a method decides by costs where its evidence does not tell ops apart goes to the cheaper op
    /// then ([`Ties`]): cells that need less are made wider.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        if let MethodConfig::ZeroCostPt(method) = &mut self.method
            && method.ties == Ties::MoreMultiplyAdds
        {
            method.ties = Ties::FewerMultiplyAdds;
        }
        self
    }

    /// Whether there is a network within the limits for every cell that may be found.
    pub(crate) fn check_limits(&self, info: &DatasetInfo, space: &SearchSpace) -> Result<()> {
        if self.limits.are_none() {
            return Ok(());
        }
        Ok(self.limits.check(&self.unlimited(info), space)?)
    }

    /// The same before it is fitted to limits.
    pub fn unlimited(&self, info: &DatasetInfo) -> Skeleton {
        let Some(RetrainConfig { form, network, image_size }) = &self.retrain else {
            if self.form == Form::NasBench201 {
                return self.skeleton(info).retraining();
            }
            let quick = TrainConfig::quick().network;
            let layers = self.network.layers.clone();
            let cells = layers.as_ref().map_or(quick.cells, Vec::len);
            return NetworkConfig { layers, cells, ..quick }.skeleton(self.form, info);
        };
        let skeleton = network.skeleton(*form, info);
        match image_size {
            Some(size) => Skeleton { height: *size, width: *size, ..skeleton },
            None => skeleton,
        }
    }
}
