//! What happens in a run, as typed events: progress displays, records and reports are made of these alone.
//!
//! Units throughout: accuracies are fractions from 0 to 1, losses are mean cross entropies in nats (of numbers, mean squared
//! errors on the scale on which each has mean 0 and standard deviation 1), epochs and steps count from 0. The record of a
//! task without classes has scores where others have accuracies, and says in its first event what they are. Events hold nothing that depends on the clock, but for
//! [`Event::Replanned`], which somebody asked for; that is [`Record`]'s part. So two runs from one seed have equal events.

mod command;
mod evidence;
mod nan;
mod payload;
mod read;
mod record;

use serde::{Deserialize, Serialize};

use crate::space::CellKind;

pub use command::shell_word;
pub use evidence::{Difference, FinalistRound, OpEvidence, PruneEvidence};
pub use payload::{DatasetInfo, EpochEnd, ModelInfo, RunStarted, SearchSnapshot, SpaceInfo, Task};
pub use read::{RecordLine, RecordReader, read};
pub use record::Record;

/// Version of the events' JSON form, in the first event of every record. It changes when an old reader could no longer
/// understand a new record; new fields and events do not change it. Version 2: trainings of networks that have no cells.
pub const RECORD_VERSION: u32 = 2;

/// One event. Written as one JSON line each in `events.jsonl`, inside a [`Record`].
///
/// ```
/// use eoinas_core::Event;
/// let event = Event::Warning { text: "the schedule was scaled to 8 epochs".to_owned() };
/// let text = serde_json::to_string(&event)?;
/// assert_eq!(text, r#"{"event":"warning","text":"the schedule was scaled to 8 epochs"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The first event of every run.
    RunStarted(Box<RunStarted>),
    /// A stopped run goes on. For displays: records leave it out, so that they equal that of an uninterrupted run.
    Resumed {
        /// The epoch it goes on in.
        epoch: u64,
        /// The step it goes on with, counted over the whole run.
        step: u64,
        /// Name of the checkpoint's folder.
        checkpoint: String,
    },
    /// An epoch begins.
    EpochStarted {
        /// The epoch.
        epoch: u64,
        /// How many the run has in all.
        epochs: u64,
    },
    /// An epoch is over.
    EpochEnd(Box<EpochEnd>),
    /// One edge lost one op.
    Pruned {
        /// The epoch after which it was pruned.
        epoch: u64,
        /// Kind of cell.
        kind: CellKind,
        /// Edge, as numbered in the space.
        edge: usize,
        /// Index of the op in the space.
        op: usize,
        /// Its name.
        name: String,
        /// The rule that chose it, for example `lowest_indicator`.
        reason: String,
        /// The indicator of each op that was alive on the edge before, by index; `null` without evidence.
        indicator: Vec<(usize, Option<f64>)>,
        /// How the ops of the edge were validated; `None` where none was, and in records of version 0.1.0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<PruneEvidence>,
    },
    /// Something that a reader should know about this run.
    Warning {
        /// In words.
        text: String,
    },
    /// What was left of the plan of a run that was late for its time was made anew, which depends on the clock: the one thing in a
    /// record that does.
    Replanned {
        /// The first epoch that may be another one than planned.
        epoch: u64,
        /// How many epochs the run had in all before.
        before: u64,
        /// How many it has now.
        epochs: u64,
        /// In words, with the times.
        text: String,
    },
    /// A checkpoint is complete.
    CheckpointSaved {
        /// Steps done when it was saved.
        step: u64,
        /// Name of its folder below the run's.
        name: String,
    },
    /// A network was evaluated apart from the epochs' own validation.
    Evaluated {
        /// Which network on which images, for example `derived network, validation half`.
        what: String,
        /// Share of the images that it got right, 0..1; 0 where the task has no classes.
        accuracy: f64,
        /// Mean loss, as [`EpochEnd::train_loss`]; `null` where it was not finite.
        #[serde(with = "nan")]
        loss: f64,
        /// Number of images.
        images: u64,
        /// The score of a task without classes; [`RunStarted::measure`] says what it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        score: Option<f64>,
        /// Of a cell in the finals of a search: which one, in which round.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finalist: Option<Box<FinalistRound>>,
    },
    /// The search has found its cells.
    Derived {
        /// The genotype's text.
        text: String,
        /// The versioned JSON form of the genotype. It is not a [`crate::Genotype`] here, because a reader need not know
        /// the ops of the one who searched; read it with [`crate::Genotype::parse_with`].
        genotype: serde_json::Value,
        /// Trained parameters of the network to be retrained; `None` where none was chosen.
        parameters: Option<u64>,
        /// Its multiply-adds for one image.
        multiply_adds: Option<u64>,
    },
    /// The run stops before its end.
    Stopped {
        /// One word: `interrupted`, `time_limit`, `not_finite`, `collapsed`, ...
        reason: String,
        /// In words: what happened and how to go on.
        detail: String,
    },
    /// The last event of every run that ends in order.
    RunEnded {
        /// Epochs done in all.
        epochs: u64,
        /// Steps done in all.
        steps: u64,
    },
}

impl Event {
    /// The event's name, as in the JSON form.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::Resumed { .. } => "resumed",
            Self::EpochStarted { .. } => "epoch_started",
            Self::EpochEnd(_) => "epoch_end",
            Self::Pruned { .. } => "pruned",
            Self::Warning { .. } => "warning",
            Self::Replanned { .. } => "replanned",
            Self::CheckpointSaved { .. } => "checkpoint_saved",
            Self::Evaluated { .. } => "evaluated",
            Self::Derived { .. } => "derived",
            Self::Stopped { .. } => "stopped",
            Self::RunEnded { .. } => "run_ended",
        }
    }
}
