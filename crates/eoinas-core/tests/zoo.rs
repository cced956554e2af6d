//! Published cells: that they hold together, go through every text form, and cost what their papers say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{DARTS_V2, EOINAS_A, EOINAS_B, NASNET_A, parse};
use eoinas_core::genotype::Concat;
use eoinas_core::{Counts, Genotype, SearchSpace, Skeleton, count, zoo};

fn counts(name: &str, skeleton: &Skeleton) -> Counts {
    let genotype = zoo::find(name).unwrap().genotype();
    count::network(&genotype, skeleton, &genotype.space().unwrap()).unwrap()
}

#[test]
fn every_cell_holds_together_and_comes_back_from_its_texts() {
    for cell in zoo::all() {
        let genotype = cell.genotype();
        genotype.validate().unwrap_or_else(|error| panic!("{cell}: {error}"));
        genotype.space().unwrap_or_else(|error| panic!("{cell}: {error}"));
        assert_eq!(Genotype::parse(&genotype.to_string()).unwrap(), genotype, "{cell}");
        assert_eq!(Genotype::parse(&genotype.to_json()).unwrap(), genotype, "{cell}");
        if let Ok(text) = genotype.to_darts(Concat::List) {
            assert_eq!(Genotype::parse(&text).unwrap().to_darts(Concat::List).unwrap(), text, "{cell}");
        }
        assert!((2017..2030).contains(&cell.year) && !cell.authors.is_empty() && !cell.paper.is_empty(), "{cell:?}");
    }
    assert_eq!(zoo::all().count(), 21);
}

#[test]
fn cells_are_the_published_ones() {
    for (name, text) in [("darts-v2", DARTS_V2), ("eoinas-a", EOINAS_A), ("eoinas-b", EOINAS_B), ("nasnet-a", NASNET_A)]
    {
        assert_eq!(zoo::find(name).unwrap().genotype(), parse(text), "{name}");
    }
    // What a search in the DARTS space can find.
    let darts = ["darts-v1", "darts-v2", "snas", "gdas", "p-darts", "pc-darts-cifar", "pc-darts-imagenet"];
    let later = ["mdenas", "drnas-cifar", "drnas-imagenet", "darts-pt-0", "darts-pt-1", "darts-pt-2", "darts-pt-3"];
    for name in darts.into_iter().chain(later) {
        zoo::find(name).unwrap().genotype().fits(&SearchSpace::darts()).unwrap();
    }
    let best = zoo::find("nas-bench-201-best").unwrap().genotype();
    best.fits(&SearchSpace::nas_bench_201()).unwrap();
    let text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|";
    assert_eq!(best.to_string(), text);
}

#[test]
fn names_are_found_however_they_are_written() {
    for name in ["DARTS_V2", "darts v2", "DARTS", "Darts-Second-Order"] {
        assert_eq!(zoo::find(name).unwrap().name, "darts-v2", "{name}");
    }
    let names: Vec<&str> = zoo::all().flat_map(|cell| cell.aliases.iter().copied().chain([cell.name])).collect();
    for name in &names {
        let same = names.iter().filter(|other| zoo::find(other).unwrap().name == zoo::find(name).unwrap().name);
        assert_eq!(same.count(), zoo::find(name).unwrap().aliases.len() + 1, "{name} means two cells");
    }
    let error = zoo::find("dart-v2x").unwrap_err();
    assert!(error.to_string().starts_with("no published cell is called `dart-v2x`; known are darts-v1, darts-v2"));
    assert_eq!(zoo::find(&"x".repeat(9999)).unwrap_err().name.len(), 64);
    assert!(zoo::find("").is_err());
}

#[test]
fn published_parameters_and_multiply_adds() {
    let exact = counts("darts-v2", &Skeleton::cifar());
    assert_eq!((exact.parameters, exact.multiply_adds), (3_349_342, 528_359_040));
    let exact = counts("darts-v2", &Skeleton::imagenet());
    assert_eq!((exact.parameters, exact.multiply_adds), (4_718_752, 529_911_552));
    // Parameters in millions as the papers have them, CIFAR-10 with 36 channels and ImageNet with 48. Left out are
    // papers that train other widths, or count the auxiliary head.
    let papers = [
        ("darts-v2", 3.3, 4.7),
        ("p-darts", 3.4, 4.9),
        ("pc-darts-cifar", 3.6, 5.3),
        ("pc-darts-imagenet", 3.7, 5.3),
        ("gdas", 3.4, 5.0),
        ("eoinas-a", 4.1, 5.8),
        ("eoinas-b", 3.5, 5.1),
    ];
    for (name, cifar, imagenet) in papers {
        let millions = |skeleton: &Skeleton| counts(name, skeleton).parameters as f64 / 1e6;
        let found = [millions(&Skeleton::cifar()), millions(&Skeleton::imagenet())].map(|m| (10.0 * m).round() / 10.0);
        assert_eq!(found, [cifar, imagenet], "{name}");
    }
    // Others have counted the published cells with these results, in millions.
    for (name, parameters, multiply_adds) in [("snas", 2.66, 422.0), ("gdas", 3.37, 519.0), ("p-darts", 3.43, 532.0)] {
        let found = counts(name, &Skeleton::cifar());
        assert_eq!((found.parameters as f64 / 1e4).round() / 1e2, parameters, "{name}");
        assert_eq!((found.multiply_adds as f64 / 1e6).round(), multiply_adds, "{name}");
    }
    // MdeNAS was counted by others likewise, DARTS-PT's four cells by their authors, DrNAS's by its paper, each on the images that
    // it was searched on. PNASNet-5 (3.2 M in its paper) and ENAS's cells (4.6 M) are trained in networks of their own there.
    let mdenas = counts("mdenas", &Skeleton::cifar());
    assert_eq!(((mdenas.parameters as f64 / 1e4).round(), mdenas.multiply_adds / 1_000_000), (378.0, 599));
    for (name, skeleton, parameters) in [
        ("darts-pt-0", Skeleton::cifar(), 2.85),
        ("darts-pt-1", Skeleton::cifar(), 3.05),
        ("darts-pt-2", Skeleton::cifar(), 2.66),
        ("darts-pt-3", Skeleton::cifar(), 3.33),
        ("drnas-cifar", Skeleton::cifar(), 4.1),
        ("drnas-imagenet", Skeleton::imagenet(), 5.7),
    ] {
        let found = counts(name, &skeleton).parameters as f64 / 1e6;
        let digits = if name.starts_with("darts-pt") { 2 } else { 1 };
        assert_eq!(format!("{found:.digits$}"), format!("{parameters:.digits$}"), "{name}");
    }
    for (name, [cifar, imagenet]) in [
        ("pnas-5", [(4_481_110, 706_026_528), (6_394_912, 696_738_048)]),
        ("enas-micro", [(4_394_710, 693_197_856), (6_267_424, 683_943_168)]),
    ] {
        let found = [Skeleton::cifar(), Skeleton::imagenet()].map(|skeleton| counts(name, &skeleton));
        assert_eq!(found.map(|found| (found.parameters, found.multiply_adds)), [cifar, imagenet], "{name}");
    }
    let best = counts("nas-bench-201-best", &Skeleton::nas_bench_201(5));
    // The table counts the additions of the classifier's bias among the multiply-adds, one for each class.
    assert_eq!((best.parameters, best.multiply_adds + 10), (1_073_466, 153_272_970));
}
