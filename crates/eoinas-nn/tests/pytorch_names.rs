//! Weights under the names of DARTS' published PyTorch code: the logits are those that PyTorch has with them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use common::{Values, close_tensors};
use eoinas_core::Genotype;
use eoinas_nn::saved::{Imported, read_darts};

const GENOTYPE: &str = "Genotype(
    normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_5x5', 0), ('max_pool_3x3', 2),
            ('sep_conv_5x5', 3), ('conv_7x1_1x7', 1), ('avg_pool_3x3', 0), ('sep_conv_7x7', 4)],
    normal_concat=[2, 3, 4, 5],
    reduce=[('skip_connect', 1), ('max_pool_3x3', 0), ('sep_conv_3x3', 0), ('skip_connect', 2),
            ('dil_conv_3x3', 1), ('conv_7x1_1x7', 0), ('avg_pool_3x3', 1), ('dil_conv_5x5', 3)],
    reduce_concat=[2, 3, 4, 5])";

fn values() -> Values {
    Values::load("published_names.safetensors").case("published_names")
}

/// The tensors as PyTorch writes them: counters are whole numbers of 64 bits.
fn state() -> HashMap<String, Tensor> {
    let kind = |name: &str| if name.ends_with("num_batches_tracked") { DType::I64 } else { DType::F32 };
    let tensors = values().below("state.").into_iter();
    tensors.map(|(name, tensor)| (name.clone(), tensor.to_dtype(kind(&name)).unwrap())).collect()
}

fn write(folder: &Path, tensors: &HashMap<String, Tensor>) -> PathBuf {
    let path = folder.join("weights.safetensors");
    candle_core::safetensors::save(tensors, &path).unwrap();
    path
}

fn read(path: &Path, genotype: &str) -> Result<Imported, String> {
    let genotype = Genotype::parse(genotype).unwrap();
    read_darts(path, &genotype, (16, 16), None).map_err(|error| error.to_string())
}

#[test]
fn logits_are_those_of_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let values = values();
    let parallel = state().into_iter().map(|(name, tensor)| (format!("module.{name}"), tensor)).collect();
    for tensors in [state(), parallel] {
        let Imported { network, left_out } = read(&write(folder.path(), &tensors), GENOTYPE).unwrap();
        let skeleton = network.skeleton().unwrap();
        assert_eq!((skeleton.channels, skeleton.cells, skeleton.classes), (4, 6, 5));
        close_tensors("logits", &network.logits(&values.get("images")).unwrap(), &values.get("logits"), 1e-4);
        let heads = left_out.iter().filter(|name| name.starts_with("auxiliary_head.")).count();
        let counters = left_out.iter().filter(|name| name.ends_with("num_batches_tracked")).count();
        // Two convolutions, two BatchNorms with a counter each, a linear layer with two tensors.
        assert_eq!((heads, counters), (2 + 2 * 5 + 2, left_out.len() - heads + 2), "{left_out:?}");
        let inference = network.into_inference().unwrap();
        close_tensors("folded", &inference.logits(&values.get("images")).unwrap(), &values.get("logits"), 1e-4);
    }
}

#[test]
fn another_networks_weights_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut HashMap<String, Tensor>), genotype: &str| {
        let mut tensors = state();
        change(&mut tensors);
        read(&write(folder.path(), &tensors), genotype).unwrap_err()
    };
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let without = |name: &'static str| move |tensors: &mut HashMap<String, Tensor>| drop(tensors.remove(name));
    for name in ["stem.0.weight", "classifier.bias", "cells.3.preprocess0.conv_2.weight", "cells.0._ops.7.op.6.weight"]
    {
        let error = refused(&without(name), GENOTYPE);
        assert!(error.contains(&format!("`{name}` is missing")), "{error}");
    }
    let error = refused(&|tensors| drop(tensors.insert("cells.0.more".into(), zeros(&[2]))), GENOTYPE);
    assert!(error.contains("1 tensors have no place") && error.contains("`cells.0.more`"), "{error}");
    let name = "cells.1._ops.0.op.1.weight";
    let error = refused(&|tensors| drop(tensors.insert(name.into(), zeros(&[4, 1, 5, 5]))), GENOTYPE);
    assert!(
        error.contains("has shape [4, 1, 5, 5], the network needs [4, 1, 3, 3]") && error.contains(name),
        "{error}"
    );
    let error = refused(&|_| {}, &GENOTYPE.replace("'sep_conv_5x5'", "'sep_conv_3x3'"));
    assert!(error.contains("cells.0._ops.4.op.1.weight") && error.contains("[4, 1, 5, 5]"), "{error}");
    let error = refused(&|_| {}, &GENOTYPE.replace("('max_pool_3x3', 2)", "('nor_conv_3x3', 2)"));
    assert!(error.contains("has no `cells.0.edges.3.nor_conv_3x3.conv`"), "{error}");
    // What has parameters in the file and none in the network.
    let error = refused(&|_| {}, &GENOTYPE.replace("'sep_conv_7x7'", "'avg_pool_3x3'"));
    assert!(error.contains("have no place") && error.contains("`cells.0._ops.7.op.1.weight`"), "{error}");
    let error = refused(&|tensors| drop(tensors.insert("stem0.0.weight".into(), zeros(&[2]))), GENOTYPE);
    assert!(error.contains("stem0"), "{error}");
    let error = refused(&|tensors| drop(tensors.insert("cells.999.more".into(), zeros(&[2]))), GENOTYPE);
    assert!(error.contains("cells.6.preprocess0"), "{error}");
    let nan = Tensor::full(f32::NAN, 12, &Device::Cpu).unwrap();
    let error = refused(&|tensors| drop(tensors.insert("stem.1.bias".into(), nan.clone())), GENOTYPE);
    assert!(error.contains("no finite number"), "{error}");
    let nowhere = folder.path().join("nowhere.safetensors");
    assert!(read(&nowhere, GENOTYPE).unwrap_err().contains("cannot be read"));
    std::fs::write(&nowhere, "no weights").unwrap();
    assert!(read(&nowhere, GENOTYPE).unwrap_err().contains("no file of weights"));
}
