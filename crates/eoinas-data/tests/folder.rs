//! Folders of images.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![cfg(feature = "images")]

use eoinas_core::{Target, Targets};
use eoinas_data::{DataError, Dataset, FolderConfig, ImageFolder, Part, Unreadable};
use image::{Rgb, RgbImage};
use std::fs;
use std::path::Path;

fn save(path: &Path, width: u32, height: u32, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(width, height, Rgb(colour)).save(path).unwrap();
}

fn small() -> FolderConfig {
    FolderConfig { height: 4, width: 6, ..FolderConfig::default() }
}

/// Two classes with six images of different sizes and both formats.
fn two_classes(root: &Path) {
    for i in 0..6 {
        let extension = if i % 2 == 0 { "png" } else { "JPG" };
        save(&root.join(format!("bright/{i}.{extension}")), 5 + i, 9 - i, [250, 200, 150]);
        save(&root.join(format!("dark/{i}.{extension}")), 40, 3 + i, [10, 20, 30]);
    }
}

#[test]
fn classes_are_subfolders_and_sizes_are_made_equal() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    fs::write(root.path().join("dark/readme.txt"), "x").unwrap();
    fs::write(root.path().join("dark/.hidden.png"), "x").unwrap();
    let train = ImageFolder::open(root.path(), Part::Train, &small()).unwrap();
    assert_eq!(train.info().classes().unwrap(), ["bright", "dark"]);
    assert_eq!(train.targets().classes().unwrap(), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(train.image(0).unwrap().len(), 4 * 6 * 3);
    assert_eq!(train.image(0).unwrap()[..3], [250, 200, 150]);
    for (value, expected) in train.image(6).unwrap().iter().zip([10u8, 20, 30].iter().cycle()) {
        assert!(value.abs_diff(*expected) < 4, "JPEG is near: {value} {expected}");
    }
    assert!((train.info().mean[0] - 130.0 / 255.0).abs() < 0.01, "{:?}", train.info().mean);
    assert!(train.info().notes[0].contains("1 file of "), "{:?}", train.info().notes);
    let test = ImageFolder::open(root.path(), Part::Test, &small()).unwrap();
    assert_eq!((test.targets(), &test.info().mean), (&Targets::from(vec![0, 1]), &train.info().mean));
}

#[test]
fn train_and_test_folders_are_used_when_there() {
    let root = tempfile::tempdir().unwrap();
    two_classes(&root.path().join("train"));
    save(&root.path().join("val/bright/a.png"), 3, 3, [1, 2, 3]);
    let error = ImageFolder::open(root.path(), Part::Test, &small()).unwrap_err();
    assert!(error.to_string().contains("are not the training classes"), "{error}");
    save(&root.path().join("val/dark/a.png"), 3, 3, [1, 2, 3]);
    assert_eq!(ImageFolder::open(root.path(), Part::Train, &small()).unwrap().len(), 12);
    assert_eq!(ImageFolder::open(root.path(), Part::Test, &small()).unwrap().targets(), &Targets::from(vec![0, 1]));
}

#[test]
fn unreadable_images_stop_or_are_named_and_left_out() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    fs::write(root.path().join("dark/0.png"), b"not an image").unwrap();
    let cut = fs::read(root.path().join("bright/1.JPG")).unwrap();
    fs::write(root.path().join("bright/1.JPG"), &cut[..cut.len() / 4]).unwrap();
    let error = ImageFolder::open(root.path(), Part::Train, &small()).unwrap_err();
    assert!(matches!(&error, DataError::Image { path, .. } if path.ends_with("bright/1.JPG")), "{error}");
    let skip = FolderConfig { unreadable: Unreadable::Skip, ..small() };
    let train = ImageFolder::open(root.path(), Part::Train, &skip).unwrap();
    assert_eq!(train.len(), 8);
    let note = train.info().notes.last().unwrap();
    assert!(note.starts_with("2 unreadable") && note.contains("0.png") && note.contains("1.JPG"), "{note}");
}

#[test]
fn empty_and_missing_folders_and_sizes_are_errors() {
    let root = tempfile::tempdir().unwrap();
    let open = |config: &FolderConfig| ImageFolder::open(root.path(), Part::Train, config).unwrap_err();
    assert!(open(&small()).to_string().contains("no subfolders"));
    fs::create_dir(root.path().join("cats")).unwrap();
    assert!(matches!(open(&small()), DataError::NotFound { path, .. } if path.ends_with("cats")));
    assert!(matches!(open(&FolderConfig { width: 0, ..small() }), DataError::Setting(wrong) if wrong.name == "width"));
    assert!(matches!(
        ImageFolder::open(root.path().join("none"), Part::Train, &small()),
        Err(DataError::NotFound { .. })
    ));
}

#[test]
fn a_class_without_a_test_image_is_no_error_but_a_part_without_is() {
    let root = tempfile::tempdir().unwrap();
    save(&root.path().join("one/a.png"), 3, 3, [1, 2, 3]);
    save(&root.path().join("two/a.png"), 3, 3, [1, 2, 3]);
    assert_eq!(ImageFolder::open(root.path(), Part::Train, &small()).unwrap().len(), 2);
    assert!(matches!(
        ImageFolder::open(root.path(), Part::Test, &small()),
        Err(DataError::NotFound { what: "images", .. })
    ));
}

/// Whoever names the only class there is is right about all pictures, and has learned nothing.
#[test]
fn a_single_class_is_refused_wherever_something_is_learned() {
    let root = tempfile::tempdir().unwrap();
    for i in 0..6 {
        save(&root.path().join(format!("cat/{i}.png")), 3, 3, [1, 2, 3]);
    }
    let table = root.path().join("labels.csv");
    fs::write(&table, "file,label\ncat/0.png,cat\ncat/1.png,cat\n").unwrap();
    let labels = FolderConfig { labels: Some(table.clone()), ..small() };
    for (config, path) in [(small(), root.path()), (labels, table.as_path())] {
        for error in [
            ImageFolder::open(root.path(), Part::Train, &config).unwrap_err(),
            ImageFolder::open(root.path(), Part::Test, &config).unwrap_err(),
            ImageFolder::open_parts(root.path(), &config).unwrap_err(),
            eoinas_data::PictureFolder::open_parts(root.path(), &config).unwrap_err(),
        ] {
            let expected = ": no second class here: `cat` is the only one, and at least 2 classes are needed; ";
            let expected = path.display().to_string() + expected;
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
        // To evaluate what was learned one class will do.
        assert_eq!(ImageFolder::list(root.path(), &config).unwrap().classes, ["cat"]);
    }
}

#[test]
fn small_classes_hold_out_their_last_image() {
    let root = tempfile::tempdir().unwrap();
    for (class, images) in [("five", 5), ("one", 1), ("seven", 7), ("three", 3)] {
        for i in 0..images {
            save(&root.path().join(format!("{class}/{i}.png")), 3, 3, [1, 2, 3]);
        }
    }
    let (train, test) = ImageFolder::open_parts(root.path(), &small()).unwrap();
    assert_eq!(train.targets().classes().unwrap(), [0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 3, 3]);
    assert_eq!(test.targets().classes().unwrap(), [0, 2, 3]);
    assert_eq!(test.info(), ImageFolder::open(root.path(), Part::Test, &small()).unwrap().info());
}

fn notes(root: &Path) -> String {
    ImageFolder::open(root, Part::Train, &small()).unwrap().info().notes.join("\n")
}

fn refused(root: &Path) -> String {
    ImageFolder::open(root, Part::Train, &small()).unwrap_err().to_string()
}

#[test]
fn a_part_under_another_name_is_refused_and_what_lies_beside_is_named() {
    let root = tempfile::tempdir().unwrap();
    for part in ["train", "holdout"] {
        two_classes(&root.path().join(part));
    }
    let error = refused(root.path());
    assert!(error.contains("beside `train` there is `holdout`, which would not be read"), "{error}");
    assert!(error.contains("call the folder of test images `test`, `val`, `validation` or `dev`"), "{error}");
    for part in ["test", "Validation", "dev"] {
        let root = tempfile::tempdir().unwrap();
        two_classes(root.path());
        save(&root.path().join(part).join("a.png"), 3, 3, [1, 2, 3]);
        assert!(refused(root.path()).contains(&format!("`{part}` would be a class of that name")), "{part}");
    }
    let root = tempfile::tempdir().unwrap();
    for part in ["train", "test", "val", "__MACOSX"] {
        two_classes(&root.path().join(part));
    }
    assert!(notes(root.path()).contains("1 folder that archives or systems bring along left out: `__MACOSX`"));
    assert!(notes(root.path()).contains("`val` beside `train` and `test` left out"), "{}", notes(root.path()));
}

#[test]
fn nothing_in_a_folder_vanishes() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    save(&root.path().join("loose.png"), 3, 3, [1, 2, 3]);
    fs::create_dir(root.path().join("__MACOSX")).unwrap();
    for hidden in [".dog/a.png", "dark/.old/a.png", "dark/.a.png"] {
        save(&root.path().join(hidden), 3, 3, [1, 2, 3]);
    }
    for of_systems in [".DS_Store", "._loose.png", "dark/.DS_Store", "dark/._0.png"] {
        fs::write(root.path().join(of_systems), "x").unwrap();
    }
    for other in ["readme.txt", "dark/a.HEIC", "dark/b.heif", "dark/deep/c.txt", "bright/notes.txt", "bright/d.avif"] {
        fs::create_dir_all(root.path().join(other).parent().unwrap()).unwrap();
        fs::write(root.path().join(other), "x").unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("../bright", root.path().join("dark/again")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere.png", root.path().join("bright/link.png")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/nope", root.path().join("newcat")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("none.png", root.path().join("link.png")).unwrap();
    let above = root.path().file_name().unwrap().to_str().unwrap();
    let files = format!(
        "6 files that are no pictures that are read left out: 3 files of txt, 2 HEIC pictures, 1 AVIF picture; 2 in `bright`, \
         2 in `dark`, 1 in `{above}`, 1 in `dark/deep`"
    );
    let notes = notes(root.path());
    for part in [
        files.as_str(),
        "3 hidden folders or pictures left out: `.dog`, `dark/.a.png`, `dark/.old`",
        #[cfg(unix)]
        "1 folder within classes left out: `dark/again`",
        "1 picture beside the folders of the classes left out",
        "1 folder that archives or systems bring along left out: `__MACOSX`",
        #[cfg(unix)]
        "3 links to nothing left out: `link.png`, `newcat`, `bright/link.png`",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    assert!(!notes.contains("DS_Store") && !notes.contains("._"), "{notes}");
    // JPEG by another ending.
    fs::rename(root.path().join("dark/1.JPG"), root.path().join("dark/1.jfif")).unwrap();
    assert_eq!(ImageFolder::count(root.path(), &small()).unwrap(), 10);
}

/// Nor beside parts.
#[test]
fn what_lies_beside_parts_is_named() {
    for parts in [&["train"][..], &["train", "test"]] {
        let root = tempfile::tempdir().unwrap();
        parts.iter().for_each(|part| two_classes(&root.path().join(part)));
        save(&root.path().join("loose.png"), 3, 3, [1, 2, 3]);
        save(&root.path().join(".dog/a.png"), 3, 3, [1, 2, 3]);
        fs::write(root.path().join("notes.txt"), "x").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/nope", root.path().join("newcat")).unwrap();
        let notes = notes(root.path());
        let beside = parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(" and ");
        for part in [
            format!("1 picture beside {beside} left out"),
            "1 hidden folder or picture left out: `.dog`".to_owned(),
            "1 file that is no picture that is read left out: 1 file of txt".to_owned(),
            #[cfg(unix)]
            "1 link to nothing left out: `newcat`".to_owned(),
        ] {
            assert!(notes.contains(&part), "{part}: {notes}");
        }
        let held_out = "no folder `test` beside `train`: every image 5 of a class is held out";
        assert_eq!(notes.contains(held_out), parts.len() == 1, "{notes}");
    }
}

#[test]
#[cfg(unix)]
fn pictures_that_may_not_be_looked_at_are_unreadable_ones() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    let mode =
        |path: &str, mode| fs::set_permissions(root.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    save(&root.path().join("bright/more/a.png"), 3, 3, [1, 2, 3]);
    mode("dark/0.png", 0);
    // Its names can be read, and nothing behind them.
    mode("bright/more", 0o400);
    if fs::File::open(root.path().join("dark/0.png")).is_ok() {
        println!("not tested: this user may read everything");
        return;
    }
    let skip = FolderConfig { unreadable: Unreadable::Skip, ..small() };
    let skipped = ImageFolder::open(root.path(), Part::Train, &skip).map(|train| train.info().notes.join("\n"));
    let error = refused(root.path());
    mode("bright/more", 0o700);
    let skipped = skipped.unwrap();
    assert!(skipped.contains("2 unreadable images left out: "), "{skipped}");
    assert!(skipped.contains("a.png (Permission denied") && skipped.contains("0.png (Permission denied"), "{skipped}");
    assert!(error.contains("a.png: unreadable image: Permission denied"), "{error}");
}

#[test]
fn empty_classes_are_told_why() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    let class = root.path().join("odd");
    fs::create_dir_all(class.join("bright")).unwrap();
    let error = refused(root.path());
    assert!(
        error.contains("only folders (`bright`)")
            && error.contains("give ")
            && error.contains("odd and not the folder above"),
        "{error}"
    );
    fs::remove_dir(class.join("bright")).unwrap();
    save(&class.join(".a.png"), 3, 3, [1, 2, 3]);
    assert!(refused(root.path()).contains("the class has none, only hidden ones (`.a.png`); give them names"));
    fs::remove_file(class.join(".a.png")).unwrap();
    assert!(refused(root.path()).contains("the class has none; put its pictures there, or remove the folder"));
    fs::write(class.join("a.heic"), "x").unwrap();
    fs::write(class.join("b.Heic"), "x").unwrap();
    assert!(
        refused(root.path()).contains("only 2 HEIC pictures; make PNG or JPEG files of them"),
        "{}",
        refused(root.path())
    );
}

#[test]
fn a_folder_of_no_pictures_at_all_is_told_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    for name in ["docs", "src"] {
        fs::create_dir(root.path().join(name)).unwrap();
        fs::write(root.path().join(name).join("a.txt"), "x").unwrap();
    }
    let error = refused(root.path());
    let reason = "none of its 2 subfolders has pictures (`docs`: the class has none, only 1 file of txt)";
    assert!(error.contains(reason) && error.contains("give the folder whose subfolders are the classes"), "{error}");
}

#[test]
fn a_class_without_a_picture_to_train_with_is_refused() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    fs::create_dir(root.path().join("odd")).unwrap();
    fs::write(root.path().join("odd/a.png"), "no picture").unwrap();
    let skip = FolderConfig { unreadable: Unreadable::Skip, ..small() };
    for error in [
        ImageFolder::open(root.path(), Part::Train, &skip).unwrap_err(),
        ImageFolder::open_parts(root.path(), &skip).unwrap_err(),
        eoinas_data::PictureFolder::open_parts(root.path(), &skip).unwrap_err(),
    ] {
        let error = error.to_string();
        assert!(
            error.contains("of class `odd` there is none to train with that can be read (the first is "),
            "{error}"
        );
    }
    // One of which there is no test picture can be trained, and it is said.
    save(&root.path().join("odd/a.png"), 3, 3, [1, 2, 3]);
    let (_, test) = ImageFolder::open_parts(root.path(), &skip).unwrap();
    let notes = test.info().notes.join("\n");
    assert!(
        notes.contains("none of `odd`, which has a single image") && notes.contains("no test image of odd"),
        "{notes}"
    );
}

#[test]
fn the_test_part_names_its_own_unreadable_files() {
    let root = tempfile::tempdir().unwrap();
    for part in ["train", "test"] {
        two_classes(&root.path().join(part));
    }
    fs::write(root.path().join("test/dark/0.png"), "no picture").unwrap();
    let skip = FolderConfig { unreadable: Unreadable::Skip, ..small() };
    let (train, test) = ImageFolder::open_parts(root.path(), &skip).unwrap();
    assert!(!train.info().notes.iter().any(|note| note.contains("unreadable")));
    assert!(
        test.info().notes.iter().any(|note| note.contains("1 unreadable image left out: ") && note.contains("0.png"))
    );
}

#[test]
fn pointers_of_git_lfs_are_known() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    fs::write(root.path().join("dark/0.png"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
        .unwrap();
    assert!(refused(root.path()).contains("fetch that with `git lfs pull`"), "{}", refused(root.path()));
}

#[test]
fn large_pictures_are_refused_by_name_and_left_out_where_that_is_asked_for() {
    let root = tempfile::tempdir().unwrap();
    two_classes(root.path());
    save(&root.path().join("dark/9.png"), 60, 50, [1, 2, 3]);
    let config = FolderConfig { max_pixels: 2999, ..small() };
    let error = ImageFolder::open(root.path(), Part::Train, &config).unwrap_err().to_string();
    assert!(error.contains("9.png: unreadable image: 60 x 50 pixels, more than the 2999 that are decoded"), "{error}");
    let config = FolderConfig { unreadable: Unreadable::Skip, ..config };
    assert_eq!(ImageFolder::open(root.path(), Part::Train, &config).unwrap().len(), 10);
    assert_eq!(
        ImageFolder::open(root.path(), Part::Train, &FolderConfig { max_pixels: 3000, ..small() }).unwrap().len(),
        11
    );
}

mod pictures {
    use super::*;
    use eoinas_core::Streams;
    use eoinas_data::{Augment, Loader, LoaderConfig, PictureFolder};
    use std::sync::Arc;

    fn gradient(path: &Path, width: u32, height: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let colour = |x, y| Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 128]);
        RgbImage::from_fn(width, height, colour).save(path).unwrap();
    }

    fn folder(root: &Path) {
        for i in 0..6 {
            gradient(&root.join(format!("tall/{i}.png")), 40 + i, 90);
            gradient(&root.join(format!("wide/{i}.jpg")), 300, 100 + 7 * i);
        }
    }

    fn config() -> FolderConfig {
        FolderConfig { height: 16, width: 16, ..FolderConfig::default() }
    }

    #[test]
    fn a_picture_is_shrunk_and_its_middle_is_read() {
        let root = tempfile::tempdir().unwrap();
        folder(root.path());
        let (train, test) = PictureFolder::open_parts(root.path(), &config()).unwrap();
        assert_eq!((train.len(), test.len()), (10, 2));
        let (picture, label) = train.picture(0).unwrap().unwrap();
        assert_eq!((picture.height, picture.width, label), (72, 32, Target::Class(0)));
        let mut pixels = vec![0u8; 16 * 16 * 3];
        assert_eq!(train.read(7, pixels[..].as_mut().into()).unwrap(), Target::Class(1));
        // The middle of a line from 0 to 255, seven eighths of the shorter side wide.
        let middle = f64::from(pixels[(8 * 16 + 8) * 3 + 1]);
        assert!((middle - 131.0).abs() < 6.0, "{middle}");
        let (first, last) = (f64::from(pixels[1]), f64::from(pixels[(15 * 16) * 3 + 1]));
        assert!((first - 255.0 / 16.0 * 1.4).abs() < 8.0 && (last - 230.0).abs() < 8.0, "{first} {last}");
        assert!((train.info().mean[2] - 0.5).abs() < 0.01 && train.info().mean == test.info().mean);
    }

    #[test]
    fn batches_do_not_depend_on_memory_or_threads() {
        let root = tempfile::tempdir().unwrap();
        folder(root.path());
        let load = |memory, threads| {
            let (train, _) = PictureFolder::open_parts(root.path(), &FolderConfig { memory, ..config() }).unwrap();
            let config = LoaderConfig {
                batch_size: 3,
                threads,
                augment: Augment::imagenet(),
                ..LoaderConfig::new((0..train.len()).collect(), Streams::new(4))
            };
            let loader = Loader::new(Arc::new(train), config).unwrap();
            loader.epoch(1, 1).collect::<Result<Vec<_>, _>>().unwrap()
        };
        let expected = load(usize::MAX, 0);
        assert_eq!(expected.len(), 3);
        for (memory, threads) in [(0, 1), (10_000, 2), (usize::MAX, 3)] {
            assert_eq!(load(memory, threads), expected);
        }
    }

    #[test]
    fn unreadable_pictures_are_known_before_the_first_batch() {
        let root = tempfile::tempdir().unwrap();
        folder(root.path());
        let path = root.path().join("wide/2.jpg");
        let cut = fs::read(&path).unwrap();
        fs::write(&path, &cut[..cut.len() / 4]).unwrap();
        let error = PictureFolder::open_parts(root.path(), &config()).unwrap_err();
        assert!(matches!(&error, DataError::Image { path, .. } if path.ends_with("wide/2.jpg")), "{error}");
        let skip = FolderConfig { unreadable: Unreadable::Skip, ..config() };
        let (train, _) = PictureFolder::open_parts(root.path(), &skip).unwrap();
        assert_eq!(train.len(), 9);
        assert!(train.info().notes.last().unwrap().starts_with("1 unreadable image left out"));
        for i in 0..6 {
            fs::write(root.path().join(format!("wide/{i}.jpg")), b"no").unwrap();
            fs::write(root.path().join(format!("tall/{i}.png")), b"no").unwrap();
        }
        let error = PictureFolder::open_parts(root.path(), &skip).unwrap_err().to_string();
        assert!(error.contains("none of 10 can") && error.contains("tall/0.png"), "{error}");
    }
}

mod layouts {
    use super::*;
    use eoinas_data::PictureFiles;

    fn labels(part: &dyn Dataset) -> Vec<u32> {
        let class = |index| match part.target(index).unwrap() {
            Target::Class(class) => class,
            _ => panic!("a folder has classes"),
        };
        (0..part.len()).map(class).collect()
    }

    #[test]
    fn parts_are_known_by_their_names_in_any_case() {
        for (train, test) in [("train", "validation"), ("Train", "TEST"), ("TRAIN", "dev"), ("Training", "Val")] {
            let root = tempfile::tempdir().unwrap();
            two_classes(&root.path().join(train));
            for class in ["bright", "dark"] {
                save(&root.path().join(test).join(class).join("a.png"), 3, 3, [1, 2, 3]);
            }
            let (learned, judged) = ImageFolder::open_parts(root.path(), &small()).unwrap();
            assert_eq!((learned.len(), labels(&judged)), (12, vec![0, 1]), "{train}, {test}");
        }
    }

    #[test]
    fn pictures_in_folders_within_a_class_are_of_the_class() {
        let root = tempfile::tempdir().unwrap();
        two_classes(root.path());
        save(&root.path().join("dark/night/deep/a.png"), 3, 3, [1, 2, 3]);
        save(&root.path().join("dark/night/@eaDir/a.png"), 3, 3, [1, 2, 3]);
        save(&root.path().join("odd/only/within.webp"), 3, 3, [1, 2, 3]);
        assert_eq!(ImageFolder::count(root.path(), &small()).unwrap(), 12);
        let (train, test) = ImageFolder::open_parts(root.path(), &small()).unwrap();
        assert_eq!((labels(&train).iter().filter(|label| **label == 1).count(), labels(&test)), (6, vec![0, 1]));
        assert_eq!(train.info().classes().unwrap(), ["bright", "dark", "odd"]);
        // A run that was begun before goes on with what it had.
        fs::remove_dir_all(root.path().join("odd")).unwrap();
        save(&root.path().join("dark/0.webp"), 3, 3, [1, 2, 3]);
        let before = FolderConfig { files: PictureFiles::PngJpeg, ..small() };
        let (train, _) = ImageFolder::open_parts(root.path(), &before).unwrap();
        assert_eq!(labels(&train), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
        assert!(train.info().notes.iter().any(|note| note.contains("1 folder within classes left out: `dark/night`")));
    }

    /// Nor are links: their pictures are there already.
    #[test]
    #[cfg(unix)]
    fn a_link_to_the_same_pictures_is_no_class() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        two_classes(root.path());
        let list = ImageFolder::list(root.path(), &small()).unwrap();
        symlink(".", root.path().join("all")).unwrap();
        symlink("../..", root.path().join("dark/up")).unwrap();
        symlink(root.path(), root.path().join("here")).unwrap();
        symlink("dark", root.path().join("night")).unwrap();
        // One to pictures elsewhere is a class as any other.
        let elsewhere = tempfile::tempdir().unwrap();
        save(&elsewhere.path().join("a.png"), 3, 3, [1, 2, 3]);
        symlink(elsewhere.path(), root.path().join("other")).unwrap();
        let linked = ImageFolder::list(root.path(), &small()).unwrap();
        assert_eq!(linked.classes, ["bright", "dark", "other"]);
        assert_eq!(linked.train.len() + linked.test.len(), list.train.len() + list.test.len() + 1);
        let left_out = "3 links to folders of the same pictures left out: `all`, `here`, `night`";
        assert!(linked.notes.contains(&left_out.to_owned()), "{:?}", linked.notes);
    }

    #[test]
    fn a_folder_above_the_classes_is_not_taken_for_one() {
        let root = tempfile::tempdir().unwrap();
        two_classes(&root.path().join("pictures"));
        let error = refused(root.path());
        assert!(error.contains("it would be the only class, and has only folders (`bright`)"), "{error}");
        assert!(error.contains("pictures and not the folder above it"), "{error}");
        two_classes(&root.path().join("more/train"));
        let error = refused(root.path());
        assert!(error.contains("it would be a class, and has `train` within"), "{error}");
    }
}
