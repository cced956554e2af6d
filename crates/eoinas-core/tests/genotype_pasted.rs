//! Genotypes as people paste them: with what Python printed around them, from logs, of other tools; and cells that could be
//! read for others than they are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{DARTS_V2, parse};
use eoinas_core::CoreError;
use eoinas_core::{Genotype, Op};

const SMALL: &str = "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('none', 2), ('max_pool_3x3', 0)], \
    normal_concat=range(2, 4), reduce=[('dil_conv_5x5', 1), ('dil_conv_5x5', 1), ('avg_pool_3x3', 0), \
    ('sep_conv_5x5', 2)], reduce_concat=range(2, 4))";
const BENCH: &str = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|none~2|";

fn error(text: &str) -> String {
    match Genotype::parse(text) {
        Err(error) => error.to_string(),
        Ok(genotype) => panic!("{text} was read as {genotype}"),
    }
}

#[test]
fn what_python_prints_of_numbers_and_dictionaries_is_read() {
    let small = parse(SMALL);
    let numbers = |number: &dyn Fn(&str) -> String| {
        ["0", "1", "2"]
            .iter()
            .fold(SMALL.to_owned(), |text, n| text.replace(&format!("', {n})"), &format!("', {})", number(n))))
    };
    let normal = "[('sep_conv_3x3', 0), ('skip_connect', 1), ('none', 2), ('max_pool_3x3', 0)]";
    let reduce = "[('dil_conv_5x5', 1), ('dil_conv_5x5', 1), ('avg_pool_3x3', 0), ('sep_conv_5x5', 2)]";
    let texts = [
        numbers(&|n| format!("np.int64({n})")),
        numbers(&|n| format!("numpy.int32({n})")),
        numbers(&|n| format!("tensor({n})")),
        numbers(&|n| format!("torch.tensor({n}, device='cuda:0', dtype=torch.int32)")),
        numbers(&|n| format!("{n}, tensor(0.25, grad_fn=<SelectBackward0>)")),
        numbers(&|n| format!("{n}, np.float32(0.25)")),
        SMALL.replace("range(2, 4)", "np.arange(2, 4)"),
        SMALL.replace("range(2, 4)", "array([2, 3])"),
        SMALL.replace("range(2, 4)", "tensor([2, 3])"),
        SMALL.replace("'sep_conv_3x3'", "np.str_('sep_conv_3x3')"),
        SMALL.replace('\'', "\u{2019}"),
        SMALL.replacen("'sep", "\u{201c}sep", 1).replacen("3x3'", "3x3\u{201d}", 1),
        SMALL.replace(", ", ",\u{2060} \u{200b}\u{a0}"),
        SMALL.replace("sep_", "sep_\u{ad}").replacen("nor", "nor\u{2060}", 1),
        format!("\u{200e}\u{feff} {SMALL}\u{200b}"),
        format!(
            "OrderedDict([('normal', {normal}), ('normal_concat', [2, 3]), ('reduce', {reduce}), ('reduce_concat', [2, 3])])"
        ),
        format!(
            "OrderedDict({{'normal': {normal}, 'normal_concat': [2, 3], 'reduce': {reduce}, 'reduce_concat': [2, 3]}})"
        ),
        format!("dict(normal={normal}, normal_concat=[2, 3], reduce={reduce}, reduce_concat=[2, 3])"),
        format!("04/12 10:11:12 PM genotype = {SMALL}"),
        format!("INFO:root:genotype = {SMALL}\n04/12 10:11:13 PM valid_acc 88.5\n"),
        format!("04/12 epoch 49 lr 1.0e-3\n2019-04-12 10:11:12,3 | genotypes.{SMALL}\r\n"),
    ];
    for text in texts {
        assert_eq!(parse(&text), small, "{text}");
    }
    let bench = parse(BENCH);
    for text in [
        format!("arch = '{BENCH}'"),
        format!("\"{BENCH}\""),
        format!("Structure(4 nodes with {BENCH})"),
        format!("[2020-01-19] <<<--->>> The 249-th epoch : Structure(4 nodes with {BENCH})\n"),
        format!("\u{2060}{BENCH}\u{200b}"),
    ] {
        assert_eq!(parse(&text), bench, "{text}");
    }
}

#[test]
fn files_of_other_encodings_are_read() {
    let small = parse(SMALL);
    let units: Vec<u16> = format!("\u{feff}{SMALL}\r\n").encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for bytes in [SMALL.as_bytes(), &[&[0xef, 0xbb, 0xbf], SMALL.as_bytes()].concat(), &little, &big] {
        assert_eq!(Genotype::parse_bytes(bytes).unwrap(), small);
    }
    let refused = |bytes: &[u8]| match Genotype::parse_bytes(bytes) {
        Err(CoreError::Genotype { at: None, problem }) => problem,
        other => panic!("{other:?}"),
    };
    let offset = |bytes: &[u8]| {
        let problem = refused(bytes);
        let rest = problem.strip_prefix("the file is no text: byte ").unwrap_or_else(|| panic!("{problem}"));
        rest.split(' ').next().unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(offset(b"Genotype(\xff"), 9);
    assert_eq!(offset(&little[..little.len() - 1]), little.len() - 2);
    assert_eq!(offset(&[0xff, 0xfe, 0x41, 0, 0, 0xd8]), 4, "half of a pair");
    assert!(refused(&vec![0xff; 3 << 20]).starts_with("the genotype text has 3145728 bytes, more than the 1048576"));
}

#[test]
fn third_entries_that_are_nodes_are_where_the_input_goes() {
    let text = "Genotype(normal=[('sep_conv_3x3',0,3),('skip_connect',1,2),('sep_conv_5x5',0,2),('skip_connect',2,3)], \
                normal_concat=[2,3])";
    let ops = |node: usize| parse(text).cells[0].nodes[node].iter().map(|e| (e.op.clone(), e.from)).collect::<Vec<_>>();
    assert_eq!(ops(0), [(Op::SkipConnect, 1), (Op::SepConv5x5, 0)]);
    assert_eq!(ops(1), [(Op::SepConv3x3, 0), (Op::SkipConnect, 2)]);
    let nested = "Genotype(normal=[[('sep_conv_5x5',0,2)],[('skip_connect',2,3),('none',1,3)]], normal_concat=[2,3])";
    assert_eq!(parse(nested).cells[0].nodes[1].len(), 2);
    let normal = |inputs: &str| error(&format!("Genotype(normal=[{inputs}], normal_concat=[2])"));
    let third =
        "line 1, column 30: the third entry of an input of cell `normal` is 1; the node that the input enters is";
    assert!(
        normal("('none', 0, 1), ('none', 1, 2)").starts_with(third),
        "{}",
        normal("('none', 0, 1), ('none', 1, 2)")
    );
    let mixed = normal("('none', 0, 2), ('none', 1, 0.5)");
    assert!(mixed.contains("is 2; of all inputs it is the node that they enter, or of none"), "{mixed}");
    let other = error("Genotype(normal=[[('none',0,3)],[('none',0,3)]], normal_concat=[2])");
    assert!(other.contains("is 3; a whole number there is the node that the input enters, here 2"), "{other}");
    let gap = normal("('none', 0, 3), ('none', 1, 3)");
    assert!(gap.contains("node 2 of cell `normal` has no inputs"), "{gap}");
    assert!(normal("('none', 0, 18446744073709551615)").contains("the third entry"));
    assert!(normal("('none', 2, 2)").contains("takes its input from node 2"));
}

#[test]
fn cells_that_would_be_read_for_others_are_refused() {
    for cell in ["normal", "reduce"] {
        let kept = parse(DARTS_V2).cells.iter().find(|other| other.name != cell).unwrap().name.clone();
        let nodes = "[('none', 0), ('none', 1)]";
        let text = format!("Genotype({kept}={nodes}, {kept}_concat=[2], {cell}=None, {cell}_concat=None)");
        assert!(error(&text).contains(&format!("cell `{cell}` is None")), "{}", error(&text));
    }
    for (wrong, meant) in
        [("Normal", "normal"), ("reduse", "reduce"), ("redcue", "reduce"), ("NORMAL", "normal"), ("norml", "normal")]
    {
        let error = parse(&DARTS_V2.replace(meant, wrong)).space().unwrap_err().to_string();
        let expected =
            format!("cell `{wrong}`: its text does not say whether it halves the resolution (is `{meant}` meant?)");
        assert!(error.starts_with(&expected), "{error}");
    }
    for other in ["normal_0", "reduction", "early", "normal2"] {
        let error = parse(&DARTS_V2.replace("normal", other)).space().unwrap_err().to_string();
        assert!(!error.contains("meant") && error.contains(other), "{error}");
    }
}

/// DARTS V2 as NNI's model hub has it, and as an older export would have it.
fn in_nni_forms() -> [String; 2] {
    let (mut newer, mut older) = (vec!["'width': 36, 'num_cells': 20".to_owned()], Vec::new());
    for cell in parse(DARTS_V2).cells {
        let name = &cell.name;
        for (node, edges) in (2..).zip(&cell.nodes) {
            for (slot, edge) in edges.iter().enumerate() {
                newer.push(format!(
                    "'{name}/op_{node}_{slot}': '{}', '{name}/input_{node}_{slot}': {}",
                    edge.op, edge.from
                ));
            }
            for from in 0..node {
                let edge = edges.iter().find(|edge| edge.from == from);
                let op = edge.map(|edge| edge.op.to_string().replace('_', "").replace("pool3x3", "pool"));
                let op = op.map_or("[]".to_owned(), |op| format!("\"{op}\""));
                older.push(format!("\"{name}_n{node}_p{from}\": {op}"));
            }
            let chosen = edges.iter().map(|edge| format!("\"{name}_n{node}_p{}\"", edge.from));
            older.push(format!("\"{name}_n{node}_switch\": [{}]", chosen.collect::<Vec<_>>().join(", ")));
        }
    }
    [newer, older].map(|fields| format!("{{{}}}", fields.join(", ")))
}

#[test]
fn dictionaries_of_nni_are_read() {
    let [newer, older] = in_nni_forms();
    for text in [&newer, &older, &newer.replace("input_2_0': 0", "input_2_0': [0]")] {
        assert_eq!(parse(text), parse(DARTS_V2), "{text}");
    }
    let numbers = older.replace(r#"["normal_n2_p0", "normal_n2_p1"]"#, "[0, 1]");
    assert_eq!(parse(&numbers), parse(DARTS_V2), "{numbers}");

    for (text, old, new, said) in [
        (&newer, "'normal/op_3_1': 'sep_conv_3x3', ", "", "has no field `normal/op_3_1`"),
        (&newer, "'normal/op_2_0': 'sep_conv_3x3'", "'normal/op_2_0': 3", "expected the name of an op, found 3"),
        (&newer, "'normal/op_2_0': 'sep_", "'normal/op_2_0': 'sap_", "unknown op `sap_conv_3x3` in cell `normal`"),
        (&newer, "'normal/input_2_0': 0", "'normal/input_2_0': 2", "takes its input from node 2"),
        (&newer, "'width'", "'normal/op_6_0'", "`normal/op_6_0` is no field of NNI's DARTS space"),
        (&newer, "'width'", "'length'", "`length` is no field"),
        (&older, r#""normal_n2_p0": "sepconv3x3""#, r#""normal_n2_p0": 3"#, "expected the name of an op, found 3"),
        (&older, r#""normal_n2_p0", "#, "", "expected two inputs of node 2, found a list of 1"),
        (&older, r#"["normal_n2_p0""#, r#"["reduce_n2_p0""#, "expected `normal_n2_p0` or another input of the node"),
        (&older, r#"["normal_n2_p0""#, "[7", "has no field `normal_n2_p7`"),
    ] {
        let wrong = text.replacen(old, new, 1);
        assert!(
            wrong != *text && error(&wrong).contains(said) && !error(&wrong).contains("; read are"),
            "{}",
            error(&wrong)
        );
    }
}

#[test]
fn what_is_not_read_is_shown_with_its_place_and_the_forms() {
    let several = format!("04/12 genotype = {SMALL}\n04/13 genotype = {SMALL}\n");
    assert!(error(&several).starts_with("line 2, column 18: the text has 2 genotypes"), "{}", error(&several));
    // None of the forms: other tools' dictionaries, other files, other values.
    for text in [
        r#"{"cell/node_0": "sep_conv_3x3"}"#,
        "# A cell\n\nIt is this one.",
        "",
        "42",
        "[('sep_conv_3x3', 0), ('skip_connect', 1)]",
        "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)])",
    ] {
        assert_eq!(error(text).matches("; read are `Genotype(normal=[('sep_conv_3x3', 0)").count(), 1, "{text}");
    }
    // What is in one of them, with a slip, needs no list of the others.
    for text in [SMALL.replace("'skip_connect', 1", "'skip_connect'"), BENCH.replace("+", "-"), several.clone()] {
        assert!(!error(&text).contains("read are"), "{}", error(&text));
    }
    let empty = error("{}");
    assert!(empty.contains("no field `normal`; read are `Genotype(normal=[('sep_conv_3x3', 0)"), "{empty}");
    let hidden = error("Genotype(normal=[('none', 0\u{1}), ('none', 1)], normal_concat=[2])");
    assert!(hidden.contains(r"found `\u{1}`"), "{hidden}");
    assert!(error("Genotype(normal=tensor(1, 2))").contains("one value in `tensor(...)`"));
    assert!(error("Genotype(normal=tensor(None))").contains("a number or a list in `tensor(...)`"));
    assert!(error("OrderedDict([('normal', 1, 2)])").contains("pairs of a name and a value"));
    assert!(error("OrderedDict([('a', None), ('a', None)])").contains("`a` is given twice"));
    assert!(
        error("Genotype(normal=[('none', tensor(0, grad_fn=<A\n>)), ('none', 1)], normal_concat=[2])")
            .contains("ends on its line")
    );
}

#[test]
fn too_many_cells_are_counted_before_they_are_read() {
    // Of the cells themselves, none could be read.
    let json = format!(r#"{{"format":"eoinas-genotype","version":1,"cells":[{}]}}"#, vec!["0"; 16_712].join(","));
    assert!(error(&json).contains("16712 kinds of cell; at most 64"), "{}", error(&json));
    let fields: Vec<String> = (0..65).map(|index| format!("c{index}=7")).collect();
    assert!(error(&format!("Genotype({})", fields.join(", "))).contains("65 kinds of cell; at most 64"));
}
