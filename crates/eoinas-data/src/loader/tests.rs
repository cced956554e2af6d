use super::*;
use crate::{DatasetInfo, InMemory, ValueKind, Values};
use eoinas_core::{NumberInfo, Target, TargetInfo};
use std::sync::atomic::{AtomicUsize, Ordering};

const SIDE: usize = 6;

fn info() -> DatasetInfo {
    DatasetInfo {
        name: "numbers".into(),
        target: TargetInfo::Classes((0..10).map(|c| c.to_string()).collect()),
        values: ValueKind::Bytes,
        channels: 3,
        height: SIDE,
        width: SIDE,
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
        flip: true,
        notes: vec![],
    }
}

fn numbers(images: usize) -> Arc<dyn Dataset> {
    let size = info().image_len();
    let pixels: Vec<u8> = (0..images * size).map(|i| (i / size * 37 + i % size * 3) as u8).collect();
    let labels: Vec<u32> = (0..images as u32).map(|i| i % 10).collect();
    Arc::new(InMemory::new(info(), labels, pixels).unwrap())
}

fn config(images: usize) -> LoaderConfig {
    LoaderConfig {
        batch_size: 7,
        augment: Augment { pad: 2, flip: true, cutout: 3, ..Augment::none() },
        ..LoaderConfig::new((0..images).collect(), Streams::new(5))
    }
}

fn load(loader: &Loader, epoch: u64, start: usize) -> Vec<Batch> {
    loader.epoch(epoch, start).collect::<Result<_>>().unwrap()
}

#[test]
fn same_batches_with_any_number_of_threads_and_any_prefetch() {
    let expected = load(&Loader::new(numbers(100), LoaderConfig { threads: 0, ..config(100) }).unwrap(), 3, 0);
    assert_eq!(expected.len(), 15);
    assert_eq!(expected[14].n, 2);
    for (threads, prefetch) in [(1, 0), (1, 4), (2, 1), (3, 8), (16, 2), (40, 100)] {
        let loader = Loader::new(numbers(100), LoaderConfig { threads, prefetch, ..config(100) }).unwrap();
        assert_eq!(load(&loader, 3, 0), expected, "{threads} threads, prefetch {prefetch}");
    }
}

#[test]
fn starting_in_the_middle_gives_the_same_batches_and_reads_no_earlier_image() {
    let data = Arc::new(Counted { inner: numbers(100), reads: AtomicUsize::new(0), fail_at: None, panic_at: None });
    let loader = Loader::new(data.clone(), LoaderConfig { threads: 2, ..config(100) }).unwrap();
    let all = load(&loader, 1, 0);
    data.reads.store(0, Ordering::SeqCst);
    assert_eq!(load(&loader, 1, 12), all[12..]);
    assert_eq!(data.reads.load(Ordering::SeqCst), 100 - 12 * 7);
    assert!(load(&loader, 1, 15).is_empty());
    assert!(load(&loader, 1, usize::MAX).is_empty());
}

#[test]
fn epochs_and_parts_differ_and_each_epoch_has_every_image_once() {
    let loader = Loader::new(numbers(20), LoaderConfig { augment: Augment::none(), ..config(20) }).unwrap();
    let firsts = |loader: &Loader, epoch| -> Vec<u32> {
        let images = load(loader, epoch, 0).into_iter().flat_map(|batch| batch.images);
        images.step_by(info().image_len()).map(f32::to_bits).collect()
    };
    let sorted = |mut v: Vec<u32>| {
        v.sort_unstable();
        v
    };
    assert_ne!(firsts(&loader, 0), firsts(&loader, 1));
    assert_eq!(sorted(firsts(&loader, 0)), sorted(firsts(&loader, 1)));
    let other = Loader::new(numbers(20), LoaderConfig { augment: Augment::none(), part: 1, ..config(20) }).unwrap();
    assert_ne!(firsts(&loader, 0), firsts(&other, 0));
    let plain = LoaderConfig { augment: Augment::none(), shuffle: false, ..config(20) };
    let plain = Loader::new(numbers(20), plain).unwrap();
    let labels: Vec<u32> =
        load(&plain, 0, 0).into_iter().flat_map(|batch| batch.targets.classes().unwrap().to_vec()).collect();
    assert_eq!(labels, (0..20).map(|i| i % 10).collect::<Vec<_>>());
}

#[test]
fn drop_last_leaves_the_short_batch_out() {
    let loader = Loader::new(numbers(20), LoaderConfig { drop_last: true, ..config(20) }).unwrap();
    assert_eq!((loader.batches_per_epoch(), loader.images_per_epoch()), (2, 14));
    assert!(load(&loader, 0, 0).iter().all(|batch| batch.n == 7));
}

#[test]
fn settings_that_cannot_work_are_errors() {
    let error = |config| Loader::new(numbers(20), config).unwrap_err();
    assert!(
        matches!(error(LoaderConfig { batch_size: 0, ..config(20) }), DataError::Setting(wrong) if wrong.name == "batch_size")
    );
    assert!(matches!(error(config(0)), DataError::TooFew { .. }));
    assert!(matches!(error(config(21)), DataError::Index { index: 20, len: 20 }));
    let large = error(LoaderConfig { batch_size: 21, drop_last: true, ..config(20) });
    assert!(large.to_string().contains("larger than the data"), "{large}");
}

#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Dataset>,
    reads: AtomicUsize,
    fail_at: Option<usize>,
    panic_at: Option<usize>,
}

impl Dataset for Counted {
    fn info(&self) -> &DatasetInfo {
        self.inner.info()
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        assert_ne!(self.panic_at, Some(index), "a panic that a test wants");
        if self.fail_at == Some(index) {
            return Err(DataError::Image { path: "x.png".into(), reason: "broken".into() });
        }
        self.inner.read(index, values)
    }
}

fn failing(fail_at: Option<usize>, panic_at: Option<usize>, threads: usize) -> Vec<Result<Batch>> {
    let data = Counted { inner: numbers(50), reads: AtomicUsize::new(0), fail_at, panic_at };
    let config = LoaderConfig { threads, shuffle: false, ..config(50) };
    Loader::new(Arc::new(data), config).unwrap().epoch(0, 0).collect()
}

#[test]
fn an_error_in_a_thread_arrives_in_its_place_and_ends_the_epoch() {
    for threads in [0, 1, 3] {
        let items = failing(Some(16), None, threads);
        assert_eq!(items.len(), 3);
        assert!(items[..2].iter().all(Result::is_ok));
        assert!(matches!(items[2], Err(DataError::Image { .. })));
    }
}

#[test]
fn a_panic_in_a_thread_arrives_as_an_error() {
    let items = failing(None, Some(16), 2);
    let error = items[2].as_ref().unwrap_err();
    assert!(matches!(error, DataError::Thread { .. }) && error.to_string().contains("before batch 2"), "{error}");
    assert_eq!(items.len(), 3);
}

#[test]
fn a_label_without_a_class_is_an_error() {
    #[derive(Debug)]
    struct Wild(DatasetInfo);
    impl Dataset for Wild {
        fn info(&self) -> &DatasetInfo {
            &self.0
        }
        fn len(&self) -> usize {
            5
        }
        fn read(&self, _: usize, _: Values<'_>) -> Result<Target> {
            Ok(Target::Class(10))
        }
    }
    let loader = Loader::new(Arc::new(Wild(info())), config(5)).unwrap();
    assert!(matches!(loader.epoch(0, 0).next(), Some(Err(DataError::Set { .. }))));
}

#[test]
fn dropping_the_iterator_stops_the_threads_after_few_reads() {
    let data = Arc::new(Counted { inner: numbers(9000), reads: AtomicUsize::new(0), fail_at: None, panic_at: None });
    let loader = Loader::new(data.clone(), LoaderConfig { threads: 3, prefetch: 3, ..config(9000) }).unwrap();
    let mut batches = loader.epoch(0, 0);
    batches.next().unwrap().unwrap();
    drop(batches);
    let reads = data.reads.load(Ordering::SeqCst);
    // One batch taken, and at most one finished and one begun for each thread.
    assert!(reads <= 7 * 10, "{reads}");
    // Joined: nobody reads any more, and only the loader holds the data.
    assert_eq!(Arc::strong_count(&data), 2);
}

#[test]
fn batches_are_pinned_by_value() {
    let loader = Loader::new(numbers(100), config(100)).unwrap();
    let batch = loader.epoch(2, 1).next().unwrap().unwrap();
    assert_eq!(batch.targets.classes().unwrap(), [1, 7, 0, 5, 5, 8, 4]);
    let hash = batch.images.iter().fold(0u64, |hash, v| hash.wrapping_mul(31).wrapping_add(u64::from(v.to_bits())));
    assert_eq!(hash, 3_948_182_788_687_766_166);
}

/// Signals of floats with numbers to be found, drawn when they are read.
#[derive(Debug)]
struct Waves {
    info: DatasetInfo,
    broken: Option<usize>,
}

impl Waves {
    fn new(broken: Option<usize>) -> Arc<Self> {
        let frequency = NumberInfo { name: "frequency".into(), unit: "Hz".into(), mean: 10.0, std: 6.0 };
        let info = DatasetInfo {
            name: "waves".into(),
            target: TargetInfo::Numbers(vec![frequency]),
            values: ValueKind::Floats,
            channels: 2,
            height: 1,
            width: 32,
            mean: vec![0.0; 2],
            std: vec![0.5; 2],
            flip: true,
            notes: vec![],
        };
        Arc::new(Self { info, broken })
    }
}

impl Dataset for Waves {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self) -> usize {
        20
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target> {
        for (i, value) in values.floats()?.iter_mut().enumerate() {
            *value = if self.broken == Some(index) { f32::NAN } else { (index + 1) as f32 * (i / 2) as f32 };
        }
        Ok(Target::Numbers(vec![index as f32]))
    }
}

#[test]
fn signals_with_numbers_are_loaded() {
    let augment = Augment::search_for(Waves::new(None).info());
    let config = LoaderConfig { augment, ..config(20) };
    let loader = Loader::new(Waves::new(None), LoaderConfig { threads: 0, ..config.clone() }).unwrap();
    let batches = load(&loader, 1, 0);
    assert_eq!(batches.len(), 3);
    for batch in &batches {
        assert_eq!((batch.h, batch.w, batch.c, batch.images.len()), (1, 32, 2, batch.n * 64));
        for (sample, values) in batch.images.chunks_exact(64).enumerate() {
            let Some(Target::Numbers(numbers)) = batch.targets.get(sample) else { panic!("no numbers") };
            // Mirrored or not, the last moment is 31 times the slope, over the standard deviation.
            let expected = (numbers[0] + 1.0) * 31.0 / 0.5;
            assert!(values[0] == expected || values[62] == expected, "{values:?}");
        }
    }
    assert_eq!(
        load(&Loader::new(Waves::new(None), LoaderConfig { threads: 3, ..config.clone() }).unwrap(), 1, 0),
        batches
    );
    let error =
        Loader::new(Waves::new(None), LoaderConfig { augment: Augment::search(), ..config.clone() }).unwrap_err();
    assert!(error.to_string().contains("augment.pad"), "{error}");
    let broken = Loader::new(Waves::new(Some(3)), config).unwrap();
    let error = broken.epoch(0, 0).find_map(Result::err).unwrap().to_string();
    assert!(error.contains("`waves`: sample 3 has NaN"), "{error}");
}
