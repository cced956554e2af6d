//! Values computed by PyTorch, and how tests compare with them.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};

/// The tensors of one file of values, some of them below a prefix.
pub struct Values {
    tensors: HashMap<String, Tensor>,
    prefix: String,
}

impl Values {
    pub fn load(file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pytorch/values").join(file);
        let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
        Self { tensors, prefix: String::new() }
    }

    /// The values below `case/`.
    pub fn case(&self, case: &str) -> Self {
        Self { tensors: self.tensors.clone(), prefix: format!("{}{case}/", self.prefix) }
    }

    pub fn find(&self, key: &str) -> Option<Tensor> {
        self.tensors.get(&format!("{}{key}", self.prefix)).cloned()
    }

    pub fn get(&self, key: &str) -> Tensor {
        self.find(key).unwrap_or_else(|| panic!("no value {}{key}", self.prefix))
    }

    pub fn f32s(&self, key: &str) -> Vec<f32> {
        flat(&self.get(key))
    }

    pub fn number(&self, key: &str) -> f64 {
        f64::from(self.f32s(key)[0])
    }

    pub fn u32s(&self, key: &str) -> Vec<u32> {
        let tensor = self.get(key).flatten_all().unwrap();
        tensor.to_dtype(candle_core::DType::I64).unwrap().to_vec1::<i64>().unwrap().iter().map(|&v| v as u32).collect()
    }

    /// Everything whose key begins with `prefix`, by the rest of the key.
    pub fn below(&self, prefix: &str) -> HashMap<String, Tensor> {
        let prefix = format!("{}{prefix}", self.prefix);
        let rest = |(name, tensor): (&String, &Tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone()));
        self.tensors.iter().filter_map(rest).collect()
    }
}

pub fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_dtype(candle_core::DType::F32).unwrap().to_vec1().unwrap()
}

/// `max|got - want| <= tolerance * max|want|`; an absolute bound where everything wanted is zero.
#[track_caller]
pub fn close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}: number of values");
    let scale = want.iter().fold(0f32, |max, v| max.max(v.abs()));
    let worst =
        got.iter().zip(want).fold(0f32, |max, (g, w)| if (g - w).is_nan() { f32::NAN } else { max.max((g - w).abs()) });
    let bound = if scale == 0.0 { tolerance } else { tolerance * scale };
    assert!(worst <= bound, "{what}: differs by {worst:e}, largest value {scale:e}, bound {bound:e}");
}

#[track_caller]
pub fn close_tensors(what: &str, got: &Tensor, want: &Tensor, tolerance: f32) {
    assert_eq!(got.dims(), want.dims(), "{what}: shape");
    close(what, &flat(got), &flat(want), tolerance);
}
