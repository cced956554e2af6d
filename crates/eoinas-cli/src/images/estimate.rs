//! How long it will take.

use std::time::Duration;

use eoinas_core::{Genotype, SearchSpace, SeedStream, Streams, counted, models::Design};
use eoinas_train::{Options, SearchConfig, TrainConfig, Training};

use super::Args;
use crate::{
    Error, flags,
    host::Host,
    out::{say, tell},
};

/// Steps that the estimate measures.
const MEASURED: usize = 4;

/// Longer than this, it is said what would be shorter.
const LONG: Duration = Duration::from_secs(3600);

/// Says how long it will take. The cell is not known yet, so random ones stand for it.
pub(super) fn say_both(
    args: &Args,
    search: &SearchConfig,
    training: &TrainConfig,
    others: usize,
    host: &Host,
) -> Result<(), Error> {
    let searching = search.estimate(|| host.options()).map_err(flags::of_search)?;
    let mut rng = Streams::new(args.seed).rng(SeedStream::Named("estimate"), 0, 0);
    let cell = Genotype::random(&SearchSpace::darts(), &mut rng);
    let (time, notes) = Training::estimate_with_notes((training.clone(), cell.into()), Options::default(), MEASURED)?;
    // A run says in its course what there is to know of the test pictures, too.
    if args.estimate {
        notes.iter().for_each(|note| host.note(note));
    }
    let finals = search.finalists.as_ref().filter(|finalists| finalists.candidates > 1);
    let finals = finals.map(|finalists| format!(", {} finalists", finalists.candidates));
    let [search, epochs] = [search.epochs, training.epochs].map(|epochs| counted(epochs, "epoch", "epochs"));
    let search = search + &finals.unwrap_or_default();
    let beside = match others {
        0 => String::new(),
        _ => format!(", and as long for each of {others} networks to set beside it"),
    };
    let said = format!(
        "on this machine: about {} to search ({search}), about {} to train ({epochs}){beside}",
        in_words(searching),
        in_words(time)
    );
    say_it(args, &said);
    if searching + time * (1 + others as u32) > LONG {
        tell!("fewer --search-epochs and --epochs, a smaller --image-size, or --alone, take less");
    }
    Ok(())
}

/// Says how long the training of a network that has weights will take.
///
/// # Errors
/// As a training's.
pub(super) fn say_training(args: &Args, (config, design): (&TrainConfig, &Design), host: &Host) -> Result<(), Error> {
    let task = (config.clone(), design.clone());
    let (time, notes) = Training::estimate_with_notes(task, Options::default(), MEASURED)?;
    if args.estimate {
        notes.iter().for_each(|note| host.note(note));
    }
    let epochs = counted(config.epochs, "epoch", "epochs");
    say_it(args, &format!("on this machine: about {} to train ({epochs}); nothing is searched", in_words(time)));
    if time > LONG {
        tell!("fewer --epochs, or a smaller --image-size, take less");
    }
    Ok(())
}

/// What was asked for is the command's answer; else it is said before the work.
fn say_it(args: &Args, said: &str) {
    match args.estimate {
        true => say!("{said}"),
        false => tell!("{said}"),
    }
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0..90 => format!("{:.0} s", time.as_secs_f64().max(1.0)),
        seconds @ 90..5400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}
