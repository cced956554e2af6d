//! Weights of PyTorch become a network of this program: by the command, and from a `.pt` file by the lines in docs/ONNX.md,
//! where the Python in `EOINAS_PYTHON`, else `python3`, has torch and safetensors.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use candle_core::{DType, Device, Tensor, safetensors};
use common::eoinas;
use eoinas_nn::{Operations, saved::SavedNetwork};

const GENOTYPE: &str = "Genotype(
    normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_5x5', 0), ('max_pool_3x3', 2),
            ('sep_conv_5x5', 3), ('conv_7x1_1x7', 1), ('avg_pool_3x3', 0), ('sep_conv_7x7', 4)],
    normal_concat=[2, 3, 4, 5],
    reduce=[('skip_connect', 1), ('max_pool_3x3', 0), ('sep_conv_3x3', 0), ('skip_connect', 2),
            ('dil_conv_3x3', 1), ('conv_7x1_1x7', 0), ('avg_pool_3x3', 1), ('dil_conv_5x5', 3)],
    reduce_concat=[2, 3, 4, 5])";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What PyTorch computed (tests/pytorch), by what follows `prefix`.
fn values(prefix: &str) -> HashMap<String, Tensor> {
    let path = root().join("tests/pytorch/values/published_names.safetensors");
    let all = safetensors::load(path, &Device::Cpu).unwrap();
    let prefix = format!("published_names/{prefix}");
    all.into_iter().filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?.to_owned(), value))).collect()
}

fn import(weights: &Path, out: &Path, classes: &[&str]) -> Output {
    let mut command = eoinas("import");
    command.arg(weights).arg("--out").arg(out).args(["--genotype", GENOTYPE, "--image-size", "16"]);
    command.args(["--mean", "0.5,0.5,0.4", "--std", "0.25,0.25,0.2"]).args(classes).output().unwrap()
}

/// Whether the saved network says of PyTorch's images what PyTorch said.
fn check(network: &Path) {
    let saved = SavedNetwork::read(network).unwrap();
    let network = saved.build(&Operations::built_in(), &Device::Cpu).unwrap().into_inference().unwrap();
    let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (got, want) = (flat(&network.logits(&values("")["images"]).unwrap()), flat(&values("")["logits"]));
    let scale = want.iter().fold(0f32, |most, value| most.max(value.abs()));
    let worst = got.iter().zip(&want).fold(0f32, |worst, (got, want)| worst.max((got - want).abs()));
    assert!(worst <= 1e-4 * scale, "logits differ by {worst:e}");
}

#[test]
fn weights_become_a_network_that_other_commands_read() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, out) = (folder.path().join("weights.safetensors"), folder.path().join("net"));
    safetensors::save(&values("state."), &weights).unwrap();
    let output = import(&weights, &out, &["--classes", "a,b,c,d,e"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("6 cells, 4 channels, 5 classes, images 3 x 16 x 16"), "{text}");
    assert!(text.contains("left out: 14 tensors of the auxiliary head, "), "{text}");
    check(&out);
    assert_eq!(SavedNetwork::read(&out).unwrap().description.normalisation.mean, [0.5, 0.5, 0.4]);
    let onnx = eoinas("export").arg(&out).arg("--out").arg(folder.path().join("net.onnx")).output().unwrap();
    assert!(onnx.status.success(), "{}", String::from_utf8_lossy(&onnx.stderr));

    let refused = |out: &str, classes: &[&str]| {
        let output = import(&weights, &folder.path().join(out), classes);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let error = refused("net", &["--classes", "a,b,c,d,e"]);
    assert!(error.contains("is there already"), "{error}");
    let error = refused("other", &["--classes", "a,b,c,d"]);
    assert!(error.contains("4 classes are named, and the network has 5"), "{error}");
    let names = folder.path().join("names.txt");
    fs::write(&names, "a\nb, or c\n\nd\ne\nf\n").unwrap();
    let output = import(&weights, &folder.path().join("third"), &["--classes-from", names.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let saved = SavedNetwork::read(&folder.path().join("third")).unwrap();
    assert_eq!(saved.description.target.names()[1], "b, or c");
}

#[test]
fn a_file_of_pytorch_goes_the_documented_way() {
    let python = std::env::var_os("EOINAS_PYTHON").unwrap_or_else(|| "python3".into());
    let run = |arguments: &[&str]| Command::new(&python).args(arguments).output();
    if !run(&["-c", "import torch, safetensors.torch"]).is_ok_and(|output| output.status.success()) {
        println!("skipped: {} has no torch and safetensors (EOINAS_PYTHON names another)", python.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (state, pt, program, weights) = (path("state"), path("weights.pt"), path("program.py"), path("w.safetensors"));
    // Counters have 64 bits in PyTorch.
    let kind = |name: &str| if name.ends_with("num_batches_tracked") { DType::I64 } else { DType::F32 };
    let tensors: HashMap<String, Tensor> = values("state.")
        .into_iter()
        .map(|(name, tensor)| (name.clone(), tensor.to_dtype(kind(&name)).unwrap()))
        .collect();
    safetensors::save(&tensors, &state).unwrap();
    let make = format!(
        "import torch\nfrom safetensors.torch import load_file\ntorch.save({{'epoch': 3, 'state_dict': load_file({state:?})}}, {pt:?})"
    );
    let document = fs::read_to_string(root().join("docs/ONNX.md")).unwrap();
    let mut blocks = document.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    fs::write(&program, blocks.find(|block| block.contains("torch.load")).unwrap()).unwrap();
    for arguments in [&["-c", &make][..], &[&program, &pt, &weights]] {
        let output = run(arguments).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let out = folder.path().join("net");
    let output = import(Path::new(&weights), &out, &["--classes", "a,b,c,d,e"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check(&out);
}
