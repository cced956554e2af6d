//! The convolution kernels against their references: every filter, odd sizes, channels that fill vectors and that do
//! not, every form of input and gradient, every kind of vector.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use candle_core::{Device, Tensor};
use common::{FORMS, Op, Problem, Values, array, assert_close, flat, wide};
use eoinas_kernels::reference::Array;
use eoinas_kernels::reference::activation::join;
use eoinas_kernels::reference::conv::{Window, conv, conv_backward as ref_conv_backward};
use eoinas_kernels::reference::depthwise::{Filter, depthwise, depthwise_backward as ref_depthwise_backward};
use eoinas_kernels::*;

fn geometry(kernel: usize, stride: usize, dilation: usize) -> Geometry {
    Geometry::new(kernel, stride, dilation).unwrap()
}

fn dense(kernel: (usize, usize), stride: usize) -> ConvGeometry {
    ConvGeometry::new(kernel, stride).unwrap()
}

fn filter(g: Geometry) -> Filter {
    Filter { kernel: g.kernel(), stride: g.stride(), dilation: g.dilation() }
}

struct Depthwise(Geometry, usize);

impl Op for Depthwise {
    fn weights(&self) -> Vec<Vec<usize>> {
        vec![vec![self.0.kernel(), self.0.kernel(), self.1]]
    }

    fn conv<'a>(&self, w: &'a [Tensor]) -> Convolution<&'a Tensor> {
        Convolution::Depthwise { weight: &w[0], geometry: self.0 }
    }

    fn reference(&self, x: &Array<f64>, w: &[Vec<f64>]) -> Array<f64> {
        depthwise(x, &w[0], filter(self.0))
    }

    fn reference_backward(&self, x: &Array<f64>, w: &[Vec<f64>], dz: &Array<f64>) -> (Array<f64>, Vec<Vec<f64>>) {
        let (dx, dw) = ref_depthwise_backward(x, &w[0], filter(self.0), dz);
        (dx, vec![dw])
    }
}

/// Geometry, channels in, channels out.
struct Separable(Geometry, usize, usize);

const POINT: Window = Window { kernel: (1, 1), stride: 1, start: (0, 0) };

impl Op for Separable {
    fn weights(&self) -> Vec<Vec<usize>> {
        vec![vec![self.0.kernel(), self.0.kernel(), self.1], vec![self.1, self.2]]
    }

    fn conv<'a>(&self, w: &'a [Tensor]) -> Convolution<&'a Tensor> {
        Convolution::Separable { depthwise: &w[0], pointwise: &w[1], geometry: self.0 }
    }

    fn reference(&self, x: &Array<f64>, w: &[Vec<f64>]) -> Array<f64> {
        conv(&depthwise(x, &w[0], filter(self.0)), &w[1], self.2, POINT)
    }

    fn reference_backward(&self, x: &Array<f64>, w: &[Vec<f64>], dz: &Array<f64>) -> (Array<f64>, Vec<Vec<f64>>) {
        let t = depthwise(x, &w[0], filter(self.0));
        let (dt, dpw) = ref_conv_backward(&t, &w[1], POINT, dz);
        let (dx, ddw) = ref_depthwise_backward(x, &w[0], filter(self.0), &dt);
        (dx, vec![ddw, dpw])
    }
}

/// Geometry, channels in, channels out.
struct Conv(ConvGeometry, usize, usize);

impl Conv {
    fn window(&self) -> Window {
        let (kh, kw) = self.0.kernel();
        Window { kernel: (kh, kw), stride: self.0.stride(), start: (-(kh as isize / 2), -(kw as isize / 2)) }
    }
}

impl Op for Conv {
    fn weights(&self) -> Vec<Vec<usize>> {
        let (kh, kw) = self.0.kernel();
        vec![vec![kh, kw, self.1, self.2]]
    }

    fn conv<'a>(&self, w: &'a [Tensor]) -> Convolution<&'a Tensor> {
        Convolution::Dense { weight: &w[0], geometry: self.0 }
    }

    fn reference(&self, x: &Array<f64>, w: &[Vec<f64>]) -> Array<f64> {
        conv(x, &w[0], self.2, self.window())
    }

    fn reference_backward(&self, x: &Array<f64>, w: &[Vec<f64>], dz: &Array<f64>) -> (Array<f64>, Vec<Vec<f64>>) {
        let (dx, dw) = ref_conv_backward(x, &w[0], self.window(), dz);
        (dx, vec![dw])
    }
}

/// Channels in, and of both branches.
struct FactorizedReduce(usize, [usize; 2]);

/// The second branch reads one pixel further, along sides that have one.
fn branch(index: isize, [_, h, w, _]: [usize; 4]) -> Window {
    let start = |side: usize| if side > 1 { index } else { 0 };
    Window { kernel: (1, 1), stride: 2, start: (start(h), start(w)) }
}

impl Op for FactorizedReduce {
    fn weights(&self) -> Vec<Vec<usize>> {
        self.1.iter().map(|&co| vec![self.0, co]).collect()
    }

    fn conv<'a>(&self, w: &'a [Tensor]) -> Convolution<&'a Tensor> {
        Convolution::FactorizedReduce { weights: [&w[0], &w[1]] }
    }

    fn reference(&self, x: &Array<f64>, w: &[Vec<f64>]) -> Array<f64> {
        let parts: Vec<_> = (0..2).map(|i| conv(x, &w[i], self.1[i], branch(i as isize, x.shape))).collect();
        join(&parts)
    }

    fn reference_backward(&self, x: &Array<f64>, w: &[Vec<f64>], dz: &Array<f64>) -> (Array<f64>, Vec<Vec<f64>>) {
        let [n, h, wd, c] = dz.shape;
        let mut dx = Array::zeros(x.shape);
        let mut dws = Vec::new();
        for i in 0..2 {
            let start = i * self.1[0];
            let data = dz.data.chunks(c).flat_map(|p| p[start..start + self.1[i]].to_vec()).collect();
            let dz = Array { shape: [n, h, wd, self.1[i]], data };
            let (part, dw) = ref_conv_backward(x, &w[i], branch(i as isize, x.shape), &dz);
            dx.data.iter_mut().zip(part.data).for_each(|(a, b)| *a += b);
            dws.push(dw);
        }
        (dx, dws)
    }
}

const CHANNELS: [usize; 9] = [3, 4, 8, 16, 20, 32, 36, 64, 6];
const SIZES: [(usize, usize); 7] = [(7, 9), (8, 8), (1, 1), (5, 21), (17, 2), (1, 12), (9, 1)];

fn geometries() -> impl Iterator<Item = Geometry> {
    [3, 5].into_iter().flat_map(|kernel| {
        [1, 2].into_iter().flat_map(move |stride| [1, 2].map(|dilation| geometry(kernel, stride, dilation)))
    })
}

/// Every channel count with every size, forms taken in turn.
fn check_all<O: Op>(what: &str, op: impl Fn(usize) -> O) {
    for (i, &c) in CHANNELS.iter().enumerate() {
        for (j, &(h, w)) in SIZES.iter().enumerate() {
            let op = op(c);
            let form = FORMS[(i + j) % FORMS.len()];
            Problem::new(&op, [2, h, w, c], form, (i * 10 + j) as u64).check(&op, &format!("{what} {h}x{w}x{c}"));
        }
    }
}

#[test]
fn depthwise_equals_reference() {
    for g in geometries().chain([geometry(1, 2, 1), geometry(7, 1, 3)]) {
        check_all(&format!("{g:?}"), |c| Depthwise(g, c));
    }
}

#[test]
fn filters_that_are_larger_than_the_image() {
    // On a GPU there is no way back for these.
    let (x, window) = (Values::new(5).tensor(&[1, 9, 40, 4]), geometry(63, 1, 1));
    let weight = Values::new(6).tensor(&[63, 63, 4]);
    let identity: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i % 5 == 0))).collect();
    let identity = Tensor::from_vec(identity, (4, 4), &Device::Cpu).unwrap();
    let input = Input { sources: &[&x], norm: None, relu: false };
    let expected = depthwise(&array(&x), &wide(&weight), filter(window)).data;
    for conv in [
        Convolution::Depthwise { weight: &weight, geometry: window },
        Convolution::Separable { depthwise: &weight, pointwise: &identity, geometry: window },
    ] {
        let (z, _) = conv_forward(&Workspace::new(), input, conv, false).unwrap();
        assert_close("63 x 63", &flat(&z), &expected, 1e-4);
    }
}

#[test]
fn separable_equals_reference() {
    for g in geometries() {
        check_all(&format!("{g:?}"), |c| Separable(g, c, c));
    }
    for (ci, co) in [(16, 32), (64, 10), (36, 5), (4, 48), (20, 16)] {
        let op = Separable(geometry(3, 1, 2), ci, co);
        for (i, form) in FORMS.into_iter().enumerate() {
            Problem::new(&op, [2, 6, 11, ci], form, i as u64).check(&op, &format!("separable {ci} to {co}"));
        }
    }
}

#[test]
fn conv_equals_reference() {
    for kernel in [(1, 1), (3, 3), (1, 7), (7, 1), (5, 3)] {
        for stride in [1, 2] {
            let g = dense(kernel, stride);
            check_all(&format!("{g:?}"), |c| Conv(g, c, if c > 16 { c / 2 } else { c }));
        }
    }
    for (ci, co) in [(3, 48), (64, 16), (48, 16), (7, 80)] {
        let op = Conv(dense((3, 3), 1), ci, co);
        for (i, form) in FORMS.into_iter().enumerate() {
            Problem::new(&op, [2, 6, 11, ci], form, i as u64).check(&op, &format!("conv {ci} to {co}"));
        }
    }
}

#[test]
fn factorized_reduce_equals_reference() {
    check_all("factorized reduce", |c| FactorizedReduce(c, [c / 2, c - c / 2]));
    check_all("uneven factorized reduce", |c| FactorizedReduce(c, [4, 20]));
}

#[test]
fn same_bytes_with_any_number_of_threads() {
    let separable = Separable(geometry(5, 2, 1), 20, 16);
    let conv = Conv(dense((3, 3), 1), 20, 8);
    let reduce = FactorizedReduce(20, [8, 8]);
    let run = |threads: usize, form| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let shape = [67, 5, 6, 20];
            [
                Problem::new(&separable, shape, form, 1).run(&separable),
                Problem::new(&conv, shape, form, 2).run(&conv),
                Problem::new(&reduce, shape, form, 3).run(&reduce),
            ]
        })
    };
    for form in FORMS {
        let once = run(1, form);
        assert_eq!(once, run(1, form), "run to run");
        for threads in [2, 3, 7] {
            assert_eq!(once, run(threads, form), "{threads} threads");
        }
    }
}
