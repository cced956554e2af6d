//! Weights of networks that DARTS' published PyTorch code trained (`NetworkCIFAR`), under the names of that code.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use eoinas_core::{Genotype, Skeleton, Streams, count};

use super::{check_size, check_values, files};
use crate::derived::DerivedNetwork;
use crate::error::{NnError, Result};
use crate::ops::Operations;

/// What PyTorch puts before every name where several devices trained.
const PARALLEL: &str = "module.";
/// Tensors of a training that a network for use has no place for: the auxiliary head's, and how many batches were seen.
const AUXILIARY: &str = "auxiliary_head.";
const COUNTER: &str = ".num_batches_tracked";
/// So many names are listed in an error.
const SHOWN: usize = 3;

/// A network whose weights came from PyTorch.
#[derive(Debug)]
pub struct Imported {
    /// The network, without an auxiliary head.
    pub network: DerivedNetwork,
    /// Names of the file's tensors that it has no place for, in their order: those of the auxiliary head, and BatchNorm's
    /// counters of batches (`num_batches_tracked`).
    pub left_out: Vec<String>,
}

/// Reads a safetensors file with the `state_dict` of a `NetworkCIFAR`, whose cells are `genotype`, for images of `image`
/// (height, width). Channels, cells and classes are those of the tensors. Of the file every other tensor is used, or the
/// file is refused.
///
/// # Errors
/// A file that cannot be read or is of another network: [`NnError::Weights`] names the first tensor that is missing, has
/// another shape, or that the network has no place for; an op that the published code does not have.
pub fn read_darts(path: &Path, genotype: &Genotype, image: (usize, usize), max_ops: Option<usize>) -> Result<Imported> {
    let bytes = fs::read(path).map_err(|source| NnError::File { path: path.to_owned(), done: "read", source })?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu);
    let tensors = tensors.map_err(|error| files::no_weights(path, error))?;
    let parallel = tensors.keys().all(|name| name.starts_with(PARALLEL));
    let own = |name: String| match name.strip_prefix(PARALLEL) {
        Some(rest) if parallel => rest.to_owned(),
        _ => name,
    };
    let tensors = tensors.into_iter().map(|(name, tensor)| (own(name), tensor)).collect();
    let file = Published { path, tensors };

    let skeleton = Skeleton { max_ops, ..file.skeleton(image)? };
    let space = genotype.space()?;
    // A few names must not make a network of any size.
    let counted = count::network(genotype, &skeleton, &space)?.parameters;
    check_size(path, file.tensors.values(), counted, "genotype and names make")?;
    let (operations, streams) = (Operations::built_in(), Streams::new(0));
    let mut network = DerivedNetwork::new(genotype, &space, &skeleton, &operations, &streams, &Device::Cpu)?;

    let (mut values, mut used) = (HashMap::new(), BTreeSet::new());
    for (_, parameter) in network.parameters().iter() {
        let name = published(parameter.name(), |name| network.parameters().by_name(name).is_some());
        let name = name.ok_or_else(|| {
            let problem =
                format!("the published code of DARTS has no `{}`, which the genotype needs", parameter.name());
            NnError::weights(path, problem)
        })?;
        let value = file.value(&name, parameter.value().dims())?;
        values.insert(parameter.name().to_owned(), value);
        used.insert(name);
    }
    let left_out = file.left_out(&used)?;
    check_values(path, &values)?;
    network.parameters_mut().load(&values)?;
    Ok(Imported { network, left_out })
}

/// The tensors of a file.
struct Published<'a> {
    path: &'a Path,
    tensors: BTreeMap<String, Tensor>,
}

impl Published<'_> {
    /// The network's numbers, as its first and last weights have them.
    fn skeleton(&self, (height, width): (usize, usize)) -> Result<Skeleton> {
        if self.tensors.contains_key("stem0.0.weight") {
            let problem =
                "has the two stems of DARTS' network for ImageNet (`stem0`); that for CIFAR is read, which has `stem`";
            return Err(NnError::weights(self.path, problem));
        }
        let stem = self.find("stem.0.weight")?;
        let (&[stem_channels, image_channels, ..], &[classes, _]) =
            (stem.dims(), self.find("classifier.weight")?.dims())
        else {
            let problem = "`stem.0.weight` is no convolution, or `classifier.weight` no matrix";
            return Err(NnError::weights(self.path, problem));
        };
        let cells: BTreeSet<&str> =
            self.tensors.keys().filter_map(|name| name.strip_prefix("cells.")?.split('.').next()).collect();
        let of_cifar = Skeleton::cifar();
        if !stem_channels.is_multiple_of(of_cifar.stem_multiplier) {
            let problem =
                format!("`stem.0.weight` has {stem_channels} output channels, expected three times the network's C");
            return Err(NnError::weights(self.path, problem));
        }
        let channels = stem_channels / of_cifar.stem_multiplier;
        Ok(Skeleton { channels, cells: cells.len(), classes, ..of_cifar }.with_image(image_channels, height, width))
    }

    fn find(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).ok_or_else(|| {
            let problem = format!(
                "`{name}` is missing; expected are the names of `NetworkCIFAR` in DARTS' published code, and the genotype \
                 that the network was made of"
            );
            NnError::weights(self.path, problem)
        })
    }

    /// A tensor as the network has it, where its dimensions are `dims`.
    fn value(&self, name: &str, dims: &[usize]) -> Result<Tensor> {
        // PyTorch has the output channels first, the rows and columns of a filter last.
        let (expected, order): (Vec<usize>, &[usize]) = match *dims {
            [rows, columns, input, output] => (vec![output, input, rows, columns], &[2, 3, 1, 0]),
            [rows, columns, channels] => (vec![channels, 1, rows, columns], &[2, 3, 0, 1]),
            [input, output] if name == "classifier.weight" => (vec![output, input], &[1, 0]),
            [input, output] => (vec![output, input, 1, 1], &[1, 0, 2, 3]),
            _ => (dims.to_vec(), &[0]),
        };
        let tensor = self.find(name)?;
        if tensor.dims() != expected {
            let problem = format!("`{name}` has shape {:?}, the network needs {expected:?}", tensor.dims());
            return Err(NnError::weights(self.path, problem));
        }
        Ok(tensor.to_dtype(DType::F32)?.permute(order)?.contiguous()?.reshape(dims)?)
    }

    /// What is not among `used`, none of it the network's.
    fn left_out(&self, used: &BTreeSet<String>) -> Result<Vec<String>> {
        let unused = self.tensors.keys().filter(|name| !used.contains(*name));
        let (left, foreign): (Vec<&String>, Vec<&String>) =
            unused.partition(|name| name.starts_with(AUXILIARY) || name.ends_with(COUNTER));
        if foreign.is_empty() {
            return Ok(left.into_iter().cloned().collect());
        }
        let names: Vec<String> = foreign.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
        let more = if foreign.len() > SHOWN { ", ..." } else { "" };
        let problem = format!(
            "{} tensors have no place in the network of that genotype: {}{more}; give the genotype that it was made of",
            foreign.len(),
            names.join(", ")
        );
        Err(NnError::weights(self.path, problem))
    }
}

/// The published name of one of our tensors; `has` says whether the network has one of a name.
fn published(name: &str, has: impl Fn(&str) -> bool) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    Some(match *parts.as_slice() {
        ["stem", "conv"] => "stem.0.weight".to_owned(),
        ["stem", "bn", what] => format!("stem.1.{}", norm(what)?),
        ["classifier", what] => format!("classifier.{what}"),
        ["cells", cell, "preprocess", input, ref rest @ ..] => {
            // Behind a reduction the older input is halved.
            let halved = has(&format!("cells.{cell}.preprocess.{input}.conv_1"));
            let op = if halved { reduce(rest)? } else { chain(rest, 1)? };
            format!("cells.{cell}.preprocess{input}.{op}")
        }
        ["cells", cell, "edges", edge, op, ref rest @ ..] => {
            let op = match op {
                "skip_connect" => reduce(rest)?,
                "conv_7x1_1x7" => factorised(rest)?,
                _ => separable(op, rest)?,
            };
            format!("cells.{cell}._ops.{edge}.{op}")
        }
        _ => return None,
    })
}

/// Of `ReLUConvBN`, whose convolution is number `at` of its layers.
fn chain(rest: &[&str], at: usize) -> Option<String> {
    Some(match *rest {
        ["conv"] => format!("op.{at}.weight"),
        ["bn", what] => format!("op.{}.{}", at + 1, norm(what)?),
        _ => return None,
    })
}

/// Of `FactorizedReduce`.
fn reduce(rest: &[&str]) -> Option<String> {
    Some(match *rest {
        [conv @ ("conv_1" | "conv_2")] => format!("{conv}.weight"),
        ["bn", what] => format!("bn.{}", norm(what)?),
        _ => return None,
    })
}

/// Of `conv_7x1_1x7`, a sequence by itself.
fn factorised(rest: &[&str]) -> Option<String> {
    Some(match *rest {
        ["conv_1x7"] => "1.weight".to_owned(),
        ["conv_7x1"] => "2.weight".to_owned(),
        ["bn", what] => format!("3.{}", norm(what)?),
        _ => return None,
    })
}

/// Of `SepConv`, twice four layers, and `DilConv`, once.
fn separable(op: &str, rest: &[&str]) -> Option<String> {
    let [stage, rest @ ..] = rest else { return None };
    let first = match (op, *stage) {
        ("sep_conv_3x3" | "sep_conv_5x5" | "sep_conv_7x7" | "dil_conv_3x3" | "dil_conv_5x5", "0") => 0,
        ("sep_conv_3x3" | "sep_conv_5x5" | "sep_conv_7x7", "1") => 4,
        _ => return None,
    };
    Some(match *rest {
        ["depthwise"] => format!("op.{}.weight", first + 1),
        ["pointwise"] => format!("op.{}.weight", first + 2),
        ["bn", what] => format!("op.{}.{}", first + 3, norm(what)?),
        _ => return None,
    })
}

/// A tensor of a BatchNorm.
fn norm(what: &str) -> Option<&str> {
    Some(match what {
        "gamma" => "weight",
        "beta" => "bias",
        "running_mean" | "running_var" => what,
        _ => return None,
    })
}
