//! Motifs that can be as narrow as a study's cost asks for.

use eoinas_core::models::ModelConfig;
use eoinas_data::DatasetInfo;
use eoinas_strategy::hierarchical::{MotifSpace, Motifs, Mutable};
use rand::Rng;

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
