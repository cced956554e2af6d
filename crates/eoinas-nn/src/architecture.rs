//! What a network that is trained and used is: the network of a cell, or a human-designed one.

use std::fmt;

use eoinas_core::models::ModelConfig;
use eoinas_core::{CoreError, Genotype, Skeleton, count};

/// What a [`DerivedNetwork`](crate::DerivedNetwork) is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// A cell, stacked into a network.
    Cell {
        /// The cell.
        genotype: Genotype,
        /// The network that it is stacked into, the size of its images and the number of its outputs.
        skeleton: Skeleton,
    },
    /// A human-designed network.
    Model {
        /// Which, how wide and how deep.
        model: ModelConfig,
        /// Height, width and channels of its images.
        images: [usize; 3],
        /// Number of its outputs.
        classes: usize,
    },
}

impl Architecture {
    /// Height, width and channels of the images.
    pub fn images(&self) -> [usize; 3] {
        match self {
            Self::Cell { skeleton, .. } => images_of(skeleton),
            Self::Model { images, .. } => *images,
        }
    }

    /// Number of outputs.
    pub fn classes(&self) -> usize {
        match self {
            Self::Cell { skeleton, .. } => skeleton.classes,
            Self::Model { classes, .. } => *classes,
        }
    }

    /// The cell; `None` of a network without cells.
    pub fn genotype(&self) -> Option<&Genotype> {
        match self {
            Self::Cell { genotype, .. } => Some(genotype),
            Self::Model { .. } => None,
        }
    }

    /// What the cell is stacked into; `None` of a network without cells.
    pub fn skeleton(&self) -> Option<&Skeleton> {
        match self {
            Self::Cell { skeleton, .. } => Some(skeleton),
            Self::Model { .. } => None,
        }
    }

    /// The human-designed network; `None` of one of cells.
    pub fn model(&self) -> Option<&ModelConfig> {
        match self {
            Self::Cell { .. } => None,
            Self::Model { model, .. } => Some(model),
        }
    }

    /// What it is called: the published name of a human-designed network, `cells` of any network of cells.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cell { .. } => "cells",
            Self::Model { model, .. } => model.name.name(),
        }
    }

    /// The same with at most so many ops ([`Skeleton::max_ops`]). A network without cells has its own number of layers.
    pub fn set_max_ops(&mut self, most: Option<usize>) {
        if let Self::Cell { skeleton, .. } = self {
            skeleton.max_ops = most;
        }
    }

    /// How many numbers are trained, the auxiliary head's left out; no network is built for that.
    ///
    /// # Errors
    /// A network that cannot be.
    pub fn parameters(&self) -> Result<u64, CoreError> {
        Ok(match self {
            Self::Cell { genotype, skeleton } => count::network(genotype, skeleton, &genotype.space()?)?,
            Self::Model { model, images, classes } => model.graph(*images, *classes)?.counts(),
        }
        .parameters)
    }
}

impl fmt::Display for Architecture {
    /// The genotype's text, or the name of a human-designed network with its width and depth where they are not the
    /// published ones.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell { genotype, .. } => genotype.fmt(f),
            Self::Model { model, .. } => model.fmt(f),
        }
    }
}

/// Height, width and channels of the images of a skeleton.
pub(crate) fn images_of(skeleton: &Skeleton) -> [usize; 3] {
    [skeleton.height, skeleton.width, skeleton.image_channels]
}
