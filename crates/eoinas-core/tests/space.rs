//! The shipped spaces, what a space of one's own may be, and the tables and flags over a space.

use eoinas_core::{
    AliveOps, CellKind, CellSpec, CoreError, EdgeId, EdgeOpTable, Gate, Gates, Op, OpId, OpShape, OpSpec, SearchSpace,
};

#[test]
fn shipped_spaces_pass_their_own_check() {
    for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
        SearchSpace::new(space.name(), space.ops().to_vec(), space.cells().to_vec()).unwrap();
    }
    let darts = SearchSpace::darts();
    assert_eq!(darts.edges().count(), 28);
    let into: Vec<Vec<usize>> = (2..6).map(|node| darts.cells()[0].edges_into(node).collect()).collect();
    assert_eq!(into, [vec![0, 1], vec![2, 3, 4], vec![5, 6, 7, 8], vec![9, 10, 11, 12, 13]]);
    let strides: Vec<usize> = darts.cells()[1].edges.iter().map(|edge| edge.stride).collect();
    assert_eq!(strides, [2, 2, 2, 2, 1, 2, 2, 1, 1, 2, 2, 1, 1, 1]);
    assert_eq!(SearchSpace::nas_bench_201().edges().count(), 6);
}

#[derive(Debug)]
struct Named(&'static str);

impl OpSpec for Named {
    fn name(&self) -> &str {
        self.0
    }
    fn parameters(&self, _: OpShape) -> u64 {
        0
    }
    fn multiply_adds(&self, _: OpShape) -> u64 {
        0
    }
}

#[test]
fn spaces_that_cannot_be_searched_are_refused() {
    let ops = || vec![Op::None, Op::SkipConnect];
    let cell = || CellSpec::dense("normal", 2, 2, false);
    let refused = |ops: Vec<Op>, cells: Vec<CellSpec>| match SearchSpace::new("mine", ops, cells).unwrap_err() {
        CoreError::Space { problem } => problem,
        other => panic!("{other}"),
    };
    let edited = |edit: &dyn Fn(&mut CellSpec)| {
        let mut spec = cell();
        edit(&mut spec);
        refused(ops(), vec![spec])
    };
    assert_eq!(refused(vec![], vec![cell()]), "a search space needs 1 to 64 candidate ops, got 0");
    let names: Vec<&'static str> = (0..65).map(|i| &*Box::leak(format!("op_{i}").into_boxed_str())).collect();
    let many = names.into_iter().map(|name| Op::custom(Named(name))).collect();
    assert_eq!(refused(many, vec![cell()]), "a search space needs 1 to 64 candidate ops, got 65");
    assert_eq!(refused(vec![Op::None, Op::None], vec![cell()]), "op `none` is listed twice");
    let own = |name| refused(vec![Op::custom(Named(name))], vec![cell()]);
    assert_eq!(own("none"), "`none` is the name of a built-in op; give your own op another one");
    for name in ["", "a b", "3x3", "_a", "a'b", "é", "a-b"] {
        assert!(own(name).starts_with(&format!("`{name}` is no name for an op; it must consist of letters")));
    }
    assert_eq!(refused(ops(), vec![]), "a search space needs at least one kind of cell");
    assert_eq!(refused(ops(), vec![cell(), cell()]), "two kinds of cell are called `normal`");
    assert!(edited(&|c| c.name = "a cell".into()).starts_with("`a cell` is no name for a kind of cell; "));
    let of_cell = |edit: &dyn Fn(&mut CellSpec), expected: &str| {
        assert_eq!(edited(edit), format!("cell `normal`{expected}"));
    };
    of_cell(&|c| c.inputs = 0, " has 0 input nodes; it needs 1 to 64");
    of_cell(&|c| c.nodes = usize::MAX, " has 18446744073709551615 intermediate nodes; it needs 1 to 256");
    of_cell(&|c| c.keep = Some(0), " keeps 0 edges a node; use at least 1, or None to keep all");
    let leads = "it must lead from an earlier node to an intermediate one";
    of_cell(&|c| c.edges[0].from = 2, &format!(": edge 0 leads from node 2 to node 2; {leads}"));
    of_cell(&|c| c.edges[0].to = 9, &format!(": edge 0 leads from node 0 to node 9; {leads}"));
    of_cell(&|c| c.edges.swap(0, 1), ": edge 1 is out of order; order edges by target, then by source");
    of_cell(&|c| c.edges[0].stride = 2, ": edge 0 has stride 2, which does not fit; expected 1");
    of_cell(&|c| c.edges.truncate(2), ": node 3 has no edge into it");
    for concat in [vec![], vec![1], vec![4], vec![2, 2]] {
        let joins = "the output must join one or more of the intermediate nodes, each once, got";
        of_cell(&|c| c.concat = concat.clone(), &format!(": {joins} {concat:?}"));
    }
    let space = SearchSpace::darts().with_op(Op::custom(Named("mine"))).unwrap();
    assert_eq!(space.op_index("mine"), Some(8));
    assert!(space.with_op(Op::custom(Named("mine"))).is_err());
}

#[test]
fn pruning_takes_one_op_and_never_the_last() {
    let space = SearchSpace::nas_bench_201();
    let (id, mut alive) = (EdgeId { kind: CellKind(0), edge: 5 }, AliveOps::all(&space));
    let refused = |alive: &mut AliveOps, id: OpId| alive.prune(id).unwrap_err().to_string();
    for op in [4, 0, 2, 1] {
        alive.prune(id.op(op)).unwrap();
        let expected = format!("cell kind 0, edge 5: op {op} is pruned already");
        assert_eq!(refused(&mut alive, id.op(op)), expected);
    }
    assert_eq!(alive.ops(id).collect::<Vec<_>>(), [3]);
    assert_eq!(refused(&mut alive, id.op(3)), "cell kind 0, edge 5: op 3 is the last one and cannot be pruned");
    assert_eq!(refused(&mut alive, id.op(9)), "cell kind 0, edge 5: op 9 is not in the space");
    let nowhere = EdgeId { kind: CellKind(3), edge: 0 };
    assert_eq!(refused(&mut alive, nowhere.op(0)), "cell kind 3, edge 0: op 0 is not in the space");
    assert_eq!((alive.count(EdgeId { edge: 0, ..id }), alive.max_count(&space)), (5, 5));
    assert!(alive.fits(&space) && !alive.fits(&SearchSpace::darts()));
    let back: AliveOps = serde_json::from_str(&serde_json::to_string(&alive).unwrap()).unwrap();
    assert_eq!(back, alive);
}

#[test]
fn tables_have_a_row_for_each_edge_and_nothing_beyond() {
    let space = SearchSpace::darts();
    let mut table = EdgeOpTable::filled(&space, 0u32);
    let last = EdgeId { kind: CellKind(1), edge: 13 };
    table[last].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(table.matrix(CellKind(1))[104..], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(table.matrix(CellKind(0)).iter().all(|value| *value == 0));
    assert_eq!((table.get(last).map(<[u32]>::len), table[last.op(7)]), (Some(8), 8));
    let beyond = [(1, 14), (2, 0), (0, usize::MAX)].map(|(kind, edge)| EdgeId { kind: CellKind(kind), edge });
    assert!(beyond.iter().all(|id| table.get(*id).is_none()));
    assert!(table.fits(&space) && !table.fits(&SearchSpace::nas_bench_201()));
    table.matrix_mut(CellKind(0)).fill(1);
    assert_eq!((&table[EdgeId { edge: 0, kind: CellKind(0) }], table.ops()), (&[1; 8][..], 8));
}

#[test]
fn gradients_have_the_shape_of_the_gates() {
    let gates = Gates { kinds: vec![vec![vec![Gate { op: 3, value: 0.5 }], vec![]]] };
    assert_eq!(gates.zeros_like().kinds, [[vec![Gate { op: 3, value: 0.0 }], vec![]]]);
    assert_eq!([0, 1].map(|kind| gates.ops_run(CellKind(kind))), [1, 0]);
}
