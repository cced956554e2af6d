//! The parameters of a network by name: values, momenta, their initial values, and their way to and from files.

mod init;
mod scope;
mod shift;
mod var_builder;

use std::collections::{BTreeMap, HashMap};

use candle_core::{Tensor, Var};

use crate::error::{NnError, Result};
pub use eoinas_core::network::NormOptions;
pub use scope::Scope;
pub use shift::SavedValues;

/// Running number of a parameter in its network, in the order of creation. It stays the same when others are pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(usize);

impl ParamId {
    /// The number.
    pub fn index(self) -> usize {
        self.0
    }
}

/// One parameter, or one buffer (running statistics of a BatchNorm).
#[derive(Debug)]
pub struct Parameter {
    name: String,
    value: Var,
    momentum: Option<Tensor>,
    trained: bool,
    rate: f64,
}

impl Parameter {
    /// Its name, `cells.0.edges.3.sep_conv_3x3.0.depthwise` for example.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value. Updates write into this very tensor, so that a handle kept elsewhere sees them.
    pub fn value(&self) -> &Tensor {
        self.value.as_tensor()
    }

    /// Momentum of SGD; `None` until the first update that has a gradient for it.
    pub fn momentum(&self) -> Option<&Tensor> {
        self.momentum.as_ref()
    }

    /// Whether it is trained; running statistics are not.
    pub fn trained(&self) -> bool {
        self.trained
    }

    /// What an update by SGD multiplies its learning rate by: 1 unless [`Parameters::scale_rates`] said otherwise.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

/// The parameters of a network, in the order in which they were created.
#[derive(Debug, Default)]
pub struct Parameters {
    entries: Vec<Option<Parameter>>,
    by_name: BTreeMap<String, ParamId>,
}

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every parameter and buffer that is not pruned, in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = (ParamId, &Parameter)> {
        self.entries.iter().enumerate().filter_map(|(index, entry)| entry.as_ref().map(|entry| (ParamId(index), entry)))
    }

    /// The parameter of this name.
    pub fn by_name(&self, name: &str) -> Option<&Parameter> {
        self.by_name.get(name).and_then(|id| self.entries.get(id.0)).and_then(Option::as_ref)
    }

    /// The number of the parameter of this name.
    pub fn id(&self, name: &str) -> Option<ParamId> {
        self.by_name.get(name).copied()
    }

    /// The parameter of this number, unless it is pruned.
    pub fn get(&self, id: ParamId) -> Option<&Parameter> {
        self.entries.get(id.0).and_then(Option::as_ref)
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// [`NnError::NoParameter`] when it was pruned.
    pub fn value(&self, id: ParamId) -> Result<&Tensor> {
        self.get(id).map(Parameter::value).ok_or(NnError::NoParameter { index: id.0 })
    }

    /// How many numbers are trained: the network's parameter count.
    pub fn count(&self) -> u64 {
        self.iter().filter(|(_, p)| p.trained).map(|(_, p)| p.value().elem_count() as u64).sum()
    }

    /// Values of all parameters and buffers by name. The tensors share their memory with the network: write or copy
    /// them before the next update.
    pub fn tensors(&self) -> HashMap<String, Tensor> {
        self.iter().map(|(_, p)| (p.name.clone(), p.value().clone())).collect()
    }

    /// Momenta by the name of their parameter, as far as there are any; memory is shared as in [`Self::tensors`].
    pub fn momenta(&self) -> HashMap<String, Tensor> {
        self.iter().filter_map(|(_, p)| Some((p.name.clone(), p.momentum.clone()?))).collect()
    }

    /// Copies values from `tensors` into all parameters and buffers. Nothing is changed when there is an error.
    ///
    /// # Errors
    /// A tensor that is missing, unexpected or of another shape.
    pub fn load(&mut self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        self.check(tensors)?;
        if let Some(missing) = self.by_name.keys().find(|name| !tensors.contains_key(*name)) {
            let problem = "is missing; these weights belong to another network, or to one pruned further".to_owned();
            return Err(NnError::Tensor { name: missing.clone(), problem });
        }
        for parameter in self.entries.iter().flatten() {
            if let Some(tensor) = tensors.get(&parameter.name) {
                let value = tensor.to_device(parameter.value.device())?.to_dtype(parameter.value.dtype())?;
                if value.id() != parameter.value.id() {
                    parameter.value.set(&value)?;
                }
            }
        }
        Ok(())
    }

    /// Copies momenta from `tensors`; a parameter that has none there is left without (it has not been updated yet).
    /// Nothing is changed when there is an error.
    ///
    /// # Errors
    /// A tensor that is unexpected or of another shape.
    pub fn load_momenta(&mut self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        self.check(tensors)?;
        let mut momenta = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let tensor = entry.as_ref().and_then(|p| tensors.get(&p.name).map(|t| (p, t)));
            momenta.push(match tensor {
                Some((p, tensor)) => Some(tensor.to_device(p.value.device())?.to_dtype(p.value.dtype())?.copy()?),
                None => None,
            });
        }
        for (entry, momentum) in self.entries.iter_mut().zip(momenta) {
            if let Some(parameter) = entry {
                parameter.momentum = momentum;
            }
        }
        Ok(())
    }

    /// Sets what updates by SGD multiply each parameter's learning rate by, by its name. No checkpoint has it: it follows from
    /// the settings.
    pub fn scale_rates(&mut self, rate: impl Fn(&str) -> f64) {
        for parameter in self.entries.iter_mut().flatten() {
            parameter.rate = rate(&parameter.name);
        }
    }

    /// Frees a parameter and its momentum.
    pub fn remove(&mut self, id: ParamId) {
        if let Some(parameter) = self.entries.get_mut(id.0).and_then(Option::take) {
            self.by_name.remove(&parameter.name);
        }
    }

    /// Frees every parameter whose name begins with `prefix`.
    pub(crate) fn remove_below(&mut self, prefix: &str) {
        let below: Vec<ParamId> =
            self.by_name.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, id)| *id).collect();
        below.into_iter().for_each(|id| self.remove(id));
    }

    /// Writes a new value of the same shape.
    pub(crate) fn set(&mut self, id: ParamId, value: &Tensor) -> Result<()> {
        let parameter = self.get(id).ok_or(NnError::NoParameter { index: id.0 })?;
        Ok(parameter.value.set(value)?)
    }

    pub(crate) fn next_index(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn add(&mut self, name: String, value: Var, trained: bool) -> Result<ParamId> {
        if self.by_name.contains_key(&name) {
            return Err(NnError::DuplicateParameter { name });
        }
        let id = ParamId(self.entries.len());
        self.by_name.insert(name.clone(), id);
        self.entries.push(Some(Parameter { name, value, momentum: None, trained, rate: 1.0 }));
        Ok(id)
    }

    /// The momentum of a parameter, zeros at first.
    pub(crate) fn momentum_mut(&mut self, id: ParamId) -> Result<(&Tensor, &Tensor)> {
        let parameter =
            self.entries.get_mut(id.0).and_then(Option::as_mut).ok_or(NnError::NoParameter { index: id.0 })?;
        let value = parameter.value.as_tensor();
        let momentum = match &mut parameter.momentum {
            Some(momentum) => momentum,
            none => none.insert(value.zeros_like()?),
        };
        Ok((value, momentum))
    }

    fn check(&self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        // In the order of names, so that the same wrong file always gives the same message.
        for (name, tensor) in tensors.iter().collect::<BTreeMap<_, _>>() {
            let Some(parameter) = self.by_name(name) else {
                let problem = "does not belong to this network; it may have been pruned, or be of another space";
                return Err(NnError::Tensor { name: name.clone(), problem: problem.to_owned() });
            };
            let (expected, got) = (parameter.value.dims(), tensor.dims());
            if expected != got {
                let problem = format!("has shape {got:?}, the network needs {expected:?}");
                return Err(NnError::Tensor { name: name.clone(), problem });
            }
        }
        Ok(())
    }
}
