use eoinas_core::{Genotype, Skeleton, count};

/// Any bytes as a genotype: what is read holds together, and comes back from its own text.
pub fn genotype(bytes: &[u8]) {
    let Ok(genotype) = Genotype::parse_bytes(bytes) else { return };
    genotype.validate().unwrap();
    assert_eq!(Genotype::parse(&genotype.to_json()).unwrap(), genotype);
    assert_eq!(Genotype::parse(&genotype.to_string()).unwrap(), genotype);
    if let Ok(space) = genotype.space() {
        let _ = count::network(&genotype, &Skeleton::cifar(), &space);
    }
}
