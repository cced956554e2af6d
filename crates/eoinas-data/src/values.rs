//! The numbers of samples: bytes, or floats as they are.

use crate::error::{DataError, Result};

pub use eoinas_core::ValueKind;

/// Where a data set writes a sample: \[height, width, channels\], row by row.
#[derive(Debug)]
pub enum Values<'a> {
    /// For [`ValueKind::Bytes`].
    Bytes(&'a mut [u8]),
    /// For [`ValueKind::Floats`].
    Floats(&'a mut [f32]),
}

impl<'a> Values<'a> {
    /// The bytes, for a data set of bytes.
    ///
    /// # Errors
    /// [`DataError::Buffer`]: the buffer is one of floats.
    pub fn bytes(self) -> Result<&'a mut [u8]> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Floats(floats) => Err(DataError::buffer("bytes", format!("{} floats", floats.len()))),
        }
    }

    /// The floats, for a data set of floats.
    ///
    /// # Errors
    /// [`DataError::Buffer`]: the buffer is one of bytes.
    pub fn floats(self) -> Result<&'a mut [f32]> {
        match self {
            Self::Floats(floats) => Ok(floats),
            Self::Bytes(bytes) => Err(DataError::buffer("floats", format!("{} bytes", bytes.len()))),
        }
    }
}

impl<'a> From<&'a mut [u8]> for Values<'a> {
    fn from(bytes: &'a mut [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a mut [f32]> for Values<'a> {
    fn from(floats: &'a mut [f32]) -> Self {
        Self::Floats(floats)
    }
}

/// The numbers of one sample after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// [`ValueKind::Bytes`]
    Bytes(Vec<u8>),
    /// [`ValueKind::Floats`]
    Floats(Vec<f32>),
}

impl Samples {
    /// `len` zeros.
    pub fn zeros(kind: ValueKind, len: usize) -> Self {
        match kind {
            ValueKind::Bytes => Self::Bytes(vec![0; len]),
            ValueKind::Floats => Self::Floats(vec![0.0; len]),
        }
    }

    /// What the numbers are.
    pub fn kind(&self) -> ValueKind {
        match self {
            Self::Bytes(_) => ValueKind::Bytes,
            Self::Floats(_) => ValueKind::Floats,
        }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => floats.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, to be written to.
    pub fn as_values(&mut self) -> Values<'_> {
        match self {
            Self::Bytes(bytes) => Values::Bytes(bytes),
            Self::Floats(floats) => Values::Floats(floats),
        }
    }
}

impl From<Vec<u8>> for Samples {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<f32>> for Samples {
    fn from(floats: Vec<f32>) -> Self {
        Self::Floats(floats)
    }
}

/// Copies a sample to where it is wanted.
pub(crate) fn copy<T: Copy>(sample: &[T], to: &mut [T], what: &str) -> Result<()> {
    if sample.len() != to.len() {
        return Err(DataError::buffer(format!("{} {what}", sample.len()), format!("{} {what}", to.len())));
    }
    to.copy_from_slice(sample);
    Ok(())
}
