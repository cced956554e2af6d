//! Searches on tiny sets, end to end.

mod common;

use common::*;
use eoinas_core::{Event, Genotype};
use eoinas_train::{Outcome, Search};

#[test]
fn a_tiny_search_ends_with_a_cell_and_all_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut search = Search::create(tiny(), &run, options()).unwrap();
    let Outcome::Found(found) = search.run().unwrap() else { panic!("stopped") };
    let text = std::fs::read_to_string(run.join("genotype.txt")).unwrap();
    assert_eq!(text.trim_end(), found.genotype);
    let genotype = Genotype::parse(&text).unwrap();
    assert!(genotype.fits(search.space()).is_ok());
    let json = std::fs::read_to_string(run.join("genotype.json")).unwrap();
    assert_eq!(Genotype::parse(&json).unwrap(), genotype);
    assert!((0.0..=1.0).contains(&found.validation_accuracy));
    assert!(found.parameters > 0 && found.multiply_adds > 0);

    let events = events(&run);
    let pruned = events.iter().filter(|event| matches!(event, Event::Pruned { .. })).count();
    assert_eq!(pruned, 2 * 14 * 7, "every edge lost seven of eight ops");
    assert!(matches!(events.first(), Some(Event::RunStarted(_))));
    assert!(matches!(events.last(), Some(Event::RunEnded { .. })));
    let log = std::fs::read_to_string(run.join("log.txt")).unwrap();
    assert!(log.contains("train_acc") && log.contains("genotype = Genotype("), "{log}");
}
