//! Searches on tiny sets, end to end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use eoinas_core::{CellSpec, Event, Genotype, Op, SearchSpace, Skeleton, count, skeleton::Form};
use eoinas_prune::{Never, PruneScheduleConfig};
use eoinas_train::{
    Found, MethodConfig, MethodKind, Options, Outcome, RunWriter, Runs, Search, SearchConfig, Seeds, TrainConfig,
    TrainError, Training, methods::EoiNas, stop::MaxSteps,
};

#[test]
fn a_tiny_search_ends_with_a_cell_and_all_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut search = Search::create(tiny(), &run, options()).unwrap();
    let Outcome::Done(found) = search.run().unwrap() else { panic!("stopped") };
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

#[test]
fn one_epoch_still_ends_in_a_cell() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = SearchConfig { epochs: 1, ..tiny() };
    assert!(matches!(Search::create(config, &run, options()).unwrap().run().unwrap(), Outcome::Done(_)));
    let scaled = events(&run).into_iter().any(|event| match event {
        Event::Warning { text } => text.contains("scaled to 1 epoch"),
        _ => false,
    });
    assert!(scaled, "a line says that the schedule was scaled");
}

#[test]
fn without_pruning_all_ops_stay_and_a_cell_is_derived() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let prune = PruneScheduleConfig::Never(Never {});
    let config = SearchConfig { method: EoiNas { prune, warm_up_epochs: 1, ..EoiNas::quick() }.into(), ..tiny() };
    let mut search = Search::create(config, &run, options()).unwrap();
    assert!(matches!(search.run().unwrap(), Outcome::Done(_)));
    assert_eq!(search.learner().alive().max_count(search.space()), 8);
    assert!(!events(&run).iter().any(|event| matches!(event, Event::Pruned { .. })));
}

#[test]
fn a_pruned_search_has_freed_what_it_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let mut search = Search::create(tiny(), &dir.path().join("run"), options()).unwrap();
    let before = search.learner().supernet.parameters().count();
    search.run().unwrap();
    assert!(search.learner().supernet.parameters().count() < before / 2);
}

#[test]
fn a_space_with_one_kind_of_cell_is_searched_too() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { space: Some(SearchSpace::nas_bench_201()), ..options() };
    // What is counted is the benchmark's own network: 3 stages of 5 cells, C = 16.
    let skeleton = Skeleton::nas_bench_201(5).with_image(3, 32, 32);
    for method in MethodKind::ALL {
        // Three, as P-DARTS has three stages.
        let epochs = if method == MethodKind::Pdarts { 3 } else { tiny().epochs };
        let mut config = SearchConfig { form: Form::NasBench201, epochs, ..tiny() }.with_method(method);
        match &mut config.method {
            MethodConfig::PcDarts(method) => method.partial_channels = 2,
            MethodConfig::RandomWs(method) => method.candidates = 3,
            MethodConfig::ZeroCostPt(_) => config.epochs = 1,
            MethodConfig::Rome(_) => {
                let error = Search::create(config, &dir.path().join("rome"), options()).unwrap_err().to_string();
                assert!(error.contains("every node keeps all of its edges"), "{error}");
                continue;
            }
            _ => {}
        }
        if let Some(finalists) = &mut config.finalists {
            (finalists.candidates, finalists.epochs) = (3, 1);
        }
        let mut search = Search::create(config, &dir.path().join(method.name()), options()).unwrap();
        let Outcome::Done(found) = search.run().unwrap() else { panic!("stopped") };
        let genotype = Genotype::parse(&found.genotype).unwrap();
        assert!(genotype.fits(search.space()).is_ok(), "{method}: {}", found.genotype);
        let counts = count::network(&genotype, &skeleton, search.space()).unwrap();
        assert_eq!(found.parameters, counts.parameters, "{method}");
        if method == MethodKind::Pdarts {
            let alive = search.space().edges().map(|id| search.learner().alive().count(id)).max();
            assert_eq!((search.learner().supernet.skeleton().cells, alive), (9, Some(2)));
        }
    }
    let mut wrong = SearchConfig { form: Form::NasBench201, ..tiny() }.with_method(MethodKind::Pdarts);
    let MethodConfig::Pdarts(method) = &mut wrong.method else { panic!("{:?}", wrong.method) };
    method.deepen[1].cells = 8;
    let error = wrong.validate().unwrap_err().to_string();
    assert!(error.contains("stage 2") && error.contains("no multiple of 3"), "{error}");
}

#[test]
fn a_space_with_three_kinds_of_cell_is_searched_by_the_layers_of_the_settings() {
    let dir = tempfile::tempdir().unwrap();
    let cell = |name, reduction| CellSpec::dense(name, 2, 2, reduction);
    let cells = vec![cell("early", false), cell("down", true), cell("late", false)];
    let ops = vec![Op::None, Op::SkipConnect, Op::SepConv3x3, Op::MaxPool3x3];
    let space = SearchSpace::new("mine", ops, cells).unwrap();
    let options = || Options { space: Some(space.clone()), ..options() };
    let error = Search::create(tiny(), &dir.path().join("unsaid"), options()).unwrap_err().to_string();
    assert!(error.contains("cell `late`: no layer of the network has it"), "{error}");
    let layers = set(&tiny(), "network.layers", r#"["early", "down", "late", "down", "late"]"#);
    let error = Search::create(layers.clone(), &dir.path().join("cells"), options()).unwrap_err().to_string();
    assert!(error.contains("network.cells is 3; expected 5"), "{error}");
    let config = set(&layers, "network.cells", "5");
    let deep = config.clone().with_method(MethodKind::Pdarts);
    let error = set(&deep, "network.cells", "5").validate().unwrap_err().to_string();
    assert!(error.contains("network.layers"), "{error}");

    let run = dir.path().join("run");
    let stopped = Options { rules: vec![Box::new(MaxSteps(3))], ..options() };
    assert!(matches!(Search::create(config, &run, stopped).unwrap().run().unwrap(), Outcome::Stopped(_)));
    let mut search = Search::resume(&run, options()).unwrap();
    assert_eq!(search.learner().supernet.skeleton().layers.as_ref().unwrap()[2], "late");
    let Outcome::Done(found) = search.run().unwrap() else { panic!("stopped") };
    let json = std::fs::read_to_string(run.join("genotype.json")).unwrap();
    let genotype = Genotype::parse_with(&json, &space).unwrap();
    assert!(["early", "down", "late"].iter().all(|name| genotype.cells.iter().any(|cell| cell.name == *name)));

    // Counted, and trained, in the same layers.
    let skeleton = search.learner().supernet.skeleton().retraining();
    let counts = count::network(&genotype, &skeleton, &space).unwrap();
    assert_eq!(found.paper_form.unwrap().parameters, counts.parameters);
    assert_eq!((found.channels, found.cells), (Some(8), Some(5)));
    let small = Skeleton { channels: 8, stem_multiplier: 3, ..search.learner().supernet.skeleton().clone() };
    assert_eq!(found.parameters, count::network(&genotype, &small, &space).unwrap().parameters);
    let mut config = TrainConfig { auxiliary: 0.0, epochs: 1, ..tiny_training() };
    config.network = search.config().network.clone();
    let trained =
        Training::create((config, genotype.into()), &dir.path().join("trained"), options()).unwrap().run().unwrap();
    assert!(matches!(trained, Outcome::Done(_)));
}

#[test]
fn completing_a_run_begins_it_goes_on_with_it_and_reads_its_result() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let stopped = Options { rules: vec![Box::new(MaxSteps(1))], ..options() };
    assert!(matches!(Search::complete(tiny(), &run, stopped).unwrap(), Outcome::Stopped(_)));
    let found = Search::complete(tiny(), &run, options()).unwrap();
    assert!(matches!(found, Outcome::Done(_)));
    // Nothing is searched again: the images are not even opened.
    assert_eq!(Search::complete(tiny(), &run, Options::default()).unwrap(), found);
    let error = Search::complete(SearchConfig { epochs: 9, ..tiny() }, &run, options()).unwrap_err();
    assert!(matches!(&error, TrainError::OtherSettings { setting, .. } if setting == "epochs"), "{error}");
}

#[test]
fn seeds_share_the_validation_half_and_the_best_is_picked() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = RunWriter::create(&dir.path().join("runs")).unwrap();
    let seeds = Seeds::new(SearchConfig { epochs: 1, seed: 5, ..tiny() }, 3);
    seeds.create(&mut run).unwrap();
    // Stopped within the first one and taken up again.
    let stopped = seeds.run(&run, |_| Options { rules: vec![Box::new(MaxSteps(1))], ..options() }).unwrap();
    assert!(matches!(stopped, Outcome::Stopped(_)));
    assert!(matches!(Seeds::open(run.path()), Err(TrainError::Busy { .. })));
    drop(run);
    let (seeds, run) = Seeds::open(&dir.path().join("runs")).unwrap();
    let Outcome::Done(best) = seeds.run(&run, |_| options()).unwrap() else { panic!("stopped") };
    let mut accuracies = Vec::new();
    for seed in [5, 6, 7] {
        let run = run.join(&format!("seed-{seed}"));
        let found: Found = serde_json::from_slice(&std::fs::read(run.join("result.json")).unwrap()).unwrap();
        accuracies.push(found.validation_accuracy);
        let config: SearchConfig = serde_json::from_slice(&std::fs::read(run.join("config.json")).unwrap()).unwrap();
        assert_eq!((config.seed, config.split_seed), (seed, Some(5)));
    }
    assert_eq!(best.validation_accuracy, accuracies.iter().copied().fold(0.0, f64::max));
    assert_eq!(std::fs::read_to_string(run.join("genotype.txt")).unwrap().trim_end(), best.genotype);
    assert!(matches!(Seeds::open(run.path()), Err(TrainError::Finished { .. })));
}
