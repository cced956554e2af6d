//! The supernet: every candidate op on every edge, of which a pass runs those that its gates name.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use candle_core::{Device, Tensor};
use eoinas_core::{AliveOps, Gate, Gates, NetworkSpec, OpId, SearchSpace, Skeleton, Streams};
use eoinas_kernels::Workspace;
use eoinas_kernels::pattern::ReluPatterns;

use crate::architecture::images_of;
use crate::batch::{Batch, PassOptions, PassOutput, Wanted};
use crate::error::{NnError, Result};
use crate::gate_sums::{GateSums, gather};
use crate::network::Network;
use crate::operation::Phase;
use crate::ops::Operations;
use crate::parameters::{Parameters, Scope};
use crate::pass::{self, Run};
use crate::task::{Classes, Task};

/// The network of a search: weights of all candidate ops that are still alive.
///
/// A pass is a function of the batch, the gates and the weights: BatchNorm layers use the batch's own statistics always,
/// so that nothing but an update changes the network.
#[derive(Debug)]
pub struct Supernet {
    space: SearchSpace,
    skeleton: Skeleton,
    network: Network,
    task: Arc<dyn Task>,
    parameters: Parameters,
    /// Partial channels, K; 1: none.
    share: usize,
    workspace: Workspace,
    stop: Option<Arc<AtomicBool>>,
    device: Device,
}

impl Supernet {
    /// A supernet with freshly drawn weights ([`eoinas_core::SeedStream::Weights`] of `streams`).
    ///
    /// # Errors
    /// A skeleton that cannot be built, or an op of the space that `operations` does not have.
    pub fn new(
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
        streams: &Streams,
        device: &Device,
    ) -> Result<Self> {
        Self::with_partial_channels(space, skeleton, operations, streams, device, 1)
    }

    /// The same with partial channels (PC-DARTS, Xu et al., 2020): the ops of an edge read the first 1/`share` of its
    /// channels, the others pass by, and both are shuffled. What passes by has a gate of its own, whose `op` is the number
    /// of ops in the space; an edge that runs anything and does not give it has 1 there. A `share` of 1 is
    /// [`Supernet::new`].
    ///
    /// # Errors
    /// As [`Supernet::new`], and channels that are not a multiple of twice `share`.
    pub fn with_partial_channels(
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
        streams: &Streams,
        device: &Device,
        share: usize,
    ) -> Result<Self> {
        let spec = NetworkSpec::supernet(space, skeleton)?;
        let mut parameters = Parameters::new();
        let mut scope = Scope::root(&mut parameters, *streams, device, spec.norm);
        let network = Network::new(&mut scope, &spec, operations, share)?;
        Ok(Self {
            space: space.clone(),
            skeleton: skeleton.clone(),
            network,
            task: Arc::new(Classes),
            parameters,
            share,
            workspace: Workspace::new(),
            stop: None,
            device: device.clone(),
        })
    }

    /// One pass: forward with the ops that the gates name, and backward for the gradients that are wanted.
    ///
    /// # Errors
    /// A batch or gates that do not fit. A loss that is not finite is no error: see [`PassOutput::loss`].
    pub fn pass(&self, batch: &Batch, gates: &Gates, wanted: Wanted, options: &PassOptions) -> Result<PassOutput> {
        pass::check_batch(batch, images_of(&self.skeleton), self.skeleton.classes, self.task.as_ref())?;
        self.check_gates(gates)?;
        let run = Run {
            network: &self.network,
            task: self.task.as_ref(),
            parameters: &self.parameters,
            workspace: &self.workspace,
            phase: if wanted.any() { Phase::Training } else { Phase::Evaluation },
            stop: self.stop.as_deref(),
        };
        let start = Instant::now();
        let mut sums = wanted.gates.then(GateSums::new);
        let passing = if self.share == 1 { None } else { Some(self.with_passed_by(gates)) };
        let run_gates = passing.as_ref().unwrap_or(gates);
        let mut output =
            pass::awake_on(&self.device, || run.pass(batch, run_gates, wanted, options, sums.as_mut(), start))?;
        output.gate_gradients = sums.map(|sums: GateSums| gather(gates, &sums)).transpose()?;
        Ok(output)
    }

    /// Which ReLUs are on for which of `images` (`[n, h, w, c]`) in a forward pass with these gates and the images' own
    /// statistics in BatchNorm: the kernel of NASWOT ([`ReluPatterns`]). The ReLUs are those that convolutions read through
    /// ([`crate::stage::Stage`]), in ops, preprocessing and residual blocks.
    ///
    /// # Errors
    /// Images or gates that do not fit.
    pub fn relu_patterns(&self, images: &Tensor, gates: &Gates) -> Result<ReluPatterns> {
        self.check_gates(gates)?;
        let passing = if self.share == 1 { None } else { Some(self.with_passed_by(gates)) };
        let gates = passing.as_ref().unwrap_or(gates);
        pass::check_images(images, images_of(&self.skeleton))?;
        pass::relu_patterns(&self.network, gates, &self.parameters, &self.workspace, images)
    }

    /// Ends passes between two of their layers, with [`NnError::Stopped`], while `stop` is raised; `None`: they go on to
    /// their end.
    pub fn heed(&mut self, stop: Option<Arc<AtomicBool>>) {
        self.stop = stop;
    }

    /// Frees an op of an edge in all cells of its kind, with its weights and their momenta.
    ///
    /// # Errors
    /// An op that is not there, is pruned already, or is the last of its edge.
    pub fn prune(&mut self, id: OpId) -> Result<()> {
        self.alive().prune(id)?;
        for id in self.network.prune(id) {
            self.parameters.remove(id);
        }
        Ok(())
    }

    /// Frees every op that is not in `alive`, as after loading a checkpoint.
    ///
    /// # Errors
    /// Alive ops of another space, or such that an op would have to come back.
    pub fn restrict(&mut self, alive: &AliveOps) -> Result<()> {
        if !alive.fits(&self.space) {
            return Err(NnError::AliveOps { space: self.space.name().to_owned() });
        }
        let ops = self.space.ops().len();
        let all: Vec<OpId> = self.space.edges().flat_map(|edge| (0..ops).map(move |op| edge.op(op))).collect();
        if let Some(&id) = all.iter().find(|&&id| alive.contains(id) && !self.network.has(id)) {
            return Err(NnError::Gate { id, why: "pruned" });
        }
        for id in all.into_iter().filter(|&id| !alive.contains(id)) {
            for parameter in self.network.prune(id) {
                self.parameters.remove(parameter);
            }
        }
        Ok(())
    }

    /// The search space.
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// The same network with another task than [`Classes`]: its outputs, as many as the skeleton has classes, are what the
    /// task says.
    pub fn with_task(self, task: Arc<dyn Task>) -> Self {
        Self { task, ..self }
    }

    /// What the outputs stand for.
    pub fn task(&self) -> &Arc<dyn Task> {
        &self.task
    }

    /// The skeleton.
    pub fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    /// The ops that are not pruned: those that its cells have.
    pub fn alive(&self) -> AliveOps {
        AliveOps::from_fn(&self.space, |id| self.network.has(id))
    }

    /// The weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The weights, for an update or to load them.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// Partial channels, K; 1 without.
    pub fn partial_channels(&self) -> usize {
        self.share
    }

    /// The pool of buffers that passes use; clear it to free memory.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The device of the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The gates with that of the channels that pass by, 1 where it is not given, on every edge that runs anything.
    fn with_passed_by(&self, gates: &Gates) -> Gates {
        let mut gates = gates.clone();
        let op = self.space.ops().len();
        for (_, edge) in gates.iter_mut() {
            if !edge.is_empty() && edge.iter().all(|gate| gate.op != op) {
                edge.push(Gate { op, value: 1.0 });
            }
        }
        gates
    }

    fn check_gates(&self, gates: &Gates) -> Result<()> {
        let cells = self.space.cells();
        if gates.kinds.len() != cells.len() {
            let (got, expected) = (gates.kinds.len(), cells.len());
            return Err(NnError::GateShape { what: "kinds of cell".to_owned(), got, expected });
        }
        for (kind, (edges, cell)) in gates.kinds.iter().zip(cells).enumerate() {
            if edges.len() != cell.edges.len() {
                let what = format!("edges in cell kind {kind} (`{}`)", cell.name);
                return Err(NnError::GateShape { what, got: edges.len(), expected: cell.edges.len() });
            }
        }
        let ops = self.space.ops().len();
        for (edge, gates) in gates.iter() {
            for (index, gate) in gates.iter().enumerate() {
                let (id, twice) = (edge.op(gate.op), gates.iter().take(index).any(|other| other.op == gate.op));
                let passes_by = self.share != 1 && gate.op == ops;
                let why = if gate.op >= ops && !passes_by {
                    "not in the space"
                } else if !passes_by && !self.network.has(id) {
                    "pruned"
                } else if twice {
                    "listed twice"
                } else {
                    continue;
                };
                return Err(NnError::Gate { id, why });
            }
        }
        Ok(())
    }
}
