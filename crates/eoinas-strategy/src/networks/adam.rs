//! Adam with the gradients' norm clipped.

use candle_core::{Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};

#[derive(Debug)]
pub(crate) struct Adam {
    weights: Vec<Var>,
    optimiser: AdamW,
    clip: f64,
}

impl Adam {
    /// Without weight decay; gradients whose norm is above `clip` are scaled down to that.
    pub fn new(weights: Vec<Var>, rate: f64, clip: f64) -> Result<Self> {
        let settings = ParamsAdamW { lr: rate, weight_decay: 0.0, ..ParamsAdamW::default() };
        Ok(Self { optimiser: AdamW::new(weights.clone(), settings)?, weights, clip })
    }

    /// One step down the slope of a loss.
    pub fn descend(&mut self, loss: &Tensor) -> Result<()> {
        let mut slopes = loss.backward()?;
        let mut squares = 0.0;
        for weight in &self.weights {
            if let Some(slope) = slopes.get(weight) {
                squares += f64::from(slope.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
        }
        let norm = squares.sqrt();
        if norm > self.clip {
            for weight in &self.weights {
                if let Some(slope) = slopes.remove(weight) {
                    slopes.insert(weight, (slope * (self.clip / norm))?);
                }
            }
        }
        self.optimiser.step(&slopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// The first step of Adam is the rate in each weight, however long the gradient is; clipping shows from the second on.
    #[test]
    fn a_step_is_adams() {
        let weight = Var::from_tensor(&Tensor::new(&[1f32, -2.0], &Device::Cpu).unwrap()).unwrap();
        let mut adam = Adam::new(vec![weight.clone()], 0.1, 5.0).unwrap();
        // Gradients by hand: (200, 200) clipped to 5 / sqrt(2) each, then (3, 3) as it is.
        let mut moments = (0.0, 0.0);
        let mut expected = 1.0;
        for (step, (factor, slope)) in [(200.0, 5.0 / 2f64.sqrt()), (3.0, 3.0)].into_iter().enumerate() {
            adam.descend(&(weight.as_tensor() * factor).unwrap().sum_all().unwrap()).unwrap();
            moments = (0.9 * moments.0 + 0.1 * slope, 0.999 * moments.1 + 0.001 * slope * slope);
            let unbiased = |moment: f64, decay: f64| moment / (1.0 - decay.powi(step as i32 + 1));
            expected -= 0.1 * unbiased(moments.0, 0.9) / (unbiased(moments.1, 0.999).sqrt() + 1e-8);
            let found = f64::from(weight.to_vec1::<f32>().unwrap()[0]);
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}
