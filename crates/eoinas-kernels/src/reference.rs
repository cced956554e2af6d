//! The kernels as plain loops over one definition each, in f32 or f64: what the fast code is compared with.

pub mod activation;
pub mod conv;
pub mod depthwise;
pub mod head;
pub mod node;
pub mod pool;

use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// f32 or f64.
pub trait Real:
    Copy
    + PartialOrd
    + Default
    + Sum
    + AddAssign
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// The nearest value.
    fn from_f32(x: f32) -> Self;
    /// The nearest value.
    fn to_f32(self) -> f32;
}

impl Real for f32 {
    fn from_f32(x: f32) -> Self {
        x
    }
    fn to_f32(self) -> f32 {
        self
    }
}

impl Real for f64 {
    fn from_f32(x: f32) -> Self {
        Self::from(x)
    }
    fn to_f32(self) -> f32 {
        self as f32
    }
}

/// Values of shape `[n, h, w, c]`, channels last.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    /// Images, height, width, channels.
    pub shape: [usize; 4],
    /// The values, row-major.
    pub data: Vec<T>,
}

impl<T: Real> Array<T> {
    /// Zeros.
    pub fn zeros(shape: [usize; 4]) -> Self {
        Self { shape, data: vec![T::default(); shape.iter().product()] }
    }

    /// From f32 values, of which there must be as many as the shape says.
    pub fn from_f32(shape: [usize; 4], values: &[f32]) -> Self {
        Self { shape, data: values.iter().map(|&x| T::from_f32(x)).collect() }
    }

    /// The values as f32.
    pub fn to_f32(&self) -> Vec<f32> {
        self.data.iter().map(|x| x.to_f32()).collect()
    }

    /// Index of a value; `None` outside of the image.
    pub fn index(&self, n: usize, y: isize, x: isize, c: usize) -> Option<usize> {
        let [_, h, w, channels] = self.shape;
        let (y, x) = (usize::try_from(y).ok()?, usize::try_from(x).ok()?);
        (y < h && x < w).then_some(((n * h + y) * w + x) * channels + c)
    }

    /// A value; 0 outside of the image.
    pub fn get(&self, n: usize, y: isize, x: isize, c: usize) -> T {
        self.index(n, y, x, c).and_then(|i| self.data.get(i).copied()).unwrap_or_default()
    }

    /// Adds to a value; nothing outside of the image.
    pub fn add_at(&mut self, n: usize, y: isize, x: isize, c: usize, value: T) {
        if let Some(slot) = self.index(n, y, x, c).and_then(|i| self.data.get_mut(i)) {
            *slot += value;
        }
    }
}
