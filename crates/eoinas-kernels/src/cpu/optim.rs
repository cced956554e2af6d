//! The weights' optimiser on the CPU.

use candle_core::{Device, Tensor};

use super::channelwise::{Period, sums};
use super::parallel::add_all;
use super::simd::{Kernel, Level, Simd};
use super::values::{read, write};
use crate::error::Result;
use crate::share;
use crate::view::{SgdStep, Update};

/// Sum of the squares of all values of all tensors, in a fixed order.
pub(crate) fn sum_of_squares(kernel: &'static str, tensors: &[&Tensor]) -> Result<f64> {
    let level = Level::current();
    let mut squares = [vec![0.0]];
    for tensor in tensors {
        let values = read(kernel, "tensors", tensor)?;
        let period = Period::new(1, values.len());
        sums(level, period, &values, &[(&values, &period.constant(0.0))], &mut [0.0], &mut squares);
    }
    Ok(squares[0].iter().sum())
}

/// The sum over the rows of each of the tensors `[pieces, values]`, in order, and over those of the other processes that share
/// the batch; `[values]`.
pub(crate) fn sum_parts(kernel: &'static str, tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    if tensors.is_empty() {
        return Ok(Vec::new());
    }
    let parts = tensors.iter().map(|parts| read(kernel, "parts", parts)).collect::<Result<Vec<_>>>()?;
    let sizes = tensors.iter().map(|parts| Ok(parts.dims2()?)).collect::<Result<Vec<_>>>()?;
    let mut shared = Vec::with_capacity(parts.iter().map(|parts| parts.len()).sum());
    let pieces = sizes.first().map_or(0, |(pieces, _)| *pieces);
    for piece in 0..pieces {
        for (parts, (_, values)) in parts.iter().zip(&sizes) {
            shared.extend(parts.iter().skip(piece * values).take(*values));
        }
    }
    let sums = share::added(&shared, sizes.iter().map(|(_, values)| values).sum(), add_all)?;
    let mut sums = sums.into_iter();
    let each = sizes.iter().map(|(_, values)| {
        Ok(Tensor::from_vec(sums.by_ref().take(*values).collect::<Vec<_>>(), *values, &Device::Cpu)?)
    });
    each.collect()
}

/// Updates values and momenta in place; each update's tensors were checked to have one shape.
pub(crate) fn sgd_update(kernel: &'static str, updates: &[Update<'_>], step: &SgdStep) -> Result<()> {
    let (level, step) = (Level::current(), *step);
    for Update { value, gradient, momentum } in updates {
        let gradient = read(kernel, "gradient", gradient)?;
        write(kernel, "value", &[value, momentum], &[&gradient], |out| {
            if let [value, momentum] = out {
                level.run(Sgd { value, momentum, gradient: &gradient, step });
            }
            Ok(())
        })?;
    }
    Ok(())
}

struct Sgd<'a> {
    value: &'a mut [f32],
    momentum: &'a mut [f32],
    gradient: &'a [f32],
    step: SgdStep,
}

impl Kernel for Sgd<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let SgdStep { lr, momentum, weight_decay, gradient_scale } = self.step;
        let (minus_lr, mu) = (s.splat(-lr as f32), s.splat(momentum as f32));
        let (decay, scale) = (s.splat(weight_decay as f32), s.splat(gradient_scale as f32));
        let lanes = S::LANES;
        let values = self.value.chunks_mut(lanes).zip(self.momentum.chunks_mut(lanes));
        for ((value, momentum), gradient) in values.zip(self.gradient.chunks(lanes)) {
            let v = s.load(value);
            let g = s.fma(scale, s.load(gradient), s.mul(decay, v));
            let m = s.fma(mu, s.load(momentum), g);
            s.store(momentum, m);
            s.store(value, s.fma(minus_lr, m, v));
        }
    }
}
