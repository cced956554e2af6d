//! Human-designed networks learn, are saved, and are used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;
#[path = "common/nets.rs"]
mod nets;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor};
use common::{close, flat};
use eoinas_core::models::{ModelConfig, ModelForm, ModelKind};
use eoinas_core::{SeedStream, Streams, TargetInfo};
use eoinas_nn::saved::{self, Framing, Normalisation, SavedNetwork};
use eoinas_nn::{Batch, DerivedNetwork, NnError, Operations, PassOptions, PassOutput, Sgd};
use nets::{check_weights, unit};
use rand::Rng;

const CLASSES: usize = 5;
const STAGES: &str = "stage5-6:1-01 stage3-8:0-10-111 dense12";
const MOTIFS: &str = "motifs6 1.2.3 4.5.6 3.1.0.0.2.6 | 1.3.2";
const DENSENET: &str = "densenet6 block3x2-5 transition7 block4:9";

fn images(samples: usize, [h, w, c]: [usize; 3], index: u64) -> Batch {
    let mut rng = Streams::new(11).rng(SeedStream::Named("test batch"), 0, index);
    let pixels = (0..samples * h * w * c).map(|_| 4.0 * unit(&mut rng) - 2.0).collect();
    let labels: Vec<u32> = (0..samples).map(|_| rng.next_u32() % CLASSES as u32).collect();
    Batch::from_pixels(pixels, (samples, h, w, c), labels, &Device::Cpu).unwrap()
}

fn of(model: &ModelConfig) -> DerivedNetwork {
    DerivedNetwork::of_model(model, [9, 8, 3], CLASSES, &Streams::new(3), &Device::Cpu).unwrap()
}

/// Every network in its form for small images, narrow and shallow where it can be.
fn models() -> Vec<ModelConfig> {
    let small = |name: ModelKind| {
        let depth = match name {
            ModelKind::ResNet20 | ModelKind::ResNet56 | ModelKind::ResNet110 => Some(8),
            ModelKind::DenseNetBc => Some(16),
            _ => None,
        };
        let new = ModelConfig::new(name);
        let form = new.name.forms().contains(&ModelForm::Cifar).then_some(ModelForm::Cifar);
        ModelConfig { depth, form, width: 0.15, ..new }
    };
    let searched = [STAGES, MOTIFS, DENSENET].map(|text| text.parse().unwrap());
    ModelKind::ALL.into_iter().map(small).chain(searched).collect()
}

fn resnet() -> ModelConfig {
    ModelConfig { depth: Some(14), width: 0.5, ..ModelConfig::new(ModelKind::ResNet20) }
}

fn dropping() -> ModelConfig {
    ModelConfig { width: 0.1, ..ModelConfig::new(ModelKind::MobileNetV2) }
}

fn step(net: &mut DerivedNetwork, batch: &Batch, options: &PassOptions) -> PassOutput {
    let output = net.train_pass(batch, options).unwrap();
    Sgd::default().step(net.parameters_mut(), output.weight_gradients.as_ref().unwrap(), 0.05).unwrap();
    output
}

fn all_bytes(net: &DerivedNetwork) -> Vec<Vec<u32>> {
    net.parameters().iter().map(|(_, p)| flat(p.value()).iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn all_of_them_learn_and_are_folded() {
    for model in models() {
        let (mut net, batch) = (of(&model), images(12, [9, 8, 3], 0));
        let graph = model.graph([9, 8, 3], CLASSES).unwrap();
        assert_eq!(net.parameters().count(), graph.counts().parameters, "{model:?}");
        let losses: Vec<f64> = (0..8).map(|_| step(&mut net, &batch, &PassOptions::default()).loss).collect();
        assert!(losses[7] < losses[0] && losses.iter().all(|loss| loss.is_finite()), "{model:?}: {losses:?}");
        let want = flat(&net.logits(batch.images()).unwrap());
        assert_eq!(flat(&net.logits(batch.images()).unwrap()), want);
        let folded = net.into_inference().unwrap();
        close(&format!("{model:?}"), &flat(&folded.logits(batch.images()).unwrap()), &want, 1e-4);
        assert_eq!(folded.graph().unwrap().nodes().last().unwrap().shape, [1, 1, CLASSES]);
    }
}

#[test]
fn gradients_are_slopes_whatever_dropout_drops() {
    for model in [ModelConfig { depth: Some(8), ..resnet() }, dropping(), STAGES.parse().unwrap()] {
        // Large enough that BatchNorm behind the last halving has many values.
        let size = [16, 15, 3];
        let new = || DerivedNetwork::of_model(&model, size, CLASSES, &Streams::new(3), &Device::Cpu).unwrap();
        let (net, batch) = (new(), images(12, size, 0));
        let gradients = net.train_pass(&batch, &PassOptions::default()).unwrap().weight_gradients.unwrap();
        assert_eq!(gradients.iter().map(|(_, g)| g.elem_count() as u64).sum::<u64>(), net.parameters().count());
        let mut moved = new();
        let loss = |tensors: &HashMap<String, Tensor>| {
            moved.parameters_mut().load(tensors).unwrap();
            moved.train_pass(&batch, &PassOptions::default()).unwrap().loss
        };
        check_weights(|| net.parameters().tensors(), &gradients, net.parameters(), loss);
    }
}

#[test]
fn dropout_draws_by_epoch_and_step_and_in_training_alone() {
    let (net, batch) = (of(&dropping()), images(6, [9, 8, 3], 0));
    let loss =
        |epoch, step| net.train_pass(&batch, &PassOptions { epoch, step, ..PassOptions::default() }).unwrap().loss;
    assert_eq!(loss(1, 2), loss(1, 2));
    assert!(loss(1, 2) != loss(1, 3) && loss(1, 2) != loss(2, 2));
    let calibrated = net.calibrate(&batch).unwrap().loss;
    assert_eq!(net.evaluate_by_batch(&batch).unwrap().loss, calibrated);
}

#[test]
fn threads_do_not_change_a_byte() {
    let model = ModelConfig { width: 0.25, ..ModelConfig::new(ModelKind::MobileNetV3) };
    let trained = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut net = of(&model);
            (0..2).for_each(|index| drop(step(&mut net, &images(7, [9, 8, 3], index), &PassOptions::default())));
            let logits = flat(&net.logits(images(3, [9, 8, 3], 9).images()).unwrap());
            (all_bytes(&net), logits)
        })
    };
    let one = trained(1);
    assert_eq!(trained(2), one);
    assert_eq!(trained(5), one);
}

#[test]
fn statistics_move_in_training_and_calibration_alone() {
    let (net, batch) = (of(&resnet()), images(6, [9, 8, 3], 0));
    let mean = || flat(net.parameters().by_name("conv1.bn.running_mean").unwrap().value());
    let before = mean();
    net.evaluate(&batch).unwrap();
    net.evaluate_by_batch(&batch).unwrap();
    net.train_head_pass(&batch, &PassOptions::default()).unwrap();
    assert_eq!(mean(), before);
    net.calibrate(&batch).unwrap();
    assert_ne!(mean(), before);
}

#[test]
fn the_head_alone_learns() {
    let (mut net, batch) = (of(&resnet()), images(6, [9, 8, 3], 0));
    for index in 0..3 {
        step(&mut net, &images(6, [9, 8, 3], index), &PassOptions::default());
    }
    let output = net.train_head_pass(&batch, &PassOptions::default()).unwrap();
    assert_eq!(output.loss, net.evaluate(&batch).unwrap().loss);
    let gradients = output.weight_gradients.unwrap();
    let names: Vec<&str> = gradients.iter().map(|(id, _)| net.parameters().get(id).unwrap().name()).collect();
    assert_eq!(names, ["fc.weight", "fc.bias"]);
    net.scale_rate_below_head(0.25);
    for (_, parameter) in net.parameters().iter() {
        assert_eq!(parameter.rate(), if parameter.name().starts_with("fc.") { 1.0 } else { 0.25 });
    }
}

#[test]
fn what_only_cells_have_is_refused() {
    let (net, batch) = (of(&resnet()), images(2, [9, 8, 3], 0));
    let error = |options: PassOptions| net.train_pass(&batch, &options).unwrap_err();
    let dropped = error(PassOptions { drop_path: 0.2, ..PassOptions::default() });
    assert!(matches!(&dropped, NnError::Setting(wrong) if wrong.name == "drop_path"), "{dropped}");
    let dropped = error(PassOptions { skip_dropout: 0.2, ..PassOptions::default() });
    assert!(matches!(&dropped, NnError::Setting(wrong) if wrong.name == "skip_dropout"), "{dropped}");
    let weighted = error(PassOptions { auxiliary_weight: 0.4, ..PassOptions::default() });
    assert!(matches!(weighted, NnError::NoAuxiliary { .. }), "{weighted}");
    let other = net.evaluate(&images(2, [8, 8, 3], 0)).unwrap_err();
    assert!(matches!(other, NnError::Batch { .. }), "{other}");
}

fn save(dir: &Path, net: &DerivedNetwork) {
    let classes = TargetInfo::Classes(["ant", "bee", "cat", "dog", "eel"].map(String::from).to_vec());
    let normalisation = Normalisation { mean: vec![0.5; 3], std: vec![0.25; 3], ..Normalisation::default() };
    saved::save(dir, net, &classes, &normalisation, Framing::Centre).unwrap();
}

fn read(dir: &Path) -> Result<DerivedNetwork, NnError> {
    SavedNetwork::read(dir)?.build(&Operations::built_in(), &Device::Cpu)
}

#[test]
fn a_network_comes_back_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let (dir, again) = (root.path().join("net"), root.path().join("again"));
    let (mut net, batch) = (of(&resnet()), images(6, [9, 8, 3], 0));
    step(&mut net, &batch, &PassOptions::default());
    save(&dir, &net);
    let back = read(&dir).unwrap();
    assert_eq!(back.architecture(), net.architecture());
    assert_eq!((back.architecture().name(), back.images(), back.classes()), ("resnet-20", [9, 8, 3], CLASSES));
    assert!(back.genotype().is_none() && back.skeleton().is_none());
    assert_eq!(all_bytes(&back), all_bytes(&net));
    save(&again, &back);
    for file in ["network.json", "model.safetensors"] {
        assert_eq!(fs::read(dir.join(file)).unwrap(), fs::read(again.join(file)).unwrap(), "{file}");
    }
    let text = fs::read_to_string(dir.join("network.json")).unwrap();
    assert!(text.contains("\"version\": 4") && text.contains("\"name\": \"resnet-20\""), "{text}");
    assert!(!text.contains("genotype") && !text.contains("skeleton"), "{text}");
}

#[test]
fn descriptions_and_weights_that_do_not_fit_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let (dir, other) = (root.path().join("net"), root.path().join("other"));
    save(&dir, &of(&resnet()));
    let path = dir.join("network.json");
    let text = fs::read_to_string(&path).unwrap();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = read(&dir).unwrap_err();
        fs::write(&path, &text).unwrap();
        error.to_string()
    };
    let error = with("\"version\": 4", "\"version\": 3");
    assert!(error.contains("version 3 says by `genotype` and `skeleton` what the network is"), "{error}");
    let error = with("\"model\"", "\"modell\"");
    assert!(error.contains("unknown field `modell`"), "{error}");
    let error = with("\"depth\": 14", "\"depth\": 15");
    assert!(error.contains("network.depth is 15"), "{error}");
    let error = with("\"depth\": 14", "\"depth\": 20");
    assert!(error.contains("layer1.2.conv1") && error.contains("is missing"), "{error}");
    let error = with("\"width\": 0.5", "\"width\": 60.0");
    assert!(error.contains("network.json describes a network of"), "{error}");
    for side in ["0", "99999999999"] {
        let error = with("\n    9,", &format!("\n    {side},"));
        assert!(error.contains(&format!("is {side}; expected 1 to ")), "{error}");
    }
    save(&other, &of(&ModelConfig { width: 0.25, ..resnet() }));
    fs::copy(other.join("model.safetensors"), dir.join("model.safetensors")).unwrap();
    let error = read(&dir).unwrap_err();
    assert!(matches!(&error, NnError::Weights { problem, .. } if problem.contains(" has shape [")), "{error}");
}

#[test]
fn weights_below_the_head_are_taken_over() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("net");
    let mut net = of(&resnet());
    step(&mut net, &images(6, [9, 8, 3], 0), &PassOptions::default());
    save(&dir, &net);
    let mut new = DerivedNetwork::of_model(&resnet(), [12, 8, 3], 2, &Streams::new(8), &Device::Cpu).unwrap();
    let head = flat(new.parameters().by_name("fc.weight").unwrap().value());
    SavedNetwork::read(&dir).unwrap().initialise(&mut new, false).unwrap();
    let value = |net: &DerivedNetwork, name: &str| flat(net.parameters().by_name(name).unwrap().value());
    assert_eq!(value(&new, "layer3.1.conv2.weight"), value(&net, "layer3.1.conv2.weight"));
    assert_eq!(value(&new, "fc.weight"), head);
}
