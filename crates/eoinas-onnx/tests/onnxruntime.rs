//! Exported networks give onnxruntime the logits that they give here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

use candle_core::{Device, Tensor};
use common::{normalisation, normalise, pixels, run};
use eoinas_core::{Form, Genotype, Skeleton, Streams, zoo};
use eoinas_nn::saved::Normalisation;
use eoinas_nn::{Batch, DerivedNetwork, InferenceNetwork, Operations, PassOptions, Sgd};
use eoinas_onnx::{ExportOptions, OnnxError};

/// A network whose statistics, scales and shifts are not what they begin with.
fn network(genotype: &Genotype, skeleton: &Skeleton) -> InferenceNetwork {
    let (space, operations, streams) = (genotype.space().unwrap(), Operations::built_in(), Streams::new(2));
    let mut net = DerivedNetwork::new(genotype, &space, skeleton, &operations, &streams, &Device::Cpu).unwrap();
    let shape = (8, skeleton.height, skeleton.width, skeleton.image_channels);
    for step in 0..3 {
        let values = normalise(&pixels(shape.0 * shape.1 * shape.2 * shape.3, 1000 * step));
        let batch = Batch::from_pixels(values, shape, vec![0, 1, 2, 3, 4, 0, 1, 2], &Device::Cpu).unwrap();
        let output = net.train_pass(&batch, &PassOptions::default()).unwrap();
        Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.05).unwrap();
    }
    net.into_inference().unwrap()
}

fn check(what: &str, genotype: &Genotype, skeleton: &Skeleton) {
    let net = network(genotype, skeleton);
    let shape = (3, skeleton.height, skeleton.width, skeleton.image_channels);
    let pixels = pixels(shape.0 * shape.1 * shape.2 * shape.3, 77_777);
    let normalised = Tensor::from_vec(normalise(&pixels), shape, &Device::Cpu).unwrap();
    let raw = Tensor::from_vec(pixels, shape, &Device::Cpu).unwrap();
    let want = net.logits(&normalised).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pixel_options = ExportOptions { normalisation: Some(normalisation()), ..ExportOptions::default() };
    for (index, (options, images)) in [(ExportOptions::default(), normalised), (pixel_options, raw)].iter().enumerate()
    {
        let model = folder.path().join(format!("{index}.onnx"));
        eoinas_onnx::write(&model, &net, options).unwrap();
        let Some(got) = run(&model, images) else { return };
        assert_eq!(got.len(), want.len(), "{what}");
        let worst = got.iter().zip(&want).fold(0f32, |worst, (got, want)| worst.max((got - want).abs()));
        assert!(worst < 1e-4, "{what}: logits differ by {worst:e}");
    }
}

#[test]
fn published_cells_answer_as_here() {
    for published in zoo::all() {
        let forms = match published.name {
            "nas-bench-201-best" => vec![Skeleton::nas_bench_201(1)],
            "darts-v2" => vec![Skeleton::cifar(), Skeleton::imagenet()],
            "eoinas-a" | "nasnet-a" | "amoebanet-a" => vec![Skeleton::cifar()],
            _ => continue,
        };
        for skeleton in forms {
            let size = if skeleton.form == Form::ImageNet { (50, 33) } else { (13, 10) };
            let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..skeleton }.with_image(3, size.0, size.1);
            check(published.name, &published.genotype(), &skeleton);
        }
    }
}

#[test]
fn nodes_of_zeros_are_exported() {
    let text = "Genotype(normal=[('sep_conv_7x7', 1), ('avg_pool_3x3', 1), ('conv_7x1_1x7', 0), ('none', 1)], \
        normal_concat=[2, 3], reduce=[('conv_7x1_1x7', 0), ('skip_connect', 1), ('none', 0), ('none', 1)], \
        reduce_concat=[2, 3])";
    let skeleton = Skeleton { channels: 4, cells: 4, classes: 5, ..Skeleton::cifar() }.with_image(3, 11, 8);
    check("zeros", &Genotype::parse(text).unwrap(), &skeleton);
}

#[test]
fn nothing_is_overwritten_and_wrong_channels_are_refused() {
    let skeleton = Skeleton { channels: 4, cells: 3, classes: 5, ..Skeleton::cifar() }.with_image(3, 8, 8);
    let net = network(&zoo::find("darts").unwrap().genotype(), &skeleton);
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnx");
    eoinas_onnx::write(&model, &net, &ExportOptions::default()).unwrap();
    let before = std::fs::read(&model).unwrap();
    assert_eq!(before, eoinas_onnx::to_bytes(&net, &ExportOptions::default()).unwrap(), "the same bytes every time");
    let metadata = vec![("classes".to_owned(), "a,b".to_owned())];
    let options = ExportOptions { metadata, ..ExportOptions::default() };
    assert!(eoinas_onnx::to_bytes(&net, &options).unwrap().len() > before.len());
    assert!(matches!(eoinas_onnx::write(&model, &net, &options), Err(OnnxError::Exists { .. })));
    assert_eq!(std::fs::read(&model).unwrap(), before);
    let grey = Normalisation { mean: vec![0.5], std: vec![0.5], ..Normalisation::default() };
    let options = ExportOptions { normalisation: Some(grey), ..ExportOptions::default() };
    let error = eoinas_onnx::to_bytes(&net, &options).unwrap_err();
    assert!(
        matches!(&error, OnnxError::Setting(wrong) if wrong.got == "1" && wrong.expected.starts_with('3')),
        "{error}"
    );
    let error = eoinas_onnx::write(&folder.path().join("no/model.onnx"), &net, &ExportOptions::default());
    assert!(matches!(error, Err(OnnxError::File { .. })));
}
