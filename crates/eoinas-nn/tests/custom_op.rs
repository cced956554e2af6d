//! Ops of one's own: a candle module must do what the built-in op does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

#[path = "common/nets.rs"]
mod nets;

use candle_core::{Device, Module, Tensor};
use candle_nn::{Conv2dConfig, VarBuilder, conv2d_no_bias};
use common::{close, close_tensors};
use eoinas_core::{AliveOps, Gates, Genotype, Op, OpShape, OpSpec, SearchSpace, Skeleton, Streams, count};
use eoinas_nn::operation::{BackwardPass, Context, OpOutput, Operation};
use eoinas_nn::{DerivedNetwork, NnError, Operations, PassOptions, Sgd, Supernet, Wanted};
use nets::{batch, mixture, tiny};

#[derive(Debug)]
struct MyConv;

impl OpSpec for MyConv {
    fn name(&self) -> &str {
        "my_conv"
    }

    fn parameters(&self, shape: OpShape) -> u64 {
        let c = shape.channels as u64;
        9 * c * c + if shape.affine { 2 * c } else { 0 }
    }

    fn multiply_adds(&self, shape: OpShape) -> u64 {
        let (h, w) = shape.output_size();
        9 * (shape.channels * shape.channels * h * w) as u64
    }
}

fn build(builder: VarBuilder<'static>, shape: OpShape) -> candle_core::Result<Box<dyn Module + Send + Sync>> {
    let config = Conv2dConfig { padding: 1, stride: shape.stride, ..Conv2dConfig::default() };
    let conv = conv2d_no_bias(shape.channels, shape.channels, 3, config, builder)?;
    Ok(Box::new(move |x: &Tensor| conv.forward(&x.relu()?)))
}

fn space(op: Op) -> SearchSpace {
    let darts = SearchSpace::darts();
    SearchSpace::new("two ops", vec![Op::MaxPool3x3, op], darts.cells().to_vec()).unwrap()
}

fn operations() -> Operations {
    let mut operations = Operations::built_in();
    operations.register("my_conv", build);
    operations
}

fn flat(gates: &Gates) -> Vec<f32> {
    gates.kinds.iter().flatten().flatten().map(|gate| gate.value).collect()
}

/// Weights of the candle network under the names and layouts of the built-in op.
fn renamed(net: &Supernet) -> std::collections::HashMap<String, Tensor> {
    let rename = |(name, tensor): (String, Tensor)| {
        if name.contains("my_conv") {
            let tensor = tensor.permute((2, 3, 1, 0)).unwrap().contiguous().unwrap();
            (name.replace("my_conv.weight", "nor_conv_3x3.conv"), tensor)
        } else {
            (name, tensor)
        }
    };
    net.parameters().tensors().into_iter().map(rename).collect()
}

#[test]
fn a_candle_module_agrees_with_the_built_in_op() {
    let (mine, theirs) = (space(Op::custom(MyConv)), space(Op::NorConv3x3));
    let skeleton = Skeleton { height: 8, ..tiny(&mine, 3) };
    let new = |space| Supernet::new(space, &skeleton, &operations(), &Streams::new(1), &Device::Cpu).unwrap();
    let (mut a, mut b) = (new(&mine), new(&theirs));
    let batch = batch(&skeleton, 3, 0);
    let gates = mixture(&mine, &AliveOps::all(&mine));
    b.parameters_mut().load(&renamed(&a)).unwrap();
    for _ in 0..2 {
        let pass = |net: &Supernet| net.pass(&batch, &gates, Wanted::BOTH, &PassOptions::default()).unwrap();
        let (x, y) = (pass(&a), pass(&b));
        close("loss", &[x.loss as f32], &[y.loss as f32], 1e-5);
        close("gates", &flat(x.gate_gradients.as_ref().unwrap()), &flat(y.gate_gradients.as_ref().unwrap()), 1e-4);
        let (x, y) = (x.weight_gradients.unwrap(), y.weight_gradients.unwrap());
        assert_eq!(x.len(), y.len());
        Sgd::default().step(a.parameters_mut(), &x, 0.1).unwrap();
        Sgd::default().step(b.parameters_mut(), &y, 0.1).unwrap();
    }
    for (name, tensor) in renamed(&a) {
        close_tensors(&name, &tensor, b.parameters().by_name(&name).unwrap().value(), 1e-3);
    }
    // Without a backward pass, and in an architecture pass, the same loss.
    let loss = |wanted| a.pass(&batch, &gates, wanted, &PassOptions::default()).unwrap().loss;
    assert_eq!(loss(Wanted::NOTHING), loss(Wanted::BOTH));
    assert_eq!(loss(Wanted::GATES), loss(Wanted::BOTH));
}

#[derive(Debug)]
struct MySkip;

impl OpSpec for MySkip {
    fn name(&self) -> &str {
        "my_skip"
    }

    fn parameters(&self, _: OpShape) -> u64 {
        0
    }

    fn multiply_adds(&self, _: OpShape) -> u64 {
        0
    }
}

#[test]
fn a_candle_module_without_a_batch_norm_agrees_with_the_built_in_op() {
    let normal = SearchSpace::darts().cells()[..1].to_vec();
    let space = |op| SearchSpace::new("two ops", vec![Op::MaxPool3x3, op], normal.clone()).unwrap();
    let mut operations = Operations::built_in();
    operations.register_without_norm("my_skip", |_, _| Ok(Box::new(|x: &Tensor| x.affine(1.0, 0.0))));
    let output = |space: &SearchSpace| {
        let skeleton = tiny(space, 3);
        let net = Supernet::new(space, &skeleton, &operations, &Streams::new(1), &Device::Cpu).unwrap();
        let gates = mixture(space, &AliveOps::all(space));
        net.pass(&batch(&skeleton, 3, 0), &gates, Wanted::GATES, &PassOptions::default()).unwrap()
    };
    let (mine, theirs) = (output(&space(Op::custom(MySkip))), output(&space(Op::SkipConnect)));
    close("loss", &[mine.loss as f32], &[theirs.loss as f32], 1e-5);
    let [a, b] = [mine, theirs].map(|output| flat(&output.gate_gradients.unwrap()));
    close("gates", &a, &b, 1e-4);
}

#[test]
fn initial_values_follow_the_seed_and_the_hint() {
    let space = space(Op::custom(MyConv));
    let skeleton = tiny(&space, 3);
    let value = |seed| {
        let net = Supernet::new(&space, &skeleton, &operations(), &Streams::new(seed), &Device::Cpu).unwrap();
        common::flat(net.parameters().by_name("cells.0.edges.0.my_conv.weight").unwrap().value())
    };
    assert_eq!(value(1), value(1));
    assert_ne!(value(1), value(2));
    // candle's default for convolutions: normal, with a deviation of sqrt(2 / fan_in).
    let (values, expected) = (value(1), (2.0f32 / 36.0).sqrt());
    let deviation = (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt();
    assert!((deviation - expected).abs() < 0.15 * expected, "{deviation} against {expected}");
}

#[test]
fn a_pruned_module_is_freed() {
    let space = space(Op::custom(MyConv));
    let skeleton = tiny(&space, 3);
    let mut net = Supernet::new(&space, &skeleton, &operations(), &Streams::new(1), &Device::Cpu).unwrap();
    let before = net.parameters().count();
    net.prune(eoinas_core::EdgeId { kind: eoinas_core::CellKind(0), edge: 2 }.op(1)).unwrap();
    assert_eq!(net.parameters().count(), before - 9 * 4 * 4);
}

#[test]
fn a_derived_network_has_as_many_parameters_as_are_counted() {
    let space = space(Op::custom(MyConv));
    let cell = "[('my_conv', 0), ('max_pool_3x3', 1)], ";
    let text = format!("Genotype(normal={cell} normal_concat=[2], reduce={cell} reduce_concat=[2])");
    let genotype = Genotype::parse_with(&text, &space).unwrap();
    let skeleton = Skeleton { channels: 4, cells: 3, ..Skeleton::cifar() }.with_image(3, 8, 8);
    let space = genotype.space().unwrap();
    let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations(), &Streams::new(1), &Device::Cpu).unwrap();
    assert_eq!(net.parameters().count(), count::network(&genotype, &skeleton, &space).unwrap().parameters);
    let output = net.train_pass(&batch(&skeleton, 2, 0), &PassOptions::default()).unwrap();
    assert!(output.loss.is_finite());
}

#[test]
fn an_op_without_module_and_one_of_a_wrong_shape_are_refused() {
    let space = space(Op::custom(MyConv));
    let skeleton = tiny(&space, 3);
    let new = |operations: &Operations| Supernet::new(&space, &skeleton, operations, &Streams::new(1), &Device::Cpu);
    let error = new(&Operations::built_in()).unwrap_err();
    assert!(error.to_string().contains("no operation is registered for op `my_conv`"), "{error}");

    let mut operations = Operations::built_in();
    operations.register("my_conv", |_, _| Ok(Box::new(|x: &Tensor| x.narrow(2, 0, 1))));
    let net = new(&operations).unwrap();
    let gates = mixture(&space, &net.alive());
    let error = net.pass(&batch(&skeleton, 2, 0), &gates, Wanted::GATES, &PassOptions::default()).unwrap_err();
    assert!(matches!(&error, NnError::OutputShape { op, .. } if op == "cells.0.edges.0.my_conv"), "{error}");
}

/// Minus the input, with a backward pass of its own and a shape fault on demand.
#[derive(Debug)]
struct Negate {
    fault: bool,
}

impl Operation for Negate {
    fn forward(&self, _: &mut Context<'_>, x: &Tensor) -> eoinas_nn::Result<Option<OpOutput>> {
        let z = if self.fault { x.narrow(0, 0, 1)?.contiguous()? } else { x.neg()? };
        Ok(Some(OpOutput::plain(z)))
    }

    fn backward(&self, _: &mut Context<'_>, _: &mut OpOutput, pass: BackwardPass<'_, '_>) -> eoinas_nn::Result<()> {
        if let Some(target) = pass.input {
            target.collect(pass.gradient.dy, -pass.gradient.gate, pass.gradient.sample)?;
        }
        Ok(())
    }
}

#[test]
fn an_operation_with_its_own_backward_pass() {
    let bench = SearchSpace::nas_bench_201();
    let space = SearchSpace::new("negation", vec![Op::NorConv3x3, Op::custom(MyConv)], bench.cells().to_vec()).unwrap();
    let skeleton = Skeleton { channels: 4, classes: 5, ..Skeleton::nas_bench_201(1) }.with_image(3, 8, 8);
    let net = |fault| {
        let mut operations = Operations::built_in();
        operations.register_operation("my_conv", move |_, _| Ok(Box::new(Negate { fault })));
        Supernet::new(&space, &skeleton, &operations, &Streams::new(1), &Device::Cpu).unwrap()
    };
    let (good, batch) = (net(false), batch(&skeleton, 3, 0));
    let mut gates = mixture(&space, &good.alive());
    let output = good.pass(&batch, &gates, Wanted::GATES, &PassOptions::default()).unwrap();
    let got = f64::from(output.gate_gradients.unwrap().kinds[0][0][1].value);
    let mut at = |step: f32| {
        gates.kinds[0][0][1].value += step;
        good.pass(&batch, &gates, Wanted::NOTHING, &PassOptions::default()).unwrap().loss
    };
    let (up, down) = (at(1e-3), at(-2e-3));
    assert!(((up - down) / 2e-3 - got).abs() < 0.05 * got.abs() + 1e-3, "{} against {got}", (up - down) / 2e-3);
    let gates = mixture(&space, &good.alive());
    assert!(net(true).pass(&batch, &gates, Wanted::NOTHING, &PassOptions::default()).is_err());
}
