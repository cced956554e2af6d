//! Every dialect of genotype texts, what is wrong with broken ones, and that all forms round-trip.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{DARTS_V2, EOINAS_A, EOINAS_B, NASNET_A, parse};
use eoinas_core::genotype::{Concat, MAX_BYTES, Position};
use eoinas_core::{
    CellKind, CellSpec, CoreError, Genotype, GenotypeEdge, Op, OpShape, OpSpec, SearchSpace, SeedStream, Skeleton,
    Streams, count,
};

/// A small cell in many spellings.
const SMALL: &str = "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('none', 2), ('max_pool_3x3', 0)], \
    normal_concat=range(2, 4), reduce=[('dil_conv_5x5', 1), ('dil_conv_5x5', 1), ('avg_pool_3x3', 0), \
    ('sep_conv_5x5', 2)], reduce_concat=range(2, 4))";

#[test]
fn published_texts_come_back_byte_for_byte() {
    for text in [DARTS_V2, EOINAS_A, EOINAS_B, SMALL] {
        assert_eq!(parse(text).to_string(), text);
        assert_eq!(parse(text).to_darts(Concat::Range).unwrap(), text);
        let listed = text.replace("range(2, 6)", "[2, 3, 4, 5]").replace("range(2, 4)", "[2, 3]");
        assert_eq!(parse(&listed).to_darts(Concat::List).unwrap(), listed);
        assert_eq!(parse(&listed), parse(text));
    }
    assert_eq!(parse(NASNET_A).to_darts(Concat::List).unwrap(), NASNET_A);
    assert_eq!(parse(NASNET_A).cells[0].nodes[1], [edge(Op::SepConv5x5, 0), edge(Op::SepConv3x3, 0)]);
}

fn edge(op: Op, from: usize) -> GenotypeEdge {
    GenotypeEdge { op, from }
}

#[test]
fn all_dialects_say_the_same() {
    let small = parse(SMALL);
    let normal = "[('sep_conv_3x3', 0), ('skip_connect', 1), ('none', 2), ('max_pool_3x3', 0)]";
    let reduce = "[('dil_conv_5x5', 1), ('dil_conv_5x5', 1), ('avg_pool_3x3', 0), ('sep_conv_5x5', 2)]";
    let json_normal = normal.replace('\'', "\"").replace('(', "[").replace(')', "]");
    let json_reduce = reduce.replace('\'', "\"").replace('(', "[").replace(')', "]");
    let nested_normal = "[[('sep_conv_3x3', 0), ('skip_connect', 1)], [('none', 2), ('max_pool_3x3', 0)]]";
    let nested_reduce = "((('dil_conv_5x5', 1), ('dil_conv_5x5', 1)), (('avg_pool_3x3', 0), ('sep_conv_5x5', 2)))";
    let weighted =
        normal.replace("0)", "0, 0.13017432391643524)").replace("1)", "1, 1e-3)").replace("2)", "2, -1.5E+2)");
    let dialects = [
        format!("DARTS_V9 = {SMALL}"),
        format!("genotype={SMALL};"),
        format!("genotypes.{SMALL}"),
        format!("\u{feff}\n  {SMALL}\n\n"),
        format!("# found by hand\nX = \\\n  {}  # the end", SMALL.replace(", ", "\n,\t# a comment ) ]\n")),
        SMALL.replace("range(2, 4)", "[2, 3]"),
        SMALL.replace("range(2, 4)", "(2, 3,)"),
        SMALL.replace("range(2, 4)", "list(range(2, 4))"),
        SMALL.replace("range(2, 4)", "tuple([2, 3])"),
        SMALL.replace("range(2, 4)", "[2] + [3]"),
        SMALL.replace("range(2, 4)", "range(2,3)+[3]"),
        SMALL.replace("range(2, 4)", "None"),
        SMALL.replace('\'', "\""),
        SMALL.replace('\'', "u'").replace("u',", "',"),
        format!("Genotype(reduce_concat=[2,3], reduce={reduce}, normal_concat=[2,3], normal={normal},)"),
        format!("Genotype({normal}, range(2, 4), {reduce}, range(2, 4))"),
        format!("Genotype(normal={nested_normal}, normal_concat=[2, 3], reduce={nested_reduce}, reduce_concat=[2, 3])"),
        format!("Genotype(normal={weighted}, normal_concat=[2, 3], reduce={reduce}, reduce_concat=None, connects=None)"),
        format!("{{'normal': {normal}, 'normal_concat': [2, 3], 'reduce': {reduce}, 'reduce_concat': range(2, 4)}}"),
        format!(
            "{{\"reduce\": {json_reduce},\n \"reduce_concat\": [2, 3], \"normal\": {json_normal}, \
             \"normal_concat\": [2, 3], \"connectN\": null}}"
        ),
        "{\"normal\": [[{\"op\": \"sep_conv_3x3\", \"from\": 0}, {\"op\": \"skip_connect\", \"from\": 1}], \
         [[\"none\", 2], [\"max_pool_3x3\", 0]]], \"normal_concat\": [2, 3], \"reduce\": REDUCE, \"reduce_concat\": [2, 3]}"
            .replace("REDUCE", &json_reduce).replace("[[{", "[ [ {"),
        small.to_json(),
        serde_json::to_string_pretty(&small).unwrap(),
    ];
    for text in dialects {
        assert_eq!(parse(&text), small, "{text}");
    }
}

#[test]
fn nodes_with_any_number_of_inputs_are_written_one_list_each() {
    let text = "Genotype(normal=[[('sep_conv_3x3', 0)], [('none', 0), ('none', 1), ('skip_connect', 2)]], \
                normal_concat=[3, 2])";
    let genotype = parse(text);
    assert_eq!(genotype.cells[0].nodes.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(genotype.to_string(), text);
}

#[test]
fn the_nas_bench_201_string() {
    let text = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|none~2|";
    let genotype = parse(text);
    assert_eq!((genotype.cells[0].name.as_str(), genotype.cells[0].inputs), ("cell", 1));
    assert_eq!(genotype.cells[0].concat, [3]);
    assert_eq!(genotype.to_string(), text);
    assert_eq!(parse(&format!("  {}\n", text.replace('+', " + "))), genotype);
    assert!(matches!(genotype.to_darts(Concat::Range), Err(CoreError::NotRepresentable { .. })));
    assert!(matches!(parse(SMALL).to_nas_bench_201(), Err(CoreError::NotRepresentable { .. })));
    genotype.fits(&SearchSpace::nas_bench_201()).unwrap();
    let error = genotype.fits(&SearchSpace::darts()).unwrap_err();
    assert!(matches!(&error, CoreError::Fit { .. }), "{error}");
    assert_eq!(error.to_string(), r#"the genotype has the cells ["cell"]; the space `darts` has ["normal", "reduce"]"#);
}

#[test]
fn our_json_writes_every_genotype() {
    let cell = |name: &str, inputs, reduction| eoinas_core::CellGenotype {
        name: name.into(),
        inputs,
        nodes: vec![vec![edge(Op::SkipConnect, 0)]],
        concat: vec![inputs],
        reduction: Some(reduction),
    };
    let quotes = "with \"quotes\" \u{7} é";
    let genotype = Genotype { cells: vec![cell("reduce", 3, true), cell(quotes, 1, true), cell("normal", 2, false)] };
    genotype.validate().unwrap();
    let text = genotype.to_string();
    assert!(text.starts_with(r#"{"format":"eoinas-genotype","version":2,"cells":[{"name":"reduce","inputs":3,"#));
    assert!(text.contains(r#","concat":[1],"reduction":true},{"name":"normal""#), "{text}");
    assert_eq!(parse(&text), genotype, "in the order they were written");
    // A file as version 1 wrote it.
    let stored = r#"{"format":"eoinas-genotype","version":1,"cells":[{"name":"cell","inputs":1,"nodes":[[{"op":"none","from":0}]],"concat":[1]}]}"#;
    assert_eq!(parse(stored).to_json(), stored);
    assert_eq!(parse(stored).to_string(), "|none~0|");
}

fn error(text: &str) -> CoreError {
    match Genotype::parse(text) {
        Err(error) => error,
        Ok(genotype) => panic!("{text} was read as {genotype}"),
    }
}

#[test]
fn errors_say_what_and_where() {
    let cases = [
        ("", "line 1, column 1: expected a genotype, a list, a text or a number, found the end of the text"),
        ("Genotype", "line 1, column 1: expected a genotype, a list, a text or a number, found `Genotype`"),
        ("7", "line 1, column 1: expected a genotype: `Genotype(normal=..., ...)` or a dictionary, found 7"),
        ("Genotype()", "line 1, column 1: the genotype has no field `normal`"),
        ("Genotype(normal=[('none', 0), ('none', 1)])", "line 1, column 1: the genotype has no field `normal_concat`"),
        ("Genotype(normal_concat=[2])", "line 1, column 1: the genotype has no field `normal`"),
        ("Genotype(normal=[('none', 0), ('none', 1)], normal=3)", "line 1, column 45: field `normal` is given twice"),
        (
            "Genotype(normal=[\n ('none', 0),\n ('nüne', 1)], normal_concat=[2])",
            "line 3, column 3: unknown op `nüne` in cell `normal`; known are none, max_pool_3x3",
        ),
        (
            "Genotype(normal=[('none', 0),\n  ('none', 2)], normal_concat=[2])",
            "line 2, column 12: node 2 of cell `normal` takes its input from node 2; only nodes 0 to 1 come before it",
        ),
        ("Genotype(normal=[('none', 0)], normal_concat=[2])", "line 1, column 17: cell `normal` lists 1 input;"),
        ("Genotype(normal=[('none', -1), 3], normal_concat=[2])", "line 1, column 27: expected the number of a node"),
        ("Genotype(normal=[(0, 'none')], normal_concat=[2])", "line 1, column 19: expected a pair of an op and a node"),
        (
            "Genotype(normal=[('none', 0), ('none')], normal_concat=[2])",
            "line 1, column 31: expected a pair of an op and",
        ),
        ("Genotype(normal=3, normal_concat=[2])", "line 1, column 17: expected a list of ops and nodes, found 3"),
        ("Genotype(normal=[[], []], normal_concat=[2])", "line 1, column 18: node 2 of cell `normal` has no inputs"),
        ("Genotype(normal=[], normal_concat=[])", "line 1, column 35: cell `normal` has no nodes"),
        (
            "Genotype(normal=[('none', 0), ('none', 1)], normal_concat=[1])",
            "line 1, column 59: the output of cell `normal` joins node 1, which is not one of its intermediate nodes 2 to 2",
        ),
        (
            "Genotype(normal=[('none', 0), ('none', 1)], normal_concat=[2, 2])",
            "line 1, column 59: the output of cell `normal` joins node 2, which is in the list already",
        ),
        (
            "Genotype(normal=[('none', 0), ('none', 1)], normal_concat=[])",
            "line 1, column 59: cell `normal` has no output",
        ),
        (
            "Genotype(normal=None, normal_concat=range(2, 99999999999))",
            "line 1, column 37: expected a range of at most",
        ),
        ("Genotype(normal=range('a'))", "line 1, column 17: expected `range(end)` or `range(start, end)`"),
        ("Genotype(normal=list(1, 2))", "line 1, column 17: expected one list in `list(...)`"),
        ("Genotype(normal=[1] + 2)", "line 1, column 23: expected a list, found 2"),
        ("Genotype(normal=1 + [2])", "line 1, column 17: expected a list, found 1"),
        ("Genotype(normal=[1 2])", "line 1, column 20: expected `,` or `]`, found `2`"),
        ("Genotype(normal=[1", "line 1, column 19: expected `,` or `]`, found the end of the text"),
        ("Genotype(normal=[1] normal_concat=[2])", "line 1, column 21: expected `,` or `)`, found `n`"),
        ("Genotype([], [], [], [], [])", "line 1, column 26: expected `)`, found `[`"),
        ("Genotype(normal=__import__('os').system('rm'))", "line 1, column 33: expected `,` or `)`, found `.`"),
        ("{normal: 3}", "line 1, column 2: expected a field's name in quotes or `}`, found `n`"),
        ("{'normal' 3}", "line 1, column 11: expected `:`, found `3`"),
        ("{'normal': 'x}", "line 1, column 12: expected a text that ends on its line"),
        ("{'normal': '\\x41'}", "line 1, column 13: expected an escape that JSON knows"),
        ("{'normal': 12ab}", "line 1, column 12: expected a number, found `12ab`"),
        ("{'format': 'other', 'version': 1}", "line 1, column 12: format is the text `other`; this version reads"),
        ("{'format': 'eoinas-genotype', 'version': 3}", "line 1, column 42: version is 3; this version reads 1 and 2"),
        ("{'format': 'eoinas-genotype'}", "line 1, column 1: the genotype has no field `version`"),
        ("|none~0", "line 1, column 2: expected `|`, found `none~0`"),
        ("|none~0|+", "line 1, column 9: expected `|`, found `+`"),
        ("|none|", "line 1, column 2: expected an op and a node, as in `skip_connect~0`, found `none`"),
        ("|none~0||", "line 1, column 9: expected an op and a node"),
        ("|none~x|", "line 1, column 2: expected an op and a node"),
        ("|none~1|", "line 1, column 2: node 1 of cell `cell` takes its input from node 1"),
        ("|nope~0|", "line 1, column 2: unknown op `nope` in cell `cell`"),
        ("|+|none~0|", "line 1, column 2: expected an op and a node"),
    ];
    for (text, expected) in cases {
        let found = error(text).to_string();
        assert!(found.starts_with(expected), "{text}\n  gives    {found}\n  expected {expected}");
    }
    let CoreError::Genotype { at, problem } = error(&format!("{SMALL} x")) else { panic!("another error") };
    assert_eq!(at, Some(Position { line: 1, column: SMALL.len() + 2 }));
    assert_eq!(problem, "expected the end of the text, found `x`");
}

#[test]
fn limits_hold() {
    // Reading in quadratic time would take this test minutes instead of a second.
    let garbage = "[".repeat(10 << 20);
    let large = format!("the genotype text has {} bytes, more than the {MAX_BYTES} bytes that are read", 10 << 20);
    assert!(error(&garbage).to_string().starts_with(&large));
    let deep = "brackets are nested more than 32 deep, which no genotype needs";
    assert!(
        matches!(error(&garbage[..MAX_BYTES]), CoreError::Genotype { at: Some(_), problem } if problem.starts_with(deep))
    );
    for unit in ["(1,", "{'a':", "range(", "1+", "[0,1],", "'a',", "|none~0|+", "#\n", "Genotype(a=", "\\\n", "9", "u'"]
    {
        let _ = Genotype::parse(&unit.repeat(MAX_BYTES / unit.len()));
        let _ = Genotype::parse(&format!("Genotype(normal=[{}", unit.repeat(MAX_BYTES / unit.len() - 8)));
    }
    let many = format!("Genotype(normal=[{}], normal_concat=[2])", "('none', 0), ('none', 1), ".repeat(300));
    assert!(error(&many).to_string().ends_with("cell `normal` has 300 nodes; at most 256 are possible"));
    let inputs = r#"{"format":"eoinas-genotype","version":1,"cells":[{"name":"cell","inputs":18446744073709551615,"nodes":[[]],"concat":[1]}]}"#;
    assert!(error(inputs).to_string().contains("cell `cell` has 18446744073709551615 input nodes; at most 64 are"));
    let fields: String = (0..200).map(|i| format!("a{i}=None, ")).collect();
    assert!(
        error(&format!("Genotype({fields})")).to_string().contains("expected at most 128 fields, found another one")
    );
}

#[test]
fn a_genotype_that_does_not_fit_is_told_why() {
    let space = SearchSpace::darts();
    let fits = |text: &str| match parse(text).fits(&space).unwrap_err() {
        CoreError::Fit { problem } => problem,
        other => panic!("{other}"),
    };
    parse(DARTS_V2).fits(&space).unwrap();
    assert_eq!(fits(SMALL), "cell `normal` has 2 intermediate nodes; the space's has 4");
    assert_eq!(
        fits(&DARTS_V2.replace("range(2, 6)", "[3, 4]")),
        "the output of cell `normal` joins the nodes [3, 4]; the space's joins [2, 3, 4, 5]"
    );
    let other_op = DARTS_V2.replacen("dil_conv_3x3', 2", "nor_conv_1x1', 2", 1);
    let candidate =
        "node 5 of cell `normal` uses `nor_conv_1x1`, which is no candidate of the space; candidates are none, ";
    assert!(fits(&other_op).starts_with(candidate), "{}", fits(&other_op));
    let twice = DARTS_V2.replacen("('sep_conv_3x3', 1)", "('skip_connect', 0)", 1);
    assert_eq!(
        fits(&twice),
        "node 2 of cell `normal` takes two inputs from node 0; an edge of the search space keeps one op"
    );
    let mut cell = CellSpec::dense("normal", 2, 4, false);
    cell.edges.retain(|edge| (edge.from, edge.to) != (0, 3));
    let sparse = SearchSpace::new("sparse", space.ops().to_vec(), vec![cell, space.cells()[1].clone()]).unwrap();
    let error = parse(DARTS_V2).fits(&sparse).unwrap_err();
    assert_eq!(error.to_string(), "the space's cell `normal` has no edge from node 0 to node 3");
}

#[test]
fn parallel_edges_of_a_space_take_one_input_each() {
    let mut cell = CellSpec::dense("normal", 2, 1, false);
    cell.edges.insert(0, cell.edges[0]);
    let space = SearchSpace::new("parallel", vec![Op::SkipConnect, Op::SepConv3x3], vec![cell]).unwrap();
    let text =
        |from| format!("Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', {from})], normal_concat=range(2, 3))");
    let run = |text: &str| parse(text).gates(&space).map(|g| g.kinds[0].iter().map(Vec::len).collect::<Vec<_>>());
    assert_eq!(run(&text(0)).unwrap(), [1, 1, 0]);
    assert_eq!(run(&text(1)).unwrap(), [1, 0, 1]);
    let twice = run(&text(1).replace("3x3', 0", "3x3', 1")).unwrap_err().to_string();
    assert!(twice.contains("takes two inputs from node 1; an edge"), "{twice}");
    for index in 0..50 {
        let random = Genotype::random(&space, &mut Streams::new(1).rng(SeedStream::Named("test"), 0, index));
        assert_eq!(random.cells[0].nodes[0].iter().map(|input| input.from).collect::<Vec<_>>(), [0, 1]);
    }
}

#[test]
fn gates_are_the_path_of_the_genotype() {
    let space = SearchSpace::darts();
    let gates = parse(DARTS_V2).gates(&space).unwrap();
    assert_eq!([0, 1].map(|kind| gates.ops_run(CellKind(kind))), [8, 8]);
    for (kind, cell) in parse(DARTS_V2).cells.iter().enumerate() {
        let spec = space.cell(CellKind(kind)).unwrap();
        for (edge, run) in spec.edges.iter().zip(&gates.kinds[kind]) {
            let inputs = cell.nodes[edge.to - 2].iter().filter(|input| input.from == edge.from);
            let ops: Vec<&Op> = run.iter().map(|gate| &space.ops()[gate.op]).collect();
            assert_eq!(ops, inputs.map(|input| &input.op).collect::<Vec<_>>());
            assert!(run.iter().all(|gate| gate.value == 1.0));
        }
    }
}

#[derive(Debug)]
struct Swap;

impl OpSpec for Swap {
    fn name(&self) -> &str {
        "channel_swap"
    }
    fn parameters(&self, _: OpShape) -> u64 {
        0
    }
    fn multiply_adds(&self, _: OpShape) -> u64 {
        0
    }
}

#[test]
fn custom_ops_and_kinds_are_read_with_their_space() {
    let cells = vec![CellSpec::dense("reduce", 2, 1, true), CellSpec::dense("normal", 2, 1, false)];
    let space = SearchSpace::new("mine", vec![Op::SkipConnect, Op::custom(Swap)], cells).unwrap();
    let text = "Genotype(normal=[('channel_swap', 0), ('skip_connect', 1)], normal_concat=range(2, 3), \
                reduce=[('skip_connect', 0), ('channel_swap', 1)], reduce_concat=range(2, 3))";
    let genotype = Genotype::parse_in(text, &space).unwrap();
    assert_eq!(genotype.cells[0].name, "reduce", "the order of the space");
    assert!(matches!(&genotype.cells[1].nodes[0][0].op, Op::Custom(_)));
    assert!(matches!(error(text), CoreError::UnknownOp { .. }));
    let CoreError::UnknownOp { known, .. } = Genotype::parse_with(&text.replace("channel", "c"), &space).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(known, ["skip_connect", "channel_swap"]);
    // A reader of records without the op can still make one of its name.
    let any = |name: &str| name.parse().ok().or(Some(Op::custom(Swap)));
    assert_eq!(Genotype::parse_with(&genotype.to_json(), &any).unwrap(), genotype);
}

/// Names that say nothing about whether a cell reduces: those of aw_nas, and a space's own.
#[test]
fn what_reduces_is_said_or_asked_for_and_never_guessed() {
    let dialects = |genotype: &Genotype| genotype.cells.iter().map(|cell| cell.reduction).collect::<Vec<_>>();
    assert_eq!(dialects(&parse(SMALL)), [Some(false), Some(true)]);
    assert_eq!(dialects(&parse("|none~0|")), [Some(false)]);
    let version_1 = r#"{"format":"eoinas-genotype","version":1,"cells":[CELLS]}"#;
    let cell = |name: &str| {
        let nodes = r#""inputs":2,"nodes":[[{"op":"sep_conv_3x3","from":0},{"op":"none","from":1}]],"concat":[2]"#;
        format!(r#"{{"name":"{name}",{nodes}}}"#)
    };
    let old = parse(&version_1.replace("CELLS", &[cell("down"), cell("reduce"), cell("normal")].join(",")));
    assert_eq!(dialects(&old), [None, Some(true), Some(false)]);

    for (text, keeps, reduces) in [
        (DARTS_V2.replace("normal", "normal_0").replace("reduce", "reduce_1"), "normal_0", "reduce_1"),
        (DARTS_V2.replace("normal", "early").replace("reduce", "down"), "early", "down"),
        (DARTS_V2.replace("normal", "cell").replace("reduce", "reduction"), "cell", "reduction"),
    ] {
        let genotype = parse(&text);
        assert_eq!((dialects(&genotype), genotype.to_string()), (vec![None, None], text.clone()));
        let error = genotype.space().unwrap_err().to_string();
        let expected = format!("cell `{keeps}`: its text does not say whether it halves the resolution");
        assert!(error.starts_with(&expected) && error.contains(r#"`"reduction": true`"#), "{error}");

        // Asked for, it is the network of DARTS, in text and out of it.
        let count = |genotype: &Genotype| {
            let counts = count::network(genotype, &Skeleton::cifar(), &genotype.space().unwrap()).unwrap();
            assert_eq!(counts.parameters, 3_349_342);
        };
        let asked = genotype.clone().with_reductions(&[reduces]).unwrap();
        count(&asked);
        let again = parse(&asked.to_string());
        assert_eq!(again, asked);
        count(&again);
        let error = asked.with_reductions(&[keeps]).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cell `{keeps}` keeps the resolution by its text, and halves the resolution where it is to stand")
        );
        assert!(genotype.clone().with_reductions(&["reduce"]).unwrap_err().to_string().contains("no cell `reduce`"));

        // The space that it was found in says it, too; one in which it would be another network refuses.
        let kinds = |first, second| {
            let cells = vec![CellSpec::dense(keeps, 2, 4, first), CellSpec::dense(reduces, 2, 4, second)];
            SearchSpace::new("mine", SearchSpace::darts().ops().to_vec(), cells).unwrap()
        };
        let found = Genotype::parse_in(&text, &kinds(false, true)).unwrap();
        assert_eq!(found, again);
        let counts = count::network(&genotype, &Skeleton::cifar(), &kinds(false, true)).unwrap();
        assert_eq!(counts.parameters, 3_349_342);
        let error = found.check_cells(&kinds(true, false)).unwrap_err();
        let expected = "keeps the resolution by its text, and halves the resolution where it is to stand";
        assert!(matches!(&error, CoreError::Fit { problem } if problem.ends_with(expected)), "{error}");
    }
    let broken = asked_json().replace("true", "1");
    assert!(error(&broken).to_string().contains("expected true or false"), "{}", error(&broken));
    let absent = asked_json().replace("reduction", "reduces");
    assert!(error(&absent).to_string().contains("no field `reduction`"), "{}", error(&absent));
    let later = asked_json().replace("\"version\":2", "\"version\":3");
    assert!(error(&later).to_string().contains("version is 3; this version reads 1 and 2"), "{}", error(&later));
}

fn asked_json() -> String {
    parse(&SMALL.replace("reduce", "down")).with_reductions(&["down"]).unwrap().to_json()
}

#[test]
fn random_cells_fit_and_are_even() {
    let space = SearchSpace::darts();
    let mut seen = [[0usize; 8]; 2];
    for index in 0..400 {
        let genotype = Genotype::random(&space, &mut Streams::new(3).rng(SeedStream::Named("test"), 0, index));
        genotype.fits(&space).unwrap();
        for (kind, cell) in genotype.cells.iter().enumerate() {
            for node in &cell.nodes {
                assert_eq!(node.len(), 2);
                assert!(node[0].from < node[1].from && !node[0].op.is_zero() && !node[1].op.is_zero());
                for input in node {
                    seen[kind][space.op_index(input.op.name()).unwrap()] += 1;
                }
            }
        }
    }
    // 400 genotypes * 8 inputs over 7 ops: 457 each, standard deviation 20.
    for count in seen.iter().flat_map(|kind| &kind[1..]) {
        assert!((357..557).contains(count), "{seen:?}");
    }
    let bench = SearchSpace::nas_bench_201();
    let genotype = Genotype::random(&bench, &mut Streams::new(3).rng(SeedStream::Named("test"), 0, 0));
    genotype.fits(&bench).unwrap();
    assert_eq!(genotype.cells[0].nodes.iter().map(Vec::len).sum::<usize>(), 6);
}

#[test]
fn genotypes_put_together_by_hand_are_checked() {
    let refused = |genotype: &Genotype| match genotype.validate().unwrap_err() {
        CoreError::Genotype { at: None, problem } => problem,
        other => panic!("{other}"),
    };
    let with = |edit: &dyn Fn(&mut Genotype)| {
        let mut genotype = parse(SMALL);
        edit(&mut genotype);
        refused(&genotype)
    };
    assert_eq!(with(&|g| g.cells.clear()), "the genotype has no cell");
    assert_eq!(with(&|g| g.cells[1].name = "normal".into()), "the genotype has two cells `normal`");
    assert_eq!(with(&|g| g.cells[0].inputs = 0), "cell `normal` has no input nodes");
    let many = format!("cell `normal` has {} input nodes; at most 64 are possible", usize::MAX);
    assert_eq!(with(&|g| g.cells[0].inputs = usize::MAX), many);
    assert_eq!(with(&|g| g.cells[0].nodes[1].clear()), "node 3 of cell `normal` has no inputs");
    let source = "node 2 of cell `normal` takes its input from node 2; only nodes 0 to 1 come before it";
    assert_eq!(with(&|g| g.cells[0].nodes[0][0].from = 2), source);
    let joins = "the output of cell `normal` joins node 9, which is not one of its intermediate nodes 2 to 3";
    assert_eq!(with(&|g| g.cells[0].concat = vec![9]), joins);
    let cells = vec![parse(SMALL).cells[0].clone(); 65];
    assert_eq!(refused(&Genotype { cells }), "cell `genotype` has 65 kinds of cell; at most 64 are possible");
}
