//! Networks made ready for evaluation: BatchNorm folded away, and the whole described as a graph.

use crate::cell::CellModule;
use crate::error::{NnError, Result};
use crate::graph::{GraphBuilder, GraphOp, Padding, Pooling, ValueId};
use crate::network::{Module, Network};
use crate::parameters::Parameters;

impl Network {
    /// Folds every BatchNorm with a convolution before it, and drops the auxiliary head.
    pub fn fold(&mut self, parameters: &mut Parameters) -> Result<()> {
        self.drop_auxiliary(parameters);
        self.stem.stages_mut().iter_mut().try_for_each(|stage| stage.fold(parameters))?;
        for layer in &mut self.layers {
            match &mut layer.module {
                Module::Cell(cell) => cell.fold(parameters)?,
                Module::Residual(block) => {
                    block.stages_mut().iter_mut().try_for_each(|stage| stage.fold(parameters))?
                }
            }
        }
        Ok(())
    }

    /// Adds the network to a graph; gives the logits.
    pub fn trace(&self, graph: &mut GraphBuilder<'_>, images: ValueId) -> Result<ValueId> {
        let mut features = self.stem.trace(graph, images)?;
        for layer in &self.layers {
            let read = |&input: &usize| {
                features.get(input).copied().ok_or(NnError::Fault("a layer reads an output that is not there"))
            };
            let inputs = layer.inputs.iter().map(read).collect::<Result<Vec<_>>>()?;
            features.push(match &layer.module {
                Module::Cell(cell) => cell.trace(graph, &inputs)?,
                Module::Residual(block) => block.trace(
                    graph,
                    inputs.first().copied().ok_or(NnError::Fault("a layer reads an output that is not there"))?,
                )?,
            });
        }
        self.head
            .trace(graph, features.last().copied().ok_or(NnError::Fault("a layer reads an output that is not there"))?)
    }
}

impl CellModule {
    fn fold(&mut self, parameters: &mut Parameters) -> Result<()> {
        self.preprocess.iter_mut().flatten().try_for_each(|stage| stage.fold(parameters))?;
        let ops = self.edges.iter_mut().flat_map(|edge| edge.ops.iter_mut().flatten());
        ops.into_iter().try_for_each(|op| op.fold(parameters))
    }

    /// Adds the cell to a graph; gives its joined output.
    fn trace(&self, graph: &mut GraphBuilder<'_>, inputs: &[ValueId]) -> Result<ValueId> {
        let mut nodes = Vec::with_capacity(self.nodes);
        for (stage, &input) in self.preprocess.iter().zip(inputs) {
            nodes.push(match stage {
                Some(stage) => stage.trace(graph, input)?,
                None => input,
            });
        }
        for node in self.preprocess.len()..self.nodes {
            let (mut terms, mut source) = (Vec::new(), None);
            for edge in self.edges.iter().filter(|edge| edge.to == node) {
                let x = nodes
                    .get(edge.from)
                    .copied()
                    .ok_or(NnError::Fault("an edge begins at a node that is not there"))?;
                source = source.or(Some(x));
                for op in edge.ops.iter().flatten() {
                    terms.extend(op.trace(graph, x)?);
                }
            }
            nodes.push(match (terms.as_slice(), source) {
                ([one], _) => *one,
                ([], Some(source)) => self.zeros(graph, source)?,
                (terms, _) => graph.push(GraphOp::Sum, terms)?,
            });
        }
        let read =
            |&node: &usize| nodes.get(node).copied().ok_or(NnError::Fault("a cell joins a node that is not there"));
        graph.concat(&self.concat.iter().map(read).collect::<Result<Vec<_>>>()?)
    }

    /// A node that nothing but `none` leads to.
    fn zeros(&self, graph: &mut GraphBuilder<'_>, source: ValueId) -> Result<ValueId> {
        let [height, width, _] = graph.shape(source)?;
        let mut like = source;
        if (height, width) != self.output_size {
            let padding = Padding::around(1, 1);
            like = graph.push(GraphOp::Pool { pooling: Pooling::Max, kernel: 3, stride: 2, padding }, &[source])?;
        }
        graph.push(GraphOp::Zeros, &[like])
    }
}
