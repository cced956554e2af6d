//! Pictures and their classes by a table.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![cfg(feature = "images")]

use eoinas_data::{DataError, Dataset, FolderConfig, ImageFolder, PictureFolder, Unreadable};
use image::{Rgb, RgbImage};
use std::fs;
use std::path::Path;

/// A folder with pictures of these names, and settings with this table.
fn table(root: &Path, pictures: &[&str], text: &str) -> FolderConfig {
    for (i, name) in pictures.iter().enumerate() {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        RgbImage::from_pixel(3, 3, Rgb([i as u8; 3])).save(root.join(name)).unwrap();
    }
    let labels = root.join("labels.csv");
    fs::write(&labels, text).unwrap();
    FolderConfig { height: 1, width: 1, labels: Some(labels), ..FolderConfig::default() }
}

/// Which pictures, by their brightness, have which class.
fn content(part: &eoinas_data::InMemory) -> Vec<(u8, u32)> {
    let labels = part.targets();
    (0..part.len()).map(|i| (part.image(i).unwrap()[0], labels.classes().unwrap()[i])).collect()
}

#[test]
fn rows_say_what_pictures_are() {
    let root = tempfile::tempdir().unwrap();
    let names = ["a/0.png", "1.png", "with, comma.png", "3.png", "4.png", "not named.png"];
    let text = "\u{feff}label,File,Split,who\ndog,1.png,Train,me\n\"big \"\"cat\"\"\",a/0.png,train,me\n\
                dog,\"with, comma.png\",train,me\n\"big \"\"cat\"\"\",3.png,TEST,me\ndog,4.png,val,me\n";
    let config = table(root.path(), &names, text);
    let (train, test) = ImageFolder::open_parts(root.path(), &config).unwrap();
    assert_eq!(train.info().classes().unwrap(), ["big \"cat\"", "dog"]);
    assert_eq!((content(&train), content(&test)), (vec![(0, 0), (1, 1), (2, 1)], vec![(3, 0)]));
    let notes = test.info().notes.join("\n");
    for part in [
        "1 row of the split `val` left out",
        "1 picture that the table does not name left out: `",
        "no test image of dog",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    assert!(train.info().notes.contains(&"training pictures: 1 of big \"cat\", 2 of dog".to_owned()));
    let (pictures, _) = PictureFolder::open_parts(root.path(), &config).unwrap();
    assert_eq!(pictures.len(), 3);
    assert_eq!(ImageFolder::count(root.path(), &config).unwrap(), 3);
}

#[test]
fn the_order_of_the_rows_does_not_matter_and_every_fifth_is_held_out() {
    let root = tempfile::tempdir().unwrap();
    let names = ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png"];
    let rows = names.map(|name| format!("{name},{}\n", if name == "5.png" { "y" } else { "x" }));
    let forth = table(root.path(), &names, &format!("file,label\n{}", rows.concat()));
    let (train, test) = ImageFolder::open_parts(root.path(), &forth).unwrap();
    assert_eq!((content(&train).len(), content(&test)), (5, vec![(4, 0)]));
    let back = table(root.path(), &[], &format!("file,label\n{}", rows.into_iter().rev().collect::<String>()));
    assert_eq!(content(&ImageFolder::open_parts(root.path(), &back).unwrap().0), content(&train));
    assert!(
        test.info().notes.iter().any(|note| note.starts_with("no row of a split `test`: every image 5 of a class"))
    );
}

#[test]
fn what_cannot_be_used_is_told_by_its_line() {
    for (text, line, what) in [
        ("picture,class\n0.png,x\n", 1, "the columns are `picture`, `class`; expected a first line `file,label`"),
        ("file;label\n0.png;x\n", 1, "the columns are `file;label`; expected"),
        ("file,label\n", 1, "there is no row below the columns"),
        ("file,label\n0.png,x\nnone.png,x\n", 3, "there is no file `none.png` in "),
        ("file,label\n0.png,x\n\n0.png,y\n", 4, "`0.png` is in line 2 already; a picture has one class"),
        ("file,label\n0.png,\n", 2, "the column `label` is empty"),
        ("file,label\n0.png,x,y\n", 2, "every row has as many columns as the first"),
        ("file,label,split\n0.png,x,train\n1.png,x,later\n", 3, "the split is `later`; expected `train`, or `test`"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let config = table(root.path(), &["0.png", "1.png"], text);
        let error = ImageFolder::open_parts(root.path(), &config).unwrap_err();
        assert!(matches!(&error, DataError::Table { line: found, .. } if *found == line), "{text}: {error}");
        assert!(error.to_string().contains(what), "{text}: {error}");
    }
}

#[test]
fn a_class_without_a_training_picture_is_refused_and_what_is_missing_can_be_left_out() {
    let root = tempfile::tempdir().unwrap();
    let text = "file,label,split\n0.png,x,train\n1.png,y,test\n";
    let config = table(root.path(), &["0.png", "1.png"], text);
    let error = ImageFolder::open_parts(root.path(), &config).unwrap_err().to_string();
    assert!(error.contains("of class `y` there is none to train with"), "{error}");
    let text = "file,label,split\n0.png,x,train\n1.png,x,test\n2.png,y,train\nnone.png,x,train\n";
    let config = FolderConfig { unreadable: Unreadable::Skip, ..table(root.path(), &["2.png"], text) };
    let (train, _) = ImageFolder::open_parts(root.path(), &config).unwrap();
    assert_eq!(train.len(), 2);
    assert!(train.info().notes.iter().any(|note| note.contains("1 unreadable") && note.contains("none.png")));
}

#[test]
fn a_picture_has_one_row_however_it_is_spelled_and_lies_below_the_folder() {
    let root = tempfile::tempdir().unwrap();
    let absolute = root.path().join("0.png");
    for (row, part) in [
        ("./0.png,y", "line 4: `0.png` is in line 2 already"),
        ("a/../0.png,y", "line 4: `a/../0.png` is not below the folder"),
        ("../0.png,y", "is not below the folder"),
        (&format!("{},y", absolute.display()), "is not below the folder"),
    ] {
        let text = format!("file,label\n0.png,x\n1.png,y\n{row}\n");
        let config = table(root.path(), &["0.png", "1.png"], &text);
        let error = ImageFolder::open_parts(root.path(), &config).unwrap_err();
        assert!(matches!(error, DataError::Table { .. }) && error.to_string().contains(part), "{error}");
    }
}
