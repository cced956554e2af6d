//! Which checkpoints stay: a pure function that returns actions.

/// What to do with one checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It stays.
    Keep(u64),
    /// It goes.
    Remove(u64),
}

/// Keeps the `keep_last` newest of the checkpoints `present` (named by their step, in any order) and the best one, and
/// removes the others. At least the newest always stays. Actions are ordered by step.
///
/// ```
/// use eoinas_train::checkpoint::{Action::*, retain};
/// assert_eq!(retain(&[30, 10, 40, 20], Some(10), 2), [Keep(10), Remove(20), Keep(30), Keep(40)]);
/// ```
pub fn retain(present: &[u64], best: Option<u64>, keep_last: usize) -> Vec<Action> {
    let mut steps = present.to_vec();
    steps.sort_unstable();
    steps.dedup();
    let first_kept = steps.len().saturating_sub(keep_last.max(1));
    steps
        .iter()
        .enumerate()
        .map(
            |(index, &step)| {
                if index >= first_kept || Some(step) == best { Action::Keep(step) } else { Action::Remove(step) }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Action::*, *};

    #[test]
    fn the_last_two_and_the_best_stay() {
        assert_eq!(retain(&[1, 2, 3, 4], Some(1), 2), [Keep(1), Remove(2), Keep(3), Keep(4)]);
        assert_eq!(retain(&[1, 2, 3, 4], Some(4), 2), [Remove(1), Remove(2), Keep(3), Keep(4)]);
        assert_eq!(retain(&[1, 2, 3, 4], None, 2), [Remove(1), Remove(2), Keep(3), Keep(4)]);
    }

    #[test]
    fn a_best_that_is_not_there_is_no_reason_to_keep_another() {
        assert_eq!(retain(&[1, 2, 3], Some(9), 1), [Remove(1), Remove(2), Keep(3)]);
    }

    #[test]
    fn the_newest_stays_even_when_none_shall() {
        assert_eq!(retain(&[5, 6], None, 0), [Remove(5), Keep(6)]);
        assert_eq!(retain(&[], Some(1), 2), []);
        assert_eq!(retain(&[7, 7], None, 2), [Keep(7)]);
    }
}
