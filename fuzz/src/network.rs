use std::fs;

use candle_core::Device;
use eoinas_core::models::{ModelConfig, ModelKind};
use eoinas_core::{Skeleton, Streams, TargetInfo, zoo};
use eoinas_nn::{
    DerivedNetwork, Operations,
    saved::{self, Framing, Normalisation, SavedNetwork},
};

use crate::scratch;

const FILES: [&str; 2] = ["network.json", "model.safetensors"];

/// Any bytes as the description of a saved network, and as its weights: the file `network.json`, a zero byte, and
/// `model.safetensors`.
pub fn network(bytes: &[u8]) {
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (description, weights) = bytes.split_at(cut);
    let dir = scratch();
    let contents = [description, weights.get(1..).unwrap_or_default()];
    FILES.iter().zip(contents).for_each(|(name, content)| fs::write(dir.path().join(name), content).unwrap());
    if let Ok(saved) = SavedNetwork::read(dir.path()) {
        let _ = saved.build(&Operations::built_in(), &Device::Cpu);
    }
}

/// Networks that can be built, as small as they can be.
pub fn made() -> Vec<Vec<u8>> {
    let genotype = zoo::find("nas-bench-201-best").unwrap().genotype();
    let skeleton = Skeleton { channels: 1, classes: 2, ..Skeleton::nas_bench_201(1) };
    let (space, operations, streams) = (genotype.space().unwrap(), Operations::built_in(), Streams::new(0));
    let network = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &streams, &Device::Cpu).unwrap();
    let model = ModelConfig { depth: Some(8), width: 0.01, ..ModelConfig::new(ModelKind::ResNet20) };
    let searched = ["stage3-1:1-01 dense2", "motifs1 6.0.2 0.1.6 | 1.2.1"].map(|text| text.parse().unwrap());
    let models = [model].into_iter().chain(searched);
    let models = models.map(|model| DerivedNetwork::of_model(&model, [8, 8, 3], 2, &streams, &Device::Cpu).unwrap());
    [network].into_iter().chain(models).map(|network| bytes_of(&network)).collect()
}

/// The files of a network as [`network`] reads them.
fn bytes_of(network: &DerivedNetwork) -> Vec<u8> {
    let dir = scratch();
    let folder = dir.path().join("network");
    let classes = TargetInfo::Classes(["ant", "bee"].map(String::from).to_vec());
    let normalisation = Normalisation { mean: vec![0.5; 3], std: vec![0.25; 3], ..Normalisation::default() };
    saved::save(&folder, network, &classes, &normalisation, Framing::Centre).unwrap();
    let [description, weights] = FILES.map(|name| fs::read(folder.join(name)).unwrap());
    [description, vec![0], weights].concat()
}
