//! Candidates that can be as narrow as a study's cost asks for.

use eoinas_core::models::{DenseNet, ModelConfig};
use eoinas_data::DatasetInfo;
use eoinas_strategy::{
    EasConfig,
    hierarchical::{MotifSpace, Motifs, Mutable},
};
use rand::Rng;

use crate::Error;

/// EAS' DenseNets begin with it: two layers in each of three blocks.
const DENSENET: &str = "densenet16 block8x2 transition16 block8x2 transition16 block8x2";

/// What EAS' DenseNets begin with, for images of this height, width and number of channels and so many outputs.
///
/// # Errors
/// Images that are too small for three blocks; a cost that is not enough for a network with all layers that are added where the
/// image is largest, however narrow: widths are fitted to the cost, layers are not.
pub(super) fn densenet(images: [usize; 3], outputs: usize, multiply_adds: u64) -> Result<DenseNet, Error> {
    let start: DenseNet = DENSENET.parse()?;
    let grown = |network: DenseNet, _| network.deepened(0, 0).unwrap_or(network);
    let deepest: ModelConfig = (0..EasConfig::densenets().deeper).fold(start.clone(), grown).into();
    let fits = deepest.with_multiply_adds(images, outputs, multiply_adds);
    fits.map_err(|error| format!("eas-densenets cannot search with these images and this cost: {error}"))?;
    Ok(start)
}

/// The published motifs without those that take more than the cost even with one channel: such a candidate could not be
/// trained, and is drawn again.
#[derive(Debug)]
pub(super) struct Affordable {
    space: MotifSpace,
    images: [usize; 3],
    outputs: usize,
    multiply_adds: u64,
}

impl Affordable {
    /// For images like those of `info`.
    pub fn new(info: &DatasetInfo, multiply_adds: u64) -> Self {
        let images = [info.height, info.width, info.channels];
        Self { space: MotifSpace::default(), images, outputs: info.target.outputs(), multiply_adds }
    }
}

impl Mutable for Affordable {
    type Candidate = Motifs;

    fn identity(&self) -> Motifs {
        self.space.identity()
    }

    fn mutate(&self, motifs: Motifs, rng: &mut dyn Rng) -> Motifs {
        self.space.mutate(motifs, rng)
    }

    fn works(&self, motifs: &Motifs) -> bool {
        let fits = |model: ModelConfig| model.with_multiply_adds(self.images, self.outputs, self.multiply_adds).is_ok();
        self.space.works(motifs) && fits(motifs.clone().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams, TargetInfo};

    #[test]
    fn dense_blocks_that_cannot_be_are_refused() {
        assert_eq!(densenet([32, 32, 3], 10, 500_000).unwrap().blocks.len(), 3);
        let error = densenet([32, 32, 3], 10, 200_000).unwrap_err().to_string();
        assert!(error.contains("multiply_adds is 200000; expected at least"), "{error}");
        let error = densenet([3, 32, 3], 10, 3_000_000).unwrap_err().to_string();
        assert!(error.contains("a window of 2 does not fit"), "{error}");
    }

    #[test]
    fn what_costs_too_much_does_not_work() {
        let space = |multiply_adds| Affordable {
            space: MotifSpace::default(),
            images: [32, 32, 3],
            outputs: TargetInfo::Classes(vec![String::new(); 10]).outputs(),
            multiply_adds,
        };
        let (dear, cheap) = (space(3_000_000), space(400_000));
        let mut rng = Streams::new(1).rng(SeedStream::Named("motifs"), 0, 0);
        let mut motifs = dear.identity();
        assert!(dear.works(&motifs) && cheap.works(&motifs));
        let mut works = [0; 2];
        for _ in 0..40 {
            motifs = (0..50).fold(motifs, |motifs, _| dear.mutate(motifs, &mut rng));
            for (works, space) in works.iter_mut().zip([&dear, &cheap]) {
                *works += u32::from(space.works(&motifs));
            }
        }
        assert!(works[0] > 30 && works[1] < 30, "{works:?}");
    }
}
