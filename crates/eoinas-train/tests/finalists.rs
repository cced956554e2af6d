//! The end of a search: candidates compared by trainings.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use common::{assert_same, events, of, options};
use eoinas_core::{Event, Genotype, SearchSpace, count::Limits, skeleton::Form};
use eoinas_strategy::LinearPredictor;
use eoinas_train::{
    DrawnBy, FinalistsConfig, Found, MethodKind, Options, Outcome, Search, SearchConfig, StopReason,
    config::NetworkConfig, stop::MaxSteps,
};

fn config() -> SearchConfig {
    let network = NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1, layers: None, max_ops: None };
    let finalists = FinalistsConfig { candidates: 4, epochs: 1, batch_size: 16, network, ..FinalistsConfig::default() };
    SearchConfig { finalists: Some(finalists), ..of(MethodKind::Eoinas, 2) }
}

fn done(outcome: Outcome<Found>) -> Found {
    outcome.done().unwrap()
}

#[test]
fn the_best_of_the_trained_cells_is_the_result_and_all_are_in_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut search = Search::create(config(), &run, options()).unwrap();
    let found = done(search.run().unwrap());
    assert_eq!(found.finalists.len(), 4);
    let rounds: Vec<usize> = found.finalists.iter().map(|finalist| finalist.scores.len()).collect();
    assert_eq!(rounds, [2, 2, 1, 1]);
    let [winner, second, ..] = found.finalists.as_slice() else { panic!() };
    let ahead = winner.scores[1].value >= second.scores[1].value;
    assert_eq!((&found.genotype, found.validation_accuracy), (&winner.genotype, winner.scores[1].value));
    let trained = events(&run).into_iter().filter(|event| match event {
        Event::Evaluated { what, images, .. } => what.starts_with("finalist ") && *images == 16,
        _ => false,
    });
    assert_eq!(trained.count(), 6);
    let derived = events(&run).into_iter().find_map(|event| match event {
        Event::Derived { text, .. } => Some(text),
        _ => None,
    });
    assert_eq!(derived.as_ref(), Some(&winner.genotype));
    // Another cell than the method's own is clearly better than it.
    let own = search.learner().derive(&eoinas_prune::IndicatorConfig::default()).unwrap().to_string();
    assert!(ahead || winner.genotype == own);
    // All but the method's own cell differ from it in one choice.
    let space = search.space();
    let ops = |text: &str| -> Vec<_> {
        let gates = Genotype::parse_with(text, space).unwrap().gates(space).unwrap();
        gates.iter().flat_map(|(edge, gates)| gates.iter().map(move |gate| edge.op(gate.op))).collect()
    };
    assert!(found.finalists.iter().any(|finalist| finalist.genotype == own));
    for finalist in &found.finalists {
        let there = ops(&finalist.genotype);
        assert!(ops(&own).iter().filter(|op| !there.contains(op)).count() <= 1, "{}", finalist.genotype);
    }
    check_front(&found, &run);
}

/// Whether the front is what the definition says, and stands in its files.
fn check_front(found: &Found, run: &std::path::Path) {
    let finalists = &found.finalists;
    let dominated = |at: usize| {
        let own = &finalists[at];
        let round = own.scores.len() - 1;
        finalists.iter().filter_map(|other| Some((other.scores.get(round)?.value, other.multiply_adds))).any(|other| {
            let own = (own.scores[round].value, own.multiply_adds);
            other.0 >= own.0 && other.1 <= own.1 && other != own
        })
    };
    let expected: Vec<usize> = (0..finalists.len()).filter(|at| !dominated(*at)).collect();
    let mut places: Vec<usize> = found.front.iter().map(|of| of.finalist).collect();
    let costs: Vec<u64> = places.iter().map(|at| finalists[*at].multiply_adds).collect();
    assert!(costs.is_sorted(), "{costs:?}");
    places.sort_unstable();
    assert_eq!(places, expected);
    for (place, of) in found.front.iter().enumerate() {
        assert_eq!(of.file, format!("front/{}.txt", place + 1));
        let text = std::fs::read_to_string(run.join(&of.file)).unwrap();
        assert_eq!(text.trim_end(), finalists[of.finalist].genotype);
        assert!(of.network.multiply_adds > 0);
    }
    let files = std::fs::read_dir(run.join("front")).unwrap().count();
    assert_eq!(files, found.front.len());
    let sums = std::fs::read_to_string(run.join("SHA256SUMS")).unwrap();
    assert!(sums.contains("  front/1.txt"), "{sums}");
}

#[test]
fn finals_that_are_stopped_go_on_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let found = done(Search::create(config(), &whole, options()).unwrap().run().unwrap());
    let mut outcome = Search::create(config(), &parts, few()).unwrap().run().unwrap();
    let mut sessions = 1;
    while let Outcome::Stopped(reason) = outcome {
        assert!(matches!(reason, StopReason::MaxSteps { steps: 2 }), "{reason}");
        sessions += 1;
        outcome = Search::resume(&parts, few()).unwrap().run().unwrap();
    }
    assert!(sessions > 6, "{sessions}");
    let again = done(outcome);
    assert_eq!(Found { seconds: 0.0, ..again }, Found { seconds: 0.0, ..found });
    assert_same(&whole, &parts);
}

fn few() -> Options {
    let mut options = options();
    options.rules.push(Box::new(MaxSteps(2)));
    options
}

#[test]
fn finals_that_cannot_be_are_refused_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut large = config();
    large.finalists.as_mut().unwrap().batch_size = 50;
    let error = Search::create(large, &run, options()).unwrap_err().to_string();
    assert!(error.starts_with("finalists.batch_size is 50; expected at most 48"), "{error}");
    let mut few = config();
    few.finalists.as_mut().unwrap().candidates = 1;
    let error = Search::create(few, &run, options()).unwrap_err().to_string();
    assert!(error.starts_with("finalists.candidates is 1"), "{error}");
    assert!(!run.exists());
}

#[test]
fn a_time_becomes_counts_once() {
    let fitted = config().fitted_to(Duration::from_secs(20), options).unwrap();
    let SearchConfig { epochs, finalists, .. } = &fitted.config;
    assert!(*epochs > 1 && finalists.as_ref().unwrap().epochs >= 1, "{}", fitted.note);
    assert!(fitted.expected <= Duration::from_secs(22), "{:?}", fitted.expected);
    let again = SearchConfig { epochs: 2, finalists: config().finalists, ..fitted.config };
    assert_eq!(again, config());
    let error = config().fitted_to(Duration::from_millis(1), options).unwrap_err().to_string();
    assert!(error.starts_with("time is 0 seconds; expected at least"), "{error}");
}

#[test]
fn cells_may_be_random_ones_and_all_cost_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config();
    let finalists = config.finalists.as_mut().unwrap();
    (finalists.random, finalists.equal_cost) = (0.5, true);
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let found = done(Search::create(config.clone(), &whole, options()).unwrap().run().unwrap());
    let costs: Vec<f64> = found.finalists.iter().map(|finalist| finalist.multiply_adds as f64).collect();
    let parameters: Vec<u64> = found.finalists.iter().map(|finalist| finalist.parameters).collect();
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    assert!(costs.iter().all(|cost| (0.7..1.4).contains(&(cost / mean))), "{costs:?}");
    assert!(parameters.windows(2).any(|pair| pair[0] != pair[1]), "{parameters:?}");
    assert!(found.front.is_empty() && !whole.join("front").exists());
    // The random ones are drawn once, and taken from the folder afterwards.
    let mut outcome = Search::create(config, &parts, few()).unwrap().run().unwrap();
    while matches!(outcome, Outcome::Stopped(_)) {
        outcome = Search::resume(&parts, few()).unwrap().run().unwrap();
    }
    assert_eq!(Found { seconds: 0.0, ..done(outcome) }, Found { seconds: 0.0, ..found });
    assert_same(&whole, &parts);
}

#[test]
fn random_cells_that_promise_much_are_known_by_their_text_alone() {
    let dir = tempfile::tempdir().unwrap();
    let promise = |drawn_by, folder: &str| {
        let mut config = config();
        let finalists = config.finalists.as_mut().unwrap();
        (finalists.random, finalists.drawn_by) = (0.75, drawn_by);
        let found = done(Search::create(config, &dir.path().join(folder), options()).unwrap().run().unwrap());
        let (space, predictor) = (SearchSpace::darts(), LinearPredictor::darts());
        let predict = |text: &str| predictor.predict(&Genotype::parse_with(text, &space).unwrap());
        found.finalists.iter().map(|finalist| predict(&finalist.genotype)).collect::<Vec<f64>>()
    };
    // A random cell has 0 on average, with a deviation of 0.4.
    let promised = promise(DrawnBy::Predictor, "predictor");
    assert!(promised.iter().filter(|promise| **promise > 0.7).count() >= 3, "{promised:?}");
    let others = promise(DrawnBy::Patterns, "patterns");
    assert!(others.iter().filter(|promise| **promise > 0.7).count() < 3, "{others:?}");

    // A single one is not trained, and is the best of all that are drawn.
    let mut single = SearchConfig { finalists: config().finalists, ..of(MethodKind::ZeroCostPt, 1) };
    let finalists = single.finalists.as_mut().unwrap();
    (finalists.candidates, finalists.random, finalists.drawn_by, finalists.drawn) = (1, 1.0, DrawnBy::Auto, Some(300));
    let trained = SearchConfig { method: config().method, ..single.clone() };
    let refused = Search::create(trained, &dir.path().join("refused"), options()).err().unwrap().to_string();
    assert!(refused.starts_with("finalists.random is 1; expected less than 1"), "{refused}");
    let found = done(Search::create(single, &dir.path().join("single"), options()).unwrap().run().unwrap());
    assert!(found.finalists.is_empty() && !dir.path().join("single/finalists").exists());
    let cell = Genotype::parse_with(&found.genotype, &SearchSpace::darts()).unwrap();
    // Of few images: a random cell has 0.3 on average there, with a deviation of 1.2.
    let promise = LinearPredictor::darts_few_images().predict(&cell);
    assert!(promise > 2.5, "{promise}");

    let mut config = SearchConfig { form: Form::NasBench201, ..config() };
    config.finalists.as_mut().unwrap().drawn_by = DrawnBy::Predictor;
    let space = Some(SearchSpace::nas_bench_201());
    let refused = Search::create(config, &dir.path().join("refused"), Options { space, ..options() });
    let error = refused.err().unwrap().to_string();
    assert!(error.starts_with("finalists.drawn_by is predictor; expected patterns or auto"), "{error}");
}

#[test]
fn finals_keep_to_the_limits_of_the_search() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { parameters: Some(6000), ..Limits::default() };
    let found =
        done(Search::create(config().with_limits(limits), &dir.path().join("run"), options()).unwrap().run().unwrap());
    assert!(found.finalists.len() > 1 && found.front.is_empty());
    assert!(found.finalists.iter().all(|finalist| finalist.parameters <= 6000), "{:?}", found.finalists);
    assert!(found.parameters <= 6000 && found.paper_form.unwrap().parameters > 1_000_000);
}
