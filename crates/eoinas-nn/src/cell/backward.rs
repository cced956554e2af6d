//! The backward pass of a cell: from the gradients of its nodes to those of its inputs, weights and gates.

use candle_core::Tensor;
use eoinas_core::EdgeId;
use eoinas_kernels::Gradient;
use eoinas_kernels::node::{add_scaled, node_sum_backward};

use super::tape::{CellTape, Node, OpTape};
use super::{CellEdge, CellInput, CellModule, Sinks};
use crate::batch::Wanted;
use crate::buffers::{FeatureTarget, recycle, refs, unwritten_like};
use crate::error::{NnError, Result};
use crate::operation::{BackwardPass, Context, InputTarget};
use crate::stage::normalized_backward;

impl CellModule {
    /// Runs the cell backward. `gradients` are those of its output's tensors; `targets` are where gradients of the
    /// features it read are added, one for each input, where they are wanted.
    pub fn backward(
        &self,
        context: &mut Context<'_>,
        mut tape: CellTape,
        inputs: &[CellInput<'_>],
        gradients: Vec<Tensor>,
        targets: &[Option<FeatureTarget>],
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
                *slot = target.zeroed()?.first().cloned();
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
            let target = targets.get(index).and_then(Option::as_ref);
            if let (Some(stage), Some(dy), Some(Node::Input(output))) = (stage, dy, tape.nodes.get(index)) {
                let (sources, tensors) = (refs(sources), FeatureTarget::refs(target));
                let input = FeatureTarget::request(target, &tensors);
                normalized_backward(stage, context, &sources, output, &dy, input, sinks.weights.as_deref_mut())?;
                workspace.recycle(dy);
            } else if let (Some(_), Some(target)) = (stage, target) {
                // No op read this input.
                target.zeroed()?;
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
        let found = node_sum_backward(dy, &terms, wanted.gates)?;
        drop(terms);
        let mut found = found.into_iter();
        for (index, edge) in self.edges_into(node) {
            let x = tape
                .nodes
                .get(edge.from)
                .ok_or(NnError::Fault("an edge begins at a node that is not there"))?
                .value()?;
            let needed = self.needs(edge.from, inputs, wanted);
            for op in tape.edges.get_mut(index).into_iter().flatten() {
                let term = if read(edge, op) { found.next() } else { None };
                if let (Some(gates), Some(term)) = (sinks.gates.as_deref_mut(), &term) {
                    gates.push((EdgeId { kind: self.kind, edge: index }.op(op.gate.op), term.gate.clone()));
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
                        Some(&sums.map)
                    }
                    (Some(_), None) => return Err(NnError::Fault("a backward kernel gave no sums of BatchNorm")),
                    (None, _) => None,
                };
                let gradient = Gradient {
                    dy,
                    norm: coefficients.map(|coefficients| (&z, coefficients)),
                    gate: op.gate.value,
                    sample: op.sample.as_ref(),
                };
                let Some(slot) = dnodes.get_mut(edge.from) else { continue };
                let target = match slot {
                    Some(target) => InputTarget::AddTo(target),
                    none => InputTarget::WriteTo(none.insert(unwritten_like(workspace, x)?)),
                };
                let pass = BackwardPass { x, gradient, input: Some(target), weights: sinks.weights.as_deref_mut() };
                module.backward(context, &mut op.output, pass)?;
            }
        }
        Ok(())
    }
}
