//! What runs leave on disk: names of files and folders, and what a folder is. Those who write and those who read take
//! them from here.
//!
//! ```text
//! RUN/                          one search or one training
//!   config.json data.json events.jsonl log.txt genotype.txt genotype.json result.json
//!   checkpoints/step-000015640/ network/ evaluation.json SHA256SUMS .lock
//!   finalists/ front/1.txt ...  a search's finals, and their front
//!   training.json training/     the training that follows a search
//!   report.html pictures/ ...   a report
//! PICTURES/                     search.json training.json, and the runs search/ training/; where nothing is searched,
//!                               training.json, genotype.json or model.json, and training/
//! SEVERAL/                      seeds.json or trials.json, and runs: seed-0/ seed-1/ ..., random-0/ ... or fold-0/ ...
//! STUDY/.claims/VARIANT/seed-0/ the same while it is worked on: search/attempt-1/ ... and who does
//! STUDY/.claims/PART/finalists/ trainings of a search's finals while processes share them: round-1/cell-1/ ... and who does
//! STUDY/VARIANT/seed-0/         search/ train/ train-CHANGE/ CELL-EDGE-OP/, a run each
//! ```

pub mod names;

use std::path::Path;

/// What a folder holds, by the files in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A run with its record.
    Run,
    /// A run that has lost its record.
    Lost,
    /// Searches that differ by their seed.
    Seeds,
    /// Trainings that differ by seed, cell or fold.
    Trials,
}

/// What the folder `path` holds; `None` where nothing says so.
pub fn kind(path: &Path) -> Option<Kind> {
    let file = |name| path.join(name).is_file();
    let lost = || file(names::CONFIG) && path.join(names::CHECKPOINTS).is_dir();
    match () {
        () if file(names::EVENTS) => Some(Kind::Run),
        () if file(names::SEEDS) => Some(Kind::Seeds),
        () if file(names::TRIALS) => Some(Kind::Trials),
        () if lost() => Some(Kind::Lost),
        () => None,
    }
}

/// Whether a folder of this name, in that of a run, holds what is no run.
pub fn is_part_of_run(name: &str) -> bool {
    [names::CHECKPOINTS, names::FRONT, names::NETWORK, names::PICTURES, names::TENSORBOARD].contains(&name)
}

/// Folder of the run with this seed: `seed-3`.
pub fn seed(seed: u64) -> String {
    format!("seed-{seed}")
}

/// Folder of the training of the random cell that this seed draws: `random-3`.
pub fn random_cell(seed: u64) -> String {
    format!("random-{seed}")
}

/// Folder of the training that tests this fold of a cross-validation, from 0: `fold-3`.
pub fn fold(fold: usize) -> String {
    format!("fold-{fold}")
}

/// File of a cell of the front of a search, counted from 0, the cheapest first: `front/1.txt`.
pub fn on_front(place: usize) -> String {
    format!("{}/{}.txt", names::FRONT, place.saturating_add(1))
}

/// File of what was left of a run's plan when it was made anew for the n-th time, from 1: `replan-1.json`.
pub fn replan(number: usize) -> String {
    format!("replan-{number}.json")
}

/// Whether a folder's name says that its run is one of several that differ by their seed.
pub fn is_one_of_several(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ["seed-", "random-", "trial-", "fold-"].iter().any(|kind| name.strip_prefix(kind).is_some_and(digits))
}

/// Folder of a study's training with a change: `train-cutout`.
pub fn training_with(change: &str) -> String {
    format!("{}-{change}", names::TRAIN)
}

/// The change that [`training_with`] put into a folder's name.
pub fn change(name: &str) -> Option<&str> {
    name.strip_prefix(names::TRAIN)?.strip_prefix('-')
}

/// Whether a folder's name says no more than whether it holds a search or a training.
pub fn is_plain(name: &str) -> bool {
    [names::SEARCH, names::TRAIN, names::TRAINING].contains(&name)
}

/// Folder of the training of a cell that has another op on one edge: `normal-3-max_pool_3x3`.
pub fn with_op(cell: &str, edge: usize, op: &str) -> String {
    format!("{cell}-{edge}-{op}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_made_are_known() {
        assert!(
            is_one_of_several(&seed(3))
                && is_one_of_several(&random_cell(0))
                && is_one_of_several(&fold(2))
                && is_one_of_several("trial-7")
        );
        assert!(!is_one_of_several("seed-") && !is_one_of_several("seed-x") && !is_one_of_several(names::SEARCH));
        assert_eq!(change(&training_with("cutout")), Some("cutout"));
        assert_eq!(change(names::TRAIN), None);
        assert_eq!(change(names::TRAINING), None);
        assert!(is_plain(names::TRAIN) && !is_plain(&training_with("cutout")));
    }
}
