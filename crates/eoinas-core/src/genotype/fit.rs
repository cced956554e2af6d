//! A genotype beside a search space.

use super::{CellGenotype, Genotype};
use crate::error::CoreError;
use crate::gates::{Gate, Gates};
use crate::op::Op;
use crate::space::{CellSpec, SearchSpace};

impl Genotype {
    /// Whether the genotype has the space's kinds of cell, in its order, with its numbers of nodes and its outputs: what
    /// stacking the cells into a network needs. Ops and edges may be others than the space's. A cell of which its text did
    /// not say whether it reduces does so if the space's does.
    pub fn check_cells(&self, space: &SearchSpace) -> Result<(), CoreError> {
        self.validate()?;
        let expected: Vec<&str> = space.cells().iter().map(|spec| spec.name.as_str()).collect();
        let found: Vec<&str> = self.cells.iter().map(|cell| cell.name.as_str()).collect();
        if expected != found {
            let space = space.name();
            return Err(CoreError::fit(format!(
                "the genotype has the cells {found:?}; the space `{space}` has {expected:?}"
            )));
        }
        self.cells.iter().zip(space.cells()).try_for_each(|(cell, spec)| check_cell(cell, spec))
    }

    /// Whether the genotype is one that a search in this space could find: the space's cells, and in them only its
    /// candidate ops on its edges, one to an edge.
    pub fn fits(&self, space: &SearchSpace) -> Result<(), CoreError> {
        self.gates(space).map(drop)
    }

    /// The genotype as a path of the supernet: the gate of each of its ops is 1, and an edge that it does not have runs
    /// nothing. Fails where the genotype does not [fit](Self::fits).
    ///
    /// ```
    /// use eoinas_core::{Genotype, SearchSpace};
    /// let space = SearchSpace::nas_bench_201();
    /// let text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|none~2|";
    /// let gates = Genotype::parse(text)?.gates(&space)?;
    /// assert_eq!(gates.ops_run(eoinas_core::CellKind(0)), 6);
    /// assert_eq!(space.ops()[gates.kinds[0][0][0].op].name(), "nor_conv_3x3");
    /// # Ok::<(), eoinas_core::CoreError>(())
    /// ```
    pub fn gates(&self, space: &SearchSpace) -> Result<Gates, CoreError> {
        self.check_cells(space)?;
        let kinds = self.cells.iter().zip(space.cells()).map(|(cell, spec)| cell_gates(cell, spec, space.ops()));
        Ok(Gates { kinds: kinds.collect::<Result<_, _>>()? })
    }

    /// The smallest space that the genotype can be retrained in: its own cells with every edge, its own ops.
    ///
    /// ```
    /// use eoinas_core::{Genotype, Skeleton, count};
    /// let cell = "[('sep_conv_5x5', 1), ('sep_conv_3x3', 0)], ";
    /// let text = format!("Genotype(normal={cell} normal_concat=[2], reduce={cell} reduce_concat=[2])");
    /// let genotype = Genotype::parse(&text)?;
    /// let counts = count::network(&genotype, &Skeleton::cifar(), &genotype.space()?)?;
    /// assert!(counts.parameters > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A cell of which its text did not say whether it halves the resolution ([`Self::with_reductions`] says it); cells that
    /// do not [hold together](Self::validate).
    pub fn space(&self) -> Result<SearchSpace, CoreError> {
        self.validate()?;
        let mut ops: Vec<Op> = Vec::new();
        for edge in self.cells.iter().flat_map(|cell| cell.nodes.iter().flatten()) {
            if !ops.contains(&edge.op) {
                ops.push(edge.op.clone());
            }
        }
        let cell = |cell: &CellGenotype| {
            let unknown = || CoreError::UnknownReduction { cell: cell.name.clone() };
            let reduction = cell.reduction.ok_or_else(unknown)?;
            let dense = CellSpec::dense(&cell.name, cell.inputs, cell.nodes.len(), reduction);
            Ok(CellSpec { concat: cell.concat.clone(), keep: cell.nodes.iter().map(Vec::len).max(), ..dense })
        };
        SearchSpace::new("genotype", ops, self.cells.iter().map(cell).collect::<Result<_, CoreError>>()?)
    }
}

/// A cell that reduces where it should not, or does not where it should.
pub(super) fn other_reduction(cell: &str, found: bool, expected: bool) -> CoreError {
    let does = |reduce| if reduce { "halves the resolution" } else { "keeps the resolution" };
    let (found, expected) = (does(found), does(expected));
    CoreError::fit(format!("cell `{cell}` {found} by its text, and {expected} where it is to stand"))
}

fn check_cell(cell: &CellGenotype, spec: &CellSpec) -> Result<(), CoreError> {
    let name = &cell.name;
    for (what, expected, found) in
        [("input nodes", spec.inputs, cell.inputs), ("intermediate nodes", spec.nodes, cell.nodes.len())]
    {
        if expected != found {
            return Err(CoreError::fit(format!("cell `{name}` has {found} {what}; the space's has {expected}")));
        }
    }
    if let Some(found) = cell.reduction.filter(|found| *found != spec.reduction) {
        return Err(other_reduction(name, found, spec.reduction));
    }
    if cell.concat != spec.concat {
        let (found, expected) = (&cell.concat, &spec.concat);
        return Err(CoreError::fit(format!(
            "the output of cell `{name}` joins the nodes {found:?}; the space's joins {expected:?}"
        )));
    }
    Ok(())
}

fn cell_gates(cell: &CellGenotype, spec: &CellSpec, ops: &[Op]) -> Result<Vec<Vec<Gate>>, CoreError> {
    let name = &cell.name;
    let mut gates: Vec<Vec<Gate>> = vec![Vec::new(); spec.edges.len()];
    for (node, inputs) in spec.intermediate().zip(&cell.nodes) {
        for input in inputs {
            let Some(op) = ops.iter().position(|op| *op == input.op) else {
                let (op, known) = (&input.op, ops.iter().map(Op::name).collect::<Vec<_>>().join(", "));
                return Err(CoreError::fit(format!(
                    "node {node} of cell `{name}` uses `{op}`, which is no candidate of the space; candidates are {known}"
                )));
            };
            // A space may have several edges between two nodes; each takes one of the inputs.
            let mut edges = spec.edges.iter().zip(&mut gates).filter(|(e, _)| e.from == input.from && e.to == node);
            let Some((_, gate)) = edges.find(|(_, gate)| gate.is_empty()) else {
                let from = input.from;
                let exists = spec.edges.iter().any(|e| e.from == from && e.to == node);
                return Err(CoreError::fit(if exists {
                    format!(
                        "node {node} of cell `{name}` takes two inputs from node {from}; an edge of the search space keeps \
                         one op"
                    )
                } else {
                    format!("the space's cell `{name}` has no edge from node {from} to node {node}")
                }));
            };
            gate.push(Gate { op, value: 1.0 });
        }
    }
    Ok(gates)
}
