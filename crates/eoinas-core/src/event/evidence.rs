//! What the validation of an edge's ops said at a pruning.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an edge's ops were validated since the count window began, and which would have gone in the place of the pruned one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PruneEvidence {
    /// Index of the op that would have been pruned instead.
    pub next: usize,
    /// Its name.
    pub next_name: String,
    /// Every op that was alive and has been validated, by index.
    pub ops: Vec<OpEvidence>,
}

/// The validation of one op.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpEvidence {
    /// Its index.
    pub op: usize,
    /// Paths with it that were validated.
    pub draws: u64,
    /// Their mean accuracy as a fraction. Where several paths were validated on each batch: the mean of all of the edge's
    /// paths, plus how far those with this op were above the mean of their batch.
    pub mean: f64,
    /// Standard error of the mean; `None` below two draws.
    pub error: Option<f64>,
}

/// A round of a search's finals that a cell was in: its network, trained for a short time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalistRound {
    /// The cell's text.
    pub genotype: String,
    /// The round, from 1.
    pub round: u32,
    /// Epochs of its trainings.
    pub epochs: u64,
    /// Trained parameters of the network.
    pub parameters: u64,
    /// Its multiply-adds for one image.
    pub multiply_adds: u64,
}

/// The accuracy of one op less that of another, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference.
    pub mean: f64,
    /// Its standard error; `None` where one of both was validated less than twice.
    pub error: Option<f64>,
}

impl PruneEvidence {
    /// How much more accurate `op` was than the one that would have gone in its place; `None` if either was not validated.
    pub fn against_next(&self, op: usize) -> Option<Difference> {
        let of = |op: usize| self.ops.iter().find(|known| known.op == op);
        let (own, next) = (of(op)?, of(self.next)?);
        let error = own.error.zip(next.error).map(|(own, next)| own.hypot(next));
        Some(Difference { mean: own.mean - next.mean, error })
    }
}

impl Difference {
    /// Whether the pruned op was not worse by more than one standard error: chance may have chosen it. Without an error
    /// nothing says that it did not.
    pub fn within_noise(&self) -> bool {
        self.error.is_none_or(|error| -self.mean <= error)
    }
}

/// In points: `-0.8 +- 0.2`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.1} +- ", 100.0 * self.mean)?;
        match self.error {
            Some(error) => write!(f, "{:.1}", 100.0 * error),
            None => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(error: Option<f64>) -> PruneEvidence {
        let of = |op, mean, error| OpEvidence { op, draws: 9, mean, error };
        let ops = vec![of(1, 0.400, Some(0.0012)), of(4, 0.408, error)];
        PruneEvidence { next: 4, next_name: "sep_conv_3x3".to_owned(), ops }
    }

    #[test]
    fn differences_have_both_errors_and_say_what_is_noise() {
        let clear = evidence(Some(0.0016)).against_next(1).unwrap();
        assert_eq!(clear.to_string(), "-0.8 +- 0.2");
        assert!(!clear.within_noise());
        let noise = evidence(Some(0.05)).against_next(1).unwrap();
        assert_eq!(noise.to_string(), "-0.8 +- 5.0");
        assert!(noise.within_noise());
        let once = evidence(None).against_next(1).unwrap();
        assert_eq!(once.to_string(), "-0.8 +- ?");
        assert!(once.within_noise());
        assert_eq!(evidence(None).against_next(2), None);
        assert!(evidence(Some(0.0016)).against_next(4).unwrap().within_noise(), "of itself");
    }
}
