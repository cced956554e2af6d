//! A stage for evaluation: its BatchNorm folded away, and the whole as part of a graph.

use eoinas_kernels::Geometry;

use crate::error::Result;
use crate::graph::{GraphBuilder, GraphOp, Padding, ValueId, Weight};
use crate::parameters::Parameters;
use crate::stage::{Kernel, Stage};

impl Stage {
    /// Folds the BatchNorm into the convolution, for evaluation alone. A stage without one, or without running
    /// statistics, stays as it is.
    ///
    /// # Errors
    /// A parameter that is not there.
    pub fn fold(&mut self, parameters: &mut Parameters) -> Result<()> {
        let Some(norm) = &mut self.norm else { return Ok(()) };
        let Some(scale) = norm.fold(parameters)? else { return Ok(()) };
        // The output channels are the last dimension of every weight.
        match self.kernel {
            Kernel::Separable { pointwise: weight, .. } | Kernel::Dense { weight, .. } => {
                let value = parameters.value(weight)?.broadcast_mul(&scale)?;
                parameters.set(weight, &value)
            }
            Kernel::FactorizedReduce { weights: [first, second] } => {
                let half = parameters.value(first)?.dim(1)?;
                for (weight, from, count) in [(first, 0, half), (second, half, scale.dim(0)? - half)] {
                    let value = parameters.value(weight)?.broadcast_mul(&scale.narrow(0, from, count)?)?;
                    parameters.set(weight, &value)?;
                }
                Ok(())
            }
        }
    }

    /// Adds the stage to a graph.
    ///
    /// # Errors
    /// A parameter that is not there.
    pub fn trace(&self, graph: &mut GraphBuilder<'_>, x: ValueId) -> Result<ValueId> {
        let x = if self.relu { graph.relu(x)? } else { x };
        let bias = self.norm.and_then(|norm| norm.shift()).map(|shift| graph.weight(shift)).transpose()?;
        let y = match self.kernel {
            Kernel::Separable { depthwise, pointwise, geometry } => {
                let Geometry { kernel, stride, dilation } = geometry;
                let side = dilation * (kernel / 2);
                let (weight, padding) = (graph.weight(depthwise)?, Padding::around(side, side));
                let x = graph.push(GraphOp::Depthwise { weight, stride, dilation, padding }, &[x])?;
                let weight = graph.weight(pointwise)?;
                graph.conv(x, weight, bias, 1, Padding::default())?
            }
            Kernel::Dense { weight, geometry } => {
                let padding = Padding::around(geometry.kernel.0 / 2, geometry.kernel.1 / 2);
                let weight = graph.weight(weight)?;
                graph.conv(x, weight, bias, geometry.stride, padding)?
            }
            Kernel::FactorizedReduce { weights: [first, second] } => {
                let [first, second] = [graph.weight(first)?, graph.weight(second)?];
                let half = first.value.dim(1)?;
                let (one, other) = (part(&bias, "even", 0, half)?, part(&bias, "odd", half, second.value.dim(1)?)?);
                let even = graph.conv(x, first, one, 2, Padding::default())?;
                // Beyond the border the shifted image has zeros.
                let [height, width, _] = graph.shape(x)?;
                let shifted = graph.push(GraphOp::DropFirst, &[x])?;
                let padding = Padding { bottom: height % 2, right: width % 2, ..Padding::default() };
                let odd = graph.conv(shifted, second, other, 2, padding)?;
                graph.concat(&[even, odd])?
            }
        };
        let unfolded = self.norm.map(|norm| norm.trace(graph, y)).transpose()?.flatten();
        Ok(unfolded.unwrap_or(y))
    }
}

/// Some channels of a shift.
fn part(bias: &Option<Weight>, which: &str, from: usize, count: usize) -> Result<Option<Weight>> {
    let Some(Weight { name, value }) = bias else { return Ok(None) };
    Ok(Some(Weight { name: format!("{name}.{which}"), value: value.narrow(0, from, count)?.contiguous()? }))
}
