//! Human-designed networks: counts against PyTorch's and published ones, forms, widths, depths, names, and what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashSet;
use std::path::Path;

use eoinas_core::models::{Activation, ConvSpec, Layer, LayerGraph, ModelConfig, ModelForm, ModelKind};
use eoinas_core::{CoreError, Counts};
use serde::Deserialize;

/// A row of what `tests/pytorch/model_counts.py` writes.
#[derive(Debug, Deserialize)]
struct Row {
    network: ModelKind,
    form: ModelForm,
    width: f64,
    depth: Option<usize>,
    parameters: u64,
    multiply_adds: u64,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pytorch/values/model_counts.csv");
    csv::Reader::from_path(path).unwrap().into_deserialize().collect::<Result<_, _>>().unwrap()
}

fn graph(config: &ModelConfig, form: ModelForm) -> Result<LayerGraph, CoreError> {
    let config = ModelConfig { form: Some(form), ..config.clone() };
    config.graph(form.images(), form.classes())
}

fn counts(kind: ModelKind, form: ModelForm) -> Counts {
    graph(&ModelConfig::new(kind), form).unwrap().counts()
}

fn refusal(config: &ModelConfig, form: ModelForm) -> String {
    graph(config, form).unwrap_err().to_string()
}

#[test]
fn every_count_is_pytorchs() {
    let mut seen = HashSet::new();
    for Row { network, form, width, depth, parameters, multiply_adds } in rows() {
        let config = ModelConfig { width, depth, ..ModelConfig::new(network) };
        let counts = graph(&config, form).unwrap().counts();
        assert_eq!(counts, Counts { parameters, multiply_adds }, "{config:?} {form:?}");
        seen.insert((network, form));
    }
    for kind in ModelKind::ALL {
        assert!(kind.forms().iter().all(|form| seen.contains(&(kind, *form))), "{kind}");
    }
}

#[test]
fn parameters_of_torchvision_by_its_documentation() {
    let parameters = |kind| counts(kind, ModelForm::ImageNet).parameters;
    assert_eq!(parameters(ModelKind::ResNet18), 11_689_512);
    assert_eq!(parameters(ModelKind::ResNet50), 25_557_032);
    assert_eq!(parameters(ModelKind::DenseNetBc), 7_978_856);
    assert_eq!(parameters(ModelKind::InceptionV1), 6_624_904);
    assert_eq!(parameters(ModelKind::MobileNetV2), 3_504_872);
    assert_eq!(parameters(ModelKind::MobileNetV3), 5_483_032);
}

#[test]
fn published_figures_are_met_within_what_docs_say_of_them() {
    for kind in ModelKind::ALL {
        for figures in kind.published().figures {
            let counts = counts(kind, figures.form);
            // Of these the definition or the rounding is another one, as docs/NETWORKS.md explains.
            let within = match kind {
                ModelKind::ShuffleNet | ModelKind::ResNet50 | ModelKind::InceptionV1With5x5 => 0.1,
                _ => 0.04,
            };
            for (published, counted) in
                [(figures.parameters, counts.parameters), (figures.multiply_adds, counts.multiply_adds)]
            {
                let off = published.map_or(0.0, |published| (counted as f64 / published as f64 - 1.0).abs());
                assert!(off < within, "{kind}: {published:?} published ({}), {counted} counted", figures.source);
            }
        }
        assert!(!kind.published().title.is_empty() && (2015..2020).contains(&kind.published().year));
    }
    assert_eq!(counts(ModelKind::ResNet110, ModelForm::Cifar).parameters, 1_727_962);
    assert_eq!(counts(ModelKind::PreactResNet110, ModelForm::Cifar).parameters, 1_727_962);
}

#[test]
fn googlenet_with_biases_in_place_of_batch_norm_is_caffes() {
    let network = graph(&ModelConfig::new(ModelKind::InceptionV1With5x5), ModelForm::ImageNet).unwrap();
    let norms = network.nodes().iter().filter(|node| matches!(node.layer, Layer::BatchNorm { .. }));
    let scales: usize = norms.map(|node| node.shape[2]).sum();
    // The published model without its auxiliary heads.
    assert_eq!(network.counts().parameters - scales as u64, 6_998_552);
}

/// Layers that read nothing of what they need, names that repeat, or an end that is not the logits.
fn check(network: &LayerGraph, classes: usize) {
    let mut names = HashSet::new();
    for (index, node) in network.nodes().iter().enumerate() {
        assert!(names.insert(&node.name), "{}", node.name);
        assert!(node.inputs.iter().all(|input| input.index() < index), "{}", node.name);
        assert!(node.shape.iter().all(|&size| size > 0), "{}: {:?}", node.name, node.shape);
    }
    let read: HashSet<usize> = network.nodes().iter().flat_map(|node| &node.inputs).map(|id| id.index()).collect();
    assert_eq!(read.len(), network.nodes().len() - 1, "every value but the logits is read");
    assert_eq!(network.nodes().last().unwrap().shape, [1, 1, classes]);
    assert_eq!(network.classes(), classes);
}

#[test]
fn every_network_has_its_shape_in_every_form_and_width() {
    for kind in ModelKind::ALL {
        for &form in kind.forms() {
            let mut before = 0;
            for width in [1e-9, 0.1, 0.25, 0.33, 0.5, 0.77, 1.0, 1.5, 3.0] {
                let network = graph(&ModelConfig { width, ..ModelConfig::new(kind) }, form).unwrap();
                check(&network, form.classes());
                let cost = network.counts().multiply_adds;
                assert!(cost >= before, "{kind} {form:?} at {width}: {cost} after {before}");
                before = cost;
            }
            // Images of other sizes, grey or with a border that strides do not divide.
            let small = if form == ModelForm::Cifar { [28, 28, 1] } else { [64, 64, 1] };
            for images in [small, [65, 79, 3], [161, 131, 4]] {
                let config = ModelConfig { form: Some(form), ..ModelConfig::new(kind) };
                check(&config.graph(images, 7).unwrap(), 7);
            }
        }
    }
}

#[test]
fn the_last_images_have_the_published_size() {
    for kind in ModelKind::ALL {
        for &form in kind.forms() {
            let network = graph(&ModelConfig::new(kind), form).unwrap();
            let average = network.nodes().iter().find(|node| node.name == "pool" || node.name == "head.pool").unwrap();
            let [height, width, _] = network.shape(average.inputs[0]);
            let expected = match (form, kind) {
                (ModelForm::ImageNet, _) => 7,
                (_, ModelKind::ResNet18 | ModelKind::ResNet50 | ModelKind::SeNet) => 4,
                (_, ModelKind::MobileNetV2 | ModelKind::MobileNetV3 | ModelKind::ShuffleNet) => 4,
                _ => 8,
            };
            assert_eq!((height, width), (expected, expected), "{kind} {form:?}");
        }
    }
}

#[test]
fn mobile_networks_have_their_activations_and_constants() {
    let network = graph(&ModelConfig::new(ModelKind::MobileNetV3), ModelForm::ImageNet).unwrap();
    let count = |wanted: Activation| network.nodes().iter().filter(|n| n.layer == Layer::Activation(wanted)).count();
    // 8 of the table's blocks excite; 6 blocks have ReLU, the first of one convolution that is followed by one.
    assert_eq!(count(Activation::HardSigmoid), 8);
    assert_eq!(count(Activation::Relu), 8 + 1 + 5 * 2);
    assert_eq!(count(Activation::HardSwish), 1 + 9 * 2 + 2);
    let norms = |node: &&eoinas_core::models::LayerNode| matches!(node.layer, Layer::BatchNorm { .. });
    let constants = Layer::BatchNorm { epsilon: 1e-3, momentum: 0.01 };
    assert!(network.nodes().iter().filter(norms).all(|node| node.layer == constants));
    let network = graph(&ModelConfig::new(ModelKind::MobileNetV2), ModelForm::Cifar).unwrap();
    let relu6 = network.nodes().iter().filter(|n| n.layer == Layer::Activation(Activation::Relu6)).count();
    assert_eq!(relu6, 1 + 1 + 16 * 2 + 1);
}

#[test]
fn groups_of_shufflenet_are_the_papers() {
    for width in [0.01, 0.3, 0.5, 0.9, 1.0, 1.27, 3.0] {
        let network = graph(&ModelConfig { width, ..ModelConfig::new(ModelKind::ShuffleNet) }, ModelForm::ImageNet);
        let network = network.unwrap();
        let groups = |name: &str| match network.nodes().iter().find(|node| node.name == name).unwrap().layer {
            Layer::Conv(ConvSpec { groups, .. }) => groups,
            _ => 0,
        };
        assert_eq!((groups("stage2.0.reduce"), groups("stage2.0.expand")), (1, 3));
        assert_eq!((groups("stage2.1.reduce"), groups("stage3.0.reduce")), (3, 3));
    }
}

#[test]
fn depths_are_those_of_the_family() {
    let at = |kind, depth| ModelConfig { depth: Some(depth), ..ModelConfig::new(kind) };
    let deep = graph(&at(ModelKind::ResNet20, 110), ModelForm::Cifar).unwrap();
    assert_eq!(deep, graph(&ModelConfig::new(ModelKind::ResNet110), ModelForm::Cifar).unwrap());
    assert!(graph(&at(ModelKind::DenseNetBc, 250), ModelForm::Cifar).is_ok());
    for (kind, depth, form, part) in [
        (ModelKind::ResNet20, 21, ModelForm::Cifar, "network.depth is 21; expected 6n + 2 layers"),
        (ModelKind::PreactResNet56, 0, ModelForm::Cifar, "6n + 2"),
        (ModelKind::ResNet110, usize::MAX, ModelForm::Cifar, "from 8 to 4000"),
        (ModelKind::DenseNetBc, 121, ModelForm::Cifar, "6n + 4 layers for CIFAR"),
        (ModelKind::DenseNetBc, 190, ModelForm::ImageNet, "the layers of densenet-bc: 121, 169, 201"),
        (ModelKind::SeNet, 50, ModelForm::Cifar, "the layers of senet: 18, 34"),
        (ModelKind::MobileNetV2, 20, ModelForm::Cifar, "none: mobilenet-v2 has one depth"),
        (ModelKind::InceptionV1, 22, ModelForm::ImageNet, "none: inception-v1 has one depth"),
        (ModelKind::ShuffleNet, 50, ModelForm::ImageNet, "none: shufflenet has one depth"),
    ] {
        let error = refusal(&at(kind, depth), form);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    for kind in ModelKind::ALL {
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            let error = refusal(&ModelConfig { width, ..ModelConfig::new(kind) }, kind.forms()[0]);
            assert!(error.starts_with("network.width is "), "{kind}: {error}");
        }
        let config = ModelConfig::new(kind);
        assert!(config.graph([32, 32, 3], 0).unwrap_err().to_string().starts_with("network.classes is 0"));
        assert!(config.graph([32, 0, 3], 10).unwrap_err().to_string().starts_with("images is [32, 0, 3]"));
        // Either is right, a panic is not.
        let _ = config.graph([1, 1, 1], 10);
    }
    let error = refusal(&ModelConfig::new(ModelKind::ResNet20), ModelForm::ImageNet);
    assert!(error.contains("a form in which resnet-20 is defined"), "{error}");
    let error = ModelConfig { form: Some(ModelForm::Cifar), ..ModelConfig::new(ModelKind::DenseNetBc) };
    let error = error.graph([3, 3, 3], 10).unwrap_err().to_string();
    assert!(error.starts_with("layer `transition"), "{error}");
}

#[test]
fn names_are_read_however_spelled_and_others_get_the_nearest() {
    for kind in ModelKind::ALL {
        assert_eq!(kind.name().parse::<ModelKind>().unwrap(), kind);
        let json = serde_json::to_string(&ModelConfig::new(kind)).unwrap();
        assert_eq!(serde_json::from_str::<ModelConfig>(&json).unwrap(), ModelConfig::new(kind), "{json}");
    }
    assert_eq!("MobileNetV2".parse::<ModelKind>().unwrap(), ModelKind::MobileNetV2);
    assert_eq!("ResNet_110".parse::<ModelKind>().unwrap(), ModelKind::ResNet110);
    let error = "resnet-101".parse::<ModelKind>().unwrap_err().to_string();
    assert!(error.starts_with("network is resnet-101; expected one of resnet-20, "), "{error}");
    assert!(error.ends_with("(is resnet-110 meant?)"), "{error}");
    assert!(!"vgg".parse::<ModelKind>().unwrap_err().to_string().contains("meant"));
    let error = serde_json::from_str::<ModelConfig>(r#"{"name": "shuflenet"}"#).unwrap_err().to_string();
    assert!(error.contains("is shufflenet meant?"), "{error}");
}

#[test]
fn a_width_is_found_for_a_cost() {
    for kind in ModelKind::ALL {
        let (form, config) = (kind.forms()[0], ModelConfig::new(kind));
        let whole = counts(kind, form);
        for share in [0.1, 0.3, 0.7, 1.0, 2.0] {
            let wanted = (whole.multiply_adds as f64 * share) as u64;
            let fitted = config.with_multiply_adds(form.images(), form.classes(), wanted).unwrap();
            let got = graph(&fitted, form).unwrap().counts().multiply_adds;
            // Steps of the smallest ResNet are a sixteenth of its width at once.
            let within = if share < 0.5 || kind == ModelKind::ResNet20 { 0.12 } else { 0.03 };
            let off = (got as f64 / wanted as f64 - 1.0).abs();
            assert!(off < within, "{kind}: {wanted} wanted, {got} at {}", fitted.width);
            // No neighbour is nearer.
            for width in [fitted.width * 0.999, fitted.width * 1.001] {
                let near = graph(&ModelConfig { width, ..fitted.clone() }, form).unwrap().counts().multiply_adds;
                assert!((near as f64 / wanted as f64).ln().abs() >= (got as f64 / wanted as f64).ln().abs() - 1e-12);
            }
        }
        let same = config.with_multiply_adds(form.images(), form.classes(), whole.multiply_adds).unwrap();
        assert_eq!(graph(&same, form).unwrap().counts(), whole, "{kind}");
        assert_eq!(same.width, 1.0, "{kind}: the shortest number");
        let by_parameters = config.with_parameters(form.images(), form.classes(), whole.parameters).unwrap();
        assert_eq!(by_parameters.width, 1.0, "{kind}");
        let error = config.with_multiply_adds(form.images(), form.classes(), 3).unwrap_err().to_string();
        assert!(error.starts_with("multiply_adds is 3; expected at least "), "{error}");
        let error = config.with_multiply_adds(form.images(), form.classes(), u64::MAX).unwrap_err().to_string();
        assert!(error.contains("expected at most "), "{error}");
    }
}
