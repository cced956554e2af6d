//! Human-designed networks against PyTorch's values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;
#[path = "common/formula.rs"]
mod formula;
#[path = "common/interpret.rs"]
mod interpret;

use std::collections::BTreeSet;

use common::{Values, close, close_tensors, flat};
use eoinas_core::models::ModelConfig;
use eoinas_nn::{Batch, DerivedNetwork, PassOptions};
use formula::{filled, images, layers, network, turned};

/// What a ReLU on the other side of its kink may change.
const KINK: f32 = 1e-2;

/// The cases below `what/`.
fn cases(values: &Values, what: &str) -> BTreeSet<String> {
    let below = values.below(&format!("{what}/"));
    below.keys().map(|key| key.split_once('/').unwrap().0.to_owned()).collect()
}

#[test]
fn logits_are_those_of_pytorch() {
    let values = Values::load("models.safetensors");
    let cases = cases(&values, "logits");
    assert_eq!(cases.len(), 17);
    for case in cases {
        let (net, size) = network(&case, None);
        let (images, want) = (images(2, size), values.get(&format!("logits/{case}/logits")));
        close_tensors(&case, &net.logits(&images).unwrap(), &want, 1e-4);
        let folded = net.into_inference().unwrap();
        close_tensors(&format!("{case}, folded"), &folded.logits(&images).unwrap(), &want, 1e-4);
        // The slow way takes long for the larger ones.
        if size < 17 && !case.starts_with("resnet-18") && !case.starts_with("inception") {
            let got = interpret::logits(&folded.graph().unwrap(), &images);
            close(&format!("{case}, graph"), &got, &flat(&want), 1e-4);
        }
    }
}

/// Gradients of a pass in training, of networks without dropout. Of the many ReLUs of such a network one may be so near to its
/// kink that rounding decides on which side it is, which moves gradients by up to 4e-3 of the largest.
#[test]
fn gradients_are_those_of_pytorch() {
    let values = Values::load("models.safetensors");
    let cases = cases(&values, "gradients");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let (net, size) = network(&case, None);
        let batch = Batch::new(images(4, size), vec![0, 3, 1, 4]).unwrap();
        check_gradients(&case, &net, &batch, &values.case(&format!("gradients/{case}")));
    }
}

/// Stages and motifs, whose texts are the cases' names: counts, logits in evaluation, and motifs' gradients in training.
#[test]
fn searched_networks_are_those_of_pytorch() {
    let values = Values::load("searched.safetensors");
    let keys = values.below("");
    let cases: BTreeSet<&str> = keys.keys().map(|key| key.split_once('/').unwrap().0).collect();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let (values, model) = (values.case(case), case.parse::<ModelConfig>().unwrap());
        let [size, parameters, multiply_adds] =
            ["size", "parameters", "multiply_adds"].map(|what| values.u32s(what)[0] as usize);
        let counts = model.graph([size, size, 3], 5).unwrap().counts();
        assert_eq!((counts.parameters as usize, counts.multiply_adds as usize), (parameters, multiply_adds), "{case}");
        let net = filled(&model, size, 5);
        assert_eq!(net.parameters().count(), counts.parameters, "{case}");
        if values.find("loss").is_some() {
            let batch = Batch::new(images(4, size), vec![0, 3, 1, 4]).unwrap();
            check_gradients(case, &net, &batch, &values);
        }
        // The pass in training has moved the running statistics.
        let (net, images, want) = (filled(&model, size, 5), images(2, size), values.get("logits"));
        close_tensors(case, &net.logits(&images).unwrap(), &want, 1e-4);
        let folded = net.into_inference().unwrap();
        close_tensors(&format!("{case}, folded"), &folded.logits(&images).unwrap(), &want, 1e-4);
        let got = interpret::logits(&folded.graph().unwrap(), &images);
        close(&format!("{case}, graph"), &got, &flat(&want), 1e-4);
    }
}

fn check_gradients(case: &str, net: &DerivedNetwork, batch: &Batch, values: &Values) {
    let output = net.train_pass(batch, &PassOptions::default()).unwrap();
    close(&format!("{case}: loss"), &[output.loss as f32], &[values.number("loss") as f32], 1e-4);
    let gradients = output.weight_gradients.unwrap();
    let of = |layer: &str| {
        let names = [format!("{layer}.weight"), format!("{layer}.gamma")];
        names.iter().find_map(|name| gradients.by_name(net.parameters(), name)).unwrap()
    };
    let layers = layers(net);
    let norm = |layer: &String| flat(of(layer)).iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt() as f32;
    close(&format!("{case}: norms"), &layers.iter().map(norm).collect::<Vec<_>>(), &values.f32s("norms"), KINK);
    let whole = values.below("grad.");
    assert_eq!(whole.len(), 3);
    for (layer, want) in whole {
        let name = &layers[layer.parse::<usize>().unwrap()];
        close_tensors(&format!("{case}: {name}"), &turned(of(name), true), &want, KINK);
    }
}
