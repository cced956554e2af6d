//! Random inputs and gradients in every form that a kernel reads, and the comparison with the reference in f64.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

pub mod numeric;

use candle_core::{Device, Tensor};
use eoinas_kernels::optim::settle;
use eoinas_kernels::reference::Array;
use eoinas_kernels::reference::activation::{
    NormValues, activate, activate_backward, join, output_gradient, statistics,
};
use eoinas_kernels::{
    Convolution, GradCoefficients, Gradient, Input, InputGradient, Norm, Workspace, conv_backward, conv_forward,
};

/// A small generator: the tests need values that do not repeat, not randomness.
pub struct Values(u64);

impl Values {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn vec(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.next()).collect()
    }

    pub fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let len = shape.iter().product();
        Tensor::from_vec(self.vec(len), shape, &Device::Cpu).unwrap()
    }
}

pub fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

pub fn wide(tensor: &Tensor) -> Vec<f64> {
    flat(tensor).into_iter().map(f64::from).collect()
}

pub fn array(tensor: &Tensor) -> Array<f64> {
    let shape: [usize; 4] = tensor.dims().try_into().unwrap();
    Array { shape, data: wide(tensor) }
}

/// Largest difference, relative to the largest expected value.
pub fn assert_close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    let largest = expected.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(g) - e).abs() <= tolerance * largest, "{what}: value {i} is {g}, expected {e} ({largest})");
    }
}

/// Which of the forms a kernel reads is used.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub input_norm: bool,
    pub relu: bool,
    pub sources: usize,
    pub gradient_norm: bool,
    pub sample: bool,
    pub add: bool,
}

pub const FORMS: [Form; 4] = [
    Form { input_norm: false, relu: false, sources: 1, gradient_norm: false, sample: false, add: false },
    Form { input_norm: true, relu: true, sources: 1, gradient_norm: true, sample: false, add: false },
    Form { input_norm: false, relu: true, sources: 3, gradient_norm: true, sample: true, add: true },
    Form { input_norm: true, relu: false, sources: 2, gradient_norm: false, sample: true, add: false },
];

/// A convolution and its reference.
pub trait Op {
    /// Shapes of the weights.
    fn weights(&self) -> Vec<Vec<usize>>;
    fn conv<'a>(&self, weights: &'a [Tensor]) -> Convolution<&'a Tensor>;
    fn reference(&self, x: &Array<f64>, weights: &[Vec<f64>]) -> Array<f64>;
    fn reference_backward(&self, x: &Array<f64>, weights: &[Vec<f64>], dz: &Array<f64>) -> (Array<f64>, Vec<Vec<f64>>);
}

/// Everything that a kernel returns, as numbers.
#[derive(Debug, PartialEq)]
pub struct Outputs(pub Vec<(String, Vec<f32>)>);

/// Runs a kernel forward and backward on random values of a form.
pub struct Problem {
    pub form: Form,
    sources: Vec<Tensor>,
    norm: Option<Norm>,
    weights: Vec<Tensor>,
    dy: Tensor,
    coefficients: GradCoefficients,
    z_shape: Vec<usize>,
    sample: Tensor,
    gate: f32,
    existing: Vec<Tensor>,
}

impl Problem {
    pub fn new(op: &impl Op, shape: [usize; 4], form: Form, seed: u64) -> Self {
        let mut values = Values::new(seed);
        let [n, h, w, c] = shape;
        let parts = form.sources.min(c);
        let sources: Vec<Tensor> =
            (0..parts).map(|i| values.tensor(&[n, h, w, c / parts + if i < c % parts { 1 } else { 0 }])).collect();
        let mut channel = |len| values.tensor(&[len]);
        let norm =
            form.input_norm.then(|| Norm { mean: channel(c), rstd: channel(c), scale: channel(c), shift: channel(c) });
        let weights: Vec<Tensor> = op.weights().iter().map(|shape| values.tensor(shape)).collect();
        let zeros = Array::zeros(shape);
        let wide_weights: Vec<Vec<f64>> = weights.iter().map(wide).collect();
        let z_shape = op.reference(&zeros, &wide_weights).shape.to_vec();
        let dy = values.tensor(&z_shape);
        let co = z_shape[3];
        let coefficients =
            GradCoefficients { a: values.tensor(&[co]), b: values.tensor(&[co]), d: values.tensor(&[co]) };
        let sample = values.tensor(&[n]);
        let existing = sources.iter().map(|s| values.tensor(s.dims())).collect();
        Self {
            form,
            sources,
            norm,
            weights,
            dy,
            coefficients,
            z_shape,
            sample,
            gate: if form.sample { 0.7 } else { 1.0 },
            existing,
        }
    }

    fn input<'a>(&'a self, sources: &'a [&'a Tensor]) -> Input<'a> {
        Input { sources, norm: self.norm.as_ref(), relu: self.form.relu }
    }

    pub fn run(&self, op: &impl Op) -> Outputs {
        let ws = Workspace::new();
        let sources: Vec<&Tensor> = self.sources.iter().collect();
        let x = self.input(&sources);
        let conv = op.conv(&self.weights);
        let (z, stats) = conv_forward(&ws, x, conv, true).unwrap();
        let (alone, none) = conv_forward(&ws, x, conv, false).unwrap();
        assert!(none.is_none());
        assert_eq!(flat(&alone), flat(&z));
        let stats = stats.unwrap();
        assert_eq!(stats.count, self.z_shape[..3].iter().product::<usize>());
        let mut out = vec![("z".to_owned(), flat(&z))];
        out.push(("mean".to_owned(), flat(&stats.mean)));
        out.push(("variance".to_owned(), flat(&stats.variance)));
        let grad = Gradient {
            dy: &self.dy,
            norm: self.form.gradient_norm.then_some((&z, &self.coefficients)),
            gate: self.gate,
            sample: self.form.sample.then_some(&self.sample),
        };
        let targets: Vec<Tensor> = self.existing.iter().map(|t| t.copy().unwrap()).collect();
        let target_refs: Vec<&Tensor> = targets.iter().collect();
        let request = if self.form.add { InputGradient::AddTo(&target_refs) } else { InputGradient::Return };
        let found = conv_backward(&ws, x, conv, grad, request, true).unwrap();
        let weights = settle(found.weights).unwrap();
        match found.input {
            Some((dx, sums)) => {
                out.push(("dx".to_owned(), flat(&dx)));
                if let Some(sums) = sums {
                    out.push(("sum dy".to_owned(), flat(&sums.dy)));
                    out.push(("sum dy xhat".to_owned(), flat(&sums.dy_xhat)));
                }
            }
            None => {
                let parts: Vec<_> =
                    targets.iter().map(|t| Array::<f32>::from_f32(t.dims().try_into().unwrap(), &flat(t))).collect();
                out.push(("dx".to_owned(), join(&parts).data));
            }
        }
        assert_eq!(weights.len(), self.weights.len());
        for (i, dw) in weights.iter().enumerate() {
            assert_eq!(dw.dims(), self.weights[i].dims());
            out.push((format!("dw {i}"), flat(dw)));
        }
        if self.form.add {
            self.check_written(op, x, grad, &targets);
        }
        // What is not asked for is neither computed nor changed.
        let found = conv_backward(&ws, x, conv, grad, InputGradient::Skip, true).unwrap();
        assert!(found.input.is_none() && found.weights.len() == self.weights.len());
        let found = conv_backward(&ws, x, conv, grad, request, false).unwrap();
        assert!(found.input.is_some() != self.form.add && found.weights.is_empty());
        Outputs(out)
    }

    /// Written over garbage is what is added to zeros.
    fn check_written(&self, op: &impl Op, x: Input<'_>, grad: Gradient<'_>, garbage: &[Tensor]) {
        let zeros: Vec<Tensor> = garbage.iter().map(|t| t.zeros_like().unwrap()).collect();
        let written: Vec<Tensor> = garbage.iter().map(|t| t.copy().unwrap()).collect();
        let (zero_refs, written_refs): (Vec<&Tensor>, Vec<&Tensor>) =
            (zeros.iter().collect(), written.iter().collect());
        for request in [InputGradient::AddTo(&zero_refs), InputGradient::WriteTo(&written_refs)] {
            conv_backward(&Workspace::new(), x, op.conv(&self.weights), grad, request, false).unwrap();
        }
        for (added, written) in zeros.iter().zip(&written) {
            assert_eq!(flat(added), flat(written));
        }
    }

    /// The same numbers from the reference.
    pub fn reference(&self, op: &impl Op) -> Vec<Vec<f64>> {
        let raw = join(&self.sources.iter().map(array).collect::<Vec<_>>());
        let norm = self.norm.as_ref().map(|n| NormValues {
            mean: wide(&n.mean),
            rstd: wide(&n.rstd),
            scale: wide(&n.scale),
            shift: wide(&n.shift),
        });
        let weights: Vec<Vec<f64>> = self.weights.iter().map(wide).collect();
        let x = activate(&raw, norm.as_ref(), self.form.relu);
        let z = op.reference(&x, &weights);
        let (mean, variance) = statistics(&z);
        let dy = array(&self.dy);
        let c = &self.coefficients;
        let (a, b, d) = (wide(&c.a), wide(&c.b), wide(&c.d));
        let sample = wide(&self.sample);
        let dz = output_gradient(
            &dy,
            self.form.gradient_norm.then_some((&z, [&a[..], &b, &d])),
            f64::from(self.gate),
            self.form.sample.then_some(&sample),
        );
        let (dx, dw) = op.reference_backward(&x, &weights, &dz);
        let (mut dx, sum, sum_xhat) = activate_backward(&dx, &raw, norm.as_ref(), self.form.relu);
        if self.form.add {
            let existing = join(&self.existing.iter().map(array).collect::<Vec<_>>());
            dx.data.iter_mut().zip(existing.data).for_each(|(x, e)| *x += e);
        }
        let mut out = vec![z.data, mean, variance, dx.data];
        if self.norm.is_some() {
            out.extend([sum, sum_xhat]);
        }
        out.extend(dw);
        out
    }

    /// Compares a kernel with its reference on every kind of vector, which are so within 1e-5 of each other.
    pub fn check(&self, op: &impl Op, what: &str) {
        let expected = self.reference(op);
        for level in eoinas_kernels::simd::Level::available() {
            let got = level.scope(|| self.run(op)).0;
            assert_eq!(got.len(), expected.len());
            for ((name, got), expected) in got.iter().zip(&expected) {
                assert_close(&format!("{what} {:?} {level:?}: {name}", self.form), got, expected, 5e-6);
            }
        }
    }
}
