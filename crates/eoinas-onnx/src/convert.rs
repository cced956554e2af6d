//! From a network's graph to an ONNX model: channels-last operations become channels-first ones.

use candle_core::Tensor;
use eoinas_core::{Setting, TargetInfo};
use eoinas_nn::graph::{Graph, GraphNode, GraphOp, Padding, Pooling, Weight};

use crate::error::{OnnxError, Result};
use crate::proto::{
    ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, ATTRIBUTE_STRING, AttributeProto, DimensionProto, FLOAT,
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorShapeProto, TensorTypeProto,
    TypeProto, UINT8, ValueInfoProto,
};
use crate::weights::Weights;
use crate::{ExportOptions, IR_VERSION, OPSET, PICTURE_OPSET};

/// `[kh, kw, input, output]` as `[output, input, kh, kw]`.
const DENSE: &[usize] = &[3, 2, 0, 1];
/// `[k, k, channels, 1]` as `[channels, 1, k, k]`.
const DEPTHWISE: &[usize] = &[2, 3, 0, 1];

/// The whole model.
pub(crate) fn model(graph: &Graph, options: &ExportOptions) -> Result<ModelProto> {
    let mut converter = Converter { values: Vec::with_capacity(graph.nodes().len()), ..Converter::default() };
    for node in graph.nodes() {
        let value = converter.node(node, options)?;
        converter.values.push(value);
        converter.channels.push(node.shape[2]);
    }
    let images = graph.nodes().first().map_or([0; 3], |node| node.shape);
    let outputs = graph.nodes().last().map_or(0, |node| node.shape[2]);
    converter.answer(options, outputs)?;
    let name = options.output();
    // The last node's value gets the name that the file promises.
    let mut nodes = converter.nodes;
    if let Some(output) = nodes.last_mut().and_then(|node| node.output.first_mut()) {
        *output = name.to_owned();
    }
    let opset = if options.picture.is_some() { PICTURE_OPSET } else { OPSET };
    let entry =
        |(key, value): &(String, String)| StringStringEntryProto { key: Some(key.clone()), value: Some(value.clone()) };
    Ok(ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("eoinas".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(GraphProto {
            node: nodes,
            name: Some("network".to_owned()),
            initializer: converter.weights.tensors,
            input: vec![input(images, options)],
            output: vec![value(name, FLOAT, vec![open("n"), fixed(outputs)])],
        }),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(opset) }],
        metadata_props: options.metadata.iter().map(entry).collect(),
    })
}

#[derive(Default)]
pub(crate) struct Converter {
    nodes: Vec<NodeProto>,
    pub(crate) weights: Weights,
    /// Name and channels of each value of the graph.
    values: Vec<String>,
    channels: Vec<usize>,
}

impl Converter {
    /// Adds a node of the graph; gives the name of its value.
    fn node(&mut self, node: &GraphNode, options: &ExportOptions) -> Result<String> {
        let inputs: Vec<String> = node.inputs.iter().filter_map(|id| self.values.get(id.index())).cloned().collect();
        let first = inputs.first().cloned().unwrap_or_default();
        match &node.op {
            GraphOp::Images => self.images(node.shape, options),
            GraphOp::Relu => Ok(self.push("Relu", inputs, Vec::new())),
            GraphOp::Activation(activation) => self.activation(*activation, first),
            GraphOp::Conv { weight, bias, stride, padding } => {
                self.conv(first, (weight, DENSE), bias.as_ref(), 1, (*stride, 1, padding))
            }
            GraphOp::GroupedConv { weight, bias, stride, padding, groups } => {
                self.conv(first, (weight, DENSE), bias.as_ref(), *groups, (*stride, 1, padding))
            }
            GraphOp::Depthwise { weight, stride, dilation, padding } => {
                let (name, value) = (weight.name.clone(), weight.value.unsqueeze(3)?);
                let weight = Weight { name, value };
                self.conv(first, (&weight, DEPTHWISE), None, node.shape[2], (*stride, *dilation, padding))
            }
            GraphOp::Pool { pooling, kernel, stride, padding } => {
                let mut attributes =
                    vec![ints("kernel_shape", [*kernel; 2]), ints("strides", [*stride; 2]), pads(padding)];
                Ok(match pooling {
                    Pooling::Max => self.push("MaxPool", inputs, attributes),
                    Pooling::Average | Pooling::PaddedAverage => {
                        let padded = usize::from(*pooling == Pooling::PaddedAverage);
                        attributes.push(int("count_include_pad", padded));
                        self.push("AveragePool", inputs, attributes)
                    }
                })
            }
            GraphOp::DropFirst { rows, columns } => {
                let name = match (rows, columns) {
                    (1, 1) => "drop_first.starts".to_owned(),
                    _ => format!("drop_first.starts.{rows}.{columns}"),
                };
                let starts = self.weights.add_integers(&name, &[*rows as i64, *columns as i64])?;
                let ends = self.weights.add_integers("drop_first.ends", &[i64::MAX, i64::MAX])?;
                let axes = self.weights.add_integers("drop_first.axes", &[2, 3])?;
                Ok(self.push("Slice", vec![first, starts, ends, axes], Vec::new()))
            }
            GraphOp::Shortcut { stride, channels } => {
                self.shortcut(first, *stride, channels.saturating_sub(self.channels_of(node)))
            }
            GraphOp::Shuffle { groups } => self.shuffle(first, *groups, node.shape),
            GraphOp::Scale => {
                let factors = inputs.get(1).cloned().unwrap_or_default();
                self.scale(first, factors)
            }
            GraphOp::Affine { scale, shift } => {
                let [scale, shift] = [self.channels(scale)?, self.channels(shift)?];
                let scaled = self.push("Mul", vec![first, scale], Vec::new());
                Ok(self.push("Add", vec![scaled, shift], Vec::new()))
            }
            // x - x is zero for every finite x, whatever its shape.
            GraphOp::Zeros => Ok(self.push("Sub", vec![first.clone(), first], Vec::new())),
            GraphOp::Sum => Ok(self.push("Sum", inputs, Vec::new())),
            GraphOp::Concat => Ok(self.push("Concat", inputs, vec![int("axis", 1)])),
            GraphOp::GlobalAverage => {
                let pooled = self.push("GlobalAveragePool", inputs, Vec::new());
                Ok(self.push("Flatten", vec![pooled], vec![int("axis", 1)]))
            }
            GraphOp::Linear { weight, bias } => {
                let weight = self.weights.add(&weight.name, &weight.value, &[0, 1])?;
                let bias = self.weights.add(&bias.name, &bias.value, &[0])?;
                Ok(self.push("Gemm", vec![first, weight, bias], Vec::new()))
            }
            other => {
                let operation: String = format!("{other:?}").chars().take(64).collect();
                Err(OnnxError::Graph { problem: format!("it has an operation that is not exported: {operation}") })
            }
        }
    }

    /// The input, cut, resized and normalised by the graph where that is wanted.
    fn images(&mut self, shape: [usize; 3], options: &ExportOptions) -> Result<String> {
        let channels = shape[2];
        let images = match options.picture {
            Some(framing) => self.picture(shape, framing, options)?,
            None => options.input().to_owned(),
        };
        let Some(normalisation) = &options.normalisation else { return Ok(images) };
        let (mean, std) = (&normalisation.mean, &normalisation.std);
        if mean.len() != channels || std.len() != channels {
            let got = if mean.len() == channels { std.len() } else { mean.len() };
            let expected = format!("{channels}, as the network's images have");
            return Err(Setting::new("channels of the normalisation", got, expected).into());
        }
        let unit = normalisation.unit();
        let scale: Vec<f32> = std.iter().map(|std| 1.0 / (unit * std)).collect();
        let shift: Vec<f32> = mean.iter().zip(std).map(|(mean, std)| -mean / std).collect();
        let scale = self.weights.add_floats("normalisation.scale", &[channels, 1, 1], &scale)?;
        let shift = self.weights.add_floats("normalisation.shift", &[channels, 1, 1], &shift)?;
        let scaled = self.push("Mul", vec![images, scale], Vec::new());
        Ok(self.push("Add", vec![scaled, shift], Vec::new()))
    }

    /// What the outputs stand for, from the network's own.
    fn answer(&mut self, options: &ExportOptions, outputs: usize) -> Result<()> {
        if let Some(target) = &options.target {
            let got = target.outputs();
            Setting::check(got == outputs, "outputs of the target", got, format!("{outputs}, as the network has"))?;
        }
        let logits = self.values.last().cloned().unwrap_or_default();
        match &options.target {
            None | Some(TargetInfo::Classes(_)) => {
                if options.probabilities {
                    self.push("Softmax", vec![logits], Vec::new());
                }
            }
            Some(TargetInfo::Labels(_)) => drop(self.push("Sigmoid", vec![logits], Vec::new())),
            Some(TargetInfo::Numbers(numbers)) => {
                let (mean, std): (Vec<f32>, Vec<f32>) = numbers.iter().map(|number| (number.mean, number.std)).unzip();
                let scale = self.weights.add_floats("numbers.scale", &[outputs], &std)?;
                let shift = self.weights.add_floats("numbers.shift", &[outputs], &mean)?;
                let scaled = self.push("Mul", vec![logits, scale], Vec::new());
                self.push("Add", vec![scaled, shift], Vec::new());
            }
        }
        Ok(())
    }

    fn conv(
        &mut self,
        x: String,
        (weight, order): (&Weight, &[usize]),
        bias: Option<&Weight>,
        group: usize,
        (stride, dilation, padding): (usize, usize, &Padding),
    ) -> Result<String> {
        let mut inputs = vec![x, self.weights.add(&weight.name, &weight.value, order)?];
        if let Some(bias) = bias {
            inputs.push(self.weights.add(&bias.name, &bias.value, &[0])?);
        }
        let (rows, columns, _, _) = weight.value.dims4()?;
        let attributes = vec![
            ints("kernel_shape", [rows, columns]),
            ints("strides", [stride; 2]),
            ints("dilations", [dilation; 2]),
            pads(padding),
            int("group", group),
        ];
        Ok(self.push("Conv", inputs, attributes))
    }

    /// Channels of what a node reads first.
    fn channels_of(&self, node: &GraphNode) -> usize {
        node.inputs.first().and_then(|id| self.channels.get(id.index())).copied().unwrap_or(0)
    }

    /// One number a channel, `[c, 1, 1]`.
    fn channels(&mut self, weight: &Weight) -> Result<String> {
        let value: Tensor = weight.value.reshape(((), 1, 1))?;
        self.weights.add(&weight.name, &value, &[0, 1, 2])
    }

    pub(crate) fn push(&mut self, op_type: &str, input: Vec<String>, attribute: Vec<AttributeProto>) -> String {
        let name = format!("{}_{}", op_type.to_lowercase(), self.nodes.len());
        self.nodes.push(NodeProto {
            input,
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(op_type.to_owned()),
            attribute,
        });
        name
    }
}

fn pads(padding: &Padding) -> AttributeProto {
    ints("pads", [padding.top, padding.left, padding.bottom, padding.right])
}

pub(crate) fn int(name: &str, value: usize) -> AttributeProto {
    let (name, i, r#type) = (Some(name.to_owned()), Some(value as i64), Some(ATTRIBUTE_INT));
    AttributeProto { name, i, r#type, ..AttributeProto::default() }
}

pub(crate) fn float(name: &str, value: f32) -> AttributeProto {
    let (name, f, r#type) = (Some(name.to_owned()), Some(value), Some(ATTRIBUTE_FLOAT));
    AttributeProto { name, f, r#type, ..AttributeProto::default() }
}

pub(crate) fn ints<const N: usize>(name: &str, values: [usize; N]) -> AttributeProto {
    let ints = values.iter().map(|&value| value as i64).collect();
    AttributeProto { name: Some(name.to_owned()), ints, r#type: Some(ATTRIBUTE_INTS), ..AttributeProto::default() }
}

pub(crate) fn text(name: &str, value: &str) -> AttributeProto {
    let (name, s, r#type) = (Some(name.to_owned()), Some(value.into()), Some(ATTRIBUTE_STRING));
    AttributeProto { name, s, r#type, ..AttributeProto::default() }
}

/// The input of a network whose images are `[height, width, channels]`.
fn input([height, width, channels]: [usize; 3], options: &ExportOptions) -> ValueInfoProto {
    let (kind, dims) = match options.picture {
        Some(_) => (UINT8, vec![open("n"), open("height"), open("width"), fixed(3)]),
        None => (FLOAT, vec![open("n"), fixed(channels), fixed(height), fixed(width)]),
    };
    value(options.input(), kind, dims)
}

/// A length that is any.
fn open(name: &str) -> DimensionProto {
    DimensionProto { dim_value: None, dim_param: Some(name.to_owned()) }
}

fn fixed(length: usize) -> DimensionProto {
    DimensionProto { dim_value: Some(length as i64), dim_param: None }
}

/// An input or output.
fn value(name: &str, elem_type: i32, dim: Vec<DimensionProto>) -> ValueInfoProto {
    let tensor_type = TensorTypeProto { elem_type: Some(elem_type), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}
