//! candle's `VarBuilder` over a network's parameters.

use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Shape, Tensor, Var};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use eoinas_core::Streams;

use super::init;

/// What a module has asked for so far.
#[derive(Default)]
pub(super) struct Created {
    variables: Vec<(String, Var)>,
}

struct Backend {
    streams: Streams,
    first_index: usize,
    created: Arc<Mutex<Created>>,
}

/// A `VarBuilder` that draws initial values from the network's streams, and the place where it leaves what it made.
pub(super) fn var_builder(
    streams: Streams,
    first_index: usize,
    device: &Device,
) -> (VarBuilder<'static>, Arc<Mutex<Created>>) {
    let created = Arc::new(Mutex::new(Created::default()));
    let backend = Backend { streams, first_index, created: created.clone() };
    (VarBuilder::from_backend(Box::new(backend), DType::F32, device.clone()), created)
}

/// The variables in the order in which they were asked for.
pub(super) fn take(created: &Mutex<Created>) -> Vec<(String, Var)> {
    created.lock().map(|mut created| std::mem::take(&mut created.variables)).unwrap_or_default()
}

impl Backend {
    fn find(&self, name: &str) -> candle_core::Result<Option<Tensor>> {
        let created = self.created.lock().map_err(|_| candle_core::Error::msg("the parameter list is poisoned"))?;
        let found = created.variables.iter().find(|(other, _)| other == name);
        Ok(found.map(|(_, variable)| variable.as_tensor().clone()))
    }
}

impl SimpleBackend for Backend {
    fn get(&self, shape: Shape, name: &str, init: Init, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        if dtype != DType::F32 {
            candle_core::bail!("parameter `{name}` is asked for as {dtype:?}; parameters of a network are F32");
        }
        if let Some(tensor) = self.find(name)? {
            if tensor.shape() != &shape {
                candle_core::bail!("parameter `{name}` has shape {:?}, now asked for as {shape:?}", tensor.shape());
            }
            return Ok(tensor);
        }
        let mut created = self.created.lock().map_err(|_| candle_core::Error::msg("the parameter list is poisoned"))?;
        let index = self.first_index + created.variables.len();
        let variable = init::draw(&self.streams, index, shape, init, device).map_err(candle_core::Error::wrap)?;
        let tensor = variable.as_tensor().clone();
        created.variables.push((name.to_owned(), variable));
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        self.find(name)?.ok_or_else(|| candle_core::Error::CannotFindTensor { path: name.to_owned() }.bt())
    }

    fn contains_tensor(&self, name: &str) -> bool {
        matches!(self.find(name), Ok(Some(_)))
    }
}
