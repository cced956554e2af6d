//! A stage for evaluation: its BatchNorm folded away, and the whole as part of a graph.

use eoinas_kernels::{Convolution, Geometry, reduce_offset};

use crate::error::Result;
use crate::graph::{GraphBuilder, GraphOp, Padding, ValueId, Weight};
use crate::parameters::{ParamId, Parameters};
use crate::stage::Stage;

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
        match self.conv {
            Convolution::Separable { pointwise: weight, .. }
            | Convolution::Depthwise { weight, .. }
            | Convolution::Dense { weight, .. } => {
                let value = parameters.value(weight)?.broadcast_mul(&scale)?;
                parameters.set(weight, &value)
            }
            Convolution::FactorizedReduce { weights: [first, second] } => {
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
        let y = match self.conv {
            Convolution::Depthwise { weight, geometry } => {
                let y = depthwise(graph, x, weight, geometry)?;
                match bias {
                    Some(shift) => {
                        let scale = Weight { name: format!("{}.ones", shift.name), value: shift.value.ones_like()? };
                        graph.push(GraphOp::Affine { scale, shift }, &[y])?
                    }
                    None => y,
                }
            }
            Convolution::Separable { depthwise: weight, pointwise, geometry } => {
                let x = depthwise(graph, x, weight, geometry)?;
                let weight = graph.weight(pointwise)?;
                graph.conv(x, weight, bias, 1, Padding::default())?
            }
            Convolution::Dense { weight, geometry } => {
                let (y, across) = geometry.padding();
                let weight = graph.weight(weight)?;
                graph.conv(x, weight, bias, geometry.stride(), Padding::around(y, across))?
            }
            Convolution::FactorizedReduce { weights: [first, second] } => {
                let [first, second] = [graph.weight(first)?, graph.weight(second)?];
                let half = first.value.dim(1)?;
                let (one, other) = (part(&bias, "even", 0, half)?, part(&bias, "odd", half, second.value.dim(1)?)?);
                let even = graph.conv(x, first, one, 2, Padding::default())?;
                let [height, width, _] = graph.shape(x)?;
                let (rows, columns) = reduce_offset(height, width);
                let shifted = match rows + columns {
                    0 => x,
                    _ => graph.push(GraphOp::DropFirst { rows, columns }, &[x])?,
                };
                // Beyond the border the shifted image has zeros.
                let padding =
                    Padding { bottom: rows * (height % 2), right: columns * (width % 2), ..Padding::default() };
                let odd = graph.conv(shifted, second, other, 2, padding)?;
                graph.concat(&[even, odd])?
            }
        };
        let unfolded = self.norm.map(|norm| norm.trace(graph, y)).transpose()?.flatten();
        Ok(unfolded.unwrap_or(y))
    }
}

fn depthwise(graph: &mut GraphBuilder<'_>, x: ValueId, weight: ParamId, geometry: Geometry) -> Result<ValueId> {
    let (stride, dilation, padding) = (geometry.stride(), geometry.dilation(), geometry.padding());
    let (weight, padding) = (graph.weight(weight)?, Padding::around(padding, padding));
    graph.push(GraphOp::Depthwise { weight, stride, dilation, padding }, &[x])
}

/// Some channels of a shift.
fn part(bias: &Option<Weight>, which: &str, from: usize, count: usize) -> Result<Option<Weight>> {
    let Some(Weight { name, value }) = bias else { return Ok(None) };
    Ok(Some(Weight { name: format!("{name}.{which}"), value: value.narrow(0, from, count)?.contiguous()? }))
}
