//! Methods of another project's: searched, stopped and resumed to the same bytes in two spaces.

use std::{fs, path::Path};

use eoinas_core::{Genotype, SearchSpace, skeleton::Form};
use eoinas_downstream::{fair_nas::FairNas, shapley::Shapley};
use eoinas_train::{
    MethodConfig, Options, Outcome, Search, SearchConfig, SearchMethod, TrainError, config::NetworkConfig,
    methods::EoiNas, stop::MaxSteps,
};

/// The paper's space and NAS-Bench-201's, 64 embedded images in batches of 16.
fn runs() -> [(SearchSpace, SearchConfig); 2] {
    let mut config = SearchConfig { epochs: 4, batch_size: 16, ..SearchConfig::quick() };
    config.network = NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1, layers: None, max_ops: None };
    config.data.train_images = Some(64);
    let bench = SearchConfig { form: Form::NasBench201, ..config.clone() };
    [(SearchSpace::darts(), config), (SearchSpace::nas_bench_201(), bench)]
}

fn options(space: &SearchSpace, method: impl SearchMethod + 'static, steps: Option<u64>) -> Options {
    let mut options = Options { space: Some(space.clone()), method: Some(Box::new(method)), ..Options::default() };
    options.rules.extend(steps.map(|steps| Box::new(MaxSteps(steps)) as Box<_>));
    options
}

/// What must be the same: the cell, and the last checkpoint's files.
fn essence(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut folders: Vec<_> =
        fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let last = folders.pop().unwrap();
    let files = ["state.json", "weights.safetensors", "optimizer.safetensors"].map(|name| last.join(name));
    let read = |path: &Path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap());
    files.iter().chain([&run.join("genotype.json")]).map(|path| read(path)).collect()
}

/// Stopped in the middle of an epoch and at the end of one (two steps each), and resumed each time.
fn resumes<M: SearchMethod + 'static>(space: &SearchSpace, config: &SearchConfig, method: impl Fn() -> M) -> Search {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let mut search = Search::create(config.clone(), &whole, options(space, method(), None)).unwrap();
    let Outcome::Done(found) = search.run().unwrap() else { panic!("stopped") };
    Genotype::parse(&found.genotype).unwrap().fits(space).unwrap();
    let first = Search::create(config.clone(), &parts, options(space, method(), Some(3))).unwrap().run().unwrap();
    assert!(matches!(first, Outcome::Stopped(_)));
    for steps in [Some(3), None] {
        Search::resume(&parts, options(space, method(), steps)).unwrap().run().unwrap();
    }
    for ((name, a), (_, b)) in essence(&whole).into_iter().zip(essence(&parts)) {
        assert!(a == b, "{name} differs");
    }
    search
}

#[test]
fn shapley_averages_are_kept_in_checkpoints() {
    for (space, config) in runs() {
        let search = resumes(&space, &config, || Shapley::new(1, 10));
        for id in space.edges() {
            assert_eq!(search.learner().alive().count(id), space.ops().len(), "nothing is pruned");
        }
    }
}

#[test]
fn fair_nas_draws_every_op_of_an_edge_equally_often_and_prunes_to_one() {
    for (space, mut config) in runs() {
        let search = resumes(&space, &config, FairNas::default);
        assert_eq!(search.learner().alive().max_count(&space), 1);
        // As many steps as ops: each op of each edge was drawn once. (8 images a batch: 4 steps an epoch.)
        config.batch_size = 8;
        config.epochs = 1;
        config.data.train_images = Some(16 * space.ops().len());
        let dir = tempfile::tempdir().unwrap();
        let mut search =
            Search::create(config, &dir.path().join("run"), options(&space, FairNas::default(), None)).unwrap();
        search.run().unwrap();
        let counts = search.learner().prune.statistics().counts();
        assert!(space.edges().all(|id| counts[id].iter().all(|count| *count == 1)));
    }
}

#[test]
fn a_search_does_not_go_on_without_its_method_or_with_another() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let [(space, config), _] = runs();
    let stopped =
        Search::create(config, &run, options(&space, Shapley::new(1, 5), Some(1))).unwrap().run().unwrap();
    assert!(matches!(stopped, Outcome::Stopped(_)));
    let without = Search::resume(&run, Options { space: Some(space.clone()), ..Options::default() });
    let error = without.unwrap_err();
    assert!(matches!(&error, TrainError::Setting(setting) if setting.got.contains("shapley")), "{error}");
    for (other, names) in [
        (Box::new(Shapley::new(2, 5)) as Box<dyn SearchMethod>, ["orders = 1", "orders = 2"]),
        (Box::new(EoiNas::quick()), ["shapley", "eoinas"]),
    ] {
        let error =
            Search::resume(&run, Options { space: Some(space.clone()), method: Some(other), ..Options::default() });
        let error = error.unwrap_err().to_string();
        assert!(names.iter().all(|name| error.contains(name)), "{error}");
    }
    let config: SearchConfig = serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap();
    assert!(matches!(config.method, MethodConfig::Own(method) if method.name == "shapley"));
}
