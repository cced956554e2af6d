//! A network of layers made ready for evaluation: BatchNorm folded away, and the whole described as a graph.

use eoinas_core::models::{Activation, PoolKind, PoolSpec};

use super::conv::Conv;
use super::{Kind, LayerModule, LayerNetwork, present};
use crate::error::{NnError, Result};
use crate::graph::{GraphBuilder, GraphOp, Padding, Pooling, ValueId};
use crate::parameters::Parameters;

impl LayerNetwork {
    /// Folds each BatchNorm that alone reads a convolution into it.
    pub fn fold(&mut self, parameters: &mut Parameters) -> Result<()> {
        for index in 1..self.layers.len() {
            let (before, rest) = self.layers.split_at_mut(index);
            let Some((layer, behind)) = rest.split_first_mut() else { break };
            let Some(&input) = layer.inputs.first() else { continue };
            let again = behind.iter().chain(before.iter().skip(input)).any(|other| other.inputs.contains(&input));
            let (Kind::Norm(norm), Some(Kind::Conv(conv)), false) =
                (&mut layer.kind, before.get_mut(input).map(|layer| &mut layer.kind), again)
            else {
                continue;
            };
            let Some(scale) = norm.fold(parameters)? else { continue };
            let weight = parameters.value(conv.weight)?.broadcast_mul(&scale)?;
            parameters.set(conv.weight, &weight)?;
            let Some(shift) = norm.shift() else { continue };
            if let Some(bias) = conv.bias {
                let moved = ((parameters.value(bias)? * scale)? + parameters.value(shift)?)?;
                parameters.set(shift, &moved)?;
                parameters.remove(bias);
            }
            conv.bias = Some(shift);
            layer.kind = Kind::Identity;
        }
        Ok(())
    }

    /// Adds the network to a graph; gives the logits.
    pub fn trace(&self, graph: &mut GraphBuilder<'_>, images: ValueId) -> Result<ValueId> {
        let mut values: Vec<ValueId> = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let inputs = layer.inputs.iter().map(|&input| present(values.get(input).copied()));
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            values.push(match (&layer.kind, inputs.first()) {
                (Kind::Images, _) => images,
                (_, Some(&first)) => layer.trace(graph, &inputs, first)?,
                (_, None) => return Err(NnError::Fault("a layer reads nothing")),
            });
        }
        let logits = present(values.pop())?;
        graph.flat(logits)
    }
}

impl LayerModule {
    /// Adds the layer, which reads `first` and maybe others; gives its output.
    fn trace(&self, graph: &mut GraphBuilder<'_>, inputs: &[ValueId], first: ValueId) -> Result<ValueId> {
        let is_flat = graph.is_flat(first)?;
        let op = match &self.kind {
            Kind::Images | Kind::Dropout { .. } | Kind::Identity => return Ok(first),
            // These need images.
            Kind::Conv(_) | Kind::Norm(_) | Kind::Pool(_) | Kind::Shortcut { .. } | Kind::Shuffle { .. } if is_flat => {
                return Err(NnError::NotExportable { operation: self.name.clone() });
            }
            Kind::Conv(conv) => conv.op(graph)?,
            Kind::Norm(norm) => {
                let traced = norm.trace(graph, first)?;
                return traced.ok_or(NnError::Fault("a BatchNorm has no running statistics"));
            }
            Kind::Activation(Activation::Relu) => return graph.relu(first),
            Kind::Activation(activation) => GraphOp::Activation(*activation),
            Kind::Pool(spec) => self.pool(spec, graph.shape(first)?)?,
            Kind::GlobalAverage => return graph.flat(first),
            Kind::Linear { weight, bias } => {
                let (x, weight, bias) = (graph.flat(first)?, graph.weight(*weight)?, graph.weight(*bias)?);
                return graph.push(GraphOp::Linear { weight, bias }, &[x]);
            }
            Kind::Shortcut { stride } => GraphOp::Shortcut { stride: *stride, channels: self.shape[2] },
            Kind::Shuffle { groups } => GraphOp::Shuffle { groups: *groups },
            Kind::Add => GraphOp::Sum,
            Kind::Concat => GraphOp::Concat,
            Kind::Scale => {
                let factors = graph.flat(present(inputs.get(1).copied())?)?;
                return graph.push(GraphOp::Scale, &[first, factors]);
            }
        };
        graph.push(op, inputs)
    }

    /// A pooling of an image of this shape. A last window that reaches beyond the padding gets more of it.
    fn pool(&self, spec: &PoolSpec, [height, width, _]: [usize; 3]) -> Result<GraphOp> {
        let PoolSpec { kind, kernel, stride, padding, .. } = *spec;
        let behind =
            |count: usize, size: usize| (count.saturating_sub(1) * stride + kernel).saturating_sub(padding + size);
        let (bottom, right) = (behind(self.shape[0], height), behind(self.shape[1], width));
        let beyond = bottom > padding || right > padding;
        let pooling = match kind {
            PoolKind::Max => Pooling::Max,
            // The mean of a window that is cut off is over fewer pixels, which no operation of a graph says.
            PoolKind::Average if beyond => return Err(NnError::NotExportable { operation: self.name.clone() }),
            PoolKind::Average if padding == 0 => Pooling::Average,
            PoolKind::Average => Pooling::PaddedAverage,
        };
        let padding = Padding { top: padding, left: padding, bottom, right };
        Ok(GraphOp::Pool { pooling, kernel, stride, padding })
    }
}

impl Conv {
    fn op(&self, graph: &GraphBuilder<'_>) -> Result<GraphOp> {
        let weight = graph.weight(self.weight)?;
        let bias = self.bias.map(|bias| graph.weight(bias)).transpose()?;
        let (stride, padding) = (self.spec.stride, Padding::around(self.spec.padding.0, self.spec.padding.1));
        Ok(match self.spec.groups {
            1 => GraphOp::Conv { weight, bias, stride, padding },
            groups => GraphOp::GroupedConv { weight, bias, stride, padding, groups },
        })
    }
}
