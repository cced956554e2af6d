//! Some images of a data set.

use crate::dataset::{Dataset, DatasetInfo, Picture};
use crate::error::{DataError, Result};
use crate::values::Values;
use eoinas_core::Target;
use std::sync::Arc;

/// Chosen images of another data set, in the order of the choice.
#[derive(Clone, Debug)]
pub struct Subset {
    data: Arc<dyn Dataset>,
    indices: Vec<usize>,
}

impl Subset {
    /// The images `indices` of `data`.
    ///
    /// # Errors
    /// [`DataError::Index`].
    pub fn new(data: Arc<dyn Dataset>, indices: Vec<usize>) -> Result<Self> {
        let len = data.len();
        match indices.iter().find(|&&index| index >= len) {
            Some(&index) => Err(DataError::Index { index, len }),
            None => Ok(Self { data, indices }),
        }
    }

    /// The first `count` images, or all if there are fewer.
    pub fn take(data: Arc<dyn Dataset>, count: usize) -> Self {
        let indices = (0..count.min(data.len())).collect();
        Self { data, indices }
    }

    fn inner(&self, index: usize) -> Result<usize> {
        self.indices.get(index).copied().ok_or(DataError::Index { index, len: self.indices.len() })
    }
}

impl Dataset for Subset {
    fn info(&self) -> &DatasetInfo {
        self.data.info()
    }

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target> {
        self.data.read(self.inner(index)?, values)
    }

    fn target(&self, index: usize) -> Result<Target> {
        self.data.target(self.inner(index)?)
    }

    fn picture(&self, index: usize) -> Result<Option<(Arc<Picture>, Target)>> {
        self.data.picture(self.inner(index)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Embedded, Part};

    #[test]
    fn reads_the_chosen_images() {
        let data: Arc<dyn Dataset> = Arc::new(Embedded::new(Part::Train, 20));
        let (mut a, mut b) = (vec![0u8; 3072], vec![0u8; 3072]);
        let chosen = Subset::new(data.clone(), vec![17, 3]).unwrap();
        assert_eq!(chosen.read(0, a[..].as_mut().into()).unwrap(), Target::Class(7));
        data.read(17, b[..].as_mut().into()).unwrap();
        assert_eq!(a, b);
        assert_eq!((chosen.target(1).unwrap(), chosen.len()), (Target::Class(3), 2));
        assert!(matches!(chosen.target(2), Err(DataError::Index { index: 2, len: 2 })));
        assert!(matches!(Subset::new(data.clone(), vec![20]), Err(DataError::Index { index: 20, len: 20 })));
        assert_eq!((Subset::take(data.clone(), 5).len(), Subset::take(data, 50).len()), (5, 20));
    }
}
