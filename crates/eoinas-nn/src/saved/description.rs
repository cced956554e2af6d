//! `network.json`: everything about a network that is not a weight.

use std::path::Path;

use eoinas_core::genotype::OpResolver;
use eoinas_core::models::ModelConfig;
use eoinas_core::{Genotype, Skeleton, TargetInfo, ValueKind};
use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::error::{NnError, Result};

/// `format` of every description.
pub const FORMAT: &str = "eoinas-network";
/// The versions that are read. The second says the kind of cell of each layer, where that is a choice of one's own
/// ([`Skeleton::layers`]). The third says what the outputs stand for (`target`) where the others name classes, and what the
/// inputs are; it is written for numbers, labels, and floats as input. The fourth is the same for a human-designed network:
/// `model` and `images` stand in the place of `genotype` and `skeleton`. The lowest that can say all is written.
pub const VERSIONS: [u32; 4] = [1, 2, 3, 4];
/// Height, width and channels of images are at most so many.
const LONGEST: usize = 1 << 16;

/// What a saved network is.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Its cells and what they are stacked into, or which human-designed network it is; the size of its images and the number of
    /// its outputs.
    pub architecture: Architecture,
    /// What the outputs stand for, with a name for each: classes, labels, or numbers with their scales.
    pub target: TargetInfo,
    /// How a sample becomes its input.
    pub normalisation: Normalisation,
    /// How a picture of any size becomes an image of the network's size.
    pub framing: Framing,
}

/// Mean and standard deviation of each channel of the training images: of pixels scaled to 0..1, of floats as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel; above zero.
    pub std: Vec<f32>,
    /// What is normalised. Default: bytes.
    #[serde(default, skip_serializing_if = "is_bytes")]
    pub values: ValueKind,
}

fn is_bytes(values: &ValueKind) -> bool {
    *values == ValueKind::Bytes
}

impl Normalisation {
    /// What a value is divided by before mean and standard deviation count: 255 for bytes, 1 for floats.
    pub fn unit(&self) -> f32 {
        if is_bytes(&self.values) { 255.0 } else { 1.0 }
    }

    /// `(pixel / 255 - mean) / std` of each channel. `pixels` are rows of pixels with their channels together.
    pub fn apply(&self, pixels: &[u8]) -> Vec<f32> {
        let channels = self.mean.iter().zip(&self.std).cycle();
        pixels.iter().zip(channels).map(|(&pixel, (mean, std))| (f32::from(pixel) / 255.0 - mean) / std).collect()
    }

    /// `(value - mean) / std` of each channel, for [`ValueKind::Floats`]. Channels lie together.
    pub fn apply_floats(&self, values: &[f32]) -> Vec<f32> {
        let channels = self.mean.iter().zip(&self.std).cycle();
        values.iter().zip(channels).map(|(value, (mean, std))| (value - mean) / std).collect()
    }
}

/// How a picture of any size becomes an image of the network's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// The whole picture, both sides resized, whatever the proportions.
    #[default]
    Stretch,
    /// The middle of the picture: seven eighths of the largest window of the network's proportions.
    Centre,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    /// In any of the text forms. To version 3, as `skeleton`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    genotype: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skeleton: Option<Skeleton>,
    /// In version 4, as `images`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<ModelConfig>,
    /// Height, width and channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    images: Option<[usize; 3]>,
    /// To version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<String>>,
    /// From version 3 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<TargetInfo>,
    normalisation: Normalisation,
    #[serde(default)]
    framing: Framing,
}

fn no_description(path: &Path, error: serde_json::Error) -> NnError {
    NnError::description(path, format!("is not the description of a network: {error}"))
}

impl Description {
    /// Whether its parts fit each other; `path` is the file that an error names.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        let (expected, got) = (self.architecture.classes(), self.target.outputs());
        if expected != got {
            let kind = self.target.kind();
            let problem = format!("{got} {kind} are named, but the network has {expected} outputs");
            return Err(NnError::description(path, problem));
        }
        let target = self.target.validate();
        target.map_err(|error| NnError::description(path, format!("target: {error}")))?;
        let Normalisation { mean, std, .. } = &self.normalisation;
        let [.., channels] = self.architecture.images();
        let fail = |reason: String| Err(NnError::description(path, format!("normalisation: {reason}")));
        if mean.len() != channels || std.len() != channels {
            let got = format!("{} means and {} standard deviations", mean.len(), std.len());
            return fail(format!("{got}, but images have {channels} channels"));
        }
        if !mean.iter().all(|m| m.is_finite()) || !std.iter().all(|s| s.is_finite() && *s > 0.0) {
            return fail("means must be finite, standard deviations finite and above zero".to_owned());
        }
        Ok(())
    }

    pub(super) fn to_json(&self, path: &Path) -> Result<String> {
        let [first, of_layers, of_targets, of_models] = VERSIONS;
        let skeleton = self.architecture.skeleton();
        let classes = self.target.classes().filter(|_| is_bytes(&self.normalisation.values) && skeleton.is_some());
        let file = File {
            format: FORMAT.to_owned(),
            version: match (classes, skeleton.map(|skeleton| &skeleton.layers)) {
                (_, None) => of_models,
                (None, Some(_)) => of_targets,
                (Some(_), Some(Some(_))) => of_layers,
                (Some(_), Some(None)) => first,
            },
            genotype: self.architecture.genotype().map(ToString::to_string),
            skeleton: skeleton.cloned(),
            model: self.architecture.model().cloned(),
            images: self.architecture.model().map(|_| self.architecture.images()),
            classes: classes.map(<[String]>::to_vec),
            target: classes.is_none().then(|| self.target.clone()),
            normalisation: self.normalisation.clone(),
            framing: self.framing,
        };
        let json = serde_json::to_string_pretty(&file);
        Ok(json.map_err(|error| no_description(path, error))? + "\n")
    }

    pub(super) fn from_json(path: &Path, bytes: &[u8], ops: &impl OpResolver) -> Result<Self> {
        let json = |error| no_description(path, error);
        // The version decides what the other fields are, so it is looked at first.
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(json)?;
        let version = |version: u32| serde_json::json!(version);
        let known = [("format", vec![serde_json::json!(FORMAT)]), ("version", VERSIONS.map(version).to_vec())];
        for (field, expected) in known {
            let got = value.get(field);
            if !got.is_some_and(|got| expected.contains(got)) {
                let got = got.map_or("absent".to_owned(), |got| got.to_string().chars().take(64).collect());
                let expected = expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                return Err(NnError::Version { path: path.to_owned(), field, expected, got });
            }
        }
        let file: File = serde_json::from_value(value).map_err(json)?;
        let File { version, genotype, skeleton, model, images, classes, target, normalisation, framing, .. } = file;
        let target = match (classes, target) {
            (Some(classes), None) if version < VERSIONS[2] => TargetInfo::Classes(classes),
            (None, Some(target)) if version >= VERSIONS[2] => target,
            _ => {
                let wanted = if version < VERSIONS[2] { "`classes` alone" } else { "`target` alone" };
                let reason = format!("a description of version {version} says by {wanted} what the outputs are");
                return Err(json(serde::de::Error::custom(reason)));
            }
        };
        let architecture = match (genotype, skeleton, model, images) {
            (Some(genotype), Some(skeleton), None, None) if version < VERSIONS[3] => {
                let genotype = Genotype::parse_with(&genotype, ops);
                let genotype = genotype.map_err(|error| NnError::description(path, format!("genotype: {error}")))?;
                Architecture::Cell { genotype, skeleton }
            }
            (None, None, Some(model), Some(images)) if version == VERSIONS[3] => {
                if let Some(side) = images.into_iter().find(|side| !(1..=LONGEST).contains(side)) {
                    let problem = format!("images: a side or number of channels is {side}; expected 1 to {LONGEST}");
                    return Err(NnError::description(path, problem));
                }
                Architecture::Model { model, images, classes: target.outputs() }
            }
            _ => {
                let wanted = if version < VERSIONS[3] { "`genotype` and `skeleton`" } else { "`model` and `images`" };
                let reason = format!("a description of version {version} says by {wanted} what the network is");
                return Err(json(serde::de::Error::custom(reason)));
            }
        };
        let description = Self { architecture, target, normalisation, framing };
        description.check(path)?;
        Ok(description)
    }
}
