//! The idx format: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian u32, the data.

use crate::error::{DataError, Result};
use std::path::Path;

const FORMAT: &str = "an idx file of bytes";
const UNSIGNED_BYTE: u8 = 8;

/// The dimensions and the data of an idx file with exactly `N` dimensions of unsigned bytes.
pub(super) fn parse<'a, const N: usize>(path: &Path, bytes: &'a [u8]) -> Result<([usize; N], &'a [u8])> {
    let wrong = |offset: usize, problem| DataError::Damaged {
        path: path.into(),
        offset: offset as u64,
        problem,
        format: FORMAT,
    };
    let truncated = |got: usize, expected: usize| format!("truncated: {got} of {expected} bytes");
    let head = 4 + 4 * N;
    let magic = [0, 0, UNSIGNED_BYTE, N as u8];
    let found = &bytes[..bytes.len().min(4)];
    if found != magic {
        return Err(wrong(
            0,
            format!("{found:?} instead of the bytes {magic:?} ({N} dimensions); unpack it if it is packed"),
        ));
    }
    let (Some(sizes), Some(data)) = (bytes.get(4..head), bytes.get(head..)) else {
        return Err(wrong(0, truncated(bytes.len(), head)));
    };
    let mut dimensions = [0; N];
    for (dimension, size) in dimensions.iter_mut().zip(sizes.as_chunks::<4>().0) {
        *dimension = u32::from_be_bytes(*size) as usize;
    }
    let expected = dimensions.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    match expected {
        Some(expected) if expected == data.len() => Ok((dimensions, data)),
        Some(expected) if expected > data.len() => Err(wrong(head, truncated(data.len(), expected))),
        _ => Err(wrong(4, format!("dimensions {dimensions:?}, but {} bytes of data", data.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read<const N: usize>(bytes: &[u8]) -> Result<([usize; N], &[u8])> {
        parse(Path::new("f-ubyte"), bytes)
    }

    #[test]
    fn reads_dimensions_and_data() {
        let bytes = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        assert_eq!(read::<2>(&bytes).unwrap(), ([2, 3], &bytes[12..]));
        let damage = |result: Result<_>| match result {
            Err(DataError::Damaged { offset, problem, .. }) => (offset, problem),
            _ => panic!("no damage"),
        };
        let (offset, problem) = damage(read::<2>(&bytes[..17]).map(|_| ()));
        assert!(offset == 12 && problem.contains("5 of 6 bytes"), "{problem}");
        let (offset, problem) = damage(read::<2>(&bytes[..9]).map(|_| ()));
        assert!(offset == 0 && problem.contains("9 of 12 bytes"), "{problem}");
        assert_eq!(damage(read::<2>(&[&bytes[..], &[0]].concat()).map(|_| ())).0, 4);
        assert_eq!(damage(read::<1>(&bytes).map(|_| ())).0, 0);
        assert_eq!(damage(read::<1>(&[]).map(|_| ())).0, 0);
        let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
        assert!(read::<3>(&huge).is_err());
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read::<1>(&bytes);
            let _ = read::<3>(&bytes);
        }

        #[test]
        fn no_header_panics(sizes in any::<[u32; 3]>(), data in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut bytes = vec![0, 0, 8, 3];
            bytes.extend(sizes.iter().flat_map(|size| (size % 7).to_be_bytes()));
            bytes.extend(data);
            if let Ok((sizes, data)) = read::<3>(&bytes) {
                prop_assert_eq!(sizes.iter().product::<usize>(), data.len());
            }
        }
    }
}
