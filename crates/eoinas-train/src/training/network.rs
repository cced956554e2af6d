//! The network of a training, worked out before anything is built.

use candle_core::Device;
use eoinas_core::{
    Genotype, SearchSpace, Setting, Skeleton, Streams,
    count::{Counts, Limits},
    event::ModelInfo,
    models::{Design, ModelConfig},
    network::NetworkSpec,
};
use eoinas_data::DatasetInfo;
use eoinas_nn::{DerivedNetwork, Operations};

use super::config::TrainConfig;
use crate::{
    checkpoint::Subject,
    error::Result,
    run::{Options, memory},
};

/// What is to be built.
#[derive(Clone, Debug)]
pub(super) enum Planned {
    /// A cell, stacked.
    Cell { genotype: Genotype, space: SearchSpace, skeleton: Skeleton, counts: Counts, latency_ms: Option<f64> },
    /// A human-designed network.
    Model { info: ModelInfo, classes: usize },
}

impl Planned {
    /// The network of these settings for images like those of `info`.
    ///
    /// # Errors
    /// A network that cannot be, or not with these settings; one that the machine has no room for.
    pub fn new(config: &TrainConfig, design: &Design, info: &DatasetInfo, options: &Options) -> Result<Self> {
        match design {
            Design::Cell(genotype) => Self::of_cell(config, genotype, info, options),
            Design::Model(model) => Self::of_model(config, model, info, &options.device),
        }
    }

    fn of_cell(config: &TrainConfig, genotype: &Genotype, info: &DatasetInfo, options: &Options) -> Result<Self> {
        let space = space_of(genotype, options)?;
        let skeleton = config.skeleton(genotype, &space, info)?;
        let network = NetworkSpec::derived(genotype, &space, &skeleton)?;
        let latency_ms = config.limits.milliseconds(genotype, &skeleton, &space)?;
        let large = match config.multiply_adds {
            Some(multiply_adds) => ("multiply_adds", multiply_adds),
            None => match &config.limits {
                Limits { parameters: Some(most), .. } => ("limits.parameters", *most),
                Limits { multiply_adds: Some(most), .. } => ("limits.multiply_adds", *most),
                Limits { latency: Some(most), .. } => ("limits.latency.milliseconds", most.milliseconds.ceil() as u64),
                _ => ("network.channels", config.network.channels as u64),
            },
        };
        memory::check(&memory::Footprint::of_cells(&network), config.batch_size, &options.device, large)?;
        Ok(Self::Cell { genotype: genotype.clone(), space, skeleton, counts: network.counts(), latency_ms })
    }

    fn of_model(config: &TrainConfig, model: &ModelConfig, info: &DatasetInfo, device: &Device) -> Result<Self> {
        for (name, got, what) in
            [("drop_path", config.drop_path, "paths to drop"), ("auxiliary", config.auxiliary, "auxiliary head")]
        {
            Setting::check(got == 0.0, name, got, format!("0: {} has no {what}", model.name))?;
        }
        let expected = format!("none: the width says how large {} is, or `multiply_adds`", model.name);
        Setting::check(config.limits.are_none(), "limits", &config.limits, expected)?;
        let (images, classes) = ([info.height, info.width, info.channels], info.target.outputs());
        let model = match config.multiply_adds {
            Some(cost) => {
                let expected = "1, or no `multiply_adds`, which choose it";
                Setting::check(model.width == 1.0, "network.width", model.width, expected)?;
                model.with_multiply_adds(images, classes, cost)?
            }
            None => model.clone(),
        };
        let graph = model.graph(images, classes)?;
        let large = match config.multiply_adds {
            Some(multiply_adds) => ("multiply_adds", multiply_adds),
            None => ("network.width", model.width.ceil() as u64),
        };
        memory::check(&memory::Footprint::of_layers(&graph), config.batch_size, device, large)?;
        Ok(Self::Model { info: ModelInfo { model, images, counts: graph.counts() }, classes })
    }

    /// The network with freshly drawn weights.
    ///
    /// # Errors
    /// A network that cannot be built.
    pub fn build(&self, config: &TrainConfig, operations: &Operations, device: &Device) -> Result<DerivedNetwork> {
        let streams = Streams::new(config.seed);
        Ok(match self {
            Self::Cell { genotype, space, skeleton, .. } => {
                let build = match config.auxiliary > 0.0 {
                    true => DerivedNetwork::with_auxiliary,
                    false => DerivedNetwork::new,
                };
                build(genotype, space, skeleton, operations, &streams, device)?
            }
            Self::Model { info, classes } => {
                DerivedNetwork::of_model(&info.model, info.images, *classes, &streams, device)?
            }
        })
    }

    /// Parameters and multiply-adds, auxiliary head left out.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Cell { counts, .. } => *counts,
            Self::Model { info, .. } => info.counts,
        }
    }

    /// What is to be said of a cost that was asked for and not reached, as a chain of poolings has no width.
    pub fn note(&self, config: &TrainConfig) -> Option<String> {
        let (wanted, got) = (config.multiply_adds?, self.counts().multiply_adds);
        (self.model().is_some() && got.saturating_mul(2) < wanted).then(|| {
            format!(
                "the network takes {got} multiply-adds an image, not {wanted}: none of its layers has a width to choose"
            )
        })
    }

    /// Milliseconds by the table of a limit on latency.
    pub fn latency_ms(&self) -> Option<f64> {
        match self {
            Self::Cell { latency_ms, .. } => *latency_ms,
            Self::Model { .. } => None,
        }
    }

    /// What cells are stacked into.
    pub fn skeleton(&self) -> Option<&Skeleton> {
        match self {
            Self::Cell { skeleton, .. } => Some(skeleton),
            Self::Model { .. } => None,
        }
    }

    /// The human-designed network.
    pub fn model(&self) -> Option<&ModelInfo> {
        match self {
            Self::Cell { .. } => None,
            Self::Model { info, .. } => Some(info),
        }
    }

    /// What its checkpoints belong to.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Cell { genotype, skeleton, .. } => Subject::training(genotype, skeleton),
            Self::Model { info, classes } => Subject::model(&info.model, info.images, *classes),
        }
    }
}

/// The space of a cell: that of the options, or one made for it.
///
/// # Errors
/// A cell of another space.
pub(super) fn space_of(genotype: &Genotype, options: &Options) -> Result<SearchSpace> {
    let space = match &options.space {
        Some(space) => space.clone(),
        None => genotype.space()?,
    };
    genotype.check_cells(&space)?;
    Ok(space)
}
