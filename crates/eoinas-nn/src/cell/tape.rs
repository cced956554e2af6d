//! What a cell keeps from its forward to its backward pass, and who hands it back.

use candle_core::Tensor;
use eoinas_core::Gate;
use eoinas_kernels::{Term, Workspace};

use crate::buffers::Normalized;
use crate::error::{NnError, Result};
use crate::operation::OpOutput;

/// What a cell keeps from its forward to its backward pass.
#[derive(Debug)]
pub(crate) struct CellTape {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Vec<OpTape>>,
    pub ops_run: u64,
}

/// The value of a node.
#[derive(Debug)]
pub(super) enum Node {
    /// A tensor of another layer.
    Shared(Tensor),
    /// A preprocessed input.
    Input(Normalized),
    /// A sum over edges.
    Sum(Tensor),
    /// Handed back.
    Released,
}

/// One op that was run.
#[derive(Debug)]
pub(super) struct OpTape {
    pub gate: Gate,
    pub output: OpOutput,
    pub sample: Option<Tensor>,
}

impl Node {
    pub fn value(&self) -> Result<&Tensor> {
        match self {
            Self::Shared(tensor) | Self::Sum(tensor) => Ok(tensor),
            Self::Input(input) => Ok(&input.value),
            Self::Released => Err(NnError::Fault("a node of the cell is read after it was released")),
        }
    }

    pub fn release(&mut self, workspace: &Workspace) {
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
    pub fn term(&self) -> Term<'_> {
        Term {
            z: &self.output.z,
            norm: self.output.norm.as_ref().map(|applied| &applied.norm),
            gate: self.gate.value,
            sample: self.sample.as_ref(),
        }
    }
}
