//! Whole search steps against PyTorch's values: forward, loss, gradients, updated weights and alphas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

use candle_core::Device;
use common::{Values, close, close_tensors};
use eoinas_core::{AliveOps, CellKind, EdgeId, EdgeOpTable, Gate, Gates, SearchSpace, Skeleton, Streams};
use eoinas_nn::{Adam, AdamState, Batch, Operations, PassOptions, PassOutput, Sgd, Supernet, Wanted, WeightGradients};

const KINDS: [&str; 2] = ["normal", "reduce"];
const TOLERANCE: f32 = 1e-4;

fn supernet(values: &Values) -> Supernet {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, height: 8, width: 8, ..Skeleton::search() };
    let space = SearchSpace::darts();
    let mut net = Supernet::new(&space, &skeleton, &Operations::built_in(), &Streams::new(1), &Device::Cpu).unwrap();
    net.parameters_mut().load(&values.below("param.")).unwrap();
    net
}

fn batch(values: &Values, pass: &str) -> Batch {
    Batch::new(values.get(&format!("{pass}.images")), values.u32s(&format!("{pass}.labels"))).unwrap()
}

fn path(values: &Values, pass: &str) -> Gates {
    let kind = |kind: &&str| {
        let ops = values.u32s(&format!("{pass}.path.{kind}"));
        ops.iter().map(|&op| vec![Gate { op: op as usize, value: 1.0 }]).collect()
    };
    Gates { kinds: KINDS.iter().map(kind).collect() }
}

fn check_loss(values: &Values, pass: &str, output: &PassOutput) {
    let want = values.number(&format!("{pass}.loss"));
    assert!((output.loss - want).abs() <= 1e-5 * want, "{pass}: loss {} against {want}", output.loss);
    assert_eq!(output.correct as u32, values.u32s(&format!("{pass}.correct"))[0], "{pass}");
}

fn check_weights(values: &Values, pass: &str, net: &Supernet, gradients: &WeightGradients) {
    let want = values.below(&format!("{pass}.grad."));
    let names: Vec<&str> = gradients.iter().map(|(id, _)| net.parameters().get(id).unwrap().name()).collect();
    for (name, gradient) in &want {
        let got = gradients.by_name(net.parameters(), name).unwrap_or_else(|| panic!("{pass}: no gradient of {name}"));
        close_tensors(&format!("{pass}: gradient of {name}"), got, gradient, TOLERANCE);
    }
    for name in names {
        assert!(want.contains_key(name), "{pass}: a gradient of {name}, which PyTorch has none of");
    }
}

#[test]
fn mixture_agrees_with_pytorch() {
    let values = Values::load("supernet_step.safetensors").case("supernet");
    let net = supernet(&values);
    let kind = |kind: &&str| {
        let h = values.f32s(&format!("mixture.h.{kind}"));
        h.chunks(8).map(|row| row.iter().enumerate().map(|(op, &value)| Gate { op, value }).collect()).collect()
    };
    let gates = Gates { kinds: KINDS.iter().map(kind).collect() };
    let output = net.pass(&batch(&values, "mixture"), &gates, Wanted::BOTH, &PassOptions::default()).unwrap();
    check_loss(&values, "mixture", &output);
    check_weights(&values, "mixture", &net, output.weight_gradients.as_ref().unwrap());
    for (kind, edges) in KINDS.iter().zip(&output.gate_gradients.unwrap().kinds) {
        let got: Vec<f32> = edges.iter().flatten().map(|gate| gate.value).collect();
        close(&format!("mixture: gates of {kind}"), &got, &values.f32s(&format!("mixture.dgate.{kind}")), TOLERANCE);
    }
    assert_eq!(output.ops_run, 3 * 14 * 8);
}

#[test]
fn two_search_steps_agree_with_pytorch() {
    let values = Values::load("supernet_step.safetensors").case("supernet");
    let mut net = supernet(&values);
    let space = SearchSpace::darts();
    let alive = AliveOps::all(&space);
    let mut alphas = EdgeOpTable::filled(&space, 0f32);
    for (index, kind) in KINDS.iter().enumerate() {
        alphas.matrix_mut(CellKind(index)).copy_from_slice(&values.f32s(&format!("alpha.{kind}")));
    }
    let mut state = AdamState::new(&space);
    for step in 0..2 {
        let pass = format!("step.{step}.weight");
        let gates = path(&values, &pass);
        let output = net.pass(&batch(&values, &pass), &gates, Wanted::WEIGHTS, &PassOptions::default()).unwrap();
        check_loss(&values, &pass, &output);
        assert_eq!(output.ops_run, 3 * 14);
        assert!(output.gate_gradients.is_none());
        let gradients = output.weight_gradients.unwrap();
        check_weights(&values, &pass, &net, &gradients);
        let norm = Sgd::default().step(net.parameters_mut(), &gradients, 0.025).unwrap();
        close(
            &format!("{pass}: norm"),
            &[norm as f32],
            &[values.number(&format!("{pass}.grad_norm")) as f32],
            TOLERANCE,
        );
        let after = values.below(&format!("{pass}.after."));
        for (name, want) in &after {
            close_tensors(
                &format!("{pass}: {name} after"),
                net.parameters().by_name(name).unwrap().value(),
                want,
                TOLERANCE,
            );
        }
        for (name, want) in &values.below(&format!("{pass}.momentum.")) {
            let got = net.parameters().by_name(name).unwrap().momentum().unwrap();
            close_tensors(&format!("{pass}: momentum of {name}"), got, want, TOLERANCE);
        }

        let pass = format!("step.{step}.arch");
        let gates = path(&values, &pass);
        let output = net.pass(&batch(&values, &pass), &gates, Wanted::GATES, &PassOptions::default()).unwrap();
        check_loss(&values, &pass, &output);
        assert!(output.weight_gradients.is_none());
        let gate_gradients = output.gate_gradients.unwrap();
        let temperature = values.number(&format!("{pass}.temperature"));
        let mut gradients = EdgeOpTable::filled(&space, 0f32);
        for (index, kind) in KINDS.iter().enumerate() {
            let got: Vec<f32> = gate_gradients.kinds[index].iter().flatten().map(|gate| gate.value).collect();
            close(&format!("{pass}: gates of {kind}"), &got, &values.f32s(&format!("{pass}.dgate.{kind}")), TOLERANCE);
            let h = values.f32s(&format!("{pass}.h.{kind}"));
            for (edge, gate) in gate_gradients.kinds[index].iter().enumerate() {
                let (h, sampled) = (&h[edge * 8..(edge + 1) * 8], gate[0].op);
                for (op, gradient) in gradients[EdgeId::new(CellKind(index), edge)].iter_mut().enumerate() {
                    let delta = if op == sampled { 1.0 } else { 0.0 };
                    *gradient = (f64::from(gate[0].value * h[sampled] * (delta - h[op])) / temperature) as f32;
                }
            }
            let got = gradients.matrix(CellKind(index));
            close(&format!("{pass}: alphas of {kind}"), got, &values.f32s(&format!("{pass}.dalpha.{kind}")), TOLERANCE);
        }
        Adam::default().step(&space, &mut state, &mut alphas, &gradients, &alive);
        for (index, kind) in KINDS.iter().enumerate() {
            let kind_index = CellKind(index);
            for (what, got) in [("after", &alphas), ("exp_avg", &state.first), ("exp_avg_sq", &state.second)] {
                let key = format!("{pass}.{what}.{kind}");
                close(&key, got.matrix(kind_index), &values.f32s(&key), TOLERANCE);
            }
        }
    }
}
