//! Every kind of layer: forward against plain loops, backward against slopes.

#[path = "../../tests/common/interpret.rs"]
mod interpret;
#[path = "../../tests/common/nets.rs"]
mod nets;

use std::time::Instant;

use candle_core::{Device, Tensor};
use eoinas_core::models::{Activation, ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use eoinas_core::network::NormOptions;
use eoinas_core::{CoreError, SeedStream, Skeleton, Streams};
use eoinas_kernels::Workspace;

use super::{LayerNetwork, Run};
use crate::batch::{Batch, PassOptions, PassOutput, Wanted};
use crate::common::{close, flat};
use crate::error::NnError;
use crate::graph::{Graph, GraphBuilder};
use crate::operation::Phase;
use crate::parameters::{Parameters, Scope};
use crate::task::Classes;
use nets::{check_weights, unit};

const CLASSES: usize = 4;
const CHANNELS: usize = 6;

struct Net {
    network: LayerNetwork,
    parameters: Parameters,
    workspace: Workspace,
}

/// Images, a convolution with BatchNorm, `layers`, and a convolution that sees every pixel with a weight of its own.
fn net(layers: impl Fn(&mut LayerGraph, LayerId) -> Result<LayerId, CoreError>) -> Net {
    let (mut graph, images) = LayerGraph::new([8, 7, 3]);
    let conv = Layer::Conv(ConvSpec::new(CHANNELS, 3, 1));
    let x = graph.push("first", conv, &[images]).unwrap();
    let x = graph.push("first.bn", Layer::BatchNorm { epsilon: 1e-3, momentum: 0.2 }, &[x]).unwrap();
    let x = layers(&mut graph, x).unwrap();
    let [height, width, _] = graph.shape(x);
    let last = ConvSpec { kernel: (height, width), padding: (0, 0), ..ConvSpec::new(CLASSES, 1, 1) };
    graph.push("last", Layer::Conv(last.with_bias()), &[x]).unwrap();
    let mut parameters = Parameters::new();
    let mut scope = Scope::root(&mut parameters, Streams::new(4), &Device::Cpu, NormOptions::RETRAINING);
    let network = LayerNetwork::new(&mut scope, &graph).unwrap();
    assert_eq!(parameters.count(), graph.counts().parameters);
    Net { network, parameters, workspace: Workspace::new() }
}

impl Net {
    fn run(&self, batch: &Batch, wanted: Wanted, phase: Phase) -> PassOutput {
        let Self { network, parameters, workspace } = self;
        let run = Run { network, task: &Classes, parameters, workspace, phase, stop: None };
        run.pass(batch, wanted, &PassOptions::default(), Instant::now()).unwrap()
    }

    fn logits(&self, images: &Tensor) -> Vec<f32> {
        flat(&self.network.logits(&self.parameters, &self.workspace, images).unwrap())
    }

    fn graph(&self) -> Result<Graph, NnError> {
        let (mut builder, images) = GraphBuilder::new(&self.parameters, [8, 7, 3]);
        self.network.trace(&mut builder, images)?;
        Ok(builder.finish())
    }
}

fn batch() -> Batch {
    let skeleton = Skeleton { classes: CLASSES, ..Skeleton::cifar() }.with_image(3, 8, 7);
    nets::batch(&skeleton, 5, 1)
}

/// Moves all numbers a little, so that no bias and no shift is 0.
fn shake(parameters: &mut Parameters) {
    let mut rng = Streams::new(5).rng(SeedStream::Named("shake"), 0, 0);
    let mut moved = std::collections::HashMap::new();
    for (_, parameter) in parameters.iter() {
        let noise: Vec<f32> = (0..parameter.value().elem_count()).map(|_| 0.2 * unit(&mut rng)).collect();
        let noise = Tensor::from_vec(noise, parameter.value().shape(), &Device::Cpu).unwrap();
        moved.insert(parameter.name().to_owned(), (parameter.value() + noise).unwrap());
    }
    parameters.load(&moved).unwrap();
}

fn check(what: &str, layers: impl Fn(&mut LayerGraph, LayerId) -> Result<LayerId, CoreError>) {
    let (batch, mut here) = (batch(), net(&layers));
    shake(&mut here.parameters);
    let gradients = here.run(&batch, Wanted::WEIGHTS, Phase::Training).weight_gradients.unwrap();
    assert_eq!(gradients.iter().map(|(_, g)| g.elem_count() as u64).sum::<u64>(), here.parameters.count(), "{what}");
    let mut moved = net(&layers);
    check_weights(
        || here.parameters.tensors(),
        &gradients,
        &here.parameters,
        |tensors| {
            moved.parameters.load(tensors).unwrap();
            moved.run(&batch, Wanted::WEIGHTS, Phase::Training).loss
        },
    );
    // What buffers are used again must not show.
    let again = here.run(&batch, Wanted::WEIGHTS, Phase::Training).weight_gradients.unwrap();
    for ((_, one), (_, other)) in gradients.iter().zip(again.iter()) {
        assert_eq!(flat(one), flat(other), "{what}");
    }
    let got = here.logits(batch.images());
    assert_eq!(here.logits(batch.images()), got, "{what}");
    match here.graph() {
        Ok(graph) => close(what, &got, &interpret::logits(&graph, batch.images()), 1e-5),
        Err(error) => assert!(matches!(error, NnError::NotExportable { .. }) && what.contains("cut off"), "{error}"),
    }
    here.network.fold(&mut here.parameters).unwrap();
    close(&format!("{what}, folded"), &here.logits(batch.images()), &got, 1e-5);
    if let Ok(graph) = here.graph() {
        close(&format!("{what}, folded graph"), &interpret::logits(&graph, batch.images()), &got, 1e-5);
    }
}

#[test]
fn convolutions() {
    let conv =
        |kernel, stride, padding, groups, channels, bias| ConvSpec { channels, kernel, stride, padding, groups, bias };
    let specs = [
        conv((3, 3), 1, (1, 1), 1, 5, false),
        conv((3, 3), 2, (1, 1), 1, 5, true),
        conv((1, 1), 1, (0, 0), 1, 9, true),
        conv((1, 1), 2, (0, 0), 1, 9, false),
        conv((1, 7), 1, (0, 3), 1, 5, false),
        conv((5, 1), 2, (2, 0), 1, 5, false),
        conv((3, 3), 2, (0, 0), 1, 5, false),
        conv((5, 5), 2, (1, 1), 1, 5, true),
        conv((3, 3), 1, (2, 2), 1, 5, false),
        conv((5, 3), 3, (1, 2), 1, 5, false),
        conv((2, 2), 2, (0, 0), 1, 5, false),
        conv((2, 4), 1, (1, 2), 1, 5, true),
        conv((4, 4), 2, (3, 0), 1, 5, false),
        conv((4, 4), 4, (2, 2), 1, 5, false),
        conv((1, 1), 1, (0, 0), 3, 9, false),
        conv((3, 3), 2, (1, 1), 2, 4, true),
        conv((3, 3), 1, (1, 1), 6, 6, false),
        conv((5, 5), 2, (2, 2), 6, 6, true),
        conv((3, 3), 2, (0, 0), 6, 6, false),
        conv((2, 2), 2, (1, 1), 6, 6, false),
        conv((3, 3), 1, (1, 1), 6, 12, false),
        conv((3, 1), 1, (1, 0), 6, 6, false),
    ];
    for spec in specs {
        check(&format!("{spec:?}"), |graph, x| {
            let x = graph.push("conv", Layer::Conv(spec), &[x])?;
            let x = graph.push("bn", Layer::BatchNorm { epsilon: 1e-5, momentum: 0.1 }, &[x])?;
            graph.push("relu", Layer::Activation(Activation::Relu), &[x])
        });
    }
}

#[test]
fn activations() {
    for activation in
        [Activation::Relu, Activation::Relu6, Activation::Sigmoid, Activation::HardSigmoid, Activation::HardSwish]
    {
        check(&format!("{activation:?}"), |graph, x| {
            // Wide enough for what lies behind 3 and 6.
            let wide = ConvSpec::new(CHANNELS, 1, 1).with_bias();
            let x = graph.push("wide", Layer::Conv(wide), &[x])?;
            let x = graph.push("sum", Layer::Add, &[x, x, x])?;
            graph.push("activation", Layer::Activation(activation), &[x])
        });
    }
}

#[test]
fn poolings() {
    for kind in [PoolKind::Max, PoolKind::Average] {
        for (kernel, stride, padding, ceil) in [
            (3, 1, 1, false),
            (3, 2, 1, false),
            (3, 2, 0, true),
            (2, 2, 0, false),
            (2, 2, 0, true),
            (3, 3, 1, true),
            (5, 3, 2, false),
            (2, 3, 1, true),
        ] {
            let spec = PoolSpec { kind, kernel, stride, padding, ceil };
            let cut_off = if kind == PoolKind::Average && ceil { ", maybe cut off" } else { "" };
            check(&format!("{spec:?}{cut_off}"), |graph, x| graph.push("pool", Layer::Pool(spec), &[x]));
        }
    }
}

#[test]
fn what_only_moves_values() {
    check("shortcut", |graph, x| graph.push("shortcut", Layer::Shortcut { channels: 9, stride: 2 }, &[x]));
    check("wider", |graph, x| graph.push("shortcut", Layer::Shortcut { channels: 9, stride: 1 }, &[x]));
    check("same", |graph, x| graph.push("shortcut", Layer::Shortcut { channels: CHANNELS, stride: 1 }, &[x]));
    check("shuffle", |graph, x| graph.push("shuffle", Layer::Shuffle { groups: 3 }, &[x]));
    check("shuffle of one", |graph, x| graph.push("shuffle", Layer::Shuffle { groups: 1 }, &[x]));
    check("concat", |graph, x| {
        let y = graph.push("relu", Layer::Activation(Activation::Relu), &[x])?;
        graph.push("concat", Layer::Concat, &[x, y, x])
    });
    check("add", |graph, x| {
        let y = graph.push("relu", Layer::Activation(Activation::Relu), &[x])?;
        let sum = graph.push("add", Layer::Add, &[y, x, y])?;
        graph.push("one", Layer::Add, &[sum])
    });
    check("dropout", |graph, x| {
        let x = graph.push("dropout", Layer::Dropout { rate: 0.4 }, &[x])?;
        graph.push("none", Layer::Dropout { rate: 0.0 }, &[x])
    });
    // An activation's output is read by its way back after dropout took it.
    check("dropout behind an activation", |graph, x| {
        let y = graph.push("relu", Layer::Activation(Activation::Sigmoid), &[x])?;
        let y = graph.push("none", Layer::Dropout { rate: 0.0 }, &[y])?;
        graph.push("relu6", Layer::Activation(Activation::Relu6), &[y])
    });
}

#[test]
fn squeeze_and_excitation() {
    check("excitation", |graph, x| {
        let mean = graph.push("mean", Layer::GlobalAverage, &[x])?;
        let fc1 = graph.push("fc1", Layer::Linear { features: 3 }, &[mean])?;
        let relu = graph.push("relu", Layer::Activation(Activation::Relu), &[fc1])?;
        let fc2 = graph.push("fc2", Layer::Linear { features: CHANNELS }, &[relu])?;
        let gate = graph.push("gate", Layer::Activation(Activation::Sigmoid), &[fc2])?;
        graph.push("scale", Layer::Scale, &[x, gate])
    });
}

/// BatchNorm that several layers read, or that reads no convolution, stays as it is.
#[test]
fn pre_activation() {
    check("pre-activation", |graph, x| {
        let norm = Layer::BatchNorm { epsilon: 1e-5, momentum: 0.1 };
        let conv = graph.push("conv", Layer::Conv(ConvSpec::new(CHANNELS, 3, 1)), &[x])?;
        let sum = graph.push("sum", Layer::Add, &[x, conv])?;
        let normed = graph.push("norm", norm, &[sum])?;
        let other = graph.push("other", norm, &[conv])?;
        graph.push("concat", Layer::Concat, &[normed, other, conv])
    });
}
