//! What learns in a search: the supernet's weights, the architecture parameters, and the statistics of pruning.

mod trial;

use std::{collections::BTreeMap, path::Path};

use candle_core::{Device, Tensor};
use rand_distr::{Distribution, Normal};

use eoinas_core::{AliveOps, EdgeOpTable, Gates, SearchSpace, SeedStream, Skeleton, Streams};
use eoinas_nn::{Adam, AdamState, Batch, Operations, PassOptions, PassOutput, Sgd, Supernet, Wanted, WeightGradients};
use eoinas_prune::{Indicator, PruneDecision, PruneState};

use crate::{
    checkpoint::Tensors,
    config::SearchConfig,
    error::{Result, TrainError},
};

/// Weights, architecture parameters and their optimisers, statistics. Methods work with it; the engine saves it.
#[derive(Debug)]
pub struct Learner {
    /// The network.
    pub supernet: Supernet,
    /// Architecture parameters (logits).
    pub alphas: EdgeOpTable<f32>,
    /// Statistics, alive ops and edge strengths.
    pub prune: PruneState,
    sgd: Sgd,
    adam: Adam,
    adam_state: AdamState,
    reset_moments: bool,
    plan: NetworkPlan,
}

/// What the network is built of, to build it again.
#[derive(Clone, Debug)]
struct NetworkPlan {
    operations: Operations,
    streams: Streams,
    share: usize,
    init_std: f64,
}

impl NetworkPlan {
    fn supernet(&self, space: &SearchSpace, skeleton: &Skeleton, device: &Device) -> Result<Supernet> {
        let Self { operations, streams, share, .. } = self;
        Ok(Supernet::with_partial_channels(space, skeleton, operations, streams, device, *share)?)
    }

    fn alphas(&self, space: &SearchSpace) -> EdgeOpTable<f32> {
        initial_alphas(space, self.init_std, &self.streams)
    }
}

impl Learner {
    /// Fresh weights and parameters.
    ///
    /// # Errors
    /// A network that cannot be built.
    pub fn new(
        config: &SearchConfig,
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
        device: &Device,
    ) -> Result<Self> {
        let streams = Streams::new(config.seed);
        let (weights, arch) = (&config.weights, &config.arch);
        let plan = NetworkPlan {
            operations: operations.clone(),
            streams,
            share: config.partial_channels.unwrap_or(1),
            init_std: arch.init_std,
        };
        Ok(Self {
            supernet: plan.supernet(space, skeleton, device)?,
            alphas: plan.alphas(space),
            prune: PruneState::new(space, config.statistics)?,
            sgd: Sgd { momentum: weights.momentum, weight_decay: weights.weight_decay, clip: weights.clip },
            adam: Adam {
                learning_rate: arch.learning_rate,
                betas: arch.betas,
                weight_decay: arch.weight_decay,
                clip: arch.clip,
                ..Adam::default()
            },
            adam_state: AdamState::new(space),
            reset_moments: arch.reset_moments,
            plan,
        })
    }

    /// The search space.
    pub fn space(&self) -> &SearchSpace {
        self.supernet.space()
    }

    /// The ops that are alive.
    pub fn alive(&self) -> &AliveOps {
        self.prune.alive()
    }

    /// One pass of the supernet.
    ///
    /// # Errors
    /// A batch or gates that do not fit.
    pub fn pass(&self, batch: &Batch, gates: &Gates, wanted: Wanted, options: &PassOptions) -> Result<PassOutput> {
        Ok(self.supernet.pass(batch, gates, wanted, options)?)
    }

    /// Updates the weights of `paths` and counts their ops if `count`. Returns the gradients' norm; one that is
    /// not finite changes nothing.
    ///
    /// Together with [`Learner::update_arch`] this is the one place where gradients become updates and steps become
    /// statistics: a collective over several processes averages the former and merges the latter here.
    ///
    /// # Errors
    /// Gradients of another network.
    pub fn update_weights(
        &mut self,
        gradients: WeightGradients,
        paths: &[Gates],
        learning_rate: f64,
        count: bool,
    ) -> Result<f64> {
        let norm = self.sgd.step(self.supernet.parameters_mut(), &gradients, learning_rate)?;
        if norm.is_finite() && count {
            paths.iter().try_for_each(|gates| self.prune.record_weight_step(gates))?;
        }
        Ok(norm)
    }

    /// Updates the architecture parameters and notes the accuracy (0 to 1) of each path. Returns the gradients' norm; one
    /// that is not finite changes nothing.
    ///
    /// # Errors
    /// An accuracy that is none, gates of another space.
    pub fn update_arch(&mut self, gradients: &EdgeOpTable<f32>, paths: &[(Gates, f64)]) -> Result<f64> {
        let Self { supernet, alphas, prune, adam, adam_state, .. } = self;
        let norm = adam.step(supernet.space(), adam_state, alphas, gradients, prune.alive());
        if norm.is_finite() {
            paths.iter().try_for_each(|(gates, accuracy)| prune.record_arch_step(gates, *accuracy))?;
        }
        Ok(norm)
    }

    /// Prunes `times` times and frees what was pruned.
    ///
    /// # Errors
    /// Parameters or an indicator that are not finite.
    pub fn prune(&mut self, indicator: &dyn Indicator, times: usize) -> Result<Vec<PruneDecision>> {
        let decisions = self.prune.prune(self.supernet.space(), &self.alphas, indicator, times)?;
        for decision in &decisions {
            self.supernet.prune(decision.kind, decision.edge, decision.op)?;
        }
        if !decisions.is_empty() {
            if self.reset_moments {
                self.adam_state = AdamState::new(self.supernet.space());
            }
            // Buffers of sizes that are never used again would stay for ever.
            self.supernet.workspace().clear();
        }
        Ok(decisions)
    }

    /// Builds the network anew with `cells` cells and the ops that are alive: fresh weights, architecture parameters and
    /// moments, those of a new search; statistics stay.
    ///
    /// # Errors
    /// A network that cannot be built.
    pub fn rebuild(&mut self, cells: usize) -> Result<()> {
        let skeleton = Skeleton { cells, ..self.supernet.skeleton().clone() };
        let (space, device) = (self.supernet.space().clone(), self.supernet.device().clone());
        let mut supernet = self.plan.supernet(&space, &skeleton, &device)?;
        supernet.restrict(self.prune.alive())?;
        self.supernet = supernet;
        self.alphas = self.plan.alphas(&space);
        self.adam_state = AdamState::new(&space);
        Ok(())
    }

    /// The tensors of a checkpoint: `weights`, and `optimizer` with momenta, architecture parameters and their moments.
    ///
    /// # Errors
    /// Tensors that cannot be made.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensors>> {
        let parameters = self.supernet.parameters();
        let mut optimizer: Tensors =
            parameters.momenta().into_iter().map(|(name, tensor)| (format!("momentum.{name}"), tensor)).collect();
        let state = &self.adam_state;
        for (name, table) in [("alphas", &self.alphas), ("adam.first", &state.first), ("adam.second", &state.second)] {
            for (kind, cell) in self.space().kinds().zip(self.space().cells()) {
                let values = table.matrix(kind).to_vec();
                let tensor = Tensor::from_vec(values, (cell.edges.len(), table.ops()), &Device::Cpu)?;
                optimizer.insert(format!("{name}.{}", cell.name), tensor);
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
        let space = self.supernet.space().clone();
        let state = &mut self.adam_state;
        for (name, table) in
            [("alphas", &mut self.alphas), ("adam.first", &mut state.first), ("adam.second", &mut state.second)]
        {
            for (kind, cell) in space.kinds().zip(space.cells()) {
                let name = format!("{name}.{}", cell.name);
                let tensor = optimizer.get(&name).ok_or_else(|| wrong(&format!("optimizer.safetensors: {name}")))?;
                let values = tensor.flatten_all()?.to_vec1::<f32>()?;
                let matrix = table.matrix_mut(kind);
                if tensor.dims() != [cell.edges.len(), space.ops().len()] || values.len() != matrix.len() {
                    return Err(wrong(&format!("optimizer.safetensors: shape of {name}")));
                }
                matrix.copy_from_slice(&values);
            }
        }
        Ok(())
    }
}

fn initial_alphas(space: &SearchSpace, std: f64, streams: &Streams) -> EdgeOpTable<f32> {
    let mut alphas = EdgeOpTable::filled(space, 0f32);
    let mut rng = streams.rng(SeedStream::Alphas, 0, 0);
    // A standard deviation that is no number was refused when the settings were checked.
    if let Ok(normal) = Normal::new(0.0, std)
        && std > 0.0
    {
        for kind in space.kinds() {
            alphas.matrix_mut(kind).iter_mut().for_each(|alpha| *alpha = normal.sample(&mut rng) as f32);
        }
    }
    alphas
}
