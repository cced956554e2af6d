//! Any bytes as a genotype: what is read holds together, and comes back from its own text.
#![no_main]

use eoinas_core::{Genotype, Skeleton, count};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(genotype) = Genotype::parse_bytes(bytes) else { return };
    genotype.validate().unwrap();
    assert_eq!(Genotype::parse(&genotype.to_json()).unwrap(), genotype);
    assert_eq!(Genotype::parse(&genotype.to_string()).unwrap(), genotype);
    if let Ok(space) = genotype.space() {
        let _ = count::network(&genotype, &Skeleton::cifar(), &space);
    }
});
