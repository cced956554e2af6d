//! What people should know of a search before it begins, and of its cell when it ends.

use eoinas_core::Genotype;
use eoinas_data::split;

use super::{SearchJob, collapse};
use crate::{data::largest_class, error::Result, run::Job};

/// As often as this an op of an edge should be tried before one is taken away.
const TRIES: usize = 10;

impl SearchJob {
    /// A line for people where there are too few steps for the architecture to learn anything before it is pruned.
    pub(super) fn few(&self) -> Option<String> {
        let ops = self.learner.space().ops().len();
        let steps = self.plan.before_pruning()?.saturating_mul(self.steps());
        (steps < TRIES * ops).then(|| {
            format!(
                "only {steps} steps train the architecture before its first pruning, of {ops} ops an edge: that tells them \
                 apart by chance. More epochs, smaller batches or more images help; so does a published cell, which needs no \
                 search"
            )
        })
    }

    /// A line for people where the cell will be chosen by what it promises alone.
    pub(super) fn untold(&self) -> Option<String> {
        let finalists = self.config.finalists.as_ref().filter(|finalists| finalists.candidates == 1)?;
        let drawn = finalists.drawn_for_each(self.learner.space());
        Some(format!(
            "no cells are told apart by short trainings: the cell will be the one of {drawn} random ones that promises the most \
             (`finalists`)"
        ))
    }

    /// What speaks against the found cell.
    pub(super) fn warnings(&self, genotype: &Genotype, accuracy: f64, untrained: bool) -> Result<Vec<String>> {
        let classes = self.measure().is_accuracy();
        let accuracy = (!untrained && classes).then_some(accuracy);
        let guess =
            if classes { Some(largest_class(&split::strata(self.data.train.dataset().as_ref())?)) } else { None };
        let derived = self.config.finalists.is_none();
        let mut warnings = collapse::signs(genotype, derived, accuracy, guess);
        if untrained {
            warnings.push("the weights were not trained: what the network answers says nothing of the cell".to_owned());
        }
        Ok(warnings)
    }
}
