//! Builds a graph as modules describe themselves.

use std::collections::HashMap;

use candle_core::Tensor;

use super::{Graph, GraphNode, GraphOp, Padding, ValueId, Weight};
use crate::error::{NnError, Result};
use crate::parameters::{ParamId, Parameters};

/// The graph so far, and the parameters that it takes its weights from.
#[derive(Debug)]
pub struct GraphBuilder<'a> {
    parameters: &'a Parameters,
    nodes: Vec<GraphNode>,
    /// The ReLU of a value, which several ops of a cell read.
    relus: HashMap<ValueId, ValueId>,
}

impl<'a> GraphBuilder<'a> {
    /// A graph with nothing but its images of this height, width and number of channels.
    pub fn new(parameters: &'a Parameters, shape: [usize; 3]) -> (Self, ValueId) {
        let nodes = vec![GraphNode { op: GraphOp::Images, inputs: Vec::new(), shape }];
        (Self { parameters, nodes, relus: HashMap::new() }, ValueId(0))
    }

    /// The graph; its last node makes the logits.
    pub fn finish(self) -> Graph {
        Graph { nodes: self.nodes }
    }

    /// A parameter as a weight.
    ///
    /// # Errors
    /// [`NnError::NoParameter`] when it is not there.
    pub fn weight(&self, id: ParamId) -> Result<Weight> {
        let value = self.parameters.value(id)?.clone();
        let name = self.parameters.get(id).map(|parameter| parameter.name().to_owned()).unwrap_or_default();
        Ok(Weight { name, value })
    }

    /// The network's parameters.
    pub fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// Height, width and channels of a value.
    ///
    /// # Errors
    /// A value of another graph.
    pub fn shape(&self, value: ValueId) -> Result<[usize; 3]> {
        self.nodes.get(value.0).map(|node| node.shape).ok_or(NnError::NoValue)
    }

    /// Whether a value is `[n, length]`, and no image of one pixel.
    ///
    /// # Errors
    /// A value of another graph.
    pub fn is_flat(&self, value: ValueId) -> Result<bool> {
        let mut node = self.nodes.get(value.0).ok_or(NnError::NoValue)?;
        loop {
            match (&node.op, node.inputs.first()) {
                (GraphOp::GlobalAverage | GraphOp::Linear { .. }, _) => return Ok(true),
                (GraphOp::Relu | GraphOp::Activation(_) | GraphOp::Sum | GraphOp::Concat, Some(input)) => {
                    node = self.nodes.get(input.0).ok_or(NnError::NoValue)?;
                }
                _ => return Ok(false),
            }
        }
    }

    /// An image of one pixel, or what is no image any more, as `[n, length]`.
    ///
    /// # Errors
    /// A value of another graph.
    pub fn flat(&mut self, value: ValueId) -> Result<ValueId> {
        if self.is_flat(value)? { Ok(value) } else { self.push(GraphOp::GlobalAverage, &[value]) }
    }

    /// ReLU of a value; asked for again, it is the same value.
    ///
    /// # Errors
    /// A value of another graph.
    pub fn relu(&mut self, x: ValueId) -> Result<ValueId> {
        if let Some(&relu) = self.relus.get(&x) {
            return Ok(relu);
        }
        let relu = self.push(GraphOp::Relu, &[x])?;
        self.relus.insert(x, relu);
        Ok(relu)
    }

    /// The values joined along their channels; one alone is itself.
    ///
    /// # Errors
    /// No value, or one of another graph.
    pub fn concat(&mut self, values: &[ValueId]) -> Result<ValueId> {
        match values {
            [one] => Ok(*one),
            _ => self.push(GraphOp::Concat, values),
        }
    }

    /// A dense convolution; `weight` is `[kh, kw, input, output]`, or `[input, output]` for a 1x1 one.
    ///
    /// # Errors
    /// A value of another graph.
    pub fn conv(
        &mut self,
        x: ValueId,
        weight: Weight,
        bias: Option<Weight>,
        stride: usize,
        padding: Padding,
    ) -> Result<ValueId> {
        let value = match *weight.value.dims() {
            [input, output] => weight.value.reshape((1, 1, input, output))?,
            _ => weight.value.clone(),
        };
        let weight = Weight { value, ..weight };
        self.push(GraphOp::Conv { weight, bias, stride, padding }, &[x])
    }

    /// Adds an operation; gives the value that it makes.
    ///
    /// # Errors
    /// An input of another graph.
    pub fn push(&mut self, op: GraphOp, inputs: &[ValueId]) -> Result<ValueId> {
        let shapes = inputs.iter().map(|&input| self.shape(input)).collect::<Result<Vec<_>>>()?;
        let first = shapes.first().copied().ok_or(NnError::NoValue)?;
        let shape = output_shape(&op, first, shapes.iter().map(|shape| shape[2]).sum());
        self.nodes.push(GraphNode { op, inputs: inputs.to_vec(), shape });
        Ok(ValueId(self.nodes.len() - 1))
    }
}

fn output_shape(op: &GraphOp, [h, w, c]: [usize; 3], channels: usize) -> [usize; 3] {
    let last = |weight: &Tensor| weight.dims().last().copied().unwrap_or(0);
    let window = |padding: &Padding, (rows, columns): (usize, usize), stride: usize| {
        let along = |size: usize, window: usize| size.saturating_sub(window) / stride.max(1) + 1;
        (along(h + padding.top + padding.bottom, rows), along(w + padding.left + padding.right, columns))
    };
    match op {
        GraphOp::Conv { weight, stride, padding, .. } | GraphOp::GroupedConv { weight, stride, padding, .. } => {
            let kernel = weight.value.dims4().map_or((1, 1), |(rows, columns, _, _)| (rows, columns));
            let (h, w) = window(padding, kernel, *stride);
            [h, w, last(&weight.value)]
        }
        GraphOp::Depthwise { weight, stride, dilation, padding } => {
            let reach = weight.value.dims().first().map_or(1, |k| dilation * k.saturating_sub(1) + 1);
            let (h, w) = window(padding, (reach, reach), *stride);
            [h, w, c]
        }
        GraphOp::Pool { kernel, stride, padding, .. } => {
            let (h, w) = window(padding, (*kernel, *kernel), *stride);
            [h, w, c]
        }
        GraphOp::Shortcut { stride, channels } => {
            let stride = (*stride).max(1);
            [h.div_ceil(stride), w.div_ceil(stride), *channels]
        }
        GraphOp::DropFirst { rows, columns } => [h.saturating_sub(*rows), w.saturating_sub(*columns), c],
        GraphOp::Concat => [h, w, channels],
        GraphOp::GlobalAverage => [1, 1, c],
        GraphOp::Linear { weight, .. } => [1, 1, last(&weight.value)],
        GraphOp::Images
        | GraphOp::Relu
        | GraphOp::Activation(_)
        | GraphOp::Affine { .. }
        | GraphOp::Shuffle { .. }
        | GraphOp::Scale
        | GraphOp::Zeros
        | GraphOp::Sum => [h, w, c],
    }
}
