//! Node sums and BatchNorm: forward against the definition, backward against finite differences of it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use candle_core::Tensor;
use common::numeric::{dot, gradient};
use common::{Values, array, assert_close, flat, wide};
use eoinas_kernels::node::{add_scaled, node_sum, node_sum_backward};
use eoinas_kernels::norm::{batch_stats, update_running};
use eoinas_kernels::reference::Array;
use eoinas_kernels::reference::node::{batch_norm, weighted_sum};
use eoinas_kernels::simd::Level;
use eoinas_kernels::{BatchStats, GateGradient, GradCoefficients, KernelError, Norm, Term, Workspace};

const EPS: f64 = 1e-5;
const SHAPES: [[usize; 4]; 9] = [
    [2, 3, 5, 6],
    [2, 3, 2, 3],
    [3, 1, 1, 4],
    [2, 2, 3, 8],
    [1, 3, 3, 16],
    [2, 1, 3, 20],
    [2, 2, 1, 36],
    [2, 1, 2, 64],
    [1, 2, 2, 5],
];

/// Three terms: BatchNorm with drop-path, identity with drop-path, affine BatchNorm.
struct Case {
    shape: [usize; 4],
    z: [Tensor; 3],
    gamma: Tensor,
    beta: Tensor,
    sample: Tensor,
    dy: Tensor,
    gates: [f32; 3],
}

impl Case {
    fn new(shape: [usize; 4]) -> Self {
        let mut values = Values::new(shape.iter().sum::<usize>() as u64);
        let c = shape[3];
        let z = [(); 3].map(|()| values.tensor(&shape));
        let (gamma, beta, sample) = (values.tensor(&[c]), values.tensor(&[c]), values.tensor(&[shape[0]]));
        Self { shape, z, gamma, beta, sample, dy: values.tensor(&shape), gates: [0.7, -0.4, 1.3] }
    }

    fn norms(&self) -> [Option<Norm>; 3] {
        let norm = |z: &Tensor, affine| Norm::from_stats(&batch_stats(z).unwrap(), affine, EPS).unwrap();
        [Some(norm(&self.z[0], None)), None, Some(norm(&self.z[2], Some((&self.gamma, &self.beta))))]
    }

    fn terms<'a>(&'a self, norms: &'a [Option<Norm>; 3]) -> Vec<Term<'a>> {
        let samples = [Some(&self.sample), Some(&self.sample), None];
        (0..3)
            .map(|t| Term { z: &self.z[t], norm: norms[t].as_ref(), gate: self.gates[t], sample: samples[t] })
            .collect()
    }

    /// The loss `sum(dy * node)` by definition, of all the numbers that have a gradient.
    fn loss(&self, z: &[Vec<f64>], gates: &[f64], gamma: &[f64], beta: &[f64]) -> f64 {
        dot(&self.node(z, gates, gamma, beta).data, &wide(&self.dy))
    }

    fn node(&self, z: &[Vec<f64>], gates: &[f64], gamma: &[f64], beta: &[f64]) -> Array<f64> {
        let array = |t: usize| Array { shape: self.shape, data: z[t].clone() };
        let sample = wide(&self.sample);
        let terms = [
            (batch_norm(&array(0), None, EPS), gates[0], Some(sample.clone())),
            (array(1), gates[1], Some(sample)),
            (batch_norm(&array(2), Some((gamma, beta)), EPS), gates[2], None),
        ];
        weighted_sum(self.shape, &terms)
    }
}

fn dims(shape: [usize; 4]) -> (usize, usize, usize, usize) {
    (shape[0], shape[1], shape[2], shape[3])
}

#[test]
fn node_against_definition() {
    for shape in SHAPES.into_iter().chain([[3, 17, 9, 16], [2, 33, 5, 3]]) {
        let case = Case::new(shape);
        let z: Vec<Vec<f64>> = case.z.iter().map(wide).collect();
        let gates = case.gates.map(f64::from);
        let expected = case.node(&z, &gates, &wide(&case.gamma), &wide(&case.beta));
        for level in Level::available() {
            let got = level.scope(|| node_sum(&Workspace::new(), dims(shape), &case.terms(&case.norms())).unwrap());
            assert_close(&format!("{shape:?} {level:?}"), &flat(&got), &expected.data, 1e-4);
        }
    }
    let empty = node_sum(&Workspace::new(), (2, 3, 3, 4), &[]).unwrap();
    assert_eq!(flat(&empty), vec![0.0; 72]);
}

#[test]
fn a_recycled_buffer_does_not_show() {
    let ws = Workspace::new();
    let mut used = ws.take(72);
    used.fill(f32::NAN);
    ws.give(used);
    assert_eq!(flat(&node_sum(&ws, (2, 3, 3, 4), &[]).unwrap()), vec![0.0; 72]);
}

#[test]
fn backward_against_finite_differences() {
    for shape in SHAPES {
        let case = Case::new(shape);
        let norms = case.norms();
        let terms = case.terms(&norms);
        let what = |name: &str| format!("{shape:?} {name}");
        let z: Vec<Vec<f64>> = case.z.iter().map(wide).collect();
        let (gates, gamma, beta) = (case.gates.map(f64::from), wide(&case.gamma), wide(&case.beta));

        let got = node_sum_backward(&case.dy, &terms, true).unwrap();
        let dgates = GateGradient::values(got.iter().map(|g| &g.gate)).unwrap();
        let dgates: Vec<f32> = dgates.into_iter().map(|gate| gate as f32).collect();
        assert_close(&what("gates"), &dgates, &gradient(&gates, |g| case.loss(&z, g, &gamma, &beta)), 1e-4);

        let sums = got[2].sums.as_ref().unwrap();
        // The sums are before the gate.
        let per_gate = |values: Vec<f64>| values.into_iter().map(|v| v / gates[2]).collect::<Vec<_>>();
        let dgamma = per_gate(gradient(&gamma, |g| case.loss(&z, &gates, g, &beta)));
        let dbeta = per_gate(gradient(&beta, |b| case.loss(&z, &gates, &gamma, b)));
        assert_close(&what("gamma"), &flat(&sums.dy_xhat), &dgamma, 1e-4);
        assert_close(&what("beta"), &flat(&sums.dy), &dbeta, 1e-4);
        assert!(got[1].sums.is_none());

        for t in [0, 2] {
            let k = &got[t].sums.as_ref().unwrap().map;
            let got = apply(k, &case.dy, &case.z[t], terms[t].sample);
            let expected = gradient(&z[t], |x| {
                let mut z = z.clone();
                z[t] = x.to_vec();
                case.loss(&z, &gates, &gamma, &beta)
            });
            assert_close(&what(&format!("z {t}")), &got, &expected, 2e-4);
        }
        let dz = Tensor::zeros(&shape, candle_core::DType::F32, &candle_core::Device::Cpu).unwrap();
        for _ in 0..2 {
            add_scaled(&dz, &case.dy, case.gates[1], Some(&case.sample)).unwrap();
        }
        let expected =
            gradient(&z[1], |x| 2.0 * case.loss(&[z[0].clone(), x.to_vec(), z[2].clone()], &gates, &gamma, &beta));
        assert_close(&what("identity"), &flat(&dz), &expected, 1e-4);
    }
}

/// `dz = a * sample * dy + b * z + d`.
fn apply(k: &GradCoefficients, dy: &Tensor, z: &Tensor, sample: Option<&Tensor>) -> Vec<f32> {
    let (a, b, d, c) = (flat(&k.a), flat(&k.b), flat(&k.d), dy.dims()[3]);
    let image = dy.elem_count() / dy.dims()[0];
    let sample = sample.map_or(vec![1.0; dy.dims()[0]], flat);
    let values = flat(dy).into_iter().zip(flat(z)).enumerate();
    values.map(|(i, (dy, z))| a[i % c] * sample[i / image] * dy + b[i % c] * z + d[i % c]).collect()
}

#[test]
fn unwanted_gates_cost_nothing() {
    let case = Case::new([2, 3, 3, 8]);
    let norms = case.norms();
    let got = node_sum_backward(&case.dy, &case.terms(&norms), false).unwrap();
    assert!(matches!(got[1].gate, GateGradient::Known(0.0)));
    assert!(got[0].sums.is_some() && got[2].sums.is_some());
}

#[test]
fn evaluation_is_a_constant_map() {
    let case = Case::new([2, 3, 3, 4]);
    let norm = Norm::running(&case.beta, &case.beta.sqr().unwrap(), Some((&case.gamma, &case.beta)), EPS).unwrap();
    let k = GradCoefficients::evaluation(&norm, 0.5).unwrap();
    let expected: Vec<f64> = wide(&norm.scale).iter().map(|s| 0.5 * s).collect();
    assert_close("a", &flat(&k.a), &expected, 1e-6);
    assert_eq!((flat(&k.b), flat(&k.d)), (vec![0.0; 4], vec![0.0; 4]));
}

#[test]
fn statistics_of_awkward_batches() {
    let ws = Workspace::new();
    // All equal, far from zero: no variance at all.
    let equal =
        (Tensor::ones((3, 5, 5, 4), candle_core::DType::F32, &candle_core::Device::Cpu).unwrap() * 1234.567).unwrap();
    let stats = batch_stats(&equal).unwrap();
    assert_eq!((flat(&stats.variance), stats.count), (vec![0.0; 4], 75));
    let norm = Norm::from_stats(&stats, None, EPS).unwrap();
    let y = node_sum(&ws, (3, 5, 5, 4), &[Term { z: &equal, norm: Some(&norm), gate: 1.0, sample: None }]).unwrap();
    assert!(flat(&y).iter().all(|y| y.abs() < 0.1));
    // A batch of one pixel.
    let one = Values::new(3).tensor(&[1, 1, 1, 5]);
    let stats = batch_stats(&one).unwrap();
    assert_eq!((flat(&stats.mean), flat(&stats.variance)), (flat(&one), vec![0.0; 5]));
    let norm = Norm::from_stats(&stats, None, EPS).unwrap();
    let sums = node_sum_backward(&one, &[Term { z: &one, norm: Some(&norm), gate: 1.0, sample: None }], false);
    let k = sums.unwrap().remove(0).sums.unwrap().map;
    assert!(apply(&k, &one, &one, None).iter().all(|dz| dz.abs() < 1e-3));
    // A mean far from zero does not eat the variance's digits.
    let far = (Values::new(4).tensor(&[4, 16, 16, 20]) + 3000.0).unwrap();
    let stats = batch_stats(&far).unwrap();
    let (x, c) = (array(&far), 20);
    for k in 0..c {
        let values = || x.data.iter().skip(k).step_by(c);
        let mean = values().sum::<f64>() / 1024.0;
        let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / 1024.0;
        assert!((f64::from(flat(&stats.variance)[k]) - variance).abs() < 1e-4 * variance);
    }
}

#[test]
fn running_statistics_by_hand() {
    let tensor = |values: &[f32]| Tensor::new(values, &candle_core::Device::Cpu).unwrap();
    let (mean, variance) = (tensor(&[0.0, 1.0]), tensor(&[1.0, 2.0]));
    let stats = BatchStats::new(tensor(&[2.0, 3.0]), tensor(&[3.0, 6.0]), 4);
    update_running(&mean, &variance, &stats, 0.25).unwrap();
    assert_eq!(flat(&mean), [0.5, 1.5]);
    assert_eq!(flat(&variance), [0.75 + 1.0, 1.5 + 2.0]);
}

#[test]
fn threads_and_levels_agree() {
    let case = Case::new([37, 9, 7, 20]);
    let norms = case.norms();
    let terms = case.terms(&norms);
    let run = || {
        let ws = Workspace::new();
        let sum = node_sum(&ws, dims(case.shape), &terms).unwrap();
        let mut all = flat(&sum);
        for gradient in node_sum_backward(&case.dy, &terms, true).unwrap() {
            all.extend(GateGradient::values([&gradient.gate]).unwrap().iter().map(|&gate| gate as f32));
            all.extend(gradient.sums.iter().flat_map(|s| [flat(&s.dy), flat(&s.dy_xhat)]).flatten());
        }
        let stats = batch_stats(&case.z[0]).unwrap();
        all.extend(flat(&stats.mean).into_iter().chain(flat(&stats.variance)));
        all
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let one = pool(1).install(run);
    assert_eq!(bits(one.clone()), bits(pool(2).install(run)));
    assert_eq!(bits(one.clone()), bits(pool(3).install(run)));
    for level in Level::available() {
        let got = level.scope(run);
        for (g, e) in got.iter().zip(&one) {
            assert!((g - e).abs() <= 1e-5 * e.abs().max(1.0), "{level:?} {g} {e}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let case = Case::new([2, 3, 3, 4]);
    let ws = Workspace::new();
    let norms = case.norms();
    let terms = case.terms(&norms);
    assert!(
        matches!(node_sum(&ws, (2, 3, 3, 5), &terms), Err(KernelError::Tensor { got, .. }) if got.starts_with("shape"))
    );
    assert!(
        matches!(add_scaled(&case.dy, &case.dy, 1.0, None), Err(KernelError::Tensor { got, .. }) if got.contains("another tensor"))
    );
    let view = case.dy.reshape((2, 3, 3, 4)).unwrap();
    assert!(
        matches!(add_scaled(&case.dy, &view, 1.0, None), Err(KernelError::Tensor { got, .. }) if got.contains("another tensor"))
    );
    let turned = case.dy.transpose(1, 2).unwrap();
    assert!(
        matches!(node_sum_backward(&turned, &terms, false), Err(KernelError::Tensor { expected, .. }) if expected.contains("contiguous f32"))
    );
    assert!(matches!(batch_stats(&case.gamma), Err(KernelError::Tensor { got, .. }) if got.starts_with("shape")));
}
