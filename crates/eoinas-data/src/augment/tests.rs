use super::*;
use crate::ValueKind;
use eoinas_core::{SeedStream, Streams, TargetInfo};

fn info(channels: usize, height: usize, width: usize) -> DatasetInfo {
    DatasetInfo {
        name: "t".into(),
        target: TargetInfo::Classes(vec!["a".into()]),
        values: ValueKind::Bytes,
        channels,
        height,
        width,
        mean: vec![0.5; channels],
        std: vec![0.25; channels],
        flip: true,
        notes: vec![],
    }
}

fn run(augmenter: &Augmenter, pixels: &[u8], position: u64) -> Vec<f32> {
    let mut out = vec![f32::NAN; pixels.len()];
    augmenter.apply(pixels, &mut out, || Streams::new(1).rng(SeedStream::Augment, 0, position));
    out
}

fn image(channels: usize, height: usize, width: usize) -> Vec<u8> {
    (0..channels * height * width).map(|i| (i * 7 % 251 + 1) as u8).collect()
}

#[test]
fn none_only_normalises() {
    let pixels = image(3, 5, 4);
    let out = run(&Augmenter::new(Augment::none(), &info(3, 5, 4)), &pixels, 0);
    for (byte, value) in pixels.iter().zip(out) {
        assert_eq!(value, (f32::from(*byte) / 255.0 - 0.5) / 0.25);
    }
}

/// Every window, mirrored or not, by a plain index computation, for 1, 2 and 3 channels.
#[test]
fn crop_and_flip_equal_the_definition() {
    for channels in 1..=3 {
        let (height, width, pad) = (5, 6, 2);
        let pixels = image(channels, height, width);
        let augmenter = Augmenter::new(Augment { pad, flip: true, ..Augment::none() }, &info(channels, height, width));
        for (top, left, flip) in (0..5).flat_map(|t| (0..5).flat_map(move |l| [(t, l, false), (t, l, true)])) {
            let mut out = vec![f32::NAN; pixels.len()];
            augmenter.apply_draw(&pixels, &mut out, Draw { top, left, flip, ..Draw::default() }, pad);
            for (i, value) in out.into_iter().enumerate() {
                let (y, x, c) = (i / channels / width, i / channels % width, i % channels);
                let x = if flip { width - 1 - x } else { x };
                let (y, x) = ((y + top).wrapping_sub(pad), (x + left).wrapping_sub(pad));
                let inside = y < height && x < width;
                let byte = if inside { pixels[(y * width + x) * channels + c] } else { 0 };
                assert_eq!(value, (f32::from(byte) / 255.0 - 0.5) / 0.25, "{channels} {top} {left} {flip} {i}");
            }
        }
    }
}

#[test]
fn draws_cover_every_window_and_both_mirrors() {
    let pixels: Vec<u8> = (1..=64).collect();
    let augmenter = Augmenter::new(Augment { pad: 1, flip: true, ..Augment::none() }, &info(1, 8, 8));
    let seen: std::collections::BTreeSet<Vec<u32>> =
        (0..400).map(|i| run(&augmenter, &pixels, i).iter().map(|v| v.to_bits()).collect()).collect();
    assert_eq!(seen.len(), 18);
    let digits = Augmenter::new(
        Augment { pad: 1, flip: true, ..Augment::none() },
        &DatasetInfo { flip: false, ..info(1, 8, 8) },
    );
    let seen: std::collections::BTreeSet<Vec<u32>> =
        (0..400).map(|i| run(&digits, &pixels, i).iter().map(|v| v.to_bits()).collect()).collect();
    assert_eq!(seen.len(), 9);
}

#[test]
fn cutout_zeroes_one_clipped_square_and_leaves_the_rest() {
    let pixels = image(3, 16, 16);
    let plain = run(&Augmenter::new(Augment::search(), &info(3, 16, 16)), &pixels, 5);
    let augmenter = Augmenter::new(Augment { cutout: 6, ..Augment::search() }, &info(3, 16, 16));
    for position in 0..200 {
        let cut = run(&augmenter, &pixels, position);
        let zeros = cut.iter().filter(|v| **v == 0.0).count();
        assert!((3 * 9..=3 * 36).contains(&zeros), "{zeros}");
    }
    let cut = run(&augmenter, &pixels, 5);
    assert!(plain.iter().zip(&cut).all(|(a, b)| a == b || *b == 0.0));
    let whole = Augmenter::new(Augment { cutout: 1000, ..Augment::none() }, &info(3, 16, 16));
    assert!(run(&whole, &pixels, 1).iter().all(|v| *v == 0.0));
}

#[test]
fn sizes_that_do_not_fit_do_not_panic() {
    let augmenter = Augmenter::new(Augment::retrain(), &info(3, 8, 8));
    let mut out = vec![0.0; 10];
    augmenter.apply(&[1, 2, 3], &mut out, || Streams::new(1).rng(SeedStream::Augment, 0, 0));
}

fn floats(channels: usize, height: usize, width: usize) -> DatasetInfo {
    let mean = (0..channels).map(|channel| channel as f32).collect();
    DatasetInfo { values: ValueKind::Floats, mean, std: vec![0.5; channels], ..info(channels, height, width) }
}

/// What bytes and floats have in common is the same window, mirror and square from the same draws.
#[test]
fn floats_go_the_way_of_bytes() {
    for channels in 1..=4 {
        let (bytes, augment) = (image(channels, 7, 6), Augment { pad: 2, flip: true, cutout: 3, ..Augment::none() });
        let info = DatasetInfo { values: ValueKind::Floats, ..info(channels, 7, 6) };
        let values: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
        let (of_bytes, of_floats) = (
            Augmenter::new(augment, &DatasetInfo { values: ValueKind::Bytes, ..info.clone() }),
            Augmenter::new(augment, &info),
        );
        for position in 0..50 {
            let expected = run(&of_bytes, &bytes, position);
            let mut got = vec![f32::NAN; values.len()];
            of_floats.apply_floats(&values, &mut got, || Streams::new(1).rng(SeedStream::Augment, 0, position));
            // Padding is black for bytes and the mean for floats.
            let black = (0.0 - 0.5) / 0.25;
            assert!(got.iter().zip(&expected).all(|(got, byte)| got == byte || (*got == 0.0 && *byte == black)));
        }
    }
}

#[test]
fn a_signal_is_normalised_mirrored_and_cut() {
    let info = floats(2, 1, 8);
    let signal: Vec<f32> = (0..16).map(|i| i as f32).collect();
    let plain: Vec<f32> = signal.iter().enumerate().map(|(i, value)| (value - (i % 2) as f32) / 0.5).collect();
    let apply = |augment, position| {
        let mut out = vec![f32::NAN; 16];
        let rng = || Streams::new(1).rng(SeedStream::Augment, 0, position);
        Augmenter::new(augment, &info).apply_floats(&signal, &mut out, rng);
        out
    };
    assert_eq!(apply(Augment::none(), 0), plain);
    let mirrored: Vec<f32> = plain.chunks_exact(2).rev().flatten().copied().collect();
    let seen: Vec<_> = (0..20).map(|position| apply(Augment::search_for(&info), position)).collect();
    assert!(seen.contains(&plain) && seen.contains(&mirrored));
    assert!(seen.iter().all(|out| *out == plain || *out == mirrored));
    // A square on one row is a stretch of time.
    let cut = apply(Augment { cutout: 2, ..Augment::none() }, 3);
    assert!((2..=4).contains(&cut.iter().zip(&plain).filter(|(cut, plain)| cut != plain).count()));
}

#[test]
fn what_cannot_be_done_to_a_sample_is_refused_by_name() {
    let error = |augment: Augment, info: &DatasetInfo| augment.validate_for(info).unwrap_err().to_string();
    let signal = floats(2, 1, 8);
    assert!(error(Augment::search(), &signal).starts_with("augment.pad is 4; expected 0"));
    assert!(error(Augment::search(), &DatasetInfo { values: ValueKind::Bytes, ..signal.clone() }).contains("pad"));
    assert!(error(Augment { jitter: None, ..Augment::imagenet() }, &signal).contains("augment.crop"));
    assert!(error(Augment { crop: None, ..Augment::imagenet() }, &floats(3, 8, 8)).contains("augment.jitter"));
    for info in [signal, floats(5, 8, 8), info(1, 1, 9), info(3, 8, 8)] {
        Augment::search_for(&info).validate_for(&info).unwrap();
    }
    assert_eq!(Augment::search_for(&info(3, 8, 8)), Augment::search());
    Augment::imagenet().validate_for(&info(1, 8, 8)).unwrap();
}

mod pictures {
    use super::super::jitter::{Change, ColourChange};
    use super::super::resample::{Window, resample};
    use super::*;

    /// `F.interpolate(x, (h, w), mode="bilinear", antialias=True)` of PyTorch 2.15 on float64, for the picture
    /// `x[y, x] = (37 y + 11 x + x y) % 256`.
    #[test]
    fn resizing_gives_pytorchs_values() {
        let picture: Vec<u8> =
            (0..7 * 9).map(|i| ((37 * (i / 9) + 11 * (i % 9) + (i / 9) * (i % 9)) % 256) as u8).collect();
        let whole = Window { top: 0, left: 0, height: 7, width: 9 };
        let cases: [((usize, usize), &[f64]); 3] = include!("resize_values.in");
        for (to, expected) in cases {
            let got = resample(&picture, (7, 9), whole, to, 1);
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(expected) {
                assert!((f64::from(*got) - expected).abs() <= 0.5001, "{to:?}: {got} {expected}");
            }
        }
    }

    #[test]
    fn a_window_of_the_images_size_is_copied() {
        let picture = image(3, 8, 9);
        let window = Window { top: 2, left: 3, height: 4, width: 5 };
        let got = resample(&picture, (8, 9), window, (4, 5), 3);
        for (i, value) in got.iter().enumerate() {
            let (y, x, c) = (i / 15, i / 3 % 5, i % 3);
            assert_eq!(*value, picture[((y + 2) * 9 + x + 3) * 3 + c]);
        }
    }

    #[test]
    fn windows_lie_in_the_picture_with_the_areas_asked_for() {
        let crop = RandomCrop::default();
        let mut areas = Vec::new();
        for position in 0..2000 {
            let mut rng = Streams::new(3).rng(SeedStream::Augment, 0, position);
            let Window { top, left, height, width } = crop.window(60, 90, &mut rng);
            assert!(top + height <= 60 && left + width <= 90 && height > 0 && width > 0);
            areas.push((height * width) as f64 / 5400.0);
        }
        let mean = areas.iter().sum::<f64>() / 2000.0;
        // Windows larger than 0.44 to 0.89 of this picture, by their proportions, do not fit and are drawn again.
        assert!((mean - 0.393).abs() < 0.015, "{mean}");
        assert!(areas.iter().all(|area| (0.07..=1.01).contains(area)));
        // Nothing fits a picture as thin as this: its middle with the widest proportion allowed.
        let mut rng = Streams::new(3).rng(SeedStream::Augment, 0, 0);
        let strip = RandomCrop { area: (0.9, 1.0), ..crop }.window(10, 100, &mut rng);
        assert_eq!((strip.top, strip.height, strip.width), (0, 10, 13));
    }

    #[test]
    fn the_middle_keeps_the_proportions() {
        assert_eq!(
            Window::centre((375, 500), (224, 224), 0.875),
            Window { top: 24, left: 86, height: 328, width: 328 }
        );
        assert_eq!(Window::centre((4, 4), (224, 224), 1.0), Window { top: 0, left: 0, height: 4, width: 4 });
    }

    /// Values of the definitions (and of `torchvision.transforms.functional.adjust_*`), by hand.
    #[test]
    fn colours_change_as_defined() {
        let change = |changes: [Change; 4], mut bytes: Vec<u8>| {
            ColourChange(changes).apply(&mut bytes);
            bytes
        };
        let none = [Change::Brightness(1.0), Change::Contrast(1.0), Change::Saturation(1.0), Change::Hue(0.0)];
        let pixels: Vec<u8> = (0..=254).step_by(2).chain([255; 4]).collect();
        assert_eq!(change(none, pixels.clone()), pixels);
        let with = |index: usize, value| {
            let mut changes = none;
            changes[index] = value;
            changes
        };
        assert_eq!(change(with(0, Change::Brightness(1.5)), vec![100, 200, 10]), [150, 255, 15]);
        // Greys 0.2989 * 255 = 76.2 and 0.587 * 255 = 149.7, mean 112.95.
        let contrast = change(with(1, Change::Contrast(0.5)), vec![255, 0, 0, 0, 255, 0]);
        assert_eq!(contrast, [184, 56, 56, 56, 184, 56]);
        assert_eq!(change(with(2, Change::Saturation(0.0)), vec![255, 0, 0]), [76, 76, 76]);
        // A third of a circle: red to green to blue.
        assert_eq!(change(with(3, Change::Hue(1.0 / 3.0)), vec![255, 0, 0]), [0, 255, 0]);
        assert_eq!(change(with(3, Change::Hue(-1.0 / 3.0)), vec![255, 0, 0]), [0, 0, 255]);
        assert_eq!(change(with(3, Change::Hue(0.25)), vec![90, 90, 90]), [90, 90, 90]);
    }

    #[test]
    fn a_picture_is_cut_the_same_way_for_the_same_place() {
        let picture = Picture { height: 40, width: 30, pixels: image(3, 40, 30) };
        let augmenter = Augmenter::new(Augment::imagenet(), &info(3, 16, 16));
        let cut = |position| {
            let mut out = vec![f32::NAN; 16 * 16 * 3];
            augmenter.apply_picture(&picture, &mut out, || Streams::new(1).rng(SeedStream::Augment, 2, position));
            out
        };
        assert_eq!(cut(3), cut(3));
        assert_ne!(cut(3), cut(4));
        assert!(cut(5).iter().all(|value| value.is_finite()));
        // Without a picture the image itself is cut.
        assert!(run(&augmenter, &image(3, 16, 16), 0).iter().all(|value| value.is_finite()));
    }

    #[test]
    fn numbers_that_cannot_be_are_named() {
        let error = |augment: Augment| augment.validate().unwrap_err().to_string();
        assert!(Augment::imagenet().validate().is_ok());
        let crop = Some(RandomCrop { area: (0.5, 0.1), ..RandomCrop::default() });
        assert!(error(Augment { crop, ..Augment::none() }).contains("crop.area"));
        let crop = Some(RandomCrop { ratio: (0.0, 1.0), ..RandomCrop::default() });
        assert!(error(Augment { crop, ..Augment::none() }).contains("crop.ratio"));
        let jitter = Some(ColourJitter { hue: 0.6, ..ColourJitter::default() });
        assert!(error(Augment { jitter, ..Augment::none() }).contains("jitter.hue"));
        assert!(error(Augment { cutout: 5000, ..Augment::none() }).contains("cutout"));
    }

    /// The square of DARTS: rows `clip(y - 8, 0, h)` to `clip(y + 8, 0, h)`, columns likewise.
    #[test]
    fn cutout_is_the_square_of_its_definition() {
        let augmenter = Augmenter::new(Augment { cutout: 16, ..Augment::none() }, &info(1, 32, 32));
        for (row, column) in [(0, 0), (5, 31), (16, 16), (31, 8)] {
            let mut out = vec![1.0; 32 * 32];
            augmenter.cut_out(&mut out, Draw { row, column, ..Draw::default() });
            for (i, value) in out.iter().enumerate() {
                let inside = |at: usize, centre: usize| {
                    (at as isize) >= centre as isize - 8 && (at as isize) < centre as isize + 8
                };
                let cut = inside(i / 32, row) && inside(i % 32, column);
                assert_eq!(*value, if cut { 0.0 } else { 1.0 }, "{row} {column} {i}");
            }
        }
    }
}
