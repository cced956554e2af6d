//! Weights as ONNX has them: channels first, little-endian.

use candle_core::Tensor;

use crate::error::{OnnxError, Result};
use crate::proto::{DOUBLE, FLOAT, INT64, TensorProto};

/// Protocol buffers hold less than 2 GiB. Some of it is left for the graph itself.
const MAX_BYTES: usize = (1 << 31) - (1 << 24);

/// The tensors of the file so far.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    pub tensors: Vec<TensorProto>,
    bytes: usize,
}

impl Weights {
    /// Adds `tensor`, whose dimensions are put into the order `order` first; gives its name.
    pub fn add(&mut self, name: &str, tensor: &Tensor, order: &[usize]) -> Result<String> {
        let tensor = tensor.permute(order)?.contiguous()?;
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.push(name, tensor.dims(), FLOAT, data)
    }

    /// Adds numbers of the shape `dims`.
    pub fn add_floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> Result<String> {
        self.push(name, dims, FLOAT, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Adds a list of integers, unless one of that name is there.
    pub fn add_integers(&mut self, name: &str, values: &[i64]) -> Result<String> {
        self.add_once(name, values.len(), INT64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Adds a list of numbers in double precision, unless one of that name is there.
    pub fn add_doubles(&mut self, name: &str, values: &[f64]) -> Result<String> {
        self.add_once(name, values.len(), DOUBLE, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Adds one number without dimensions, unless one of that name is there.
    pub fn add_once_float(&mut self, name: &str, value: f32) -> Result<String> {
        self.add_shape_once(name, &[], FLOAT, value.to_le_bytes().to_vec())
    }

    fn add_once(&mut self, name: &str, count: usize, data_type: i32, data: Vec<u8>) -> Result<String> {
        self.add_shape_once(name, &[count], data_type, data)
    }

    fn add_shape_once(&mut self, name: &str, dims: &[usize], data_type: i32, data: Vec<u8>) -> Result<String> {
        if self.tensors.iter().any(|tensor| tensor.name.as_deref() == Some(name)) {
            return Ok(name.to_owned());
        }
        self.push(name, dims, data_type, data)
    }

    fn push(&mut self, name: &str, dims: &[usize], data_type: i32, data: Vec<u8>) -> Result<String> {
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes > MAX_BYTES {
            let problem = format!("it has {} bytes of weights, and a file holds less than {MAX_BYTES}", self.bytes);
            return Err(OnnxError::Graph { problem });
        }
        self.tensors.push(TensorProto {
            dims: dims.iter().map(|&dim| dim as i64).collect(),
            data_type: Some(data_type),
            name: Some(name.to_owned()),
            raw_data: Some(data),
        });
        Ok(name.to_owned())
    }
}
