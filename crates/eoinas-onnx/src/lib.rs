//! Networks as ONNX files, for onnxruntime and everything else that reads the format.
//!
//! The file has operator set 17, 32-bit floats, one input `images` `[n, channels, height, width]` and one output
//! `logits` `[n, classes]`, with any number of images n. BatchNorm is folded into the convolutions. The images are
//! normalised ones, or, with [`ExportOptions::normalisation`], pixels from 0 to 255 (a signal's floats as they are). With
//! [`ExportOptions::target`] the output is an answer: `numbers` in their own units, or a probability for each of the
//! `labels`; classes stay logits, or become `probabilities` with [`ExportOptions::probabilities`].
//!
//! With [`ExportOptions::picture`] the one input is `pixels` `[n, height, width, 3]`, bytes of pictures of any size, and the graph
//! does all that the program does with a picture before the network sees it. That takes operator set 18.
//!
//! ```
//! use candle_core::Device;
//! use eoinas_core::{Skeleton, Streams, zoo};
//! use eoinas_nn::{DerivedNetwork, Operations};
//! use eoinas_onnx::ExportOptions;
//!
//! let genotype = zoo::find("darts-v2")?.genotype();
//! let skeleton = Skeleton { channels: 4, cells: 3, ..Skeleton::cifar() };
//! let (space, operations) = (genotype.space()?, Operations::built_in());
//! let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &Streams::new(0), &Device::Cpu)?;
//!
//! let bytes = eoinas_onnx::to_bytes(&net.into_inference()?, &ExportOptions::default())?;
//! assert!(bytes.len() > 10_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod convert;
pub mod error;
mod layers;
mod picture;
mod proto;
mod weights;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use eoinas_core::{TargetInfo, TargetKind};
use eoinas_nn::InferenceNetwork;
use eoinas_nn::saved::{Framing, Normalisation};
use prost::Message;

pub use error::{OnnxError, Result};

/// Version of the operators that are used.
pub const OPSET: i64 = 17;
/// The same of files that take pictures of any size: the first whose `Resize` shrinks without dropping pixels.
pub const PICTURE_OPSET: i64 = 18;
/// Version of the file format: the one that came with these operators.
pub const IR_VERSION: i64 = 8;
/// Name of the input.
pub const INPUT: &str = "images";
/// Name of the input where it is pictures of any size.
pub const PICTURE_INPUT: &str = "pixels";
/// Name of the output where it is the network's own.
pub const OUTPUT: &str = "logits";

/// Settings of an export.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExportOptions {
    /// With it, the network's input are pixels from 0 to 255, or floats as the data set has them, which the graph normalises.
    /// Default: none, and the input is normalised already.
    pub normalisation: Option<Normalisation>,
    /// With it, the graph turns the outputs of a network of numbers or labels into what they stand for, and names them so
    /// ([`Self::output`]). Default: none, and the output is the network's own.
    pub target: Option<TargetInfo>,
    /// Whether the outputs of a network of classes are probabilities, which add up to 1. Default: false, they are logits.
    pub probabilities: bool,
    /// With it, the input are the bytes of pictures of any height and width, `[n, height, width, 3]` in red, green and blue, which
    /// the graph cuts, resizes and rounds as `eoinas_data::ImageFolder` does; it takes a [`Self::normalisation`] of bytes.
    /// Default: none, and images have the network's size.
    pub picture: Option<Framing>,
    /// Texts by name that the file carries along (`metadata_props`). Default: none.
    pub metadata: Vec<(String, String)>,
}

impl ExportOptions {
    /// Name of the input: `images`, or `pixels` of pictures of any size.
    pub fn input(&self) -> &'static str {
        if self.picture.is_some() { PICTURE_INPUT } else { INPUT }
    }

    /// Name of the output: `logits` or `probabilities` of classes, `numbers`, `labels`.
    pub fn output(&self) -> &'static str {
        match self.target.as_ref().map(TargetInfo::kind) {
            None | Some(TargetKind::Classes) if self.probabilities => "probabilities",
            None | Some(TargetKind::Classes) => OUTPUT,
            Some(TargetKind::Numbers) => "numbers",
            Some(TargetKind::Labels) => "labels",
        }
    }
}

/// The bytes of the ONNX file.
///
/// # Errors
/// An op of one's own that does not say what it computes; a normalisation of other channels or a target of other outputs;
/// pictures for a network that reads no bytes, or other channels than pictures have; more than 2 GiB of weights.
pub fn to_bytes(network: &InferenceNetwork, options: &ExportOptions) -> Result<Vec<u8>> {
    Ok(convert::model(&network.graph()?, options)?.encode_to_vec())
}

/// Writes the ONNX file, which must not be there yet.
///
/// # Errors
/// As [`to_bytes`]; [`OnnxError::Exists`]; a file that cannot be written.
pub fn write(path: &Path, network: &InferenceNetwork, options: &ExportOptions) -> Result<()> {
    let bytes = to_bytes(network, options)?;
    let written = File::create_new(path).and_then(|mut file| {
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // A file that was cut short is of no use to anybody.
            let _ = std::fs::remove_file(path);
        }
        written
    });
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => OnnxError::Exists { path: path.to_owned() },
        _ => OnnxError::File { path: path.to_owned(), source },
    })
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
