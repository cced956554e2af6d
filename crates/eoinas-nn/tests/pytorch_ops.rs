//! Every op against PyTorch's values, in its search and its retraining form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

use candle_core::{Device, Tensor};
use common::{Values, close_tensors};
use eoinas_core::op::BUILT_IN;
use eoinas_core::{Op, OpShape, Streams};
use eoinas_kernels::node::{node_sum, node_sum_backward};
use eoinas_kernels::{Gradient, Term, Workspace};
use eoinas_nn::operation::{BackwardPass, Context, Operation, Phase};
use eoinas_nn::parameters::{NormOptions, Scope};
use eoinas_nn::{InputTarget, Operations, Parameters, WeightGradients};

const TOLERANCE: f32 = 1e-4;

struct Built {
    op: Box<dyn Operation>,
    parameters: Parameters,
    workspace: Workspace,
    shape: OpShape,
}

impl Built {
    fn new(op: &Op, x: &Tensor, stride: usize, norm: NormOptions) -> Self {
        let (_, height, width, channels) = x.dims4().unwrap();
        let shape = OpShape { channels, stride, height, width, affine: norm.affine };
        let mut parameters = Parameters::new();
        let mut scope = Scope::root(&mut parameters, Streams::new(3), &Device::Cpu, norm);
        let op = Operations::built_in().build(op, &mut scope, shape).unwrap();
        Self { op, parameters, workspace: Workspace::new(), shape }
    }

    fn context(&self, phase: Phase) -> Context<'_> {
        Context::new(&self.workspace, &self.parameters, phase)
    }

    /// Output and, with `dy`, the gradients of the input and the weights.
    fn run(&self, phase: Phase, x: &Tensor, dy: Option<&Tensor>) -> (Tensor, Tensor, WeightGradients) {
        let mut context = self.context(phase);
        let (height, width) = self.shape.output_size();
        let shape = (x.dim(0).unwrap(), height, width, self.shape.channels);
        let dx = x.zeros_like().unwrap();
        let mut weights = WeightGradients::new();
        let Some(mut output) = self.op.forward(&mut context, x).unwrap() else {
            return (node_sum(&self.workspace, shape, &[]).unwrap(), dx, weights);
        };
        let z = output.z.clone();
        let norm = output.norm.clone();
        let term = Term { z: &z, norm: norm.as_ref().map(|norm| &norm.norm), gate: 1.0, sample: None };
        let y = node_sum(&self.workspace, shape, &[term]).unwrap();
        if let Some(dy) = dy {
            let found = node_sum_backward(dy, &[term], false).unwrap();
            let map = norm.map(|norm| {
                let sums = found[0].sums.as_ref().unwrap();
                norm.add_gradients(sums, 1.0, &mut weights).unwrap();
                &sums.map
            });
            let norm = map.map(|map| (&z, map));
            let gradient = Gradient { dy, norm, gate: 1.0, sample: None };
            let pass = BackwardPass { x, gradient, input: Some(InputTarget::AddTo(&dx)), weights: Some(&mut weights) };
            self.op.backward(&mut context, &mut output, pass).unwrap();
            weights.settle().unwrap();
        }
        (y, dx, weights)
    }
}

fn check(values: &Values, case: &str, op: &Op, stride: usize, norm: NormOptions) {
    let values = values.case(case);
    let (x, dy) = (values.get("x"), values.get("dy"));
    let mut built = Built::new(op, &x, stride, norm);
    let mut tensors = built.parameters.tensors();
    tensors.extend(values.below("param."));
    built.parameters.load(&tensors).unwrap();
    let (y, dx, weights) = built.run(Phase::Training, &x, Some(&dy));
    close_tensors(&format!("{case}: y"), &y, &values.get("y"), TOLERANCE);
    close_tensors(&format!("{case}: dx"), &dx, &values.get("dx"), TOLERANCE);
    let want = values.below("grad.");
    assert_eq!(weights.len(), want.len(), "{case}: number of gradients");
    for (name, gradient) in &want {
        let got = weights.by_name(&built.parameters, name).unwrap();
        close_tensors(&format!("{case}: gradient of {name}"), got, gradient, TOLERANCE);
    }
    for (name, want) in &values.below("running.") {
        let got = built.parameters.by_name(name).unwrap_or_else(|| panic!("{case}: no buffer {name}"));
        close_tensors(&format!("{case}: {name}"), got.value(), want, TOLERANCE);
    }
    if let Some(want) = values.find("y_eval") {
        let (y, _, _) = built.run(Phase::Evaluation, &x, None);
        close_tensors(&format!("{case}: y in evaluation"), &y, &want, TOLERANCE);
    }
}

#[test]
fn ops_in_search_agree_with_pytorch() {
    let values = Values::load("ops.safetensors");
    for op in &BUILT_IN {
        for stride in [1, 2] {
            for size in ["even", "odd", "tiny"] {
                check(&values, &format!("{op}.s{stride}.{size}"), op, stride, NormOptions::SEARCH);
            }
        }
    }
}

#[test]
fn ops_in_retraining_agree_with_pytorch() {
    let values = Values::load("ops.safetensors");
    for op in &BUILT_IN {
        for stride in [1, 2] {
            check(&values, &format!("{op}.s{stride}.odd.retrain"), op, stride, NormOptions::RETRAINING);
        }
    }
}

#[test]
fn ties_of_max_pooling_and_zeros_of_relu_agree_with_pytorch() {
    let values = Values::load("ops.safetensors");
    for stride in [1, 2] {
        check(&values, &format!("max_pool_3x3.s{stride}.ties"), &Op::MaxPool3x3, stride, NormOptions::NAS_BENCH_201);
        for op in [Op::SepConv3x3, Op::DilConv3x3, Op::NorConv3x3, Op::Conv7x1_1x7] {
            check(&values, &format!("{op}.s{stride}.zeros"), &op, stride, NormOptions::SEARCH);
        }
    }
    check(&values, "skip_connect.s2.zeros", &Op::SkipConnect, 2, NormOptions::SEARCH);
}
