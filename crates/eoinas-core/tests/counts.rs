//! Counts against published numbers, hand-counted ops and the whole NAS-Bench-201 table.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{DARTS_V2, EOINAS_A, EOINAS_B, NASNET_A, parse};
use eoinas_core::count::{self, Counts};
use eoinas_core::network::{Auxiliary, StemConv};
use eoinas_core::op::BUILT_IN;
use eoinas_core::skeleton::Form;
use eoinas_core::{
    CellSpec, CoreError, Gate, Gates, Genotype, NetworkSpec, Op, OpShape, OpSpec, SearchSpace, Setting, Skeleton,
};

fn counts(text: &str, skeleton: &Skeleton) -> Counts {
    count::network(&parse(text), skeleton, &SearchSpace::darts()).unwrap()
}

#[test]
fn darts_second_order_on_cifar_and_imagenet() {
    let cifar = counts(DARTS_V2, &Skeleton::cifar());
    assert_eq!((cifar.parameters, cifar.multiply_adds), (3_349_342, 528_359_040));
    let imagenet = counts(DARTS_V2, &Skeleton::imagenet());
    assert_eq!((imagenet.parameters, imagenet.multiply_adds), (4_718_752, 529_911_552));
}

#[test]
fn the_cells_of_the_eoinas_authors() {
    let (a, b) = (counts(EOINAS_A, &Skeleton::cifar()), counts(EOINAS_B, &Skeleton::cifar()));
    assert!((a.parameters as f64 / 1e6 - 4.1).abs() < 0.05, "{a:?}");
    assert!((b.parameters as f64 / 1e6 - 3.5).abs() < 0.05, "{b:?}");
}

#[test]
fn the_auxiliary_head_is_counted_apart() {
    let space = SearchSpace::darts();
    // 576 channels come in: 1x1 to 128, 2x2 to 768, both with BatchNorm, and 10 classes. The pool leaves 2x2 pixels.
    let head = count::auxiliary(&Skeleton::cifar(), &space).unwrap();
    assert_eq!(head.parameters, 576 * 128 + 256 + 4 * 128 * 768 + 1536 + 768 * 10 + 10);
    assert_eq!(head.multiply_adds, 4 * 576 * 128 + 4 * 128 * 768 + 7680);
    // On ImageNet 768 channels of 7x7 pixels come in, and the last BatchNorm is not there.
    let head = count::auxiliary(&Skeleton::imagenet(), &space).unwrap();
    assert_eq!(head.parameters, 768 * 128 + 256 + 4 * 128 * 768 + 768 * 1000 + 1000);
}

#[test]
fn small_images_leave_nothing_for_an_auxiliary_head() {
    let space = SearchSpace::darts();
    let head = |skeleton: &Skeleton, space: &SearchSpace| -> Result<Auxiliary, Setting> {
        NetworkSpec::supernet(space, skeleton).unwrap().auxiliary()
    };
    let at = |side| head(&Skeleton::cifar().with_image(3, side, side), &space);
    assert_eq!(at(29).unwrap().output_size(), (1, 1));
    assert_eq!(at(64).unwrap().output_size(), (3, 3));
    let error = at(28).unwrap_err().to_string();
    assert!(
        error.starts_with("auxiliary is a head that would read 7x7 pixels; expected 8x8 pixels or more"),
        "{error}"
    );
    // Residual blocks are layers, too: the cell at 2L/3 of 6 is the fifth, behind two blocks.
    let bench = Skeleton::nas_bench_201(2);
    let head = head(&bench, &SearchSpace::nas_bench_201()).unwrap();
    assert_eq!(head.feature, 1 + 6);
}

#[test]
fn a_genotype_of_another_space_counts_in_its_own() {
    let nasnet = parse(NASNET_A);
    let space = nasnet.space().unwrap();
    let total = count::network(&nasnet, &Skeleton::cifar(), &space).unwrap();
    assert!(total.parameters > 3_000_000 && total.multiply_adds > 500_000_000, "{total:?}");
    let error = count::network(&nasnet, &Skeleton::cifar(), &SearchSpace::darts()).unwrap_err();
    assert!(matches!(error, CoreError::Fit { .. }));
    let error = count::network(&nasnet, &Skeleton { cells: 0, ..Skeleton::cifar() }, &space).unwrap_err();
    assert!(matches!(error, CoreError::Setting(_)));
}

#[test]
fn each_op_counted_by_hand() {
    let (c, h, w) = (16u64, 9u64, 7u64);
    for stride in [1usize, 2] {
        let (oh, ow) = (h.div_ceil(stride as u64), w.div_ceil(stride as u64));
        let half = |k: u64| c * k * k + c * c;
        let expected = |op: &Op| -> (u64, u64, u64) {
            // Weights, multiply-adds, BatchNorm layers.
            match op.name() {
                "none" | "max_pool_3x3" | "avg_pool_3x3" => (0, 0, 0),
                "skip_connect" if stride == 1 => (0, 0, 0),
                "skip_connect" | "nor_conv_1x1" => (c * c, c * c * oh * ow, 1),
                "sep_conv_3x3" => (2 * half(3), 2 * half(3) * oh * ow, 2),
                "sep_conv_5x5" => (2 * half(5), 2 * half(5) * oh * ow, 2),
                "sep_conv_7x7" => (2 * half(7), 2 * half(7) * oh * ow, 2),
                "dil_conv_3x3" => (half(3), half(3) * oh * ow, 1),
                "dil_conv_5x5" => (half(5), half(5) * oh * ow, 1),
                "conv_7x1_1x7" => (14 * c * c, 7 * c * c * (h * ow + oh * ow), 1),
                "nor_conv_3x3" => (9 * c * c, 9 * c * c * oh * ow, 1),
                other => panic!("{other} has no count here"),
            }
        };
        for op in BUILT_IN {
            let (weights, multiply_adds, norms) = expected(&op);
            for affine in [false, true] {
                let shape = OpShape { channels: 16, stride, height: 9, width: 7, affine };
                let parameters = weights + if affine { norms * 2 * c } else { 0 };
                assert_eq!(count::op(&op, shape), Counts { parameters, multiply_adds }, "{op} stride {stride}");
            }
        }
    }
}

#[derive(Debug)]
struct Bias;

impl OpSpec for Bias {
    fn name(&self) -> &str {
        "bias"
    }
    fn parameters(&self, shape: OpShape) -> u64 {
        shape.channels as u64
    }
    fn multiply_adds(&self, _: OpShape) -> u64 {
        1
    }
}

#[test]
fn custom_ops_count_themselves() {
    let shape = OpShape { channels: 5, stride: 1, height: 2, width: 2, affine: false };
    assert_eq!(count::op(&Op::custom(Bias), shape), Counts { parameters: 5, multiply_adds: 1 });
}

/// The draw of the timing baseline: edge e of kind k takes op (3 e + k) mod 8 of the baseline's own op order.
fn balanced(space: &SearchSpace) -> Gates {
    const ORDER: [&str; 8] = [
        "none",
        "skip_connect",
        "sep_conv_3x3",
        "dil_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_5x5",
        "avg_pool_3x3",
        "max_pool_3x3",
    ];
    let gate =
        |kind: usize, edge: usize| vec![Gate { op: space.op_index(ORDER[(3 * edge + kind) % 8]).unwrap(), value: 1.0 }];
    Gates { kinds: (0..2).map(|kind| (0..14).map(|edge| gate(kind, edge)).collect()).collect() }
}

#[test]
fn a_search_step_has_3_36_giga_multiply_adds() {
    let space = SearchSpace::darts();
    let path = count::supernet_path(&balanced(&space), &Skeleton::search(), &space).unwrap();
    let per_batch = 64.0 * path.multiply_adds as f64 / 1e9;
    assert!((per_batch - 3.36).abs() < 0.005, "{per_batch}");
}

#[test]
fn a_path_counts_what_its_genotype_does_without_batch_norm() {
    let space = SearchSpace::darts();
    let genotype = parse(DARTS_V2);
    let path = count::supernet_path(&genotype.gates(&space).unwrap(), &Skeleton::cifar(), &space).unwrap();
    let network = count::network(&genotype, &Skeleton::cifar(), &space).unwrap();
    assert_eq!(path.multiply_adds, network.multiply_adds);
    assert!(path.parameters < network.parameters);
    let nothing = Gates { kinds: vec![vec![vec![Gate { op: 99, value: 1.0 }]; 14]; 2] };
    let rest = count::supernet_path(&nothing, &Skeleton::cifar(), &space).unwrap();
    assert_eq!(rest, count::supernet_path(&Gates::default(), &Skeleton::cifar(), &space).unwrap());
    assert!(count::supernet_path(&nothing, &Skeleton { classes: 0, ..Skeleton::cifar() }, &space).is_err());
}

#[test]
fn the_parts_add_up() {
    let (space, skeleton, genotype) = (SearchSpace::darts(), Skeleton::imagenet(), parse(EOINAS_B));
    let network = NetworkSpec::derived(&genotype, &space, &skeleton).unwrap();
    let layers: Counts = network.layers.iter().map(|layer| network.layer_counts(layer)).sum();
    let total = network.stem.iter().map(StemConv::counts).sum::<Counts>() + layers + network.head.counts();
    assert_eq!(total, count::network(&genotype, &skeleton, &space).unwrap());
    // All ops of a supernet: eight on each edge.
    let all = NetworkSpec::supernet(&space, &skeleton).unwrap().counts();
    assert!(all.multiply_adds > 4 * layers.multiply_adds, "{all:?}");
}

#[test]
fn three_kinds_count_what_their_layers_do() {
    let cell = |name, reduction| CellSpec { keep: None, ..CellSpec::dense(name, 1, 1, reduction) };
    let cells = vec![cell("early", false), cell("down", true), cell("late", false)];
    let space = SearchSpace::new("mine", vec![Op::NorConv1x1, Op::NorConv3x3], cells).unwrap();
    let skeleton =
        Skeleton { channels: 4, stem_multiplier: 1, ..Skeleton::search() }.with_layers(["early", "down", "late"]);
    let genotype = |ops: [&str; 3]| {
        let mut genotype =
            Genotype::random(&space, &mut eoinas_core::Streams::new(0).rng(eoinas_core::SeedStream::Split, 0, 0));
        for (cell, op) in genotype.cells.iter_mut().zip(ops) {
            cell.nodes[0][0].op = op.parse().unwrap();
        }
        count::network(&genotype, &skeleton, &space).unwrap()
    };
    let one = "nor_conv_1x1";
    let small = genotype([one; 3]);
    // Of each kind there is one cell, with one convolution of C x C whose taps go from 1 to 9.
    for (kind, channels, pixels) in [(0, 4, 32 * 32), (1, 8, 16 * 16), (2, 8, 16 * 16)] {
        let mut ops = [one; 3];
        ops[kind] = "nor_conv_3x3";
        let counts = genotype(ops);
        assert_eq!(counts.parameters - small.parameters, 8 * channels * channels);
        assert_eq!(counts.multiply_adds - small.multiply_adds, 8 * channels * channels * pixels);
    }
}

#[test]
fn absurd_networks_saturate() {
    let skeleton = Skeleton { channels: 1 << 14, cells: 1 << 10, height: 1 << 14, width: 1 << 14, ..Skeleton::cifar() };
    let total = |nodes: usize| {
        let cell = CellSpec { concat: (2..2 + nodes).collect(), ..CellSpec::dense("normal", 2, nodes, false) };
        let space = SearchSpace::new("wide", vec![Op::SepConv7x7], vec![cell]).unwrap();
        let mut rng = eoinas_core::Streams::new(0).rng(eoinas_core::SeedStream::Split, 0, 0);
        count::network(&Genotype::random(&space, &mut rng), &skeleton, &space)
    };
    assert_eq!(total(8).unwrap().multiply_adds, u64::MAX);
    // Far more ops than a network has: refused before they take memory.
    let error = total(64).unwrap_err().to_string();
    assert!(error.starts_with("network.cells is 1024; expected fewer: they have "), "{error}");
}

/// All 15,625 architectures. The table is not part of the crate: without it the test says so and passes.
#[test]
fn the_whole_nas_bench_201_table() {
    let root = std::env::var_os("EOINAS_TEST_DATA").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        std::path::PathBuf::from,
    );
    let path = root.join("nas-bench-201/cifar10.csv");
    let Ok(table) = std::fs::read_to_string(&path) else {
        println!("skipped: no table at {} (set EOINAS_TEST_DATA to its data folder)", path.display());
        return;
    };
    let (space, skeleton) = (SearchSpace::nas_bench_201(), Skeleton::nas_bench_201(5));
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|c| *c == name).unwrap();
    let (arch, flops, params) = (column("arch"), column("flops_m_c10_computed"), column("params_m_c10_computed"));
    let mut rows = 0;
    for line in lines {
        let row: Vec<&str> = line.split(',').collect();
        let genotype = Genotype::parse_in(row[arch], &space).unwrap();
        assert_eq!(genotype.to_string(), row[arch]);
        let found = count::network(&genotype, &skeleton, &space).unwrap();
        // The table counts the additions of the classifier's bias among the multiply-adds, one for each class.
        let multiply_adds = found.multiply_adds + 10;
        assert_eq!(format!("{:.5}", multiply_adds as f64 / 1e6), format!("{:.5}", row[flops].parse::<f64>().unwrap()));
        assert_eq!(
            format!("{:.6}", found.parameters as f64 / 1e6),
            format!("{:.6}", row[params].parse::<f64>().unwrap())
        );
        rows += 1;
    }
    assert_eq!(rows, 15_625);
}

#[test]
fn nas_bench_201_extremes_counted_by_hand() {
    let space = SearchSpace::nas_bench_201();
    let skeleton = Skeleton::nas_bench_201(5);
    let all = |op: &str| {
        let text = format!("|{op}~0|+|{op}~0|{op}~1|+|{op}~0|{op}~1|{op}~2|");
        count::network(&parse(&text), &skeleton, &space).unwrap()
    };
    assert_eq!(all("none"), Counts { parameters: 73_306, multiply_adds: 7_783_040 });
    assert_eq!(all("nor_conv_3x3").parameters, 1_531_546);
}

#[test]
fn channels_for_a_cost_are_those_that_come_closest() {
    let space = SearchSpace::darts();
    let genotype = eoinas_core::zoo::find("darts-v2").unwrap().genotype();
    for skeleton in [Skeleton::cifar(), Skeleton::imagenet()] {
        let cost = |channels| {
            count::network(&genotype, &Skeleton { channels, ..skeleton.clone() }, &space).unwrap().multiply_adds
        };
        let of = |multiply_adds| count::channels_for(&genotype, &skeleton, &space, multiply_adds);
        let step = if skeleton.form == Form::ImageNet { 2 } else { 1 };
        for channels in [2, 6, 36, 48, 130] {
            assert_eq!(of(cost(channels)).unwrap(), channels);
            assert_eq!(of(cost(channels) + 1000).unwrap(), channels);
            let between = (cost(channels) as f64 * cost(channels + step) as f64).sqrt();
            assert_eq!(of((between * 0.99) as u64).unwrap(), channels);
            assert_eq!(of((between * 1.01) as u64).unwrap(), channels + step);
        }
        assert!(of(1).unwrap_err().to_string().contains("multiply_adds"));
        assert!(of(u64::MAX).unwrap_err().to_string().contains("at most"));
    }
}
