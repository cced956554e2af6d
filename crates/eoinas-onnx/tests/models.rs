//! Exported human-designed networks give onnxruntime the logits that they give here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

use candle_core::{Device, Tensor};
use common::{normalisation, normalise, pixels, run};
use eoinas_core::Streams;
use eoinas_core::models::{ModelConfig, ModelForm, ModelKind};
use eoinas_nn::{Batch, DerivedNetwork, InferenceNetwork, PassOptions, Sgd};
use eoinas_onnx::ExportOptions;

const CLASSES: usize = 5;

/// A network whose statistics, scales and shifts are not what they begin with.
fn network(model: &ModelConfig, images: [usize; 3]) -> InferenceNetwork {
    let mut net = DerivedNetwork::of_model(model, images, CLASSES, &Streams::new(2), &Device::Cpu).unwrap();
    let shape = (8, images[0], images[1], images[2]);
    for step in 0..2 {
        let values = normalise(&pixels(shape.0 * shape.1 * shape.2 * shape.3, 1000 * step));
        let batch = Batch::from_pixels(values, shape, vec![0, 1, 2, 3, 4, 0, 1, 2], &Device::Cpu).unwrap();
        let output = net.train_pass(&batch, &PassOptions::default()).unwrap();
        Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.02).unwrap();
    }
    net.into_inference().unwrap()
}

/// Every network in every form, with the size of its images.
fn models() -> Vec<(ModelConfig, [usize; 3])> {
    let mut models = Vec::new();
    for name in ModelKind::ALL {
        let depth = match name {
            ModelKind::ResNet20 | ModelKind::ResNet56 | ModelKind::ResNet110 => Some(8),
            ModelKind::PreactResNet20 | ModelKind::PreactResNet56 | ModelKind::PreactResNet110 => Some(8),
            _ => None,
        };
        for &form in name.forms() {
            // DenseNet-BC for CIFAR has any depth of 6 n + 4, that for ImageNet three.
            let is_dense = name == ModelKind::DenseNetBc && form == ModelForm::Cifar;
            let depth = if is_dense { Some(16) } else { depth };
            let images = if form == ModelForm::Cifar { [13, 10, 3] } else { [71, 66, 3] };
            models.push((ModelConfig { form: Some(form), depth, width: 0.15, ..ModelConfig::new(name) }, images));
        }
    }
    let searched = [
        ("stage5-6:1-01 stage3-8:0-10-111 dense12", [13, 10, 3]),
        ("stage3-4:0 stage3-6 dense9", [4, 3, 3]),
        ("motifs6 1.2.3 4.5.6 3.1.0.0.2.6 | 1.3.2", [13, 10, 3]),
        ("motifs4 6.6.6.2.0.3.0.0.1.0.0.0.5.1.0", [13, 10, 3]),
    ];
    models.extend(searched.map(|(text, images)| (text.parse().unwrap(), images)));
    models
}

#[test]
fn all_of_them_answer_as_here() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (model, images)) in models().into_iter().enumerate() {
        let net = network(&model, images);
        let shape = (3, images[0], images[1], images[2]);
        let pixels = pixels(shape.0 * shape.1 * shape.2 * shape.3, 77_777);
        let normalised = Tensor::from_vec(normalise(&pixels), shape, &Device::Cpu).unwrap();
        let raw = Tensor::from_vec(pixels, shape, &Device::Cpu).unwrap();
        let want = net.logits(&normalised).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let options = ExportOptions { normalisation: Some(normalisation()), ..ExportOptions::default() };
        let file = folder.path().join(format!("{number}.onnx"));
        eoinas_onnx::write(&file, &net, &options).unwrap();
        let Some(got) = run(&file, &raw) else { continue };
        assert_eq!(got.len(), want.len(), "{model:?}");
        let scale = want.iter().fold(1f32, |scale, want| scale.max(want.abs()));
        let worst = got.iter().zip(&want).fold(0f32, |worst, (got, want)| worst.max((got - want).abs()));
        assert!(worst < 1e-4 * scale, "{model:?}: logits differ by {worst:e} of {scale}");
    }
}
