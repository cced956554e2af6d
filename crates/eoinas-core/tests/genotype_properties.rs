//! Round trips of random genotypes, and that no text makes a reader panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{DARTS_V2, NASNET_A};
use eoinas_core::genotype::Concat;
use eoinas_core::op::BUILT_IN;
use eoinas_core::{CellGenotype, Genotype, GenotypeEdge, SearchSpace, SeedStream, Streams};
use proptest::prelude::*;
use proptest::sample::Index;

/// Any cell that holds together.
fn cell(name: &'static str, inputs: std::ops::Range<usize>) -> impl Strategy<Value = CellGenotype> {
    let edge = || (any::<Index>(), any::<Index>());
    let nodes = prop::collection::vec(prop::collection::vec(edge(), 1..4), 1..7);
    (inputs, nodes, any::<u64>()).prop_map(move |(inputs, nodes, mask)| {
        let count = nodes.len();
        let nodes = (inputs..)
            .zip(nodes)
            .map(|(node, edges)| {
                let edge =
                    |(op, from): (Index, Index)| GenotypeEdge { op: op.get(&BUILT_IN).clone(), from: from.index(node) };
                edges.into_iter().map(edge).collect()
            })
            .collect();
        let mut concat: Vec<usize> = (inputs..inputs + count).filter(|node| mask >> node & 1 == 1).collect();
        if concat.is_empty() {
            concat.push(inputs + count - 1);
        }
        if mask >> 62 == 0 {
            concat.reverse();
        }
        let reduction = match (name, inputs) {
            ("normal", _) | ("cell", 1) => Some(false),
            ("reduce", _) => Some(true),
            _ => None,
        };
        CellGenotype { name: name.to_owned(), nodes, inputs, concat, reduction }
    })
}

proptest! {
    #[test]
    fn json_round_trips(a in cell("reduce", 1..4), b in cell("a name", 1..4), reduction in any::<Option<bool>>()) {
        let genotype = Genotype { cells: vec![a, CellGenotype { reduction, ..b }] };
        genotype.validate().unwrap();
        prop_assert_eq!(&Genotype::parse(&genotype.to_json()).unwrap(), &genotype);
        prop_assert_eq!(&Genotype::parse(&genotype.to_string()).unwrap(), &genotype);
    }

    #[test]
    fn darts_text_round_trips(a in cell("normal", 2..3), b in cell("reduce", 2..3), c in cell("cell", 2..3)) {
        let genotype = Genotype { cells: vec![a, b, c] };
        for concat in [Concat::Range, Concat::List] {
            let text = genotype.to_darts(concat).unwrap();
            let back = Genotype::parse(&text).unwrap();
            prop_assert_eq!(&back, &genotype);
            prop_assert_eq!(back.to_darts(concat).unwrap(), text);
        }
    }

    #[test]
    fn nas_bench_201_strings_round_trip(mut a in cell("cell", 1..2)) {
        a.concat = vec![a.nodes.len()];
        let genotype = Genotype { cells: vec![a] };
        let text = genotype.to_nas_bench_201().unwrap();
        prop_assert_eq!(&Genotype::parse(&text).unwrap(), &genotype);
        prop_assert_eq!(genotype.to_string(), text);
    }

    #[test]
    fn every_genotype_has_a_space_that_it_fits_in_shape(a in cell("normal", 2..3), b in cell("reduce", 2..3)) {
        let genotype = Genotype { cells: vec![a, b] };
        genotype.check_cells(&genotype.space().unwrap()).unwrap();
    }

    #[test]
    fn random_genotypes_of_a_space_fit_it(seed in any::<u64>()) {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let genotype = Genotype::random(&space, &mut Streams::new(seed).rng(SeedStream::Named("test"), 0, 0));
            prop_assert_eq!(Genotype::parse_in(&genotype.to_string(), &space).unwrap(), genotype);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>(), code in "[\\[\\](){}|~+,:='\"# a-z0-9_\n.\\\\-]{0,80}") {
        let _ = Genotype::parse(&text);
        let _ = Genotype::parse(&code);
        let _ = Genotype::parse(&format!("|{code}|"));
        let _ = Genotype::parse(&format!("Genotype(normal=[{code}], normal_concat=[{code}])"));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Genotype::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn mutated_genotypes_do_not_panic(
        edits in prop::collection::vec((any::<Index>(), any::<Index>(), any::<char>(), 0..4), 1..6),
    ) {
        let json = Genotype::parse(NASNET_A).unwrap().to_json();
        for original in [DARTS_V2, NASNET_A, json.as_str(), "|none~0|+|none~0|none~1|"] {
            let mut text: Vec<char> = original.chars().collect();
            for (at, other, c, what) in &edits {
                let (at, other) = (at.index(text.len()), other.index(text.len()));
                match what {
                    0 => text[at] = *c,
                    1 => text.swap(at, other),
                    2 => { text.insert(at, text[other]); }
                    _ => { text.drain(at.min(other)..at.max(other)); }
                }
                if text.is_empty() {
                    text.push('x');
                }
            }
            let text: String = text.into_iter().collect();
            if let Ok(genotype) = Genotype::parse(&text) {
                genotype.validate().unwrap();
                prop_assert_eq!(Genotype::parse(&genotype.to_string()).unwrap(), genotype);
            }
        }
    }
}
