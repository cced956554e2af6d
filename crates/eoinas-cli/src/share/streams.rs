//! `--jobs` on a GPU: threads of this process, each with a stream of its own. They fill a card that several processes would have
//! in turn.

use std::thread;

use eoinas_train::machine::with_threads;

use super::{Flow, Mine, Share};
use crate::{
    Error,
    host::{Host, HostArgs},
    out::tell,
};

/// Does all of `parts` on so many streams, which share the threads. What goes wrong on one is said, and left for who takes the
/// results.
///
/// # Errors
/// A thread that cannot be started.
pub(super) fn run<I: Sync, T>(
    jobs: u16,
    share: &Share,
    (machine, host): (&HostArgs, &Host),
    parts: &[I],
    work: impl Fn(&I, &Host) -> Flow<T> + Sync,
) -> Result<(), Error> {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = (machine.threads.unwrap_or_else(cores) / usize::from(jobs)).max(1);
    let on_stream = || -> Result<(), Error> {
        let host = host.beside(machine)?;
        let share = Share { mine: Mine::Job, host: host.clone().silent(), quiet: true, ..share.clone() };
        with_threads(Some(threads), || share.each(parts, |part| work(part, &host)).map(drop))?
    };
    thread::scope(|scope| {
        for job in 1..=jobs {
            let on_stream = &on_stream;
            let told = move || {
                if let Err(error) = on_stream() {
                    tell!("[{job}] error: {error}");
                }
            };
            thread::Builder::new().name(format!("stream {job}")).spawn_scoped(scope, told)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use eoinas_core::{SearchSpace, run_folder::names};
    use eoinas_train::{
        Claims, FinalistsConfig, Options, RunDir, RunWriter, Runs, Search, SearchConfig, TrainConfig, Trained, Trials,
        batch::Single, finalists::network_of_winner, training::TrainDataConfig,
    };

    use super::*;
    use crate::share::{Ended, flow};

    #[test]
    fn streams_share_trainings_and_make_what_one_makes() {
        let folder = tempfile::tempdir().unwrap();
        let data = TrainDataConfig { train_images: Some(16), test_images: Some(8), ..TrainDataConfig::default() };
        let mut config = TrainConfig { epochs: 1, batch_size: 8, data, ..TrainConfig::quick() };
        (config.network.channels, config.network.cells) = (4, 3);
        let trials = Trials::random(config, &SearchSpace::darts(), 3);
        let alone = folder.path().join("alone");
        let mut dir = RunWriter::create(&alone).unwrap();
        trials.create(&mut dir).unwrap();
        trials.run(&dir, |_| Options::default()).unwrap();

        let shared = folder.path().join("shared");
        trials.join(&shared).unwrap();
        let claims = Arc::new(Claims::open(&shared, Claims::SILENCE).unwrap());
        let host = Host::of_tests();
        let share = Share { claims, mine: Mine::All, host: host.clone(), quiet: true };
        let who = Mutex::new(Vec::new());
        let work = |trial: &_, host: &Host| {
            let trained = flow(trials.share(&shared, trial, host.options(), &share.claims));
            if trained.is_ok() {
                who.lock().unwrap().push(thread::current().name().map(str::to_owned));
            }
            trained
        };
        let machine = HostArgs::of_tests();
        run(2, &share, (&machine, &host), trials.items(), work).unwrap();
        // Each has seen all of them done.
        assert_eq!(who.lock().unwrap().len(), 6, "{who:?}");
        let Ended::Done(all) = share.each(trials.items(), |trial| work(trial, &host)).unwrap() else { panic!() };
        for (trial, trained) in trials.items().iter().zip(all) {
            let name = Trials::name(trial);
            let there: Trained = RunDir::open(&alone.join(&name)).unwrap().result().unwrap().unwrap();
            assert_eq!((there.accuracy, there.loss), (trained.accuracy, trained.loss));
            let weights = |of: &std::path::Path| {
                std::fs::read(of.join(&name).join(names::NETWORK).join(eoinas_nn::saved::MODEL)).unwrap()
            };
            assert!(weights(&alone) == weights(&shared), "{name}");
        }
    }

    /// One has the search, the other helps with its finals.
    #[test]
    fn streams_share_the_finals_of_one_search() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = SearchConfig { epochs: 1, batch_size: 8, ..SearchConfig::quick() };
        config.data.train_images = Some(64);
        (config.network.channels, config.network.cells) = (4, 3);
        let mut finalists = FinalistsConfig { candidates: 4, epochs: 2, batch_size: 16, ..FinalistsConfig::default() };
        (finalists.network.channels, finalists.network.cells) = (4, 3);
        config.finalists = Some(finalists);
        let (alone, shared) = (folder.path().join("alone"), folder.path().join("shared"));
        Search::complete(config.clone(), &alone, Options::default()).unwrap();

        let (single, study) = (Single(config), shared.join(names::CLAIMS));
        single.join(&study).unwrap();
        let machine = HostArgs::of_tests();
        let host = Host::of_tests();
        let claims = Arc::new(Claims::open(&study, Claims::SHORTEST * 8).unwrap());
        let share = Share { claims, mine: Mine::All, host: host.clone(), quiet: true };
        let work = |item: &_, host: &Host| flow(single.share(&study, item, host.options(), &share.claims));
        run(2, &share, (&machine, &host), single.items(), work).unwrap();
        let Ended::Done(found) = share.each(single.items(), |item| work(item, &host)).unwrap() else { panic!() };
        let dir = RunWriter::resume(&study).unwrap();
        single.write(&dir, &single.gather(found).unwrap()).unwrap();
        let network = |of: &std::path::Path| {
            let network = network_of_winner(&RunDir::open(of).unwrap()).unwrap().unwrap();
            std::fs::read(network.join(eoinas_nn::saved::MODEL)).unwrap()
        };
        assert!(network(&alone) == network(&shared));
    }
}
