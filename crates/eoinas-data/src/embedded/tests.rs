use super::shape::Shape;
use super::*;
use crate::dataset::channel_statistics;
use crate::hex::hex;
use sha1::{Digest, Sha1};

fn pixels(data: &Embedded) -> Vec<u8> {
    let mut all = vec![0u8; data.len() * data.info.image_len()];
    for (index, image) in all.chunks_exact_mut(data.info.image_len()).enumerate() {
        assert_eq!(data.read(index, image.into()).unwrap(), Target::Class((index % 10) as u32));
    }
    all
}

/// The same bytes on every machine, and from version to version: published numbers depend on it.
#[test]
fn images_are_pinned_by_hash() {
    let hash = |data: Embedded| -> String { hex(&Sha1::digest(pixels(&data))) };
    assert_eq!(hash(Embedded::new(Part::Train, 100)), "856918c49356fa07353aeea4687e0be39ab29d07");
    assert_eq!(hash(Embedded::new(Part::Test, 100)), "7d8ca77957e51974ed71dfbfd8c287eb19df7d13");
    assert_eq!(hash(Embedded::v2(Part::Train, 100)), "68862f9918cec73f3e94c1e2221a03d895126662");
    assert_eq!(hash(Embedded::v2(Part::Test, 100)), "17f92c4f2287cf269c41ba10d7f32b906ba220cc");
}

#[test]
fn seeds_and_parts_give_other_images() {
    let base = pixels(&Embedded::new(Part::Train, 10));
    assert_eq!(base, pixels(&Embedded::with_seed(Part::Train, 10, 0)));
    assert_ne!(base, pixels(&Embedded::new(Part::Test, 10)));
    assert_ne!(base, pixels(&Embedded::with_seed(Part::Train, 10, 1)));
    assert_eq!(base[..], pixels(&Embedded::new(Part::Train, 20))[..base.len()]);
}

#[test]
fn statistics_are_those_of_the_training_part() {
    for data in [Embedded::new(Part::Train, 2000), Embedded::v2(Part::Train, 2000)] {
        let (mean, std) = channel_statistics(&pixels(&data), 3);
        for channel in 0..3 {
            assert!((mean[channel] - data.info.mean[channel]).abs() < 0.01, "{mean:?}");
            assert!((std[channel] - data.info.std[channel]).abs() < 0.01, "{std:?}");
        }
    }
}

#[test]
fn classes_are_named_and_all_different() {
    let data = Embedded::new(Part::Train, 3);
    let names: std::collections::BTreeSet<_> = data.info().classes().unwrap().iter().collect();
    assert_eq!(names.len(), 10);
    assert_eq!(data.info().classes().unwrap()[3], "checked ring");
    assert!(matches!(data.read(3, [0u8; 3072][..].as_mut().into()), Err(DataError::Index { index: 3, len: 3 })));
    assert!(matches!(data.read(0, [0u8; 3][..].as_mut().into()), Err(DataError::Buffer { .. })));
}

/// Area of the outlines by counting: none so small or so large that its area alone would give it away.
#[test]
fn outlines_have_similar_areas() {
    for shape in Shape::ALL {
        let steps = (-200..200).map(|i| i as f32 / 100.0);
        let inside = steps.clone().flat_map(|x| steps.clone().map(move |y| (x, y)));
        let area = inside.filter(|(x, y)| shape.distance(*x, *y) < 0.0).count() as f32 / 1e4;
        assert!((1.5..2.6).contains(&area), "{shape:?}: {area}");
        let corner = shape.distance(1.5, 1.5).min(shape.distance(-1.5, 1.5));
        assert!(corner > 0.0, "{shape:?} is larger than what is painted");
    }
}
