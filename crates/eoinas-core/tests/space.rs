//! The shipped spaces, what a space of one's own may be, and the tables and flags over a space.

use eoinas_core::space::SpaceError;
use eoinas_core::{
    AliveOps, CellKind, CellSpec, EdgeId, EdgeOpTable, Gate, Gates, Op, OpId, OpShape, OpSpec, SearchSpace,
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
    let refused = |ops: Vec<Op>, cells: Vec<CellSpec>| SearchSpace::new("mine", ops, cells).unwrap_err();
    let edited = |edit: &dyn Fn(&mut CellSpec)| {
        let mut spec = cell();
        edit(&mut spec);
        refused(ops(), vec![spec])
    };
    assert_eq!(refused(vec![], vec![cell()]), SpaceError::Ops { got: 0 });
    let names: Vec<&'static str> = (0..65).map(|i| &*Box::leak(format!("op_{i}").into_boxed_str())).collect();
    let many = names.into_iter().map(|name| Op::custom(Named(name))).collect();
    assert_eq!(refused(many, vec![cell()]), SpaceError::Ops { got: 65 });
    assert!(matches!(refused(vec![Op::None, Op::None], vec![cell()]), SpaceError::DuplicateOp { .. }));
    assert!(matches!(refused(vec![Op::custom(Named("none"))], vec![cell()]), SpaceError::BuiltInName { .. }));
    for name in ["", "a b", "3x3", "_a", "a'b", "é", "a-b"] {
        assert!(matches!(refused(vec![Op::custom(Named(name))], vec![cell()]), SpaceError::Name { what: "an op", .. }));
    }
    assert_eq!(refused(ops(), vec![]), SpaceError::NoCells);
    assert!(matches!(refused(ops(), vec![cell(), cell()]), SpaceError::DuplicateCell { .. }));
    assert!(matches!(edited(&|c| c.name = "a cell".into()), SpaceError::Name { .. }));
    assert!(matches!(edited(&|c| c.inputs = 0), SpaceError::Size { what: "input nodes", got: 0, .. }));
    assert!(matches!(edited(&|c| c.nodes = usize::MAX), SpaceError::Size { what: "intermediate nodes", .. }));
    assert!(matches!(edited(&|c| c.keep = Some(0)), SpaceError::Keep { .. }));
    assert!(matches!(edited(&|c| c.edges[0].from = 2), SpaceError::Edge { edge: 0, from: 2, to: 2, .. }));
    assert!(matches!(edited(&|c| c.edges[0].to = 9), SpaceError::Edge { to: 9, .. }));
    assert!(matches!(edited(&|c| c.edges.swap(0, 1)), SpaceError::Order { edge: 1, .. }));
    assert!(matches!(edited(&|c| c.edges[0].stride = 2), SpaceError::Stride { edge: 0, stride: 2, .. }));
    assert!(matches!(edited(&|c| c.edges.truncate(2)), SpaceError::Orphan { node: 3, .. }));
    for concat in [vec![], vec![1], vec![4], vec![2, 2]] {
        assert!(matches!(edited(&|c| c.concat = concat.clone()), SpaceError::Concat { .. }));
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
