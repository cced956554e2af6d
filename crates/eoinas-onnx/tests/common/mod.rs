//! Images, and onnxruntime.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use candle_core::Tensor;
use eoinas_nn::saved::Normalisation;

/// Numbers that look random, from 0 to 255.
pub fn pixels(count: usize, salt: u64) -> Vec<f32> {
    let mix = |i: u64| (i + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_mul(i + 77).rotate_left(23) >> 40;
    (0..count as u64).map(|i| (mix(i) % 256) as f32).collect()
}

pub fn normalisation() -> Normalisation {
    Normalisation { mean: vec![0.49, 0.48, 0.45], std: vec![0.25, 0.24, 0.26], ..Normalisation::default() }
}

pub fn normalise(pixels: &[f32]) -> Vec<f32> {
    normalisation().apply(&pixels.iter().map(|&pixel| pixel as u8).collect::<Vec<_>>())
}

/// What onnxruntime makes of `images`, `[n, h, w, c]`; `None` where it is not installed.
pub fn run(model: &Path, images: &Tensor) -> Option<Vec<f32>> {
    let python = std::env::var_os("EOINAS_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/run_onnx.py");
    let first = images.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap();
    let bytes: Vec<u8> =
        first.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().flat_map(|value| value.to_le_bytes()).collect();
    let file = model.with_extension("images");
    std::fs::write(&file, bytes).unwrap();
    let shape = first.dims().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let output = match Command::new(&python).arg(script).arg(model).arg(&file).arg(shape).output() {
        Ok(output) if output.status.code() != Some(77) => output,
        Ok(output) => {
            let reason = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            println!("skipped: {reason} (set EOINAS_PYTHON to a Python with numpy and onnxruntime)");
            return None;
        }
        Err(error) => {
            println!("skipped: {} cannot be run: {error}", python.display());
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect())
}
