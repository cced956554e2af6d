//! An edge with partial channels against PyTorch's values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

use candle_core::{Device, Tensor};
use common::{Values, close, close_tensors};
use eoinas_core::{OpShape, SearchSpace, Streams};
use eoinas_kernels::node::{node_sum, node_sum_backward};
use eoinas_kernels::{GateGradient, Gradient, Term, Workspace};
use eoinas_nn::operation::{BackwardPass, Context, Operation, Phase};
use eoinas_nn::ops::{Partial, passed_by};
use eoinas_nn::parameters::{NormOptions, Scope};
use eoinas_nn::{InputTarget, Operations, Parameters, WeightGradients};

const SHARE: usize = 4;
const TOLERANCE: f32 = 1e-4;

/// The ops of one edge and, last, what passes by.
fn edge(parameters: &mut Parameters, shape: OpShape) -> Vec<Box<dyn Operation>> {
    let mut scope = Scope::root(parameters, Streams::new(3), &Device::Cpu, NormOptions::SEARCH);
    let (space, operations) = (SearchSpace::darts(), Operations::built_in());
    let mut ops: Vec<Box<dyn Operation>> = Vec::new();
    for op in space.ops() {
        ops.push(Box::new(Partial::new(&operations, op, &mut scope.child(op), shape, SHARE).unwrap()));
    }
    ops.push(Box::new(passed_by(&mut scope.child("passed_by"), shape, SHARE).unwrap()));
    ops
}

fn check(stride: usize) {
    let values = Values::load("partial_channels.safetensors").case(&format!("s{stride}"));
    let (x, dy) = (values.get("x"), values.get("dy"));
    let (_, height, width, channels) = x.dims4().unwrap();
    let shape = OpShape { channels, stride, height, width, affine: false };
    let mut parameters = Parameters::new();
    let ops = edge(&mut parameters, shape);
    parameters.load(&values.below("param.")).unwrap();
    let workspace = Workspace::new();
    let mut context = Context::new(&workspace, &parameters, Phase::Training);

    let gates: Vec<f32> = values.f32s("gates").into_iter().chain([1.0]).collect();
    let run = ops.iter().zip(&gates).enumerate();
    let mut outputs: Vec<_> =
        run.filter_map(|(at, (op, &gate))| Some((at, gate, op.forward(&mut context, &x).unwrap()?))).collect();
    assert_eq!(outputs.len(), 8, "`none` runs nothing");
    let zs: Vec<Tensor> = outputs.iter().map(|(_, _, output)| output.z.clone()).collect();
    let terms: Vec<Term<'_>> =
        outputs.iter().zip(&zs).map(|((_, gate, _), z)| Term { z, norm: None, gate: *gate, sample: None }).collect();
    let y = node_sum(&workspace, dy.dims4().unwrap(), &terms).unwrap();
    close_tensors("y", &y, &values.get("y"), TOLERANCE);

    let mut dgates = [0f32; 9];
    let found = node_sum_backward(&dy, &terms, true).unwrap();
    let found = GateGradient::values(found.iter().map(|found| &found.gate)).unwrap();
    for ((at, _, _), gate) in outputs.iter().zip(found) {
        dgates[*at] = gate as f32;
    }
    close("dgates", &dgates[..8], &values.f32s("dgates"), TOLERANCE);
    let (dx, mut weights) = (x.zeros_like().unwrap(), WeightGradients::new());
    for (at, gate, output) in &mut outputs {
        let gradient = Gradient { dy: &dy, norm: None, gate: *gate, sample: None };
        let pass = BackwardPass { x: &x, gradient, input: Some(InputTarget::AddTo(&dx)), weights: Some(&mut weights) };
        ops[*at].backward(&mut context, output, pass).unwrap();
    }
    weights.settle().unwrap();
    close_tensors("dx", &dx, &values.get("dx"), TOLERANCE);
    let want = values.below("grad.");
    assert_eq!(weights.len(), want.len());
    for (name, gradient) in &want {
        close_tensors(name, weights.by_name(&parameters, name).unwrap(), gradient, TOLERANCE);
    }
}

#[test]
fn an_edge_of_stride_one() {
    check(1);
}

#[test]
fn an_edge_of_stride_two() {
    check(2);
}
