//! Weights that a training begins with: those of a network that was trained before.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use eoinas_core::{Setting, Skeleton, models::Design, run_folder::names};
use eoinas_data::{Dataset, Normalised};
use eoinas_nn::{
    Architecture,
    saved::{MODEL, NETWORK, SavedNetwork},
};
use serde::{Deserialize, Serialize};

use super::{config::TrainConfig, trainee::Trainee};
use crate::{
    checkpoint::sha256,
    config::NetworkConfig,
    error::{Result, TrainError},
    run::Options,
};

/// Where the weights of a training begin, instead of being drawn: they are those of a network that was trained before, running
/// statistics included. Where the answers (classes, numbers, labels) are the same ones in the same order, the head's are taken,
/// too; otherwise, and for an auxiliary head, they are drawn. The network is read when the run begins and never again.
///
/// Images are normalised by the mean and the standard deviation of that network's training, not by those of the new images: its
/// weights know pictures through these numbers, and those of few pictures are noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitConfig {
    /// The network's folder ([`eoinas_nn::saved`]), as an absolute path.
    pub network: PathBuf,
    /// SHA-256 of its files, `network.json` and then `model.safetensors`: a folder that has changed since is refused.
    pub sha256: String,
    /// What the learning rate of all but the heads is multiplied by, 0 to 1. At 0 they are frozen: they are run as in an
    /// evaluation, and BatchNorm's running statistics stay as they are; above, those follow the new images.
    pub rate: f64,
    /// Mean of each channel that the network was trained with.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, likewise.
    pub std: Vec<f32>,
}

impl TrainConfig {
    /// These settings for a training that begins with the weights of the network in `folder`, which is one of
    /// [`eoinas_nn::saved::save`] or of a training with such a folder in it, and that network's design. Form and size of the
    /// network become that one's; `rate` is [`InitConfig::rate`].
    ///
    /// # Errors
    /// A folder that holds no network.
    pub fn with_init(mut self, folder: &Path, rate: f64) -> Result<(Self, Design)> {
        let below = folder.join(names::NETWORK);
        let folder = if folder.join(NETWORK).is_file() || !below.is_dir() { folder } else { &below };
        let network = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let saved = SavedNetwork::read(&network)?;
        let design = match saved.description.architecture {
            Architecture::Cell { genotype, skeleton } => {
                let Skeleton { form, channels, cells, stem_multiplier, layers, .. } = skeleton;
                self.form = form;
                self.network = NetworkConfig { channels, cells, stem_multiplier, layers, ..self.network };
                Design::Cell(genotype)
            }
            Architecture::Model { model, .. } => {
                self = self.for_model();
                Design::Model(model)
            }
        };
        let normalisation = saved.description.normalisation;
        let (mean, std) = (normalisation.mean, normalisation.std);
        self.init = Some(InitConfig { sha256: digest(&network)?, network, rate, mean, std });
        Ok((self, design))
    }
}

impl InitConfig {
    /// Whether everything but the heads stays as it is.
    pub fn is_frozen(&self) -> bool {
        self.rate == 0.0
    }

    /// What no training can begin with.
    pub(super) fn validate(&self, config: &TrainConfig) -> Result<(), Setting> {
        let expected = "0 (frozen) to 1, what the learning rate of the layers below the head is multiplied by";
        Setting::check((0.0..=1.0).contains(&self.rate), "init.rate", self.rate, expected)?;
        let expected = "none beside `init`: the network is that of the weights";
        let multiply_adds = config.multiply_adds;
        Setting::check(multiply_adds.is_none(), "multiply_adds", multiply_adds.unwrap_or_default(), expected)?;
        Setting::check(config.limits.are_none(), "limits", "given", expected)?;
        if self.is_frozen() {
            let expected = "0: layers that are frozen (`init.rate` 0) are run as in an evaluation";
            for (name, got) in [("drop_path", config.drop_path), ("auxiliary", config.auxiliary)] {
                Setting::check(got == 0.0, name, got, expected)?;
            }
            let expected = "false: layers that are frozen (`init.rate` 0) keep their running statistics";
            Setting::check(!config.batch_statistics, "batch_statistics", true, expected)?;
        }
        Ok(())
    }

    /// Images as the network knows them.
    pub(super) fn normalised(&self, data: Arc<dyn Dataset>) -> Result<Arc<dyn Dataset>> {
        let (channels, got) = (data.info().channels, self.mean.len());
        let expected = format!("a network for images of {channels} channels, as the new ones have");
        Setting::check(got == channels, "init", format!("one for images of {got} channels"), expected)?;
        Ok(Arc::new(Normalised::new(data, self.mean.clone(), self.std.clone())?))
    }

    /// Reads the weights.
    pub(super) fn begin(&self, trainee: &mut Trainee, data: &dyn Dataset, options: &Options) -> Result<()> {
        if digest(&self.network)? != self.sha256 {
            let problem = "the network is another one than when the settings were made".to_owned();
            return Err(TrainError::Changed { path: self.network.clone(), problem });
        }
        let saved = match &options.space {
            Some(space) => SavedNetwork::read_with(&self.network, space)?,
            None => SavedNetwork::read(&self.network)?,
        };
        let theirs = &saved.description;
        let whose = |value: &str| format!("{value}, as the network in {} has", self.network.display());
        let (got, wanted) = (trainee.network().architecture(), &theirs.architecture);
        Setting::check(got.to_string() == wanted.to_string(), "network", got, whose(&wanted.to_string()))?;
        if let (Some(ours), Some(theirs)) = (got.skeleton(), wanted.skeleton()) {
            check_shape(ours, theirs, whose)?;
        }
        let (got, wanted) = (format!("{:?}", data.info().values), format!("{:?}", theirs.normalisation.values));
        Setting::check(got == wanted, "the images' values", &got, whose(&wanted))?;
        trainee.initialise(&saved, theirs.target == data.info().target)
    }
}

/// Whether a network has the shape of the one that its weights come from; classes and the size of the images may differ.
fn check_shape(ours: &Skeleton, theirs: &Skeleton, whose: impl Fn(&str) -> String) -> Result<(), Setting> {
    let fields = |skeleton: &Skeleton| {
        let layers = skeleton.layers.as_ref().map_or("none".to_owned(), |layers| layers.join(", "));
        [
            ("form", format!("{:?}", skeleton.form)),
            ("network.channels", skeleton.channels.to_string()),
            ("network.cells", skeleton.cells.to_string()),
            ("network.stem_multiplier", skeleton.stem_multiplier.to_string()),
            ("network.layers", layers),
        ]
    };
    let mut pairs = fields(ours).into_iter().zip(fields(theirs));
    pairs.try_for_each(|((name, got), (_, wanted))| Setting::check(got == wanted, name, &got, whose(&wanted)))
}

fn digest(network: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    for name in [NETWORK, MODEL] {
        let path = network.join(name);
        bytes.extend(fs::read(&path).map_err(TrainError::read(&path))?);
    }
    Ok(sha256(&bytes))
}
