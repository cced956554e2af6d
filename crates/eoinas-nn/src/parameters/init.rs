//! Initial values, drawn on the host from the network's own random stream.

use candle_core::{DType, Device, Shape, Tensor, Var};
use candle_nn::Init;
use candle_nn::init::NormalOrUniform;
use eoinas_core::{SeedStream, Streams};
use rand::Rng;

use crate::error::Result;

/// A tensor of values drawn from the stream of weights; `index` is the running number of the tensor.
pub(crate) fn draw(streams: &Streams, index: usize, shape: Shape, init: Init, device: &Device) -> Result<Var> {
    let count = shape.elem_count();
    let mut rng = streams.rng(SeedStream::Weights, 0, index as u64);
    // 53 random bits, in (0, 1): the logarithm of a normal draw stays finite.
    let mut unit = || ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    let mut uniform = |lo: f64, up: f64| (0..count).map(|_| (lo + (up - lo) * unit()) as f32).collect::<Vec<f32>>();
    let values = match init {
        Init::Const(value) => vec![value as f32; count],
        Init::Uniform { lo, up } => uniform(lo, up),
        Init::Randn { mean, stdev } => normal(&mut unit, count, mean, stdev),
        Init::Kaiming { dist, fan, non_linearity } => {
            let deviation = non_linearity.gain() / (fan.for_shape(&shape) as f64).sqrt();
            match dist {
                NormalOrUniform::Uniform => uniform(-(3f64.sqrt()) * deviation, 3f64.sqrt() * deviation),
                NormalOrUniform::Normal => normal(&mut unit, count, 0.0, deviation),
            }
        }
    };
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?.to_device(device)?.to_dtype(DType::F32)?;
    Ok(Var::from_tensor(&tensor)?)
}

/// PyTorch's default for convolutions and linear layers, kaiming uniform with a = sqrt(5): U(-b, b), b = 1/sqrt(fan_in).
pub(crate) fn default_uniform(fan_in: usize) -> Init {
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    Init::Uniform { lo: -bound, up: bound }
}

/// Box-Muller, one value for each pair of uniform draws.
fn normal(unit: &mut impl FnMut() -> f64, count: usize, mean: f64, deviation: f64) -> Vec<f32> {
    (0..count)
        .map(|_| {
            let radius = (-2.0 * unit().ln()).sqrt();
            let angle = std::f64::consts::TAU * unit();
            (mean + deviation * radius * angle.cos()) as f32
        })
        .collect()
}
