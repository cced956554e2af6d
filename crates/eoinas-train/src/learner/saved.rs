//! The learner in a checkpoint.

use std::{collections::BTreeMap, path::Path};

use candle_core::{Device, Tensor};
use eoinas_core::CellSpec;
use eoinas_gumbel::EdgeMode;
use eoinas_prune::PruneState;

use super::Learner;
use crate::{
    checkpoint::Tensors,
    error::{Result, TrainError},
};

impl Learner {
    /// The tensors of a checkpoint: `weights`, and `optimizer` with momenta, architecture parameters and their moments.
    /// Those of edges are there where edges do not count alike.
    ///
    /// # Errors
    /// Tensors that cannot be made.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensors>> {
        let parameters = self.supernet.parameters();
        let mut optimizer: Tensors =
            parameters.momenta().into_iter().map(|(name, tensor)| (format!("momentum.{name}"), tensor)).collect();
        let (state, space) = (&self.adam_state, self.space());
        let mut put = |name: &str, cell: &CellSpec, values: &[f32], shape: &[usize]| -> Result<()> {
            optimizer.insert(format!("{name}.{}", cell.name), Tensor::from_slice(values, shape, &Device::Cpu)?);
            Ok(())
        };
        for (name, table) in [("alphas", &self.alphas), ("adam.first", &state.first), ("adam.second", &state.second)] {
            for (kind, cell) in space.kinds().zip(space.cells()) {
                put(name, cell, table.matrix(kind), &[cell.edges.len(), table.ops()])?;
            }
        }
        let edges =
            [("edges", &self.edges), ("adam.edge_first", &state.edge_first), ("adam.edge_second", &state.edge_second)];
        for (name, table) in edges.into_iter().filter(|_| self.edge_mode() != EdgeMode::Equal) {
            for (kind, cell) in space.kinds().zip(space.cells()) {
                put(name, cell, table.kind(kind), &[cell.edges.len()])?;
            }
        }
        Ok(BTreeMap::from([
            ("weights".to_owned(), parameters.tensors().into_iter().collect()),
            ("optimizer".to_owned(), optimizer),
        ]))
    }

    /// Number of architecture updates so far, which goes with [`Learner::tensors`].
    pub fn arch_steps(&self) -> u64 {
        self.adam_state.steps
    }

    /// Takes over the state of a checkpoint that lies in `folder`.
    ///
    /// # Errors
    /// A state of another space, tensors that are missing or have another shape.
    pub fn load(
        &mut self,
        folder: &Path,
        prune: PruneState,
        arch_steps: u64,
        mut tensors: BTreeMap<String, Tensors>,
    ) -> Result<()> {
        let wrong = |what: &str| TrainError::State { path: folder.to_owned(), what: what.to_owned() };
        if !prune.fits(self.supernet.space()) {
            return Err(wrong("state.json: prune"));
        }
        self.supernet.restrict(prune.alive())?;
        self.prune = prune;
        self.adam_state.steps = arch_steps;
        let mut take = |name: &str| tensors.remove(name).ok_or_else(|| wrong(&format!("{name}.safetensors")));
        let (weights, optimizer) = (take("weights")?, take("optimizer")?);
        let parameters = self.supernet.parameters_mut();
        parameters.load(&weights.into_iter().collect())?;
        let momenta = optimizer.iter().filter_map(|(name, tensor)| Some((name.strip_prefix("momentum.")?, tensor)));
        parameters.load_momenta(&momenta.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect())?;
        let (space, edge_mode) = (self.supernet.space().clone(), self.edge_mode());
        let take = |name: &str, cell: &CellSpec, to: &mut [f32], shape: &[usize]| -> Result<()> {
            let name = format!("{name}.{}", cell.name);
            let tensor = optimizer.get(&name).ok_or_else(|| wrong(&format!("optimizer.safetensors: {name}")))?;
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            if tensor.dims() != shape || values.len() != to.len() {
                return Err(wrong(&format!("optimizer.safetensors: shape of {name}")));
            }
            to.copy_from_slice(&values);
            Ok(())
        };
        let state = &mut self.adam_state;
        for (name, table) in
            [("alphas", &mut self.alphas), ("adam.first", &mut state.first), ("adam.second", &mut state.second)]
        {
            for (kind, cell) in space.kinds().zip(space.cells()) {
                take(name, cell, table.matrix_mut(kind), &[cell.edges.len(), space.ops().len()])?;
            }
        }
        let edges = [
            ("edges", &mut self.edges),
            ("adam.edge_first", &mut state.edge_first),
            ("adam.edge_second", &mut state.edge_second),
        ];
        for (name, table) in edges.into_iter().filter(|_| edge_mode != EdgeMode::Equal) {
            for (kind, cell) in space.kinds().zip(space.cells()) {
                take(name, cell, table.kind_mut(kind), &[cell.edges.len()])?;
            }
        }
        Ok(())
    }
}
