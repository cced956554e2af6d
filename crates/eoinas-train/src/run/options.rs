//! What a run needs beside its settings.

use std::{fmt, path::PathBuf, sync::Arc};

use candle_core::Device;
use eoinas_core::{SearchSpace, Setting, TargetInfo};
use eoinas_data::Dataset;
use eoinas_nn::{
    Operations,
    task::{self, Task},
};

use crate::{claims::Claim, method::SearchMethod, observer::Observer, stop::StopRule};

/// What a search or a training needs beside its settings; the defaults are built-in ops on the CPU.
pub struct Options {
    /// Kinds of cell, their edges and ops. Default: `None`; a search is in the paper's space ([`SearchSpace::darts`]), a
    /// training takes the kinds of cell from its genotype ([`eoinas_core::Genotype::space`]). A genotype with ops of one's own
    /// needs it when its training is resumed.
    pub space: Option<SearchSpace>,
    /// The tensor halves of the space's ops. Default: the built-in ones.
    pub operations: Operations,
    /// Default: the CPU.
    pub device: Device,
    /// Images of one's own to learn from, instead of those that the settings name. Default: none.
    pub dataset: Option<Arc<dyn Dataset>>,
    /// Images of one's own that a training is tested on; needed beside `dataset` unless the settings hold out training
    /// images. A search reads no such images. Default: none.
    pub test_dataset: Option<Arc<dyn Dataset>>,
    /// What the outputs of the networks stand for, their loss and their score, instead of the task that goes with the targets of
    /// the images ([`eoinas_nn::task::of`]), of whose kind it has to be. A run that is resumed needs it again. Default: none.
    pub task: Option<Arc<dyn Task>>,
    /// A search's method of one's own instead of the one that the settings name; refused by a training. Default: none.
    pub method: Option<Box<dyn SearchMethod>>,
    /// Observers beside the record and the log. Default: none.
    pub observers: Vec<Box<dyn Observer>>,
    /// Rules to stop by. Default: none.
    pub rules: Vec<Box<dyn StopRule>>,
    /// Folder of a study: several runs that learn from the same files. The first one notes them in its `data.json`, and the
    /// others begin and go on with no others. Default: none.
    pub study: Option<PathBuf>,
    /// The right to be the one who does this part of a study: each save asks whether it is still there
    /// ([`Run::share`](crate::Run::share) sets it). Default: none is needed.
    pub claim: Option<Claim>,
    /// The command line, for the record. Default: empty.
    pub command: Vec<String>,
}

impl Options {
    /// The task for images with these targets.
    ///
    /// # Errors
    /// A task of one's own for targets of another kind.
    pub(crate) fn task_of(&self, target: &TargetInfo) -> Result<Arc<dyn Task>, Setting> {
        let task = self.task.clone().unwrap_or_else(|| task::of(target));
        let (kind, got) = (task.kind(), target.kind());
        Setting::check(kind == got, "task", format!("one of {kind}"), format!("one of {got}, as the images have"))?;
        Ok(task)
    }

    /// The space of a search.
    pub(crate) fn search_space(&self) -> SearchSpace {
        self.space.clone().unwrap_or_else(SearchSpace::darts)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            space: None,
            operations: Operations::built_in(),
            device: Device::Cpu,
            dataset: None,
            test_dataset: None,
            task: None,
            method: None,
            observers: Vec::new(),
            rules: Vec::new(),
            study: None,
            claim: None,
            command: Vec::new(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            space,
            operations: _,
            device,
            dataset,
            test_dataset,
            task,
            method,
            observers,
            rules,
            study,
            claim,
            command,
        } = self;
        f.debug_struct("Options")
            .field("space", &space.as_ref().map(SearchSpace::name))
            .field("device", device)
            .field("dataset", dataset)
            .field("test_dataset", test_dataset)
            .field("task", task)
            .field("method", method)
            .field("observers", observers)
            .field("rules", rules)
            .field("study", study)
            .field("claim", claim)
            .field("command", command)
            .finish_non_exhaustive()
    }
}
