//! Whether a skeleton can be built of the cells of a space.

use super::{Form, Skeleton};
use crate::space::{CellSpec, SearchSpace};

/// Why a skeleton cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkeletonError {
    /// A number that must be at least 1 is 0.
    #[error("the network's `{field}` is 0; it must be at least 1")]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// A number beyond what any machine could hold.
    #[error("the network's `{field}` is {got}; it must be at most {max}")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// Its value.
        got: usize,
        /// The largest that is allowed.
        max: usize,
    },
    /// Odd channels where the ImageNet stem and its factorised reduce split them into halves.
    #[error("the network's `channels` is {channels}; the ImageNet form needs an even number")]
    OddChannels {
        /// Initial channels.
        channels: usize,
    },
    /// NAS-Bench-201's three stages have equally many cells.
    #[error("the network's `cells` is {cells}; the NAS-Bench-201 form needs a multiple of 3")]
    Stages {
        /// Number of cells.
        cells: usize,
    },
    /// An image too small to be halved as often as the network does.
    #[error(
        "images of {height}x{width} pixels are too small for this network, which halves them {halvings} times; they \
             must be at least {min}x{min}"
    )]
    ImageTooSmall {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// How often the resolution halves.
        halvings: u32,
        /// The smallest side that would do.
        min: usize,
    },
    /// Features too small for the auxiliary head's pool.
    #[error(
        "the auxiliary head would read {height}x{width} pixels and needs {min}x{min}; train without it, or on larger \
             images"
    )]
    AuxiliaryTooSmall {
        /// Height of what the head reads.
        height: usize,
        /// Width of what the head reads.
        width: usize,
        /// The smallest side that would do.
        min: usize,
    },
    /// No cell that keeps the resolution.
    #[error("space `{space}` has only reduction cells; the network needs one that keeps the resolution")]
    NoNormalCell {
        /// Name of the space.
        space: String,
    },
    /// A cell with more inputs than there are earlier layers to take them from.
    #[error("cell `{cell}` has {inputs} inputs; cells of this network have {expected}")]
    Inputs {
        /// Kind of cell.
        cell: String,
        /// Its inputs.
        inputs: usize,
        /// What would do.
        expected: &'static str,
    },
    /// NAS-Bench-201's cells follow each other without preprocessing, so that the output must have C channels.
    #[error("cell `{cell}` joins {nodes} nodes into its output; the NAS-Bench-201 form needs exactly one")]
    Output {
        /// Kind of cell.
        cell: String,
        /// How many nodes it joins.
        nodes: usize,
    },
}

impl Skeleton {
    /// Checks every field, alone and together with the cells of `space`.
    pub fn validate(&self, space: &SearchSpace) -> Result<(), SkeletonError> {
        for (field, got, max) in [
            ("channels", self.channels, 1 << 14),
            ("cells", self.cells, 1 << 10),
            ("stem_multiplier", self.stem_multiplier, 1 << 6),
            ("classes", self.classes, 1 << 24),
            ("image_channels", self.image_channels, 1 << 12),
            ("height", self.height, 1 << 14),
            ("width", self.width, 1 << 14),
        ] {
            if got == 0 {
                return Err(SkeletonError::Zero { field });
            }
            if got > max {
                return Err(SkeletonError::TooLarge { field, got, max });
            }
        }
        if self.form == Form::ImageNet && self.channels % 2 == 1 {
            return Err(SkeletonError::OddChannels { channels: self.channels });
        }
        if self.form == Form::NasBench201 && !self.cells.is_multiple_of(3) {
            return Err(SkeletonError::Stages { cells: self.cells });
        }
        self.check_image()?;
        self.check_cells(space)
    }

    fn check_image(&self) -> Result<(), SkeletonError> {
        let reductions = (0..self.cells).filter(|&index| self.reduces_at(index)).count() as u32;
        let halvings = reductions + if self.form == Form::ImageNet { 3 } else { 0 };
        // A side of one pixel cannot be halved: before the last halving two must be left, counted with rounding up.
        let min = if halvings == 0 { 1 } else { (1 << (halvings - 1)) + 1 };
        let (height, width) = (self.height, self.width);
        if height.min(width) < min {
            return Err(SkeletonError::ImageTooSmall { height, width, halvings, min });
        }
        Ok(())
    }

    fn check_cells(&self, space: &SearchSpace) -> Result<(), SkeletonError> {
        if space.cells().iter().all(|cell| cell.reduction) {
            return Err(SkeletonError::NoNormalCell { space: space.name().to_owned() });
        }
        space.cells().iter().try_for_each(|cell| self.check_cell(cell))
    }

    fn check_cell(&self, cell: &CellSpec) -> Result<(), SkeletonError> {
        let (most, expected) = if self.form == Form::NasBench201 { (1, "1") } else { (2, "1 or 2") };
        if cell.inputs == 0 || cell.inputs > most {
            return Err(SkeletonError::Inputs { cell: cell.name.clone(), inputs: cell.inputs, expected });
        }
        if self.form == Form::NasBench201 && !cell.reduction && cell.concat.len() != 1 {
            return Err(SkeletonError::Output { cell: cell.name.clone(), nodes: cell.concat.len() });
        }
        Ok(())
    }
}
