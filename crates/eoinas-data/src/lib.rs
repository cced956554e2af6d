//! Data sets, seeded augmentation and a prefetching loader, as plain `f32` buffers with channels last.
//!
//! - [`Dataset`]: the one trait of a data set: pictures or signals (height 1), bytes or floats, with classes, real numbers
//!   or labels to be found. [`InMemory`] is the ready-made one for samples that are in memory already.
//! - Sources: [`Embedded`] (drawn by code, needs no files), [`Cifar10`] and [`Cifar100`] (binary folders), [`Mnist`]
//!   (idx files), and with the feature `images` a folder of pictures for each class. [`Source`] opens any of
//!   them by its name. The feature `download` fetches CIFAR from its home.
//! - [`Split`]: which images train weights and which judge architectures.
//! - [`Augment`]: crop, flip, colours, normalise, cutout, each draw derived from (seed, epoch, position in the epoch).
//! - [`Loader`]: batches in a fixed order, whatever the number of threads that make them.
//!
//! ```
//! use std::sync::Arc;
//! use eoinas_core::Streams;
//! use eoinas_data::{Augment, Embedded, Loader, LoaderConfig, Part};
//!
//! let data = Arc::new(Embedded::new(Part::Train, 200));
//! let loader = Loader::new(data, LoaderConfig {
//!     batch_size: 64,
//!     augment: Augment::search(),
//!     ..LoaderConfig::new((0..200).collect(), Streams::new(7))
//! })?;
//! for batch in loader.epoch(0, 0) {
//!     let batch = batch?;
//!     assert_eq!(batch.images.len(), batch.n * 32 * 32 * 3);
//! }
//! # Ok::<(), eoinas_data::DataError>(())
//! ```
#![forbid(unsafe_code)]

pub mod augment;
pub mod cifar;
pub mod dataset;
#[cfg(feature = "download")]
pub mod download;
pub mod embedded;
pub mod error;
#[cfg(feature = "images")]
pub mod folder;
pub mod in_memory;
pub mod loader;
pub mod mnist;
pub mod normalised;
pub mod source;
pub mod split;
pub mod subset;
pub mod values;

mod detect;
mod dice;
mod hex;
mod picture_files;

pub use augment::{Augment, ColourJitter, RandomCrop};
pub use cifar::{Cifar10, Cifar100};
pub use dataset::{Dataset, DatasetInfo, Part, Picture};
pub use embedded::Embedded;
pub use error::DataError;
#[cfg(feature = "images")]
pub use folder::{FolderConfig, FolderList, ImageFolder, MAX_PIXELS, PictureFolder, Unreadable, labelled_files};
pub use in_memory::InMemory;
pub use loader::{Batch, Batches, Loader, LoaderConfig};
pub use mnist::Mnist;
pub use normalised::Normalised;
pub use picture_files::{PictureFiles, is_litter, is_picture};
pub use source::{Source, SourceKind};
pub use split::{Split, SplitKind};
pub use subset::Subset;
pub use values::{Samples, ValueKind, Values};
