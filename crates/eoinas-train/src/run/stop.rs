//! Why a run stops before its last epoch: rules that are asked between steps.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use eoinas_core::{Measure, counted};
use serde::{Deserialize, Serialize};

/// Where a run stands, as far as stop rules (and progress displays) care.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The epoch that is being worked on, from 0.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Steps done in this epoch.
    pub step: usize,
    /// Steps of one epoch.
    pub steps: usize,
    /// Steps done in the whole run, over all its sessions.
    pub total_steps: u64,
    /// Steps done since this process started or resumed the run.
    pub session_steps: u64,
    /// Mean training loss of this epoch so far.
    pub train_loss: Option<f64>,
    /// Training accuracy of this epoch so far, 0 to 1; `None` for a task without classes.
    pub train_accuracy: Option<f64>,
    /// Validation accuracy of this epoch so far, 0 to 1; `None` as long as architecture steps have not begun, and for a task
    /// without classes.
    pub valid_accuracy: Option<f64>,
    /// What scores of this run are, and which direction is better.
    pub measure: Measure,
    /// The score of the last epoch that this process ended, on the validation batches of a search or the test part of a
    /// training; `None` before the first.
    pub score: Option<f64>,
    /// Temperature of the sampler; `None`: the method has none.
    pub temperature: Option<f64>,
    /// Learning rate of the weights.
    pub learning_rate: f64,
    /// Ops that are alive, summed over all edges.
    pub alive_ops: usize,
    /// Per kind of cell, its name and the number of skip connections in the cell that would be derived now.
    pub skips: Vec<(String, usize)>,
}

/// Why a run stopped early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// Ctrl-C or a like request.
    Interrupted,
    /// The number of steps asked for is done.
    MaxSteps {
        /// That number.
        steps: u64,
    },
    /// The time given is used up.
    TimeLimit {
        /// That time, in seconds.
        seconds: f64,
    },
    /// A loss, a gradient or something that learns is infinite or not a number. The state saved is one from before that.
    NonFinite {
        /// `train loss`, `validation loss`, `weight gradient`, ...
        what: String,
        /// `NaN`, `inf` or `-inf` (JSON numbers cannot be any of them).
        value: String,
    },
    /// The cell has degenerated into skip connections.
    Collapse {
        /// Kind of cell.
        cell: String,
        /// Skip connections in it.
        skips: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// A rule of a user's own.
    Other {
        /// What happened.
        message: String,
    },
}

impl StopReason {
    /// One word, for the record.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::MaxSteps { .. } => "max_steps",
            Self::TimeLimit { .. } => "time_limit",
            Self::NonFinite { .. } => "not_finite",
            Self::Collapse { .. } => "collapsed",
            Self::Other { .. } => "other",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => write!(f, "interrupted"),
            Self::MaxSteps { steps } => write!(f, "{} done", counted(*steps, "step is", "steps are")),
            Self::TimeLimit { seconds } => write!(f, "the time limit of {seconds} s is reached"),
            Self::NonFinite { what, value } => {
                write!(
                    f,
                    "the {what} is {value}; lower the learning rate or the weight decay, or look at the data, then start again"
                )
            }
            Self::Collapse { cell, skips, limit } => {
                write!(f, "the {cell} cell has {skips} skip connections, more than the {limit} allowed")
            }
            Self::Other { message } => f.write_str(message),
        }
    }
}

/// A reason to stop, asked for before every step and at the end of every epoch.
pub trait StopRule: fmt::Debug + Send {
    /// `Some` when the run shall stop here. The state is saved and the run can be resumed.
    fn check(&mut self, progress: &Progress) -> Option<StopReason>;

    /// A request that does not wait for the end of a step that takes long. Default: there is none.
    fn interrupt(&self) -> Option<Interrupt> {
        None
    }
}

/// Rules that several runs ask, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedRules(Arc<Mutex<Vec<Box<dyn StopRule>>>>);

impl SharedRules {
    pub(crate) fn new(rules: Vec<Box<dyn StopRule>>) -> Self {
        Self(Arc::new(Mutex::new(rules)))
    }
}

impl StopRule for SharedRules {
    fn check(&mut self, progress: &Progress) -> Option<StopReason> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter_mut().find_map(|rule| rule.check(progress))
    }

    fn interrupt(&self) -> Option<Interrupt> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().find_map(|rule| rule.interrupt())
    }
}

/// Stops when a flag is raised, as a Ctrl-C handler does.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Raises the flag; safe to call from a signal handler's thread.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is up.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The flag.
    pub(crate) fn into_flag(self) -> Arc<AtomicBool> {
        self.0
    }
}

impl StopRule for Interrupt {
    fn check(&mut self, _: &Progress) -> Option<StopReason> {
        self.is_raised().then_some(StopReason::Interrupted)
    }

    fn interrupt(&self) -> Option<Interrupt> {
        Some(self.clone())
    }
}

/// Stops after that many steps of this session.
#[derive(Clone, Copy, Debug)]
pub struct MaxSteps(pub u64);

impl StopRule for MaxSteps {
    fn check(&mut self, progress: &Progress) -> Option<StopReason> {
        (progress.session_steps >= self.0).then_some(StopReason::MaxSteps { steps: self.0 })
    }
}

/// Stops after some time of this session.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    start: Instant,
    limit: Duration,
}

impl TimeLimit {
    /// The clock starts now.
    pub fn new(limit: Duration) -> Self {
        Self { start: Instant::now(), limit }
    }
}

impl StopRule for TimeLimit {
    fn check(&mut self, _: &Progress) -> Option<StopReason> {
        (self.start.elapsed() >= self.limit).then_some(StopReason::TimeLimit { seconds: self.limit.as_secs_f64() })
    }
}

/// Stops when the cell that would be derived now has more skip connections than `limit`: the known way in which
/// differentiable search degenerates. Asked only where the derived cell is known, at the end of an epoch.
#[derive(Clone, Copy, Debug)]
pub struct CollapseGuard {
    /// Skip connections allowed in one cell.
    pub limit: usize,
}

impl StopRule for CollapseGuard {
    fn check(&mut self, progress: &Progress) -> Option<StopReason> {
        let (cell, skips) = progress.skips.iter().find(|(_, skips)| *skips > self.limit)?;
        Some(StopReason::Collapse { cell: cell.clone(), skips: *skips, limit: self.limit })
    }
}

/// A reason to stop if `value` is infinite or not a number.
pub fn check_finite(what: &str, value: f64) -> Result<(), StopReason> {
    if value.is_finite() {
        return Ok(());
    }
    Err(StopReason::NonFinite { what: what.to_owned(), value: value.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_is_seen_through_a_clone() {
        let mut rule = Interrupt::default();
        assert_eq!(rule.check(&Progress::default()), None);
        rule.clone().raise();
        assert_eq!(rule.check(&Progress::default()), Some(StopReason::Interrupted));
    }

    #[test]
    fn steps_of_this_session_count() {
        let progress = |session_steps| Progress { session_steps, total_steps: 100, ..Progress::default() };
        assert_eq!(MaxSteps(3).check(&progress(2)), None);
        assert_eq!(MaxSteps(3).check(&progress(3)), Some(StopReason::MaxSteps { steps: 3 }));
    }

    #[test]
    fn time_runs_out() {
        assert_eq!(TimeLimit::new(Duration::from_secs(3600)).check(&Progress::default()), None);
        assert!(matches!(
            TimeLimit::new(Duration::ZERO).check(&Progress::default()),
            Some(StopReason::TimeLimit { seconds: 0.0 })
        ));
    }

    #[test]
    fn a_cell_of_skips_is_a_collapse() {
        let progress = Progress { skips: vec![("normal".into(), 2), ("reduce".into(), 6)], ..Progress::default() };
        assert_eq!(CollapseGuard { limit: 6 }.check(&progress), None);
        assert_eq!(
            CollapseGuard { limit: 3 }.check(&progress),
            Some(StopReason::Collapse { cell: "reduce".into(), skips: 6, limit: 3 })
        );
    }

    #[test]
    fn nan_and_infinity_are_named() {
        assert_eq!(check_finite("train loss", 1.0), Ok(()));
        let reason = check_finite("train loss", f64::NAN).unwrap_err();
        assert!(reason.to_string().contains("train loss is NaN"), "{reason}");
        let json = serde_json::to_string(&reason).unwrap();
        assert_eq!(serde_json::from_str::<StopReason>(&json).unwrap(), reason);
    }
}
