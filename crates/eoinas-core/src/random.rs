//! One seed, many independent random streams.
//!
//! Every draw comes from a ChaCha8 generator *derived* from (seed, stream, epoch, index) and never from one that runs
//! on from an earlier draw. So prefetching threads cannot disturb a stream, nothing has to be saved but the cursor, and
//! a new draw in one stream leaves the others alone.

use chacha20::ChaCha8Rng;
use rand::SeedableRng;

/// What a random stream is used for. The name is part of the derivation, so that two streams never share a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeedStream {
    /// Initial values of the network weights; index = the running number of the tensor.
    Weights,
    /// Initial values of the architecture parameters.
    Alphas,
    /// Which image goes to which half; epoch and index are 0.
    Split,
    /// Order of the images in an epoch.
    Shuffle,
    /// Crop, flip and cutout of one image; index = position of the sample in the epoch.
    Augment,
    /// Gumbel noise of a weight step; index = step in the epoch.
    WeightPath,
    /// Gumbel noise of an architecture step; index = step in the epoch.
    ArchPath,
    /// Dropout on skip connections and drop-path masks; index = step in the epoch.
    Dropout,
    /// The embedded image set; index = the image.
    Embedded,
    /// Anything of a user's own: the name is mixed in.
    Named(&'static str),
}

impl SeedStream {
    fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Alphas => "alphas",
            Self::Split => "split",
            Self::Shuffle => "shuffle",
            Self::Augment => "augment",
            Self::WeightPath => "weight-path",
            Self::ArchPath => "arch-path",
            Self::Dropout => "dropout",
            Self::Embedded => "embedded",
            Self::Named(name) => name,
        }
    }
}

/// The random streams of one seed.
///
/// ```
/// use eoinas_core::{SeedStream, Streams};
/// use rand::Rng;
/// let streams = Streams::new(7);
/// let mut a = streams.rng(SeedStream::Augment, 3, 12);
/// let mut b = streams.rng(SeedStream::Augment, 3, 12);
/// assert_eq!(a.next_u64(), b.next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed they were made of.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The generator of one stream at one place. Key of the ChaCha8 generator: seed, epoch, index and the FNV-1a hash
    /// of the stream's name, each as a little-endian u64.
    pub fn rng(&self, stream: SeedStream, epoch: u64, index: u64) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([self.seed, epoch, index, fnv1a(stream.name())]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn streams_are_pinned_by_value() {
        let streams = Streams::new(0);
        let first: Vec<u64> = [SeedStream::Weights, SeedStream::Augment, SeedStream::Named("mine")]
            .into_iter()
            .map(|s| streams.rng(s, 0, 0).next_u64())
            .collect();
        assert_eq!(first, GOLDEN);
    }

    const GOLDEN: [u64; 3] = [0, 0, 0];

    #[test]
    fn every_coordinate_matters() {
        let draw = |seed, stream, epoch, index| Streams::new(seed).rng(stream, epoch, index).next_u64();
        let base = draw(1, SeedStream::Augment, 2, 3);
        assert_ne!(base, draw(2, SeedStream::Augment, 2, 3));
        assert_ne!(base, draw(1, SeedStream::Shuffle, 2, 3));
        assert_ne!(base, draw(1, SeedStream::Augment, 3, 3));
        assert_ne!(base, draw(1, SeedStream::Augment, 2, 4));
        assert_eq!(base, draw(1, SeedStream::Augment, 2, 3));
    }
}
