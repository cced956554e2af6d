//! A cell: nodes that sum the ops of their edges. The supernet and derived networks share this code.

use candle_core::Tensor;
use eoinas_core::{CellKind, EdgeGates, Gate};
use eoinas_kernels::node::{Term, add_scaled, node_sum, node_sum_backward};
use eoinas_kernels::{Gradient, InputGradient, Workspace};

use crate::batch::Wanted;
use crate::buffers::{Normalized, recycle, refs, zeros};
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::operation::{BackwardPass, Context, OpOutput, Operation};
use crate::stage::{Stage, normalized_backward};

/// One edge and its ops; a pruned op is `None`.
#[derive(Debug)]
pub(crate) struct CellEdge {
    pub from: usize,
    pub to: usize,
    pub ops: Vec<Option<Box<dyn Operation>>>,
}

/// A cell with its modules.
#[derive(Debug)]
pub(crate) struct CellModule {
    pub kind: CellKind,
    /// Preprocessing of each input node; `None`: the input is node as it is.
    pub preprocess: Vec<Option<Stage>>,
    pub edges: Vec<CellEdge>,
    /// Number of nodes, inputs included.
    pub nodes: usize,
    pub concat: Vec<usize>,
    pub channels: usize,
    pub output_size: (usize, usize),
}

/// What a cell keeps from its forward to its backward pass.
#[derive(Debug)]
pub(crate) struct CellTape {
    nodes: Vec<Node>,
    edges: Vec<Vec<OpTape>>,
    pub ops_run: u64,
}

#[derive(Debug)]
enum Node {
    /// A tensor of another layer.
    Shared(Tensor),
    /// A preprocessed input.
    Input(Normalized),
    /// A sum over edges.
    Sum(Tensor),
    /// Handed back.
    Released,
}

#[derive(Debug)]
struct OpTape {
    gate: Gate,
    output: OpOutput,
    sample: Option<Tensor>,
}

/// Where the gradients of a pass go.
#[derive(Debug)]
pub(crate) struct Sinks<'a> {
    pub weights: Option<&'a mut WeightGradients>,
    /// Per edge of the cell's kind, per op of the space.
    pub gates: Option<&'a mut Vec<Vec<f64>>>,
}

/// The features that a cell reads: their tensors, and whether anybody wants their gradients.
pub(crate) type CellInput<'a> = (&'a [Tensor], bool);

impl Node {
    fn value(&self) -> Result<&Tensor> {
        match self {
            Self::Shared(tensor) | Self::Sum(tensor) => Ok(tensor),
            Self::Input(input) => Ok(&input.value),
            Self::Released => Err(NnError::Released),
        }
    }

    fn release(&mut self, workspace: &Workspace) {
        match std::mem::replace(self, Self::Released) {
            Self::Input(input) => input.recycle(workspace),
            Self::Sum(tensor) => workspace.recycle(tensor),
            Self::Shared(_) | Self::Released => {}
        }
    }
}

impl CellTape {
    /// Hands the memory back without a backward pass.
    pub fn recycle(mut self, workspace: &Workspace) {
        self.edges.into_iter().flatten().for_each(|op| op.output.recycle(workspace));
        self.nodes.iter_mut().for_each(|node| node.release(workspace));
    }
}

impl OpTape {
    fn term(&self) -> Term<'_> {
        Term {
            z: &self.output.z,
            norm: self.output.norm.as_ref().map(|applied| &applied.norm),
            gate: self.gate.value,
            sample: self.sample.as_ref(),
        }
    }
}

impl CellModule {
    /// Whether the gradient of a node is needed: that of an input when its feature's is (its preprocessing has weights,
    /// which want gradients only when everything below does), that of a later node whenever there is a backward pass.
    fn needs(&self, node: usize, inputs: &[CellInput<'_>], wanted: Wanted) -> bool {
        match inputs.get(node) {
            Some((_, needed)) => wanted.weights || *needed,
            None => wanted.any(),
        }
    }

    fn op(&self, edge: &CellEdge, gate: Gate, index: usize) -> Result<usize> {
        let why = match edge.ops.get(gate.op) {
            Some(Some(_)) => return Ok(gate.op),
            Some(None) => "pruned",
            None => "not in the space",
        };
        Err(NnError::Gate { kind: self.kind.0, edge: index, op: gate.op, why })
    }

    /// Runs the cell. Gives its output's tensors, one for each joined node, and the tape.
    pub fn forward(
        &self,
        context: &mut Context<'_>,
        inputs: &[CellInput<'_>],
        gates: &[EdgeGates],
        wanted: Wanted,
    ) -> Result<(Vec<Tensor>, CellTape)> {
        let mut nodes = Vec::with_capacity(self.nodes);
        for (index, (stage, (sources, _))) in self.preprocess.iter().zip(inputs).enumerate() {
            context.keep = self.needs(index, inputs, wanted);
            let sources = refs(sources);
            nodes.push(match (stage, sources.as_slice()) {
                (Some(stage), sources) => {
                    Node::Input(Normalized::new(context, stage.forward(context, sources, None)?)?)
                }
                (None, [source]) => Node::Shared((*source).clone()),
                (None, sources) => return Err(NnError::Sources { got: sources.len() }),
            });
        }
        let batch = nodes.first().map(|node| Ok::<_, NnError>(node.value()?.dim(0)?)).transpose()?.unwrap_or(0);
        let shape = (batch, self.output_size.0, self.output_size.1, self.channels);
        let mut tape = CellTape { nodes, edges: Vec::new(), ops_run: 0 };
        tape.edges.resize_with(self.edges.len(), Vec::new);
        for node in self.preprocess.len()..self.nodes {
            for (index, edge) in self.edges_into(node) {
                for &gate in gates.get(index).map_or(&[][..], Vec::as_slice) {
                    tape.ops_run += 1;
                    if let Some(op) = self.run_op(context, (index, edge), gate, &tape.nodes, inputs, wanted)?
                        && let Some(ops) = tape.edges.get_mut(index)
                    {
                        ops.push(op);
                    }
                }
            }
            let terms: Vec<Term<'_>> = self
                .edges_into(node)
                .flat_map(|(index, _)| tape.edges.get(index).into_iter().flatten().map(OpTape::term))
                .collect();
            let sum = node_sum(context.workspace, shape, &terms)?;
            tape.nodes.push(Node::Sum(sum));
            self.release_unneeded(context.workspace, &mut tape, node, inputs, wanted);
        }
        let output = self
            .concat
            .iter()
            .map(|&node| tape.nodes.get(node).ok_or(NnError::Released)?.value().cloned())
            .collect::<Result<Vec<_>>>()?;
        if !wanted.any() {
            for (index, node) in tape.nodes.iter_mut().enumerate() {
                if !self.concat.contains(&index) {
                    node.release(context.workspace);
                }
            }
        }
        Ok((output, tape))
    }

    fn run_op(
        &self,
        context: &mut Context<'_>,
        (index, edge): (usize, &CellEdge),
        gate: Gate,
        nodes: &[Node],
        inputs: &[CellInput<'_>],
        wanted: Wanted,
    ) -> Result<Option<OpTape>> {
        let at = self.op(edge, gate, index)?;
        let Some(op) = edge.ops.get(at).and_then(Option::as_ref) else {
            return Ok(None);
        };
        context.keep = self.needs(edge.from, inputs, wanted);
        let x = nodes.get(edge.from).ok_or(NnError::Released)?.value()?;
        let Some(output) = op.forward(context, x)? else {
            return Ok(None);
        };
        // Drop-path leaves the identity alone: dropping it would cut an image off.
        let sample = if context.drop_path > 0.0 && !op.is_identity() {
            let keep = 1.0 - context.drop_path;
            let mask = context.masks.keep_mask(x.dim(0)?, context.drop_path);
            let factors: Vec<f32> = mask.iter().map(|&kept| f32::from(kept) / keep).collect();
            Some(Tensor::from_vec(factors, x.dim(0)?, x.device())?)
        } else {
            None
        };
        Ok(Some(OpTape { gate, output, sample }))
    }

    /// Hands back outputs of ops that no backward pass will read.
    fn release_unneeded(
        &self,
        workspace: &Workspace,
        tape: &mut CellTape,
        node: usize,
        inputs: &[CellInput<'_>],
        wanted: Wanted,
    ) {
        for (index, edge) in self.edges_into(node) {
            if !wanted.gates && !self.needs(edge.from, inputs, wanted) {
                for op in tape.edges.get_mut(index).map(std::mem::take).into_iter().flatten() {
                    op.output.recycle(workspace);
                }
            }
        }
    }

    /// Runs the cell backward. `gradients` are those of its output's tensors; `targets` are where gradients of the
    /// features it read are added, one for each input, where they are wanted.
    pub fn backward(
        &self,
        context: &mut Context<'_>,
        mut tape: CellTape,
        inputs: &[CellInput<'_>],
        gradients: Vec<Tensor>,
        targets: &[Option<Vec<Tensor>>],
        mut sinks: Sinks<'_>,
    ) -> Result<()> {
        let workspace = context.workspace;
        let wanted = Wanted { weights: sinks.weights.is_some(), gates: sinks.gates.is_some() };
        let mut dnodes: Vec<Option<Tensor>> = Vec::new();
        dnodes.resize_with(self.nodes, || None);
        for (&node, gradient) in self.concat.iter().zip(gradients) {
            if let Some(slot) = dnodes.get_mut(node) {
                match slot {
                    Some(sum) => {
                        add_scaled(sum, &gradient, 1.0, None)?;
                        workspace.recycle(gradient);
                    }
                    None => *slot = Some(gradient),
                }
            }
        }
        // An input that is a feature as it is gets its gradient where the feature's is collected.
        for (index, stage) in self.preprocess.iter().enumerate() {
            if let (None, Some(slot), Some(Some(target))) = (stage, dnodes.get_mut(index), targets.get(index)) {
                *slot = target.first().cloned();
            }
        }
        for node in (self.preprocess.len()..self.nodes).rev() {
            let dy = dnodes.get_mut(node).and_then(Option::take);
            if let Some(dy) = &dy {
                self.node_backward(context, &mut tape, node, dy, &mut dnodes, inputs, wanted, &mut sinks)?;
            }
            for (index, _) in self.edges_into(node) {
                for op in tape.edges.get_mut(index).map(std::mem::take).into_iter().flatten() {
                    op.output.recycle(workspace);
                }
            }
            recycle(workspace, dy);
            if let Some(value) = tape.nodes.get_mut(node) {
                value.release(workspace);
            }
        }
        for (index, (stage, (sources, _))) in self.preprocess.iter().zip(inputs).enumerate() {
            let dy = dnodes.get_mut(index).and_then(Option::take);
            if let (Some(stage), Some(dy), Some(Node::Input(output))) = (stage, dy, tape.nodes.get(index)) {
                let sources = refs(sources);
                let add_to: Vec<&Tensor> = targets.get(index).into_iter().flatten().flatten().collect();
                let input = if add_to.is_empty() { InputGradient::Skip } else { InputGradient::AddTo(&add_to) };
                normalized_backward(stage, context, &sources, output, &dy, input, sinks.weights.as_deref_mut())?;
                workspace.recycle(dy);
            }
            if let Some(value) = tape.nodes.get_mut(index) {
                value.release(workspace);
            }
        }
        Ok(())
    }

    /// Takes the gradient of one node through the ops that end in it.
    #[expect(clippy::too_many_arguments, reason = "the state of one backward pass, used here alone")]
    fn node_backward(
        &self,
        context: &mut Context<'_>,
        tape: &mut CellTape,
        node: usize,
        dy: &Tensor,
        dnodes: &mut [Option<Tensor>],
        inputs: &[CellInput<'_>],
        wanted: Wanted,
        sinks: &mut Sinks<'_>,
    ) -> Result<()> {
        let workspace = context.workspace;
        // Every op with a pending BatchNorm needs that one's sums; the others are read only for their gate's gradient.
        let read = |edge: &CellEdge, op: &OpTape| {
            wanted.gates || (op.output.norm.is_some() && self.needs(edge.from, inputs, wanted))
        };
        let mut terms = Vec::new();
        for (index, edge) in self.edges_into(node) {
            terms.extend(tape.edges.get(index).into_iter().flatten().filter(|op| read(edge, op)).map(OpTape::term));
        }
        let found = node_sum_backward(workspace, dy, &terms, wanted.gates)?;
        drop(terms);
        let mut found = found.into_iter();
        for (index, edge) in self.edges_into(node) {
            let x = tape.nodes.get(edge.from).ok_or(NnError::Released)?.value()?;
            let needed = self.needs(edge.from, inputs, wanted);
            for op in tape.edges.get_mut(index).into_iter().flatten() {
                let term = if read(edge, op) { found.next() } else { None };
                if let (Some(gates), Some(term)) = (sinks.gates.as_deref_mut(), &term) {
                    add_gate(gates, index, op.gate.op, term.gate);
                }
                let Some(module) = edge.ops.get(op.gate.op).and_then(Option::as_ref).filter(|_| needed) else {
                    continue;
                };
                let sums = term.and_then(|term| term.sums);
                // A copy of the handle: the op is free to consume what it saved, its output stays whole.
                let z = op.output.z.clone();
                let coefficients = match (&op.output.norm, &sums) {
                    (Some(norm), Some(sums)) => {
                        if let Some(weights) = sinks.weights.as_deref_mut() {
                            norm.add_gradients(sums, op.gate.value, weights)?;
                        }
                        Some(norm.coefficients(sums, op.gate.value)?)
                    }
                    (Some(_), None) => return Err(NnError::MissingSums),
                    (None, _) => None,
                };
                let gradient = Gradient {
                    dy,
                    norm: coefficients.as_ref().map(|coefficients| (&z, coefficients)),
                    gate: op.gate.value,
                    sample: op.sample.as_ref(),
                };
                let Some(slot) = dnodes.get_mut(edge.from) else { continue };
                let target = match slot {
                    Some(target) => target,
                    none => none.insert(zeros(workspace, x.dims4()?)?),
                };
                let pass = BackwardPass { x, gradient, input: Some(target), weights: sinks.weights.as_deref_mut() };
                module.backward(context, &mut op.output, pass)?;
            }
        }
        Ok(())
    }

    /// Frees an op; gives its parameters.
    pub fn prune(&mut self, edge: usize, op: usize) -> Vec<crate::parameters::ParamId> {
        let slot = self.edges.get_mut(edge).and_then(|edge| edge.ops.get_mut(op));
        slot.and_then(Option::take).map(|op| op.parameters()).unwrap_or_default()
    }

    fn edges_into(&self, node: usize) -> impl Iterator<Item = (usize, &CellEdge)> {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node)
    }
}

fn add_gate(gates: &mut [Vec<f64>], edge: usize, op: usize, gradient: f64) {
    if let Some(sum) = gates.get_mut(edge).and_then(|edge| edge.get_mut(op)) {
        *sum += gradient;
    }
}
