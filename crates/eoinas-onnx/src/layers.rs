//! Operations that only human-designed networks have.

use eoinas_core::models::Activation;

use crate::convert::{Converter, float, ints};
use crate::error::{OnnxError, Result};

impl Converter {
    /// A function of each value.
    pub(crate) fn activation(&mut self, activation: Activation, x: String) -> Result<String> {
        Ok(match activation {
            Activation::Relu => self.push("Relu", vec![x], Vec::new()),
            Activation::Relu6 => {
                let low = self.weights.add_once_float("relu6.low", 0.0)?;
                let high = self.weights.add_once_float("relu6.high", 6.0)?;
                self.push("Clip", vec![x, low, high], Vec::new())
            }
            Activation::Sigmoid => self.push("Sigmoid", vec![x], Vec::new()),
            Activation::HardSigmoid => {
                self.push("HardSigmoid", vec![x], vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)])
            }
            Activation::HardSwish => self.push("HardSwish", vec![x], Vec::new()),
        })
    }

    /// Every `stride`-th pixel, and `more` channels of zeros.
    pub(crate) fn shortcut(&mut self, x: String, stride: usize, more: usize) -> Result<String> {
        let mut y = x;
        if stride > 1 {
            let starts = self.weights.add_integers("shortcut.starts", &[0, 0])?;
            let ends = self.weights.add_integers("shortcut.ends", &[i64::MAX, i64::MAX])?;
            let axes = self.weights.add_integers("shortcut.axes", &[2, 3])?;
            let step = i64::try_from(stride).map_err(|_| too_large(stride))?;
            let steps = self.weights.add_integers(&format!("shortcut.steps.{stride}"), &[step, step])?;
            y = self.push("Slice", vec![y, starts, ends, axes, steps], Vec::new());
        }
        if more > 0 {
            let behind = i64::try_from(more).map_err(|_| too_large(more))?;
            let pads = self.weights.add_integers(&format!("shortcut.pads.{more}"), &[0, 0, 0, 0, 0, behind, 0, 0])?;
            y = self.push("Pad", vec![y, pads], Vec::new());
        }
        Ok(y)
    }

    /// Channels in the order that interleaves `groups`, of an image of this height, width and number of channels.
    pub(crate) fn shuffle(&mut self, x: String, groups: usize, shape: [usize; 3]) -> Result<String> {
        let [height, width, channels] = shape.map(|size| i64::try_from(size).map_err(|_| too_large(size)));
        let (height, width, channels) = (height?, width?, channels?);
        let groups = i64::try_from(groups.max(1)).map_err(|_| too_large(groups))?;
        let name = format!("shuffle.{groups}.{height}.{width}.{channels}");
        // 0: as many as there are images.
        let apart = [0, groups, channels / groups, height, width];
        let apart = self.weights.add_integers(&format!("{name}.apart"), &apart)?;
        let joined = self.weights.add_integers(&format!("{name}.joined"), &[0, channels, height, width])?;
        let apart = self.push("Reshape", vec![x, apart], Vec::new());
        let turned = self.push("Transpose", vec![apart], vec![ints("perm", [0, 2, 1, 3, 4])]);
        Ok(self.push("Reshape", vec![turned, joined], Vec::new()))
    }

    /// An image times a factor for each channel, `[n, c]`.
    pub(crate) fn scale(&mut self, x: String, factors: String) -> Result<String> {
        let axes = self.weights.add_integers("scale.axes", &[2, 3])?;
        let factors = self.push("Unsqueeze", vec![factors, axes], Vec::new());
        Ok(self.push("Mul", vec![x, factors], Vec::new()))
    }
}

fn too_large(size: usize) -> OnnxError {
    OnnxError::Graph { problem: format!("{size} is more than the format can say") }
}
