//! The layers of each form, and what is refused.

use eoinas_core::skeleton::{Form, SkeletonError};
use eoinas_core::{CellKind, CellSpec, Layer, Op, SearchSpace, Skeleton};
use proptest::prelude::*;

/// (kind, channels, input channels, reduce_first, input side, output side); a residual block has kind 99.
type Row = (usize, usize, Vec<usize>, bool, usize, usize);

fn rows(skeleton: &Skeleton, space: &SearchSpace) -> Vec<Row> {
    skeleton
        .layers(space)
        .into_iter()
        .map(|layer| match layer {
            Layer::Cell { kind, channels, input_channels, reduce_first, input_size, output_size } => {
                (kind.0, channels, input_channels, reduce_first, input_size.0, output_size.0)
            }
            Layer::Residual { input_channels, channels, input_size } => {
                (99, channels, vec![input_channels], false, input_size.0, input_size.0.div_ceil(2))
            }
        })
        .collect()
}

#[test]
fn the_search_network() {
    let rows = rows(&Skeleton::search(), &SearchSpace::darts());
    let expected: Vec<Row> = vec![
        (0, 16, vec![48, 48], false, 32, 32),
        (0, 16, vec![48, 64], false, 32, 32),
        (1, 32, vec![64, 64], false, 32, 16),
        (0, 32, vec![64, 128], true, 16, 16),
        (0, 32, vec![128, 128], false, 16, 16),
        (1, 64, vec![128, 128], false, 16, 8),
        (0, 64, vec![128, 256], true, 8, 8),
        (0, 64, vec![256, 256], false, 8, 8),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn the_cifar_and_imagenet_networks() {
    let space = SearchSpace::darts();
    let cifar = rows(&Skeleton::cifar(), &space);
    assert_eq!(cifar.len(), 20);
    assert_eq!(cifar.iter().enumerate().filter(|(_, row)| row.0 == 1).map(|(i, _)| i).collect::<Vec<_>>(), [6, 13]);
    assert_eq!(Skeleton::cifar().features(&space), (576, (8, 8)));
    let imagenet = rows(&Skeleton::imagenet(), &space);
    assert_eq!(imagenet[0], (0, 48, vec![48, 48], true, 28, 28));
    assert_eq!(imagenet[1], (0, 48, vec![48, 192], false, 28, 28));
    assert_eq!(imagenet.iter().enumerate().filter(|(_, row)| row.0 == 1).map(|(i, _)| i).collect::<Vec<_>>(), [4, 9]);
    assert_eq!(Skeleton::imagenet().features(&space), (768, (7, 7)));
}

#[test]
fn the_nas_bench_201_network() {
    let space = SearchSpace::nas_bench_201();
    let expected: Vec<Row> = vec![
        (0, 16, vec![16], false, 32, 32),
        (99, 32, vec![16], false, 32, 16),
        (0, 32, vec![32], false, 16, 16),
        (99, 64, vec![32], false, 16, 8),
        (0, 64, vec![64], false, 8, 8),
    ];
    assert_eq!(rows(&Skeleton::nas_bench_201(1), &space), expected);
    assert_eq!(Skeleton::nas_bench_201(5).layers(&space).len(), 17);
}

#[test]
fn a_space_without_a_reduction_cell_gets_residual_blocks() {
    let space = SearchSpace::new("flat", vec![Op::SepConv3x3], vec![CellSpec::dense("normal", 2, 4, false)]).unwrap();
    let skeleton = Skeleton { cells: 3, ..Skeleton::search() };
    let expected: Vec<Row> = vec![
        (0, 16, vec![48, 48], false, 32, 32),
        (99, 128, vec![64], false, 32, 16),
        (0, 32, vec![64, 128], true, 16, 16),
        (99, 256, vec![128], false, 16, 8),
        (0, 64, vec![128, 256], true, 8, 8),
    ];
    assert_eq!(rows(&skeleton, &space), expected);
}

#[test]
fn kinds_are_found_by_what_they_do() {
    let cells = vec![
        CellSpec::dense("down", 2, 3, true),
        CellSpec::dense("keep", 2, 2, false),
        CellSpec::dense("unused", 2, 2, false),
    ];
    let space = SearchSpace::new("mine", vec![Op::SkipConnect], cells).unwrap();
    let kinds: Vec<usize> = rows(&Skeleton { cells: 3, ..Skeleton::search() }, &space).iter().map(|r| r.0).collect();
    assert_eq!(kinds, [1, 0, 0]);
    let layers = Skeleton { cells: 3, ..Skeleton::search() }.layers(&space);
    assert!(matches!(&layers[2], Layer::Cell { kind: CellKind(0), input_channels, .. } if input_channels == &[32, 96]));
}

#[test]
fn odd_sizes_round_up() {
    let skeleton = Skeleton::search().with_image(1, 28, 13).with_classes(7);
    assert_eq!(skeleton.features(&SearchSpace::darts()), (256, (7, 4)));
}

#[test]
fn what_cannot_be_built_is_refused_by_name() {
    let darts = SearchSpace::darts();
    let search = Skeleton::search;
    let refused = |skeleton: Skeleton, space: &SearchSpace| {
        assert!(skeleton.layers(space).is_empty());
        skeleton.validate(space).unwrap_err()
    };
    for (skeleton, name) in [
        (Skeleton { channels: 0, ..search() }, "channels"),
        (Skeleton { cells: 0, ..search() }, "cells"),
        (Skeleton { stem_multiplier: 0, ..search() }, "stem_multiplier"),
        (search().with_classes(0), "classes"),
        (search().with_image(0, 32, 32), "image_channels"),
        (search().with_image(3, 0, 32), "height"),
        (search().with_image(3, 32, 0), "width"),
    ] {
        assert_eq!(refused(skeleton, &darts), SkeletonError::Zero { field: name });
    }
    assert!(matches!(refused(Skeleton { cells: usize::MAX, ..search() }, &darts), SkeletonError::TooLarge { .. }));
    let odd = Skeleton { channels: 47, ..Skeleton::imagenet() };
    assert_eq!(refused(odd, &darts), SkeletonError::OddChannels { channels: 47 });
    let small = refused(search().with_image(3, 32, 2), &darts);
    assert_eq!(small, SkeletonError::ImageTooSmall { height: 32, width: 2, halvings: 2, min: 3 });
    assert!(search().with_image(3, 3, 3).validate(&darts).is_ok());
    let stages = Skeleton { cells: 4, ..Skeleton::nas_bench_201(1) };
    assert_eq!(refused(stages, &SearchSpace::nas_bench_201()), SkeletonError::Stages { cells: 4 });
    assert!(matches!(refused(Skeleton::nas_bench_201(5), &darts), SkeletonError::Inputs { inputs: 2, .. }));
    let two_out = CellSpec::dense("cell", 1, 2, false);
    let space = SearchSpace::new("two", vec![Op::SkipConnect], vec![two_out]).unwrap();
    assert!(matches!(refused(Skeleton::nas_bench_201(5), &space), SkeletonError::Output { nodes: 2, .. }));
    let space = SearchSpace::new("down", vec![Op::SkipConnect], vec![CellSpec::dense("r", 2, 2, true)]).unwrap();
    assert!(matches!(refused(search(), &space), SkeletonError::NoNormalCell { .. }));
    let space = SearchSpace::new("three", vec![Op::SkipConnect], vec![CellSpec::dense("n", 3, 2, false)]).unwrap();
    let error = refused(search(), &space);
    assert_eq!(error.to_string(), "cell `n` has 3 inputs; cells of this network have 1 or 2");
}

#[test]
fn a_skeleton_round_trips_as_json() {
    let text = serde_json::to_string(&Skeleton::imagenet()).unwrap();
    assert!(text.contains(r#""form":"image-net""#), "{text}");
    assert_eq!(serde_json::from_str::<Skeleton>(&text).unwrap(), Skeleton::imagenet());
}

proptest! {
    #[test]
    fn layers_follow_each_other(
        form in prop_oneof![Just(Form::Cifar), Just(Form::ImageNet), Just(Form::NasBench201)],
        channels in 1usize..40, cells in 1usize..24, height in 1usize..70, width in 1usize..70, bench in any::<bool>(),
    ) {
        let space = if bench { SearchSpace::nas_bench_201() } else { SearchSpace::darts() };
        let skeleton = Skeleton { form, channels, cells, ..Skeleton::search() }.with_image(3, height, width);
        let layers = skeleton.layers(&space);
        prop_assert_eq!(layers.is_empty(), skeleton.validate(&space).is_err());
        for pair in layers.windows(2) {
            let input = match &pair[1] {
                Layer::Cell { input_channels, input_size, .. } => (*input_channels.last().unwrap(), *input_size),
                Layer::Residual { input_channels, input_size, .. } => (*input_channels, *input_size),
            };
            prop_assert_eq!((pair[0].output_channels(&space), pair[0].output_size()), input);
        }
    }
}
