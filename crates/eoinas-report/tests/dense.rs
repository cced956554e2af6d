//! Cells of far more edges than people draw.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;

use common::training_with;
use eoinas_core::{AliveOps, CellGenotype, CellKind, Genotype, GenotypeEdge, Op};
use eoinas_report::{
    Options,
    cell::{draw, draw_alive},
    write,
};

/// A cell whose nodes have an edge from each before them.
fn dense(name: &str, nodes: usize) -> CellGenotype {
    let edges = |node: usize| (0..node).map(|from| GenotypeEdge { op: Op::SkipConnect, from }).collect();
    let (inputs, reduction) = (2, Some(name == "reduce"));
    let concat = (inputs..inputs + nodes).collect();
    CellGenotype { name: name.into(), nodes: (inputs..inputs + nodes).map(edges).collect(), inputs, concat, reduction }
}

/// The whole report: 24 nodes are drawn, on as many pixels as a picture may have; 192 are told in words and listed.
#[test]
fn a_report_of_dense_cells_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let genotype = Genotype { cells: vec![dense("normal", 24), dense("reduce", 192)] };
    training_with(&genotype, dir.path(), 0, 1, false);
    let options = Options { png: cfg!(feature = "png"), ..Options::default() };
    let page = fs::read_to_string(write(&[dir.path().to_owned()], &options).unwrap().page).unwrap();
    let pictures = dir.path().join("pictures");
    let read = |name: &str| fs::read_to_string(pictures.join(name)).unwrap();

    // An edge is a path, its head, and a box with a text; one to the output has no box.
    let (edges, joined, vertices) = (324, 24, 27);
    let svg = read("cell-normal.svg");
    assert_eq!(svg.matches("<path ").count(), 2 * (edges + joined));
    assert_eq!(svg.matches("<g class=\"op\"").count(), edges);
    assert!(svg.matches('<').count() < 12 * (edges + joined + vertices), "{}", svg.matches('<').count());
    assert_eq!(page.matches(">skip_connect</text>").count(), edges, "the page has each cell once");

    let words = ["too large to be drawn: 192 nodes, 18720 edges", "the largest that is drawn has 65536"];
    let svg = read("cell-reduce.svg");
    assert!(words.iter().all(|part| svg.contains(part) && page.contains(part)), "{svg}");
    assert!(svg.len() < 2000 && !svg.contains("<path "));
    assert_eq!(read("cell-reduce.csv").lines().count(), 1 + 18_720);
    assert_eq!(read("cell-reduce.dot").matches("label=").count(), 18_720);

    #[cfg(feature = "png")]
    {
        let side = |png: &[u8], at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        let size = |name: &str| {
            let png = fs::read(pictures.join(name)).unwrap();
            (side(&png, 16), side(&png, 20))
        };
        let (width, height) = size("cell-normal.png");
        let pixels = width * height;
        assert!((eoinas_report::png::MOST_PIXELS * 9 / 10..=eoinas_report::png::MOST_PIXELS).contains(&pixels));
        assert_eq!(page.matches(&format!("scaled down to {width} x {height} pixels")).count(), 1);
        assert!(size("cell-reduce.png").1 < 200);
    }
}

/// Each of its edges has a square for every op.
#[test]
fn supernets_are_bounded() {
    let space = Genotype { cells: vec![dense("cell", 40)] }.space().unwrap();
    let (cell, kind, alive) = (&space.cells()[0], CellKind(0), AliveOps::all(&space));
    let drawn = |ops: usize| draw_alive(cell, kind, &vec!["none".to_owned(); ops], &alive).svg.contains("<path ");
    assert!(drawn(8) && !drawn(80));
}

/// Neighbours with thousands of edges each, which were compared pair by pair.
#[test]
fn edges_may_be_repeated() {
    let edge = |from| GenotypeEdge { op: Op::SepConv3x3, from };
    let node = || (0..8000).map(|at| edge(at % 2)).collect();
    let cell = CellGenotype {
        name: "normal".into(),
        nodes: vec![node(), node(), node()],
        inputs: 2,
        concat: vec![2, 3, 4],
        reduction: Some(false),
    };
    assert_eq!(draw(&cell).layout.labels.iter().flatten().count(), 24_000);
}
