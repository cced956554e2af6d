//! Gradients of whole networks against finite differences of their loss.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

#[path = "common/nets.rs"]
mod nets;

use candle_core::Device;
use common::flat;
use eoinas_core::{AliveOps, Genotype, SearchSpace, Skeleton, Streams, count, zoo};
use eoinas_nn::{Batch, DerivedNetwork, NnError, Operations, PassOptions, Sgd, Supernet, Wanted};
use nets::{batch, check_weights, mixture, supernet, tiny};

fn check_supernet(space: &SearchSpace, skeleton: &Skeleton, options: &PassOptions) {
    check(mixture(space, &AliveOps::all(space)), skeleton, options, &|| supernet(space, skeleton));
}

fn check(gates: eoinas_core::Gates, skeleton: &Skeleton, options: &PassOptions, build: &dyn Fn() -> Supernet) {
    let batch = batch(skeleton, 4, 0);
    let net = std::cell::RefCell::new(build());
    let output = net.borrow().pass(&batch, &gates, Wanted::BOTH, options).unwrap();
    let names = build();
    let gradients = output.weight_gradients.unwrap();
    assert_eq!(gradients.len(), net.borrow().parameters().iter().count(), "every weight is used in a mixture");
    let start = net.borrow().parameters().tensors();
    check_weights(
        || start.clone(),
        &gradients,
        names.parameters(),
        |moved| {
            net.borrow_mut().parameters_mut().load(moved).unwrap();
            net.borrow().pass(&batch, &gates, Wanted::WEIGHTS, options).unwrap().loss
        },
    );

    let net = build();
    let found = output.gate_gradients.unwrap();
    let largest = found.kinds.iter().flatten().flatten().fold(0f32, |max, gate| max.max(gate.value.abs()));
    for (kind, edges) in gates.kinds.iter().enumerate() {
        for (edge, ops) in edges.iter().enumerate().step_by(3) {
            for index in 0..ops.len() {
                let at = |step: f32| {
                    let mut gates = gates.clone();
                    gates.kinds[kind][edge][index].value += step;
                    net.pass(&batch, &gates, Wanted::GATES, options).unwrap().loss
                };
                let slope = (at(1e-3) - at(-1e-3)) / 2e-3;
                let got = f64::from(found.kinds[kind][edge][index].value);
                let bound = 0.03 * got.abs() + 0.01 * f64::from(largest);
                assert!((slope - got).abs() < bound, "gate {kind} {edge} {index}: slope {slope}, gradient {got}");
            }
        }
    }
}

#[test]
fn supernet_of_the_papers_space() {
    let space = SearchSpace::darts();
    let options = PassOptions { label_smoothing: 0.1, skip_dropout: 0.3, drop_path: 0.2, ..PassOptions::default() };
    check_supernet(&space, &tiny(&space, 3), &options);
}

#[test]
fn supernet_of_nas_bench_201() {
    let space = SearchSpace::nas_bench_201();
    check_supernet(&space, &tiny(&space, 3), &PassOptions::default());
}

#[test]
fn supernets_of_signals() {
    for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
        let skeleton = tiny(&space, 3).with_image(2, 1, 37);
        check_supernet(&space, &skeleton, &PassOptions::default());
    }
}

/// A mixture whose gates do not sum to one: what passes by has a gate of its own. Odd sizes: it is pooled 9 -> 5 -> 3.
#[test]
fn supernet_with_partial_channels() {
    let space = SearchSpace::darts();
    let skeleton = Skeleton { channels: 8, ..tiny(&space, 3) };
    let options = PassOptions { skip_dropout: 0.3, ..PassOptions::default() };
    let mut gates = mixture(&space, &AliveOps::all(&space));
    // Every second edge weighs what passes by, as edge normalisation does.
    for edge in gates.kinds.iter_mut().flatten().step_by(2) {
        edge.push(eoinas_core::Gate { op: space.ops().len(), value: 0.6 });
    }
    check(gates, &skeleton, &options, &|| partial(&skeleton, 4).unwrap());
    let given = nets::gates(&space, |_, _| vec![gate(4), gate(8)]);
    let batch = batch(&skeleton, 4, 0);
    let loss = |net: &Supernet, gates| net.pass(&batch, gates, Wanted::NOTHING, &options).map(|output| output.loss);
    let net = partial(&skeleton, 4).unwrap();
    let implied = nets::gates(&space, |_, _| vec![gate(4)]);
    assert_eq!(loss(&net, &given).unwrap(), loss(&net, &implied).unwrap());
    let whole = supernet(&space, &skeleton);
    assert!(matches!(loss(&whole, &given), Err(NnError::Gate { id, why: "not in the space" }) if id.op == 8));
}

fn partial(skeleton: &Skeleton, share: usize) -> Result<Supernet, NnError> {
    let (space, operations, streams) = (SearchSpace::darts(), Operations::built_in(), Streams::new(5));
    Supernet::with_partial_channels(&space, skeleton, &operations, &streams, &Device::Cpu, share)
}

#[test]
fn partial_channels_shrink_the_ops_and_have_to_fit() {
    let space = SearchSpace::darts();
    let skeleton = Skeleton { channels: 8, ..tiny(&space, 3) };
    let net = partial(&skeleton, 4).unwrap();
    let dims = |name: &str| net.parameters().by_name(name).unwrap().value().dims().to_vec();
    assert_eq!(dims("cells.0.edges.0.sep_conv_3x3.0.pointwise"), [2, 2]);
    assert_eq!(dims("cells.0.preprocess.1.conv"), [24, 8]);
    // One path, and `none` alone: the other channels still pass.
    let batch = batch(&skeleton, 4, 0);
    for gates in [nets::path(&space, &AliveOps::all(&space), 3), nets::gates(&space, |_, _| vec![gate(0)])] {
        let output = net.pass(&batch, &gates, Wanted::BOTH, &PassOptions::default()).unwrap();
        assert!(output.loss.is_finite());
        let shape = |gates: &eoinas_core::Gates| gates.kinds.iter().flatten().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(shape(&output.gate_gradients.unwrap()), shape(&gates));
    }
    for share in [0, 3, 8] {
        assert!(matches!(partial(&skeleton, share), Err(NnError::PartialChannels { channels: 8, .. })), "{share}");
    }
}

fn gate(op: usize) -> eoinas_core::Gate {
    eoinas_core::Gate { op, value: 1.0 }
}

const DARTS_V2: &str = "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), \
    ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], \
    normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), \
    ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], \
    reduce_concat=range(2, 6))";

/// Five nodes, two edges from one predecessor, unused nodes joined, ops that only published cells have.
const ODD: &str = "Genotype(normal=[('sep_conv_7x7', 1), ('avg_pool_3x3', 1), ('conv_7x1_1x7', 0), ('none', 1)], \
    normal_concat=[2, 3], reduce=[('conv_7x1_1x7', 0), ('sep_conv_5x5', 1), ('avg_pool_3x3', 0), \
    ('dil_conv_5x5', 2)], reduce_concat=[3])";

fn derived(text: &str, skeleton: &Skeleton) -> DerivedNetwork {
    let genotype = Genotype::parse(text).unwrap();
    let space = genotype.space().unwrap();
    let operations = Operations::built_in();
    DerivedNetwork::new(&genotype, &space, skeleton, &operations, &Streams::new(2), &Device::Cpu).unwrap()
}

fn check_derived(text: &str, skeleton: &Skeleton) {
    let batch = batch(skeleton, 5, 0);
    let options = PassOptions { drop_path: 0.3, ..PassOptions::default() };
    let net = std::cell::RefCell::new(derived(text, skeleton));
    let gradients = net.borrow().train_pass(&batch, &options).unwrap().weight_gradients.unwrap();
    let names = derived(text, skeleton);
    let start = net.borrow().parameters().tensors();
    check_weights(
        || start.clone(),
        &gradients,
        names.parameters(),
        |moved| {
            net.borrow_mut().parameters_mut().load(moved).unwrap();
            net.borrow().train_pass(&batch, &options).unwrap().loss
        },
    );
}

#[test]
fn derived_networks() {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() }.with_image(3, 9, 8);
    check_derived(DARTS_V2, &skeleton);
    check_derived(ODD, &skeleton);
}

#[test]
fn derived_network_of_the_imagenet_form() {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::imagenet() }.with_image(3, 33, 40);
    check_derived(DARTS_V2, &skeleton);
}

fn with_auxiliary(text: &str, skeleton: &Skeleton) -> DerivedNetwork {
    let genotype = Genotype::parse(text).unwrap();
    let (space, operations) = (genotype.space().unwrap(), Operations::built_in());
    let streams = Streams::new(2);
    DerivedNetwork::with_auxiliary(&genotype, &space, skeleton, &operations, &streams, &Device::Cpu).unwrap()
}

#[test]
fn derived_networks_with_an_auxiliary_head() {
    let options = PassOptions { auxiliary_weight: 0.4, label_smoothing: 0.1, ..PassOptions::default() };
    let base = Skeleton { channels: 4, classes: 5, ..Skeleton::cifar() }.with_image(3, 32, 30);
    // Behind a cell in the middle, and behind the last one, which the main head reads, too.
    for cells in [4, 3] {
        let skeleton = Skeleton { cells, ..base.clone() };
        let batch = batch(&skeleton, 6, 0);
        let net = std::cell::RefCell::new(with_auxiliary(DARTS_V2, &skeleton));
        let output = net.borrow().train_pass(&batch, &options).unwrap();
        let main = derived(DARTS_V2, &skeleton).train_pass(&batch, &options_without_head(&options)).unwrap();
        let auxiliary = output.auxiliary_loss.unwrap();
        assert!((output.loss - main.loss - 0.4 * auxiliary).abs() < 1e-6, "the other weights are the same");
        let names = with_auxiliary(DARTS_V2, &skeleton);
        let start = net.borrow().parameters().tensors();
        check_weights(
            || start.clone(),
            &output.weight_gradients.unwrap(),
            names.parameters(),
            |moved| {
                net.borrow_mut().parameters_mut().load(moved).unwrap();
                net.borrow().train_pass(&batch, &options).unwrap().loss
            },
        );
    }
}

fn options_without_head(options: &PassOptions) -> PassOptions {
    PassOptions { auxiliary_weight: 0.0, ..*options }
}

#[test]
fn the_auxiliary_head_runs_in_training_alone() {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() };
    let (batch, options) = (batch(&skeleton, 4, 0), PassOptions { auxiliary_weight: 0.4, ..PassOptions::default() });
    let net = with_auxiliary(DARTS_V2, &skeleton);
    let genotype = net.genotype().unwrap();
    let space = genotype.space().unwrap();
    let counted = count::network(genotype, &skeleton, &space).unwrap().parameters;
    let head = count::auxiliary(&skeleton, &space).unwrap().parameters;
    assert_eq!(net.parameters().count(), counted + head);

    let statistics =
        |net: &DerivedNetwork| flat(net.parameters().by_name("auxiliary.0.bn.running_mean").unwrap().value());
    let before = statistics(&net);
    assert!(net.calibrate(&batch).unwrap().auxiliary_loss.is_none());
    assert!(net.evaluate(&batch).unwrap().auxiliary_loss.is_none());
    let output = net.train_pass(&batch, &PassOptions::default()).unwrap();
    assert!(output.auxiliary_loss.is_none());
    assert!(output.weight_gradients.unwrap().by_name(net.parameters(), "auxiliary.0.conv").is_none());
    assert_eq!(statistics(&net), before);
    assert!(net.train_pass(&batch, &options).unwrap().auxiliary_loss.is_some());
    assert_ne!(statistics(&net), before);

    let error = derived(DARTS_V2, &skeleton).train_pass(&batch, &options).unwrap_err();
    assert!(matches!(error, NnError::NoAuxiliary { weight: 0.4 }), "{error}");
    let small = skeleton.with_image(3, 28, 28);
    let genotype = Genotype::parse(DARTS_V2).unwrap();
    let (operations, streams) = (Operations::built_in(), Streams::new(2));
    let error = DerivedNetwork::with_auxiliary(&genotype, &space, &small, &operations, &streams, &Device::Cpu);
    let error = error.unwrap_err();
    assert!(matches!(&error, NnError::Setting(wrong) if wrong.got.contains("7x7 pixels")), "{error}");
}

#[test]
fn built_modules_have_as_many_parameters_as_are_counted() {
    let bench = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|";
    let skeletons = [
        (DARTS_V2, Skeleton::cifar(), Some(3_349_342)),
        (DARTS_V2, Skeleton::imagenet(), Some(4_718_752)),
        (ODD, Skeleton::cifar(), None),
        (bench, Skeleton::nas_bench_201(5), None),
    ];
    for (text, skeleton, expected) in skeletons {
        let net = derived(text, &skeleton);
        let genotype = net.genotype().unwrap();
        let counted = count::network(genotype, &skeleton, &genotype.space().unwrap()).unwrap().parameters;
        assert_eq!(net.parameters().count(), counted, "{text}");
        assert_eq!(counted, expected.unwrap_or(counted));
    }
}

/// Five nodes, two inputs from one predecessor, nodes that are not joined, the whole zoo.
#[test]
fn published_cells_are_built_as_they_are_counted() {
    for published in zoo::all() {
        let genotype = published.genotype();
        let space = genotype.space().unwrap();
        let bench = genotype.cells.len() == 1;
        let forms =
            if bench { vec![Skeleton::nas_bench_201(1)] } else { vec![Skeleton::cifar(), Skeleton::imagenet()] };
        for skeleton in forms {
            let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..skeleton }.with_image(3, 40, 33);
            let (operations, streams) = (Operations::built_in(), Streams::new(2));
            let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &streams, &Device::Cpu).unwrap();
            let counted = count::network(&genotype, &skeleton, &space).unwrap();
            assert_eq!(net.parameters().count(), counted.parameters, "{published}");
            let output = net.train_pass(&batch(&skeleton, 2, 0), &PassOptions::default()).unwrap();
            assert!(output.loss.is_finite() && output.weight_gradients.is_some(), "{published}");
        }
    }
}

#[test]
fn a_derived_network_learns_and_evaluates_with_running_statistics() {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() }.with_image(3, 9, 8);
    let mut net = derived(DARTS_V2, &skeleton);
    let batch = batch(&skeleton, 16, 0);
    let first = net.evaluate(&batch).unwrap();
    for _ in 0..60 {
        let output = net.train_pass(&batch, &PassOptions::default()).unwrap();
        let gradients = output.weight_gradients.unwrap();
        Sgd::default().step(net.parameters_mut(), &gradients, 0.05).unwrap();
    }
    let evaluated = net.evaluate(&batch).unwrap();
    assert!(evaluated.weight_gradients.is_none());
    assert!(evaluated.loss < 0.5 * first.loss, "{} after {}", evaluated.loss, first.loss);
    assert_eq!(net.evaluate(&batch).unwrap().loss, evaluated.loss, "evaluation changes nothing");
    // One image alone is evaluated as it is among others.
    let alone =
        Batch::new(batch.images().narrow(0, 3, 1).unwrap(), vec![batch.targets().classes().unwrap()[3]]).unwrap();
    assert!(net.evaluate(&alone).unwrap().loss.is_finite());
}

#[test]
fn statistics_are_calibrated_without_touching_weights() {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() }.with_image(3, 9, 8);
    let net = derived(DARTS_V2, &skeleton);
    let batch = batch(&skeleton, 16, 0);
    let value = |name: &str| flat(net.parameters().by_name(name).unwrap().value());
    let (weight, mean) = (value("stem.conv"), value("stem.bn.running_mean"));
    let by_batch = net.evaluate_by_batch(&batch).unwrap().loss;
    assert_eq!(value("stem.bn.running_mean"), mean, "an evaluation by the batch changes nothing");
    let trained = net.calibrate(&batch).unwrap().loss;
    assert_eq!(by_batch, trained);
    assert_eq!(value("stem.conv"), weight);
    assert_ne!(value("stem.bn.running_mean"), mean);
    for _ in 0..120 {
        net.calibrate(&batch).unwrap();
    }
    // The running variance is the unbiased one, so that the losses agree only about.
    let evaluated = net.evaluate(&batch).unwrap().loss;
    assert!((evaluated - trained).abs() < 0.05 * trained, "{evaluated} against {trained}");
}

#[test]
fn a_supernet_learns_one_path() {
    let space = SearchSpace::darts();
    let skeleton = tiny(&space, 3);
    let mut net: Supernet = supernet(&space, &skeleton);
    let batch = batch(&skeleton, 16, 0);
    let gates = nets::path(&space, &AliveOps::all(&space), 9);
    let first = net.pass(&batch, &gates, Wanted::NOTHING, &PassOptions::default()).unwrap().loss;
    for _ in 0..40 {
        let output = net.pass(&batch, &gates, Wanted::WEIGHTS, &PassOptions::default()).unwrap();
        Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.05).unwrap();
    }
    let last = net.pass(&batch, &gates, Wanted::NOTHING, &PassOptions::default()).unwrap().loss;
    assert!(last < 0.5 * first, "{last} after {first}");
}
