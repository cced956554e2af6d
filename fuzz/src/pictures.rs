use eoinas_data::{FolderConfig, ImageFolder};

/// Any bytes as a picture's file: it has the size that was asked for, or is refused, within a second and little memory.
pub fn pictures(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let config = FolderConfig { height: 8, width: 8, max_pixels: 1 << 20, ..FolderConfig::default() };
    for read in [ImageFolder::read_image(file.path(), &config), ImageFolder::read_centre(file.path(), &config)] {
        assert!(read.map_or(true, |pixels| pixels.len() == 8 * 8 * 3));
    }
}
