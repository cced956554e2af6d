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

    // Computed with an independent implementation of ChaCha8.
    /// A change of these values changes the result of every run: it needs a new version of the record's format.
    #[test]
    fn streams_are_pinned_by_value() {
        let golden: [(SeedStream, u64, u64, u64, [u64; 2]); 11] = [
            (SeedStream::Weights, 0, 0, 0, [0xfbfe_1def_af03_41bb, 0x33da_7f78_487c_36c9]),
            (SeedStream::Alphas, 0, 0, 0, [0x9e64_f17f_b531_c155, 0xc153_2486_1cf6_f40e]),
            (SeedStream::Split, 0, 0, 0, [0x1cd5_12b6_9081_ebf3, 0x2535_6bbc_4bfb_41fa]),
            (SeedStream::Shuffle, 0, 0, 0, [0x26d3_41b6_43f9_f69f, 0xdec4_e2e9_d73b_84c1]),
            (SeedStream::Augment, 0, 0, 0, [0xe7b6_b6f2_cc37_ad3a, 0x7092_6394_98d2_2783]),
            (SeedStream::WeightPath, 0, 0, 0, [0xc3a4_3738_e8c6_df95, 0x54c3_26b5_f642_9c81]),
            (SeedStream::ArchPath, 0, 0, 0, [0xd3c2_4667_e7c0_3f9b, 0x5bd5_c402_5ad4_fe29]),
            (SeedStream::Dropout, 0, 0, 0, [0xf551_744a_928f_29de, 0xd88c_a1f1_6409_8d91]),
            (SeedStream::Embedded, 0, 0, 0, [0xd7ec_b635_a192_925a, 0xa75e_8f5f_a060_da76]),
            (SeedStream::Named("mine"), 0, 0, 0, [0x2af9_48c9_3fde_79c6, 0xf729_9adc_6e5f_15b2]),
            (SeedStream::Augment, u64::MAX, 159, 49999, [0xc8fa_e5f8_3b2e_25d5, 0xc63f_7da8_44e0_0e26]),
        ];
        for (stream, seed, epoch, index, expected) in golden {
            let mut rng = Streams::new(seed).rng(stream, epoch, index);
            assert_eq!([rng.next_u64(), rng.next_u64()], expected, "{stream:?}");
        }
    }

    #[test]
    fn built_in_streams_have_names_of_their_own() {
        let names = [
            SeedStream::Weights,
            SeedStream::Alphas,
            SeedStream::Split,
            SeedStream::Shuffle,
            SeedStream::Augment,
            SeedStream::WeightPath,
            SeedStream::ArchPath,
            SeedStream::Dropout,
            SeedStream::Embedded,
        ]
        .map(|stream| fnv1a(stream.name()));
        let distinct: std::collections::BTreeSet<u64> = names.into_iter().collect();
        assert_eq!(distinct.len(), names.len());
    }

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
