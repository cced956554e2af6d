//! The framing of TensorFlow's record files.

use std::io::{self, Write};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

/// CRC-32C as the format masks it: rotated right by 15 bits, plus a constant.
fn masked_crc(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Writes one record.
pub(super) fn write(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = (bytes.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked_crc(&length).to_le_bytes())?;
    out.write_all(bytes)?;
    out.write_all(&masked_crc(bytes).to_le_bytes())
}

#[cfg(test)]
mod tests {
    #[test]
    fn checksum_of_rfc_3720() {
        assert_eq!(super::CRC.checksum(&[0; 32]), 0x8a91_36aa);
        let mut record = Vec::new();
        super::write(&mut record, b"abc").unwrap();
        assert_eq!(record.len(), 8 + 4 + 3 + 4);
        assert_eq!(record[..8], 3u64.to_le_bytes());
    }
}
