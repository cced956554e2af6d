//! One image by itself, as the images of a folder are read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![cfg(feature = "images")]

use eoinas_data::{DataError, Dataset, FolderConfig, ImageFolder, Part, PictureFolder, Unreadable};
use image::{Rgb, RgbImage};

fn config(height: usize, width: usize) -> FolderConfig {
    FolderConfig { height, width, ..FolderConfig::default() }
}

#[test]
fn an_image_is_read_as_its_folder_reads_it() {
    let root = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        std::fs::create_dir(root.path().join(class)).unwrap();
        for i in 0..5u8 {
            let image = RgbImage::from_fn(20 + u32::from(i), 13, |x, y| Rgb([(9 * x) as u8, (17 * y) as u8, i]));
            image.save(root.path().join(format!("{class}/{i}.png"))).unwrap();
        }
    }
    let folder = ImageFolder::open(root.path(), Part::Train, &config(8, 12)).unwrap();
    let alone = ImageFolder::read_image(root.path().join("a/2.png"), &config(8, 12)).unwrap();
    assert_eq!(alone, folder.image(2).unwrap());
}

#[test]
fn the_middle_has_the_proportions_that_are_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("wide.png");
    // A grey square of 40 pixels in the middle of a wide picture; the window is seven eighths of that.
    let image = RgbImage::from_fn(100, 40, |x, _| Rgb(if (30..70).contains(&x) { [90; 3] } else { [255; 3] }));
    image.save(&path).unwrap();
    let middle = ImageFolder::read_centre(&path, &config(16, 16)).unwrap();
    assert_eq!(middle, vec![90; 16 * 16 * 3]);
    // The whole picture has its bright sides.
    assert!(ImageFolder::read_image(&path, &config(16, 16)).unwrap().contains(&255));
    assert_eq!(ImageFolder::read_centre(&path, &config(400, 1)).unwrap().len(), 400 * 3);
}

#[test]
fn what_cannot_be_read_is_named() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("broken.png");
    std::fs::write(&path, "no picture").unwrap();
    let skip = FolderConfig { unreadable: Unreadable::Skip, ..config(8, 8) };
    for result in [ImageFolder::read_image(&path, &skip), ImageFolder::read_centre(&path, &skip)] {
        assert!(matches!(result, Err(DataError::Image { path: named, .. }) if named == path));
    }
    for result in [ImageFolder::read_image(&path, &config(0, 8)), ImageFolder::read_centre(&path, &config(8, 9999))] {
        assert!(matches!(result, Err(DataError::Setting(_))));
    }
}

#[test]
fn the_middle_is_what_a_folder_of_pictures_shows() {
    let root = tempfile::tempdir().unwrap();
    for part in ["train", "test"] {
        for class in ["a", "b"] {
            let dir = root.path().join(part).join(class);
            std::fs::create_dir_all(&dir).unwrap();
            let image = RgbImage::from_fn(61, 44, |x, y| Rgb([(4 * x) as u8, (5 * y) as u8, (x * y) as u8]));
            image.save(dir.join("1.png")).unwrap();
        }
    }
    let config = config(16, 16);
    let (_, test) = PictureFolder::open_parts(root.path(), &config).unwrap();
    let mut pixels = vec![0u8; 16 * 16 * 3];
    test.read(0, pixels[..].as_mut().into()).unwrap();
    assert_eq!(pixels, ImageFolder::read_centre(root.path().join("test/a/1.png"), &config).unwrap());
}
