//! A data set that is normalised by other numbers than its own.

use crate::dataset::{Dataset, DatasetInfo, Picture};
use crate::error::Result;
use crate::values::Values;
use eoinas_core::Target;
use std::sync::Arc;

/// Another data set with a mean and a standard deviation that are given: those that a network has learned by.
#[derive(Clone, Debug)]
pub struct Normalised {
    data: Arc<dyn Dataset>,
    info: DatasetInfo,
}

impl Normalised {
    /// `data` with `mean` and `std` of each channel, of bytes scaled to 0..1, of floats as they are.
    ///
    /// # Errors
    /// [`crate::DataError::Set`] when they are not one finite number a channel, standard deviations above zero.
    pub fn new(data: Arc<dyn Dataset>, mean: Vec<f32>, std: Vec<f32>) -> Result<Self> {
        let info = DatasetInfo { mean, std, ..data.info().clone() };
        info.validate()?;
        Ok(Self { data, info })
    }
}

impl Dataset for Normalised {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self) -> usize {
        self.data.len()
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target> {
        self.data.read(index, values)
    }

    fn target(&self, index: usize) -> Result<Target> {
        self.data.target(index)
    }

    fn picture(&self, index: usize) -> Result<Option<(Arc<Picture>, Target)>> {
        self.data.picture(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Embedded, Part};

    #[test]
    fn only_the_numbers_differ() {
        let data: Arc<dyn Dataset> = Arc::new(Embedded::new(Part::Train, 20));
        let other = Normalised::new(data.clone(), vec![0.5; 3], vec![0.25; 3]).unwrap();
        let (mut a, mut b) = (vec![0u8; 3072], vec![0u8; 3072]);
        assert_eq!(data.read(3, a[..].as_mut().into()).unwrap(), other.read(3, b[..].as_mut().into()).unwrap());
        assert_eq!((a, other.len(), &other.info().mean), (b, 20, &vec![0.5; 3]));
        let error = Normalised::new(data, vec![0.5; 3], vec![0.0; 3]).unwrap_err().to_string();
        assert!(error.contains("std finite and above zero"), "{error}");
    }
}
