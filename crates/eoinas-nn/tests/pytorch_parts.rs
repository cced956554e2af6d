//! Preprocessing, stem, auxiliary head and optimisers against PyTorch's values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

use candle_core::{Device, Tensor};
use candle_nn::Init;
use common::{Values, close, close_tensors};
use eoinas_core::network::Auxiliary;
use eoinas_core::{AliveOps, CellKind, CellSpec, EdgeOpTable, SearchSpace, Skeleton, Streams};
use eoinas_kernels::node::{node_sum, node_sum_backward};
use eoinas_kernels::{ConvGeometry, Gradient, InputGradient, Term, Workspace};
use eoinas_nn::auxiliary::AuxiliaryHead;
use eoinas_nn::operation::{Context, Phase};
use eoinas_nn::parameters::{NormOptions, ParamId, Scope};
use eoinas_nn::stage::Stage;
use eoinas_nn::{Adam, AdamState, Parameters, Sgd, WeightGradients};

const TOLERANCE: f32 = 1e-4;

fn check_stage(case: &str, norm: NormOptions, build: impl Fn(&mut Scope<'_>, &Values) -> Stage) {
    let values = Values::load("parts.safetensors").case(case);
    let mut parameters = Parameters::new();
    let stage = build(&mut Scope::root(&mut parameters, Streams::new(1), &Device::Cpu, norm), &values);
    let mut tensors = parameters.tensors();
    tensors.extend(values.below("param."));
    parameters.load(&tensors).unwrap();
    let workspace = Workspace::new();
    let context = Context::new(&workspace, &parameters, Phase::Training);
    // The input as two tensors whose channels are joined: so a cell's output is read.
    let x = values.get("x");
    let half = x.dim(3).unwrap() / 2;
    let parts = [x.narrow(3, 0, half).unwrap(), x.narrow(3, half, x.dim(3).unwrap() - half).unwrap()];
    let parts = parts.map(|part| part.contiguous().unwrap());
    let sources: Vec<&Tensor> = parts.iter().collect();
    let output = stage.forward(&context, &sources, None).unwrap();
    let norm = output.norm.unwrap();
    let term = Term { z: &output.z, norm: Some(&norm.norm), gate: 1.0, sample: None };
    let y = node_sum(&workspace, output.z.dims4().unwrap(), &[term]).unwrap();
    close_tensors(&format!("{case}: y"), &y, &values.get("y"), TOLERANCE);

    let dy = values.get("dy");
    let found = node_sum_backward(&dy, &[term], false).unwrap();
    let sums = found[0].sums.as_ref().unwrap();
    let mut weights = WeightGradients::new();
    norm.add_gradients(sums, 1.0, &mut weights).unwrap();
    let gradient = Gradient { dy: &dy, norm: Some((&output.z, &sums.map)), gate: 1.0, sample: None };
    let targets = parts.each_ref().map(|part| part.zeros_like().unwrap());
    let add_to: Vec<&Tensor> = targets.iter().collect();
    let input = InputGradient::AddTo(&add_to);
    stage.backward(&context, (&sources, None), gradient, input, Some(&mut weights)).unwrap();
    weights.settle().unwrap();
    close_tensors(&format!("{case}: dx"), &Tensor::cat(&targets, 3).unwrap(), &values.get("dx"), TOLERANCE);
    let want = values.below("grad.");
    assert_eq!(weights.len(), want.len(), "{case}");
    for (name, gradient) in &want {
        close_tensors(&format!("{case}: {name}"), weights.by_name(&parameters, name).unwrap(), gradient, TOLERANCE);
    }
}

#[test]
fn preprocessing_agrees_with_pytorch() {
    for size in ["even", "odd"] {
        for (suffix, norm) in [("", NormOptions::SEARCH), (".affine", NormOptions::RETRAINING)] {
            check_stage(&format!("relu_conv_bn.{size}{suffix}"), norm, |scope, _| {
                let stage = Stage::pointwise(scope, (12, 4)).unwrap().with_relu();
                stage.with_norm(scope.batch_norm(4).unwrap())
            });
            check_stage(&format!("factorized_reduce.{size}{suffix}"), norm, |scope, _| {
                Stage::factorized_reduce(scope, (12, 4)).unwrap()
            });
        }
    }
}

#[test]
fn the_stem_agrees_with_pytorch() {
    for size in ["even", "odd"] {
        check_stage(&format!("stem.{size}"), NormOptions::RETRAINING, |scope, values| {
            let mut scope = scope.child("stem");
            let channels = values.get("x").dim(3).unwrap();
            let geometry = ConvGeometry::new((3, 3), 1).unwrap();
            let stage = Stage::conv(&mut scope, "conv", (channels, 12), geometry).unwrap();
            stage.with_norm(scope.batch_norm(12).unwrap())
        });
    }
}

#[test]
fn the_auxiliary_head_agrees_with_pytorch() {
    let forms = [("cifar", Skeleton::cifar()), ("imagenet", Skeleton::imagenet()), ("larger", Skeleton::cifar())];
    for (case, skeleton) in forms {
        let values = Values::load("parts.safetensors").case(&format!("auxiliary.{case}"));
        let x = values.get("x");
        let (_, height, width, channels) = x.dims4().unwrap();
        let shape = Auxiliary::behind(&skeleton.with_classes(5), (0, channels, (height, width)));
        let shape = Auxiliary { widths: (6, 10), ..shape };
        let mut parameters = Parameters::new();
        let mut scope = Scope::root(&mut parameters, Streams::new(1), &Device::Cpu, NormOptions::RETRAINING);
        let head = AuxiliaryHead::new(&mut scope, &shape).unwrap();
        let mut tensors = parameters.tensors();
        tensors.extend(values.below("param."));
        parameters.load(&tensors).unwrap();
        let workspace = Workspace::new();
        let context = Context::new(&workspace, &parameters, Phase::Training);
        let part = |from, count| x.narrow(3, from, count).unwrap().contiguous().unwrap();
        let sources = [part(0, 5), part(5, channels - 5)];
        let (logits, tape) = head.forward(&context, &sources).unwrap();
        close_tensors(&format!("{case}: y"), &logits, &values.get("y"), TOLERANCE);

        let targets = sources.each_ref().map(|part| part.zeros_like().unwrap());
        let mut weights = WeightGradients::new();
        head.backward(&context, tape, &sources, &values.get("dy"), &targets, &mut weights).unwrap();
        weights.settle().unwrap();
        close_tensors(&format!("{case}: dx"), &Tensor::cat(&targets, 3).unwrap(), &values.get("dx"), TOLERANCE);
        let want = values.below("grad.");
        assert_eq!(weights.len(), want.len(), "{case}");
        for (name, want) in &want {
            close_tensors(&format!("{case}: {name}"), weights.by_name(&parameters, name).unwrap(), want, TOLERANCE);
        }
    }
}

fn parameter(parameters: &mut Parameters, name: &str, value: &Tensor) -> ParamId {
    let mut scope = Scope::root(parameters, Streams::new(1), &Device::Cpu, NormOptions::SEARCH);
    let id = scope.create(name, value.dims(), Init::Const(0.0), true).unwrap();
    let mut tensors = parameters.tensors();
    tensors.insert(name.to_owned(), value.clone());
    parameters.load(&tensors).unwrap();
    id
}

#[test]
fn sgd_agrees_with_pytorch() {
    let values = Values::load("parts.safetensors").case("sgd");
    let mut parameters = Parameters::new();
    let id = parameter(&mut parameters, "w", &values.get("param"));
    for step in 0..3 {
        let mut gradients = WeightGradients::new();
        gradients.add(id, values.get(&format!("step.{step}.grad"))).unwrap();
        Sgd { clip: None, ..Sgd::default() }.step(&mut parameters, &gradients, 0.025).unwrap();
        let parameter = parameters.get(id).unwrap();
        close_tensors("value", parameter.value(), &values.get(&format!("step.{step}.after")), 1e-6);
        close_tensors("momentum", parameter.momentum().unwrap(), &values.get(&format!("step.{step}.momentum")), 1e-6);
    }
}

#[test]
fn clipping_agrees_with_pytorch() {
    let values = Values::load("parts.safetensors").case("clip_grad_norm");
    for case in ["loose", "tight"] {
        let value = |key: &str| values.get(&format!("{case}.{key}"));
        let mut parameters = Parameters::new();
        let mut gradients = WeightGradients::new();
        let ids = ["a", "b"].map(|name| {
            let gradient = value(&format!("grad.{name}"));
            let id = parameter(&mut parameters, name, &gradient.zeros_like().unwrap());
            gradients.add(id, gradient).unwrap();
            id
        });
        let sgd = Sgd { momentum: 0.0, weight_decay: 0.0, clip: Some(values.number(&format!("{case}.limit"))) };
        let norm = sgd.step(&mut parameters, &gradients, 1.0).unwrap();
        close("norm", &[norm as f32], &[values.number(&format!("{case}.norm")) as f32], 1e-6);
        for (id, name) in ids.into_iter().zip(["a", "b"]) {
            // From zero at rate 1, the value is minus the clipped gradient.
            let got = parameters.value(id).unwrap().neg().unwrap();
            close_tensors(&format!("{case}: {name}"), &got, &value(&format!("clipped.{name}")), 1e-5);
        }
    }
}

#[test]
fn adam_agrees_with_pytorch() {
    let values = Values::load("parts.safetensors").case("adam");
    // Four edges of eight ops.
    let mut cell = CellSpec::dense("normal", 2, 2, false);
    cell.edges.retain(|edge| (edge.from, edge.to) != (2, 3));
    let space = SearchSpace::new("four edges", SearchSpace::darts().ops().to_vec(), vec![cell]).unwrap();
    let mut alphas = EdgeOpTable::filled(&space, 0f32);
    alphas.matrix_mut(CellKind(0)).copy_from_slice(&values.f32s("param"));
    let (mut state, alive) = (AdamState::new(&space), AliveOps::all(&space));
    for step in 0..3 {
        let mut gradients = EdgeOpTable::filled(&space, 0f32);
        gradients.matrix_mut(CellKind(0)).copy_from_slice(&values.f32s(&format!("step.{step}.grad")));
        Adam { clip: None, ..Adam::default() }.step(&space, &mut state, &mut alphas, &gradients, &alive);
        for (what, got) in [("after", &alphas), ("exp_avg", &state.first), ("exp_avg_sq", &state.second)] {
            let want = values.f32s(&format!("step.{step}.{what}"));
            close(what, got.matrix(CellKind(0)), &want, 1e-5);
        }
    }
}
