//! `network.json`: everything about a network that is not a weight.

use std::path::Path;

use eoinas_core::genotype::OpResolver;
use eoinas_core::{Genotype, Skeleton};
use serde::{Deserialize, Serialize};

use super::{Result, SavedError};

/// `format` of every description.
pub const FORMAT: &str = "eoinas-network";
/// The versions that are read. The second says the kind of cell of each layer; it is written where that is a choice of
/// one's own ([`Skeleton::layers`]), and the first everywhere else.
pub const VERSIONS: [u32; 2] = [1, 2];

/// What a saved network is.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Its cells.
    pub genotype: Genotype,
    /// The network that they are stacked into, its form, the size of its images and the number of classes.
    pub skeleton: Skeleton,
    /// Name of each class; an index of the logits is an index into it.
    pub classes: Vec<String>,
    /// How pixels become its input.
    pub normalisation: Normalisation,
    /// How a picture of any size becomes an image of the network's size.
    pub framing: Framing,
}

/// Mean and standard deviation of each channel of the training images, of pixels scaled to 0..1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel; above zero.
    pub std: Vec<f32>,
}

impl Normalisation {
    /// `(pixel / 255 - mean) / std` of each channel. `pixels` are rows of pixels with their channels together.
    pub fn apply(&self, pixels: &[u8]) -> Vec<f32> {
        let channels = self.mean.iter().zip(&self.std).cycle();
        pixels.iter().zip(channels).map(|(&pixel, (mean, std))| (f32::from(pixel) / 255.0 - mean) / std).collect()
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
    /// In any of the text forms.
    genotype: String,
    skeleton: Skeleton,
    classes: Vec<String>,
    normalisation: Normalisation,
    #[serde(default)]
    framing: Framing,
}

impl Description {
    /// Whether its parts fit each other; `path` is the file that an error names.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        let (expected, got) = (self.skeleton.classes, self.classes.len());
        if expected != got {
            return Err(SavedError::Classes { path: path.to_owned(), expected, got });
        }
        let Normalisation { mean, std } = &self.normalisation;
        let channels = self.skeleton.image_channels;
        let fail = |reason: String| Err(SavedError::Normalisation { path: path.to_owned(), reason });
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
        let [old, new] = VERSIONS;
        let file = File {
            format: FORMAT.to_owned(),
            version: if self.skeleton.layers.is_some() { new } else { old },
            genotype: self.genotype.to_string(),
            skeleton: self.skeleton.clone(),
            classes: self.classes.clone(),
            normalisation: self.normalisation.clone(),
            framing: self.framing,
        };
        let json = serde_json::to_string_pretty(&file);
        Ok(json.map_err(|source| SavedError::Json { path: path.to_owned(), source })? + "\n")
    }

    pub(super) fn from_json(path: &Path, bytes: &[u8], ops: &impl OpResolver) -> Result<Self> {
        let json = |source| SavedError::Json { path: path.to_owned(), source };
        // The version decides what the other fields are, so it is looked at first.
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(json)?;
        let version = |version: u32| serde_json::json!(version);
        let known = [("format", vec![serde_json::json!(FORMAT)]), ("version", VERSIONS.map(version).to_vec())];
        for (field, expected) in known {
            let got = value.get(field);
            if !got.is_some_and(|got| expected.contains(got)) {
                let got = got.map_or("absent".to_owned(), |got| got.to_string().chars().take(64).collect());
                let expected = expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                return Err(SavedError::Version { path: path.to_owned(), field, expected, got });
            }
        }
        let file: File = serde_json::from_value(value).map_err(json)?;
        let genotype = Genotype::parse_with(&file.genotype, ops)
            .map_err(|source| SavedError::Genotype { path: path.to_owned(), source })?;
        let File { skeleton, classes, normalisation, framing, .. } = file;
        let description = Self { genotype, skeleton, classes, normalisation, framing };
        description.check(path)?;
        Ok(description)
    }
}
