//! Networks for evaluation: folded BatchNorm and the graph give the answers of the network that was trained.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;
#[path = "common/interpret.rs"]
mod interpret;
#[path = "common/nets.rs"]
mod nets;

use candle_core::{Device, Tensor};
use common::{close, flat};
use eoinas_core::{Genotype, Op, OpShape, OpSpec, Skeleton, Streams, zoo};
use eoinas_nn::{DerivedNetwork, InferenceNetwork, NnError, Operations, PassOptions, Sgd};
use nets::batch;

/// Nothing but `none` leads to node 3 of the reduction cell; one node is joined.
const ZEROS: &str = "Genotype(normal=[('sep_conv_7x7', 1), ('avg_pool_3x3', 1), ('conv_7x1_1x7', 0), ('none', 1)], \
    normal_concat=[2, 3], reduce=[('conv_7x1_1x7', 0), ('skip_connect', 1), ('none', 0), ('none', 1)], \
    reduce_concat=[2, 3])";

fn build(genotype: &Genotype, skeleton: &Skeleton, operations: &Operations) -> DerivedNetwork {
    let space = genotype.space().unwrap();
    DerivedNetwork::with_auxiliary(genotype, &space, skeleton, operations, &Streams::new(2), &Device::Cpu)
        .or_else(|_| DerivedNetwork::new(genotype, &space, skeleton, operations, &Streams::new(2), &Device::Cpu))
        .unwrap()
}

/// Some steps, so that scales, shifts and statistics are not what they begin with.
fn train(net: &mut DerivedNetwork) {
    for index in 0..4 {
        let output = net.train_pass(&batch(net.skeleton().unwrap(), 8, index), &PassOptions::default()).unwrap();
        Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.05).unwrap();
    }
}

fn check(what: &str, genotype: &Genotype, skeleton: &Skeleton) {
    let mut net = build(genotype, skeleton, &Operations::built_in());
    train(&mut net);
    let images = batch(skeleton, 3, 9).images().clone();
    let want = flat(&net.logits(&images).unwrap());
    let net = net.into_inference().unwrap();
    assert_eq!(net.logits(&images).unwrap().dims(), [3, skeleton.classes]);
    close(what, &flat(&net.logits(&images).unwrap()), &want, 1e-5);
    close(what, &interpret::logits(&net.graph().unwrap(), &images), &want, 1e-5);
    let left = |name: &str| net.parameters().iter().filter(|(_, parameter)| parameter.name().contains(name)).count();
    let kept = usize::from(skeleton.form == eoinas_core::Form::NasBench201);
    assert_eq!((left("running_mean"), left("gamma"), left("auxiliary")), (kept, kept, 0), "{what}");
}

#[test]
fn published_cells_answer_as_before() {
    for published in zoo::all() {
        let forms = match published.name {
            "nas-bench-201-best" => vec![Skeleton::nas_bench_201(1)],
            "darts-v2" | "amoebanet-a" => vec![Skeleton::cifar(), Skeleton::imagenet()],
            _ => vec![Skeleton::cifar()],
        };
        for skeleton in forms {
            let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..skeleton };
            let size = if skeleton.form == eoinas_core::Form::ImageNet { (50, 33) } else { (13, 10) };
            let skeleton = skeleton.with_image(3, size.0, size.1);
            check(published.name, &published.genotype(), &skeleton);
        }
    }
}

#[test]
fn networks_for_signals_answer_as_before() {
    let darts = zoo::find("darts-v2").unwrap().genotype();
    for (height, width) in [(1, 21), (12, 1)] {
        let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() }.with_image(2, height, width);
        check("signal", &darts, &skeleton);
        check("signal, zeros", &Genotype::parse(ZEROS).unwrap(), &skeleton);
        let bench = Skeleton { channels: 4, classes: 5, ..Skeleton::nas_bench_201(1) }.with_image(2, height, width);
        check("signal, NAS-Bench-201", &zoo::find("nas-bench-201-best").unwrap().genotype(), &bench);
    }
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::imagenet() }.with_image(2, 1, 75);
    check("signal, ImageNet form", &darts, &skeleton);
}

#[test]
fn zeros_and_deep_networks_answer_as_before() {
    let skeleton = Skeleton { channels: 4, cells: 4, classes: 5, ..Skeleton::cifar() }.with_image(3, 11, 8);
    check("zeros", &Genotype::parse(ZEROS).unwrap(), &skeleton);
    let bench = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|avg_pool_3x3~2|";
    let skeleton = Skeleton { classes: 5, channels: 4, ..Skeleton::nas_bench_201(2) }.with_image(3, 9, 13);
    check("zeros of NAS-Bench-201", &Genotype::parse(bench).unwrap(), &skeleton);
}

#[derive(Debug)]
struct Negated;

impl OpSpec for Negated {
    fn name(&self) -> &str {
        "negated"
    }
    fn parameters(&self, shape: OpShape) -> u64 {
        2 * shape.channels as u64
    }
    fn multiply_adds(&self, _: OpShape) -> u64 {
        0
    }
}

#[test]
fn an_op_of_ones_own_keeps_its_batch_norm_and_cannot_be_exported() {
    let mut operations = Operations::built_in();
    operations.register("negated", |_, _| Ok(Box::new(|x: &Tensor| x.neg())));
    let ops = |name: &str| match name {
        "negated" => Some(Op::custom(Negated)),
        other => other.parse().ok(),
    };
    let text = "Genotype(normal=[('negated', 0), ('sep_conv_3x3', 1)], normal_concat=[2])";
    let genotype = Genotype::parse_with(text, &ops).unwrap();
    let skeleton = Skeleton { channels: 4, cells: 1, classes: 5, ..Skeleton::cifar() }.with_image(3, 8, 8);
    let mut net = build(&genotype, &skeleton, &operations);
    train(&mut net);
    let images = batch(&skeleton, 3, 9).images().clone();
    let want = flat(&net.logits(&images).unwrap());
    let net: InferenceNetwork = net.into_inference().unwrap();
    close("own op", &flat(&net.logits(&images).unwrap()), &want, 1e-5);
    let error = net.graph().unwrap_err();
    assert!(matches!(&error, NnError::NotExportable { operation } if operation.ends_with("negated")), "{error}");
}

#[test]
fn images_of_another_size_are_refused() {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() }.with_image(3, 8, 8);
    let net = build(&zoo::find("darts").unwrap().genotype(), &skeleton, &Operations::built_in());
    let images = Tensor::zeros((1, 8, 9, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(matches!(net.into_inference().unwrap().logits(&images), Err(NnError::Batch { .. })));
}

#[test]
fn threads_share_an_image_without_changing_its_answer() {
    let names = ["darts-v2", "amoebanet-a", "gdas"];
    let wide = |name: &str| (zoo::find(name).unwrap().genotype(), Skeleton { channels: 12, ..Skeleton::cifar() });
    let mut networks: Vec<_> = names.iter().map(|name| wide(name)).collect();
    networks.push((zoo::find("nas-bench-201-best").unwrap().genotype(), Skeleton::nas_bench_201(1)));
    for (genotype, skeleton) in networks {
        // Heights that no number of threads divides.
        let skeleton = Skeleton { cells: 3, classes: 5, ..skeleton }.with_image(3, 13, 10);
        let net = build(&genotype, &skeleton, &Operations::built_in()).into_inference().unwrap();
        let images = batch(&skeleton, 3, 9).images().clone();
        let logits = |threads: usize, images: &Tensor| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            flat(&pool.install(|| net.logits(images)).unwrap())
        };
        let want = logits(1, &images);
        for threads in [2, 3, 8, 40] {
            assert_eq!(logits(threads, &images), want, "{threads} threads");
            assert_eq!(logits(threads, &images.narrow(0, 1, 1).unwrap()), want[5..10], "{threads} threads, one image");
        }
    }
}
