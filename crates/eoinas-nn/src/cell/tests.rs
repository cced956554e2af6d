//! Whole cells against PyTorch's values.

use crate::common::{Values, close, close_tensors};
use candle_core::{Device, Tensor};
use eoinas_core::network::{CellInput, CellLayer, Preprocessing};
use eoinas_core::{CellKind, Gate, Gates, NetworkSpec, SearchSpace, Skeleton, Streams};
use eoinas_kernels::Workspace;

use crate::batch::Wanted;
use crate::buffers::{FeatureTarget, all_zeros_like};
use crate::cell::{CellModule, Sinks};
use crate::gate_sums::gather;
use crate::gradients::WeightGradients;
use crate::network::build_cell;
use crate::operation::{Context, Phase};
use crate::ops::Operations;
use crate::parameters::{NormOptions, Parameters, Scope};

const TOLERANCE: f32 = 1e-4;

/// A cell of the paper's space that fits the case's inputs.
fn cell(values: &Values, kind: usize) -> (CellModule, Parameters) {
    let size = |tensor: &Tensor| (tensor.dim(1).unwrap(), tensor.dim(2).unwrap());
    let (s0, s1, y) = (values.get("s0"), values.get("s1"), values.get("y"));
    let input = |feature, tensor: &Tensor| CellInput {
        feature,
        channels: tensor.dim(3).unwrap(),
        preprocessing: if size(tensor) == size(&s1) {
            Preprocessing::Pointwise
        } else {
            Preprocessing::FactorizedReduce
        },
    };
    let layer = CellLayer {
        kind: CellKind(kind),
        channels: y.dim(3).unwrap() / 4,
        inputs: vec![input(0, &s0), input(1, &s1)],
        input_size: size(&s1),
        output_size: size(&y),
        output_channels: y.dim(3).unwrap(),
    };
    let mut parameters = Parameters::new();
    let mut scope = Scope::root(&mut parameters, Streams::new(1), &Device::Cpu, NormOptions::SEARCH);
    let network = NetworkSpec::supernet(&SearchSpace::darts(), &Skeleton::search()).unwrap();
    let cell = build_cell(&mut scope, &layer, &network.cells[kind], &Operations::built_in(), 1).unwrap();
    parameters.load(&values.below("param.")).unwrap();
    (cell, parameters)
}

#[test]
fn cells_agree_with_pytorch() {
    let values = Values::load("cell.safetensors");
    let cases = [("normal", 0), ("reduce", 1), ("normal_after_reduce.odd", 0), ("reduce_after_reduce.odd", 1)];
    for (case, kind) in cases {
        let values = values.case(case);
        let (cell, parameters) = cell(&values, kind);
        let workspace = Workspace::new();
        let mut context = Context::new(&workspace, &parameters, Phase::Training);
        let gates: Vec<_> = values.u32s("path").iter().map(|&op| vec![Gate { op: op as usize, value: 1.0 }]).collect();
        let (s0, s1) = ([values.get("s0")], [values.get("s1")]);
        let inputs = [(&s0[..], true), (&s1[..], true)];
        let (output, tape) = cell.forward(&mut context, &inputs, &gates, Wanted::BOTH).unwrap();
        close_tensors(&format!("{case}: y"), &Tensor::cat(&output, 3).unwrap(), &values.get("y"), TOLERANCE);

        let dy = values.get("dy");
        let c = dy.dim(3).unwrap() / 4;
        let gradients = (0..4).map(|node| dy.narrow(3, node * c, c).unwrap().contiguous().unwrap()).collect();
        // Garbage where the cell is told that nothing is there yet.
        let targets = [(&s0, true), (&s1, false)].map(|(sources, fresh)| {
            let tensors = all_zeros_like(&workspace, sources).unwrap();
            let tensors = tensors.into_iter().map(|zeros| if fresh { (zeros + 7.0).unwrap() } else { zeros });
            Some(FeatureTarget { tensors: tensors.collect(), fresh })
        });
        let mut weights = WeightGradients::new();
        let mut sums = Vec::new();
        let sinks = Sinks { weights: Some(&mut weights), gates: Some(&mut sums) };
        cell.backward(&mut context, tape, &inputs, gradients, &targets, sinks).unwrap();
        weights.settle().unwrap();
        for (FeatureTarget { tensors: target, .. }, key) in targets.iter().flatten().zip(["ds0", "ds1"]) {
            close_tensors(&format!("{case}: {key}"), &target[0], &values.get(key), TOLERANCE);
        }
        let mut shape = Gates { kinds: vec![Vec::new(); kind] };
        shape.kinds.push(gates.clone());
        let got = gather(&shape, &sums).unwrap().kinds;
        let got: Vec<f32> = got[kind].iter().map(|gates| gates[0].value).collect();
        close(&format!("{case}: gates"), &got, &values.f32s("dgates"), TOLERANCE);
        let want = values.below("grad.");
        assert_eq!(weights.len(), want.len(), "{case}: number of weight gradients");
        for (name, gradient) in &want {
            let got = weights.by_name(&parameters, name).unwrap();
            close_tensors(&format!("{case}: gradient of {name}"), got, gradient, TOLERANCE);
        }
    }
}
