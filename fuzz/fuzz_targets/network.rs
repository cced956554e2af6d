//! Any bytes as the description of a saved network, and as its weights: the file `network.json`, a zero byte, and
//! `model.safetensors`.
#![no_main]

use candle_core::Device;
use eoinas_nn::{Operations, saved::SavedNetwork};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (description, weights) = bytes.split_at(cut);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("network.json"), description).unwrap();
    std::fs::write(dir.path().join("model.safetensors"), weights.get(1..).unwrap_or_default()).unwrap();
    if let Ok(saved) = SavedNetwork::read(dir.path()) {
        let _ = saved.build(&Operations::built_in(), &Device::Cpu);
    }
});
