//! The drawings of the published cells, as files; `EOINAS_GOLDEN=write` writes them anew.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{fs, path::Path};

use eoinas_core::{AliveOps, CellGenotype, CellKind, EdgeId, SearchSpace, zoo};
use eoinas_report::cell::{self, Layout, Picture};

fn check(name: &str, svg: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.svg"));
    if std::env::var_os("EOINAS_GOLDEN").is_some() {
        fs::write(&path, svg).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap();
    assert!(stored == svg, "{name}: the drawing has changed; look at it and write it anew with EOINAS_GOLDEN=write");
}

/// Nothing overlaps: no label another or a vertex, no edge a label that is not its own.
fn nothing_overlaps(name: &str, layout: &Layout) {
    let labels: Vec<_> = layout.labels.iter().flatten().collect();
    let boxes: Vec<_> = labels.iter().copied().chain(&layout.vertices).collect();
    for (index, a) in boxes.iter().enumerate() {
        for b in &boxes[index + 1..] {
            let beside = a.x >= b.x + b.width || b.x >= a.x + a.width;
            assert!(beside || a.y >= b.y + b.height || b.y >= a.y + a.height, "{name}: {a:?} {b:?}");
        }
        assert!(a.x >= 0.0 && a.y >= 0.0 && a.x + a.width <= layout.width && a.y + a.height <= layout.height, "{name}");
    }
    for route in &layout.routes {
        for (index, label) in layout.labels.iter().enumerate() {
            let Some(label) = label.filter(|_| route.label != Some(index)) else { continue };
            // Between stretches an edge is in a gap, where no label is.
            for (start, end, y) in &route.stretches {
                let beside = *end < label.x || *start > label.x + label.width;
                assert!(beside || *y < label.y || *y > label.y + label.height, "{name}: an edge crosses label {index}");
            }
        }
    }
}

fn picture(name: &str, cell: &CellGenotype) -> Picture {
    let picture = cell::draw(cell);
    nothing_overlaps(name, &picture.layout);
    picture
}

#[test]
fn every_published_cell() {
    for published in zoo::all() {
        for cell in &published.genotype().cells {
            let name = format!("{}-{}", published.name, cell.name);
            let picture = picture(&name, cell);
            check(&name, &picture.svg);
            let edges: Vec<_> = cell.nodes.iter().flatten().collect();
            assert_eq!(picture.layout.labels.iter().flatten().count(), edges.len(), "{name}");
            for edge in edges {
                assert!(picture.svg.contains(&format!(">{}</text>", edge.op)), "{name}: {}", edge.op);
            }
        }
    }
}

#[test]
fn supernets() {
    for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
        let ops: Vec<String> = space.ops().iter().map(|op| op.name().to_owned()).collect();
        let mut alive = AliveOps::all(&space);
        alive.prune(EdgeId::new(CellKind(0), 1).op(2)).unwrap();
        let picture = cell::draw_alive(&space.cells()[0], CellKind(0), &ops, &alive);
        let name = format!("supernet-{}", space.name());
        nothing_overlaps(&name, &picture.layout);
        check(&name, &picture.svg);
    }
}

#[test]
fn random_cells_do_not_overlap() {
    use eoinas_core::{Genotype, SeedStream, Streams};
    for seed in 0..60 {
        let mut rng = Streams::new(seed).rng(SeedStream::Named("drawings"), 0, 0);
        for cell in &Genotype::random(&SearchSpace::darts(), &mut rng).cells {
            picture(&format!("random {seed} {}", cell.name), cell);
        }
    }
}

#[cfg(feature = "png")]
#[test]
fn a_cell_as_pixels() {
    let svg = cell::draw(&zoo::find("darts-v2").unwrap().genotype().cells[0]).svg;
    let png = eoinas_report::png::png(&svg, 1.0).unwrap().bytes;
    assert!(png.starts_with(b"\x89PNG"));
    // Width and height of the image header.
    let layout = cell::draw(&zoo::find("darts-v2").unwrap().genotype().cells[0]).layout;
    assert_eq!(png[16..20], (layout.width.ceil() as u32).to_be_bytes());
    assert_eq!(png[20..24], (layout.height.ceil() as u32).to_be_bytes());
}
