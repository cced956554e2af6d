//! A cell: nodes that sum the ops of their edges. The supernet and derived networks share this code.

mod backward;
mod tape;
#[cfg(test)]
mod tests;

use candle_core::Tensor;
use eoinas_core::{CellKind, EdgeGates, EdgeId, Gate};
use eoinas_kernels::node::node_sum;
use eoinas_kernels::{Term, Workspace};

use crate::batch::Wanted;
use crate::buffers::{Normalized, refs, zeros};
use crate::error::{NnError, Result};
use crate::gate_sums::GateSums;
use crate::gradients::WeightGradients;
use crate::operation::{Context, Operation};
use crate::parameters::ParamId;
use crate::stage::Stage;
pub(crate) use tape::CellTape;
use tape::{Node, OpTape};

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

/// Where the gradients of a pass go.
#[derive(Debug)]
pub(crate) struct Sinks<'a> {
    pub weights: Option<&'a mut WeightGradients>,
    pub gates: Option<&'a mut GateSums>,
}

/// The features that a cell reads: their tensors, and whether anybody wants their gradients.
pub(crate) type CellInput<'a> = (&'a [Tensor], bool);

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
        Err(NnError::Gate { id: EdgeId { kind: self.kind, edge: index }.op(gate.op), why })
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
                    let node = Node::Input(Normalized::new(context, stage.forward(context, sources, None)?)?);
                    context.lap();
                    node
                }
                (None, [source]) => Node::Shared((*source).clone()),
                (None, sources) => return Err(NnError::Sources { got: sources.len() }),
            });
        }
        let first = nodes.first().ok_or(NnError::Sources { got: 0 })?.value()?;
        let (batch, device) = (first.dim(0)?, first.device().clone());
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
                    context.lap();
                }
            }
            let terms: Vec<Term<'_>> = self
                .edges_into(node)
                .flat_map(|(index, _)| tape.edges.get(index).into_iter().flatten().map(OpTape::term))
                .collect();
            let sum = match terms.as_slice() {
                [] => zeros(context.workspace, shape, &device)?,
                terms => node_sum(context.workspace, shape, terms)?,
            };
            tape.nodes.push(Node::Sum(sum));
            self.release_unneeded(context.workspace, &mut tape, node, inputs, wanted);
            context.lap();
        }
        let output = self
            .concat
            .iter()
            .map(|&node| {
                tape.nodes.get(node).ok_or(NnError::Fault("a cell joins a node that is not there"))?.value().cloned()
            })
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
        let x = nodes.get(edge.from).ok_or(NnError::Fault("an edge begins at a node that is not there"))?.value()?;
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

    /// Frees an op; gives its parameters.
    pub fn prune(&mut self, edge: usize, op: usize) -> Vec<ParamId> {
        let slot = self.edges.get_mut(edge).and_then(|edge| edge.ops.get_mut(op));
        slot.and_then(Option::take).map(|op| op.parameters()).unwrap_or_default()
    }

    fn edges_into(&self, node: usize) -> impl Iterator<Item = (usize, &CellEdge)> {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node)
    }
}
