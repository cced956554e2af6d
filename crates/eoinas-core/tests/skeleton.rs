//! The layers of each form, and what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use eoinas_core::network::{LayerSpec, Preprocessing};
use eoinas_core::{CellSpec, CoreError, Form, NetworkSpec, Op, SearchSpace, Skeleton};
use proptest::prelude::*;

/// (kind, channels, input channels, factorised reduce, input side, output side); a residual block has kind 99.
type Row = (usize, usize, Vec<usize>, bool, usize, usize);

fn network(skeleton: &Skeleton, space: &SearchSpace) -> NetworkSpec {
    NetworkSpec::supernet(space, skeleton).unwrap()
}

fn rows(skeleton: &Skeleton, space: &SearchSpace) -> Vec<Row> {
    let network = network(skeleton, space);
    let row = |layer: &LayerSpec| match layer {
        LayerSpec::Cell(cell) => {
            let channels = cell.inputs.iter().map(|input| input.channels).collect();
            let reduces = cell.inputs.iter().map(|input| input.preprocessing == Preprocessing::FactorizedReduce);
            let first = reduces.enumerate().any(|(index, reduces)| {
                assert!(index == 0 || !reduces, "only the first input can have twice the resolution");
                reduces
            });
            (cell.kind.0, cell.channels, channels, first, cell.input_size.0, cell.output_size.0)
        }
        LayerSpec::Residual(block) => {
            let side = input_size(&network, block.feature).0;
            (99, block.channels, vec![block.input_channels], false, side, block.output_size.0)
        }
    };
    network.layers.iter().map(row).collect()
}

/// Height and width of a feature.
fn input_size(network: &NetworkSpec, feature: usize) -> (usize, usize) {
    match feature.checked_sub(network.stem_features) {
        Some(layer) => output(&network.layers[layer]).1,
        None => network.stem[network.stem.len() - network.stem_features + feature].output_size,
    }
}

fn output(layer: &LayerSpec) -> (usize, (usize, usize)) {
    match layer {
        LayerSpec::Cell(cell) => (cell.output_channels, cell.output_size),
        LayerSpec::Residual(block) => (block.channels, block.output_size),
    }
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
    let head = network(&Skeleton::cifar(), &space).head;
    assert_eq!((head.channels, head.size), (576, (8, 8)));
    let imagenet = rows(&Skeleton::imagenet(), &space);
    assert_eq!(imagenet[0], (0, 48, vec![48, 48], true, 28, 28));
    assert_eq!(imagenet[1], (0, 48, vec![48, 192], false, 28, 28));
    assert_eq!(imagenet.iter().enumerate().filter(|(_, row)| row.0 == 1).map(|(i, _)| i).collect::<Vec<_>>(), [4, 9]);
    let head = network(&Skeleton::imagenet(), &space).head;
    assert_eq!((head.channels, head.size), (768, (7, 7)));
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
    assert_eq!(network(&Skeleton::nas_bench_201(5), &space).layers.len(), 17);
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
    let cells = vec![CellSpec::dense("down", 2, 3, true), CellSpec::dense("keep", 2, 2, false)];
    let space = SearchSpace::new("mine", vec![Op::SkipConnect], cells).unwrap();
    let rows = rows(&Skeleton { cells: 3, ..Skeleton::search() }, &space);
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [1, 0, 0]);
    assert_eq!(rows[2].2, [32, 96]);
}

fn three_kinds() -> SearchSpace {
    let cells = vec![
        CellSpec::dense("down", 2, 3, true),
        CellSpec::dense("early", 2, 2, false),
        CellSpec::dense("late", 1, 2, false),
    ];
    SearchSpace::new("mine", vec![Op::SkipConnect, Op::SepConv3x3], cells).unwrap()
}

#[test]
fn kinds_stand_where_the_skeleton_says() {
    let skeleton = Skeleton::search().with_layers(["early", "down", "early", "down", "late"]);
    let expected: Vec<Row> = vec![
        (1, 16, vec![48, 48], false, 32, 32),
        (0, 32, vec![48, 32], false, 32, 16),
        (1, 32, vec![32, 96], true, 16, 16),
        (0, 64, vec![96, 64], false, 16, 8),
        (2, 64, vec![192], false, 8, 8),
    ];
    assert_eq!(rows(&skeleton, &three_kinds()), expected);
    // Without a cell that reduces, residual blocks stand at L/3 and 2L/3, whatever the cells.
    let cells = vec![CellSpec::dense("a", 2, 2, false), CellSpec::dense("b", 2, 2, false)];
    let space = SearchSpace::new("flat", vec![Op::SkipConnect], cells).unwrap();
    let kinds = rows(&Skeleton::search().with_layers(["a", "b", "b"]), &space);
    assert_eq!(kinds.iter().map(|row| row.0).collect::<Vec<_>>(), [0, 99, 1, 99, 1]);
    // The placement of today, said in full, is the same network.
    let darts = SearchSpace::darts();
    let said =
        Skeleton::search().with_layers([0, 0, 1, 0, 0, 1, 0, 0].map(|kind: usize| darts.cells()[kind].name.clone()));
    assert_eq!(network(&said, &darts).layers, network(&Skeleton::search(), &darts).layers);
}

#[test]
fn odd_sizes_round_up() {
    let skeleton = Skeleton::search().with_image(1, 28, 13).with_classes(7);
    let head = network(&skeleton, &SearchSpace::darts()).head;
    assert_eq!((head.channels, head.size, head.classes), (256, (7, 4), 7));
}

#[test]
fn what_cannot_be_built_is_refused_by_name() {
    let (darts, bench) = (SearchSpace::darts(), SearchSpace::nas_bench_201());
    let search = Skeleton::search;
    let refused = |skeleton: Skeleton, space: &SearchSpace| skeleton.validate(space).unwrap_err().to_string();
    for (skeleton, name, max) in [
        (Skeleton { channels: 0, ..search() }, "channels", 1 << 14),
        (Skeleton { cells: 0, ..search() }, "cells", 1 << 10),
        (Skeleton { stem_multiplier: 0, ..search() }, "stem_multiplier", 1 << 6),
        (search().with_classes(0), "classes", 1 << 24),
        (search().with_image(0, 32, 32), "image_channels", 1 << 12),
        (search().with_image(3, 0, 32), "height", 1 << 14),
        (search().with_image(3, 32, 0), "width", 1 << 14),
    ] {
        assert_eq!(refused(skeleton, &darts), format!("network.{name} is 0; expected a number from 1 to {max}"));
    }
    let many = refused(Skeleton { cells: usize::MAX, ..search() }, &darts);
    assert_eq!(many, format!("network.cells is {}; expected a number from 1 to 1024", usize::MAX));
    let odd = refused(Skeleton { channels: 47, ..Skeleton::imagenet() }, &darts);
    assert!(odd.starts_with("network.channels is 47; expected an even number"), "{odd}");
    let small = refused(search().with_image(3, 32, 2), &darts);
    let expected = "at least 3x3 pixels, for the network halves them 2 times";
    assert_eq!(small, format!("the size of the images is 32x2 pixels; expected {expected}"));
    assert!(search().with_image(3, 3, 3).validate(&darts).is_ok());
    // A side of one pixel is a signal's, and stays.
    assert!(
        search().with_image(2, 1, 3).validate(&darts).is_ok() && search().with_image(2, 3, 1).validate(&darts).is_ok()
    );
    for (height, width, least) in [(1, 2, "1x3"), (2, 1, "3x1"), (1, 1, "3x3")] {
        let small = refused(search().with_image(3, height, width), &darts);
        assert!(small.contains(&format!("is {height}x{width} pixels; expected at least {least} pixels")), "{small}");
    }
    let halved = search().with_layers(["normal"].into_iter().chain(["reduce"; 99]));
    assert!(refused(halved, &darts).ends_with("halves them 99 times"));
    let stages = refused(Skeleton { cells: 4, ..Skeleton::nas_bench_201(1) }, &bench);
    assert!(stages.starts_with("network.cells is 4; expected a multiple of 3"), "{stages}");
    let inputs = refused(Skeleton::nas_bench_201(5), &darts);
    assert_eq!(inputs, "cell `normal`: it has 2 inputs; cells of this network have 1");
    let one = |cells| SearchSpace::new("mine", vec![Op::SkipConnect], cells).unwrap();
    let two_out = refused(Skeleton::nas_bench_201(5), &one(vec![CellSpec::dense("cell", 1, 2, false)]));
    assert!(two_out.starts_with("cell `cell`: it joins 2 nodes into its output"), "{two_out}");
    let reduces = CellSpec { concat: vec![2], ..CellSpec::dense("down", 1, 2, true) };
    let reduces = refused(Skeleton::nas_bench_201(5), &one(vec![bench.cells()[0].clone(), reduces]));
    assert!(reduces.starts_with("cell `down`: it reduces; in the NAS-Bench-201 form residual blocks do"), "{reduces}");
    let down = refused(search(), &one(vec![CellSpec::dense("r", 2, 2, true)]));
    assert!(down.starts_with("space `mine`: it has only reduction cells"), "{down}");
    let three = refused(search(), &one(vec![CellSpec::dense("n", 3, 2, false)]));
    assert_eq!(three, "cell `n`: it has 3 inputs; cells of this network have 1 or 2");
}

#[test]
fn a_kind_that_no_layer_has_is_refused_by_name() {
    let refused = |skeleton: Skeleton, space: &SearchSpace| {
        let error = skeleton.validate(space).unwrap_err();
        (matches!(error, CoreError::Setting(_)), error.to_string())
    };
    for cells in [1, 2] {
        let (setting, text) = refused(Skeleton { cells, ..Skeleton::search() }, &SearchSpace::darts());
        let expected = "at least 3, for with fewer no layer of the network has cell `normal`";
        assert_eq!((setting, text), (true, format!("network.cells is {cells}; expected {expected}")));
    }
    let (setting, text) = refused(Skeleton::search(), &three_kinds());
    assert!(!setting && text.starts_with("cell `late`: no layer of the network has it; say the kind"), "{text}");
    let (setting, text) = refused(Skeleton::search().with_layers(["down", "late"]), &three_kinds());
    assert!(!setting && text.starts_with("cell `early`: no layer of the network has it"), "{text}");
    let (setting, text) = refused(Skeleton::search().with_layers(["early", "up"]), &three_kinds());
    assert_eq!((setting, text.as_str()), (true, "network.layers is `up`; expected one of down, early, late"));
    let short = Skeleton { cells: 4, ..Skeleton::search().with_layers(["early", "late", "down"]) };
    let (setting, text) = refused(short, &three_kinds());
    assert_eq!((setting, text.as_str()), (true, "network.cells is 4; expected 3, as many as `network.layers` names"));
}

#[test]
fn a_skeleton_round_trips_as_json() {
    let text = serde_json::to_string(&Skeleton::imagenet()).unwrap();
    assert!(text.contains(r#""form":"image-net""#) && !text.contains("layers"), "{text}");
    assert_eq!(serde_json::from_str::<Skeleton>(&text).unwrap(), Skeleton::imagenet());
    let placed = Skeleton::cifar().with_layers(["a", "b"]);
    assert_eq!(serde_json::from_str::<Skeleton>(&serde_json::to_string(&placed).unwrap()).unwrap(), placed);
}

proptest! {
    #[test]
    fn layers_follow_each_other(
        form in prop_oneof![Just(Form::Cifar), Just(Form::ImageNet), Just(Form::NasBench201)],
        channels in 1usize..40, cells in 1usize..24, height in 1usize..70, width in 1usize..70, bench in any::<bool>(),
    ) {
        let space = if bench { SearchSpace::nas_bench_201() } else { SearchSpace::darts() };
        let skeleton = Skeleton { form, channels, cells, ..Skeleton::search() }.with_image(3, height, width);
        let Ok(network) = NetworkSpec::supernet(&space, &skeleton) else { return Ok(()) };
        prop_assert!(cells >= 3 || bench);
        for (index, layer) in network.layers.iter().enumerate() {
            let before = network.stem_features + index - 1;
            let (feature, channels, size) = match layer {
                LayerSpec::Cell(cell) => {
                    let input = cell.inputs.last().unwrap();
                    (input.feature, input.channels, cell.input_size)
                }
                LayerSpec::Residual(block) => (block.feature, block.input_channels, input_size(&network, before)),
            };
            prop_assert_eq!((feature, size), (before, input_size(&network, before)));
            if let Some(previous) = index.checked_sub(1) {
                prop_assert_eq!(output(&network.layers[previous]), (channels, size));
            }
        }
    }
}

/// 256 nodes of 40 inputs each, a hundred times.
#[test]
fn networks_of_too_many_ops_are_refused_before_they_are_made() {
    let node = |node: usize| (0..40).map(|i| format!("('skip_connect', {})", i % node)).collect::<Vec<_>>().join(", ");
    let nodes: Vec<String> = (2..258).map(|n| format!("[{}]", node(n))).collect();
    let text = ["normal", "reduce"].map(|cell| format!("{cell}=[{}], {cell}_concat=[257]", nodes.join(", ")));
    let genotype = eoinas_core::Genotype::parse(&format!("Genotype({})", text.join(", "))).unwrap();
    let space = genotype.space().unwrap();
    let count = |cells| eoinas_core::count::network(&genotype, &Skeleton { cells, ..Skeleton::cifar() }, &space);
    let error = count(100).unwrap_err().to_string();
    assert!(error.contains("they have 1024000 ops, and a network has at most 100000"), "{error}");
    assert!(count(6).is_ok());
    let skeleton = Skeleton { cells: 12, max_ops: Some(200_000), ..Skeleton::cifar() };
    assert!(count(12).is_err() && eoinas_core::count::network(&genotype, &skeleton, &space).is_ok());
}
