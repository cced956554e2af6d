//! What surrounds a step: a batch from the loader, and a path from the sampler.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot run ends")]

use std::{sync::Arc, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use eoinas::core::{AliveOps, EdgeOpTable, SearchSpace, SeedStream, Streams};
use eoinas::data::{Augment, Dataset, Embedded, Loader, LoaderConfig, Part};
use eoinas::gumbel::{Mixture, Relaxation, Sampled};

fn loader(c: &mut Criterion) {
    let data: Arc<dyn Dataset> = Arc::new(Embedded::new(Part::Train, 2048));
    let mut group = c.benchmark_group("loader");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for (name, augment) in [("search", Augment::search()), ("cutout", Augment { cutout: 16, ..Augment::search() })] {
        let config =
            LoaderConfig { batch_size: 64, augment, ..LoaderConfig::new((0..2048).collect(), Streams::new(0)) };
        let loader = Loader::new(data.clone(), config).unwrap();
        let mut batches = (0..).flat_map(|epoch| loader.epoch(epoch, 0));
        group.bench_function(format!("64_images_{name}"), |b| b.iter(|| batches.next().unwrap().unwrap()));
    }
    group.finish();
}

fn sampler(c: &mut Criterion) {
    let space = SearchSpace::darts();
    let (alphas, alive) = (EdgeOpTable::filled(&space, 0f32), AliveOps::all(&space));
    let mut rng = Streams::new(0).rng(SeedStream::WeightPath, 0, 0);
    let mut group = c.benchmark_group("sampler");
    for (name, relaxation) in [("sampled", &Sampled as &dyn Relaxation), ("mixture", &Mixture)] {
        group.bench_function(name, |b| b.iter(|| relaxation.sample(&alphas, &alive, &space, 1.0, &mut rng).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, loader, sampler);
criterion_main!(benches);
