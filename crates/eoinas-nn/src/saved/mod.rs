//! A trained network as a folder that can be handed on: `network.json` says what it is, `model.safetensors` has its
//! weights and running statistics.
//!
//! ```
//! use candle_core::Device;
//! use eoinas_core::{Skeleton, Streams, TargetInfo, zoo};
//! use eoinas_nn::saved::{self, Framing, Normalisation, SavedNetwork};
//! use eoinas_nn::{DerivedNetwork, Operations};
//!
//! let genotype = zoo::find("darts-v2")?.genotype();
//! let skeleton = Skeleton { channels: 4, cells: 3, classes: 2, ..Skeleton::cifar() };
//! let (space, operations) = (genotype.space()?, Operations::built_in());
//! let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &Streams::new(0), &Device::Cpu)?;
//!
//! # let parent = std::env::temp_dir().join(format!("eoinas-saved-{}", std::process::id()));
//! # let folder = parent.join("cats");
//! # std::fs::create_dir_all(&parent)?;
//! let normalisation = Normalisation { mean: vec![0.5; 3], std: vec![0.25; 3], ..Normalisation::default() };
//! let target = TargetInfo::Classes(vec!["cat".to_owned(), "dog".to_owned()]);
//! saved::save(&folder, &net, &target, &normalisation, Framing::Stretch)?;
//!
//! let there = SavedNetwork::read(&folder)?;
//! assert_eq!(there.description.target.names()[1], "dog");
//! let net = there.build(&operations, &Device::Cpu)?;
//! # std::fs::remove_dir_all(&parent)?;
//! # let _ = net;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod darts;
mod description;
mod files;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use eoinas_core::genotype::{BuiltInOps, OpResolver};
use eoinas_core::{Streams, TargetInfo};

use crate::architecture::Architecture;
use crate::auxiliary;
use crate::derived::DerivedNetwork;
use crate::error::{NnError, Result};
use crate::ops::Operations;
use crate::task;

pub use darts::{Imported, read_darts};
pub use description::{Description, FORMAT, Framing, Normalisation, VERSIONS};

/// Name of the file that says what the network is.
pub const NETWORK: &str = "network.json";
/// How the names of running variances end.
const VARIANCE: &str = "running_var";
/// Name of the file with the weights and running statistics.
pub const MODEL: &str = "model.safetensors";

/// Writes `network` into the new folder `dir`, whose parent must be there. The auxiliary head is left out: it was there
/// for the training alone. The folder appears whole or not at all.
///
/// # Errors
/// [`NnError::Exists`] when there is something at `dir` already (an empty folder apart); targets or normalisation that
/// do not fit the network; a file that cannot be written.
pub fn save(
    dir: &Path,
    network: &DerivedNetwork,
    target: &TargetInfo,
    normalisation: &Normalisation,
    framing: Framing,
) -> Result<()> {
    let description = Description {
        architecture: network.architecture().clone(),
        target: target.clone(),
        normalisation: normalisation.clone(),
        framing,
    };
    description.check(&dir.join(NETWORK))?;
    let mut tensors = network.parameters().tensors();
    tensors.retain(|name, _| !name.starts_with(auxiliary::PREFIX));
    check_values(&dir.join(MODEL), &tensors)?;
    files::write(dir, &description.to_json(&dir.join(NETWORK))?, &tensors)
}

/// Whether all numbers are finite and all variances that, or more than, 0; `path` is the file that an error names.
fn check_values(path: &Path, tensors: &HashMap<String, Tensor>) -> Result<()> {
    let mut names: Vec<&String> = tensors.keys().collect();
    names.sort_unstable();
    for name in names {
        let Some(tensor) = tensors.get(name).filter(|tensor| tensor.dtype() == DType::F32) else { continue };
        let values = tensor.flatten_all().and_then(|tensor| tensor.to_vec1::<f32>());
        let values = values.map_err(|error| files::no_weights(path, error))?;
        let is_variance = name.ends_with(VARIANCE);
        let wrong = values.into_iter().find(|value| !value.is_finite() || is_variance && *value < 0.0);
        if let Some(value) = wrong {
            let problem = if value.is_finite() { "which is no variance" } else { "which is no finite number" };
            let remedy = "train the network again with a lower learning rate, or fetch the file again";
            return Err(NnError::weights(path, format!("{name} has {value}, {problem}; {remedy}")));
        }
    }
    Ok(())
}

/// Whether a network of `parameters` numbers, which `said` says, may be that of the tensors of a file.
fn check_size<'a>(path: &Path, tensors: impl Iterator<Item = &'a Tensor>, parameters: u64, said: &str) -> Result<()> {
    let held: u64 = tensors.map(|tensor| tensor.elem_count() as u64).sum();
    if parameters <= held.saturating_mul(16).max(1 << 24) {
        return Ok(());
    }
    let problem = format!("holds {held} numbers, {said} a network of {parameters}");
    Err(NnError::weights(path, problem))
}

/// What a folder of [`save`] holds.
#[derive(Clone, Debug)]
pub struct SavedNetwork {
    /// What the network is.
    pub description: Description,
    tensors: HashMap<String, Tensor>,
    dir: PathBuf,
}

impl SavedNetwork {
    /// Reads the folder `dir`.
    ///
    /// # Errors
    /// A file that is missing, unreadable, of another format or version; a description that contradicts itself.
    pub fn read(dir: &Path) -> Result<Self> {
        Self::read_with(dir, &BuiltInOps)
    }

    /// The same for a network with ops of one's own; `ops` knows their names, as in
    /// [`eoinas_core::Genotype::parse_with`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(dir: &Path, ops: &impl OpResolver) -> Result<Self> {
        let path = dir.join(NETWORK);
        let description = Description::from_json(&path, &files::read(&path)?, ops)?;
        let path = dir.join(MODEL);
        let tensors = candle_core::safetensors::load_buffer(&files::read(&path)?, &Device::Cpu)
            .map_err(|error| files::no_weights(&path, error))?;
        check_values(&path, &tensors)?;
        Ok(Self { description, tensors, dir: dir.to_owned() })
    }

    /// The network with its weights and its task, on `device`.
    ///
    /// # Errors
    /// [`NnError::Weights`] when the weights are those of another network: it names the first tensor that does not
    /// fit and both shapes; an op that `operations` lacks.
    pub fn build(&self, operations: &Operations, device: &Device) -> Result<DerivedNetwork> {
        let (path, model) = (self.dir.join(NETWORK), self.dir.join(MODEL));
        let unfit =
            |error| NnError::weights(&model, format!("the weights do not fit network.json beside them: {error}"));
        let architecture = &self.description.architecture;
        // A description that was tampered with must not make a network of any size: its weights are there already.
        let counted = architecture.parameters().map_err(|error| NnError::description(&path, error))?;
        check_size(&model, self.tensors.values(), counted, "network.json describes")?;
        let streams = Streams::new(0);
        let network = match architecture {
            Architecture::Cell { genotype, skeleton } => {
                let space = genotype.space().map_err(|error| NnError::description(&path, error))?;
                DerivedNetwork::new(genotype, &space, skeleton, operations, &streams, device)
            }
            Architecture::Model { model, images, classes } => {
                DerivedNetwork::of_model(model, *images, *classes, &streams, device)
            }
        };
        let mut network = network.map_err(unfit)?;
        network.parameters_mut().load(&self.tensors).map_err(unfit)?;
        Ok(network.with_task(task::of(&self.description.target)))
    }

    /// Gives `network` the weights and running statistics of this one, where a training begins. Those of the head, too, if `heads`,
    /// which is for a network that answers as this one does; an auxiliary head, and otherwise both, keep what they have. Images may
    /// be of another size.
    ///
    /// # Errors
    /// [`NnError::Weights`] when `network` is another one: it names the first tensor that does not fit. Nothing is changed then.
    pub fn initialise(&self, network: &mut DerivedNetwork, heads: bool) -> Result<()> {
        let model = self.dir.join(MODEL);
        let mut tensors = network.parameters().tensors();
        let (own, theirs) = (&network.parameters(), &self.tensors);
        let below = |name: &&String| !network.is_of_head(name);
        let mut names: Vec<&String> = theirs.keys().filter(below).chain(tensors.keys().filter(below)).collect();
        names.sort_unstable();
        let missing = names.into_iter().find(|name| own.by_name(name).is_none() || !theirs.contains_key(*name));
        if let Some(name) = missing {
            let whose = if theirs.contains_key(name) { "the network" } else { "the file" };
            return Err(NnError::weights(&model, format!("{whose} has no {name}: the weights are another network's")));
        }
        let taken = theirs.iter().filter(|(name, _)| heads || !network.is_of_head(name));
        tensors.extend(taken.map(|(name, tensor)| (name.clone(), tensor.clone())));
        let unfit = |error| NnError::weights(&model, format!("the weights do not fit the network: {error}"));
        network.parameters_mut().load(&tensors).map_err(unfit)
    }
}
