//! The most that a network may cost, and the network of a cell that keeps to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Counts;
use super::extreme::{extreme, multiply_adds};
use super::network::network;
use super::width::widest;
use crate::error::CoreError;
use crate::genotype::Genotype;
use crate::latency::{LatencyTable, Part};
use crate::op::Op;
use crate::setting::Setting;
use crate::skeleton::Skeleton;
use crate::space::SearchSpace;

/// The most that the network of a found cell may cost, its auxiliary head apart. What is `None` has no limit.
///
/// ```
/// use eoinas_core::{SearchSpace, Skeleton, count, count::Limits, zoo};
/// let limits = Limits { parameters: Some(100_000), ..Limits::default() };
/// let (cell, space) = (zoo::find("darts-v2")?.genotype(), SearchSpace::darts());
/// let network = limits.fit(&cell, &Skeleton::cifar(), &space)?;
/// assert!(count::network(&cell, &network, &space)?.parameters <= 100_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Trained parameters.
    pub parameters: Option<u64>,
    /// Multiply-adds for one image, at the size that the network is trained with.
    pub multiply_adds: Option<u64>,
    /// Time of a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyLimit>,
    /// Keep the number of cells of the settings, and fit the number of channels alone. Default: false, both are fitted.
    pub keep_cells: bool,
}

/// The longest that a pass may take, by a table of what its parts take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyLimit {
    /// Milliseconds of the whole network, for as many images at once as the table was made with.
    pub milliseconds: f64,
    /// How the table was measured, where it was on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredWith>,
    /// What each part takes.
    pub table: LatencyTable,
}

/// How a table of latencies was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredWith {
    /// Images that a network reads at once.
    pub batch: usize,
    /// Threads of the kernels.
    pub threads: usize,
}

/// What the network of a cell costs, in all that limits are about.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Costs {
    counts: Counts,
    /// `None` where no limit asks.
    milliseconds: Option<f64>,
}

impl Limits {
    /// Whether there is none.
    pub fn are_none(&self) -> bool {
        self.parameters.is_none() && self.multiply_adds.is_none() && self.latency.is_none()
    }

    /// Whether each of them can be.
    ///
    /// # Errors
    /// A limit of 0.
    pub fn validate(&self) -> Result<(), Setting> {
        for (name, most) in [("parameters", self.parameters), ("multiply_adds", self.multiply_adds)] {
            let expected = "a positive number, or none for no limit";
            Setting::check(most != Some(0), format!("limits.{name}"), 0, expected)?;
        }
        if let Some(LatencyLimit { milliseconds, .. }) = self.latency {
            let expected = "a positive number of milliseconds, or none for no limit";
            let positive = milliseconds > 0.0 && milliseconds.is_finite();
            Setting::check(positive, "limits.latency.milliseconds", milliseconds, expected)?;
        }
        Ok(())
    }

    /// Whether the network of a cell keeps to them.
    ///
    /// # Errors
    /// A network that cannot be; one with parts that the table of latencies does not have.
    pub fn allow(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<bool, CoreError> {
        Ok(self.keep(&self.costs(genotype, skeleton, space)?))
    }

    /// Milliseconds of the network of a cell by the table of the limit on latency; `None` where there is no such limit.
    ///
    /// # Errors
    /// As [`Limits::allow`].
    pub fn milliseconds(
        &self,
        genotype: &Genotype,
        skeleton: &Skeleton,
        space: &SearchSpace,
    ) -> Result<Option<f64>, CoreError> {
        self.latency.as_ref().map(|limit| limit.table.network(genotype, skeleton, space)).transpose()
    }

    fn costs(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<Costs, CoreError> {
        let counts = network(genotype, skeleton, space)?;
        Ok(Costs { counts, milliseconds: self.milliseconds(genotype, skeleton, space)? })
    }

    fn keep(&self, costs: &Costs) -> bool {
        let Costs { counts, milliseconds } = *costs;
        let most = self.latency.as_ref().map(|limit| limit.milliseconds);
        self.parameters.is_none_or(|most| counts.parameters <= most)
            && self.multiply_adds.is_none_or(|most| counts.multiply_adds <= most)
            && most.zip(milliseconds).is_none_or(|(most, milliseconds)| milliseconds <= most)
    }

    /// The network of `genotype` that keeps to these limits; `skeleton`'s number of channels does not count. Of each number of cells
    /// from 3 to that of [`Skeleton::retraining`], the widest network that fits is looked at, and the one is taken whose
    /// channels and cells stand in a proportion closest to the paper's (36 to 20 for images like CIFAR's), the deeper one of two that
    /// are as close. The number of cells stays as it is where the limits say so, and where `skeleton` names the kind of each layer.
    ///
    /// # Errors
    /// Limits that not even the smallest network of this cell keeps to, with what it takes; a network that cannot be.
    pub fn fit(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<Skeleton, CoreError> {
        let published = skeleton.retraining();
        let proportion = published.channels as f64 / published.cells as f64;
        let mut best: Option<(f64, Skeleton)> = None;
        for cells in self.depths(skeleton) {
            let Some(fitted) = self.widest(genotype, &Skeleton { cells, ..skeleton.clone() }, space)? else { continue };
            let off = (fitted.channels as f64 / cells as f64 / proportion).ln().abs();
            if best.as_ref().is_none_or(|(least, _)| off <= *least) {
                best = Some((off, fitted));
            }
        }
        match best {
            Some((_, fitted)) => Ok(fitted),
            None => {
                let least = self.least(genotype, skeleton, space)?;
                Err(self
                    .refused(&least, format!("at least what the smallest network of this cell takes: {least}"))
                    .into())
            }
        }
    }

    /// Whether every cell of the space has a network that keeps to these limits: to be asked before a search, which does not
    /// know yet what it will find.
    ///
    /// # Errors
    /// Limits that are below what the space's largest cell takes in its smallest network, with that, and what the smallest of all
    /// takes; a network that cannot be.
    pub fn check(&self, skeleton: &Skeleton, space: &SearchSpace) -> Result<(), CoreError> {
        let latency = |op: &Op, shape| {
            let table = self.latency.as_ref().map(|limit| &limit.table);
            table.and_then(|table| table.of_part(&Part::op(op.name(), shape)).ok()).unwrap_or(0.0)
        };
        let check = |[largest, smallest]: [Genotype; 2]| {
            let least = |cell: &Genotype| self.least(cell, skeleton, space);
            let largest = least(&largest)?;
            if self.keep(&largest) {
                return Ok(());
            }
            let smallest = least(&smallest)?;
            let expected = format!(
                "at least {largest}, so that there is a network for whichever cell is found (the smallest of all takes {smallest})"
            );
            Err(self.refused(&largest, expected).into())
        };
        check([true, false].map(|largest| extreme(space, skeleton, multiply_adds, largest)))?;
        // The cell with the most multiply-adds need not be the slowest.
        match self.latency {
            Some(_) => check([true, false].map(|largest| extreme(space, skeleton, latency, largest))),
            None => Ok(()),
        }
    }

    /// Numbers of cells to choose from, fewest first.
    fn depths(&self, skeleton: &Skeleton) -> Vec<usize> {
        if self.keep_cells || skeleton.layers.is_some() {
            return vec![skeleton.cells];
        }
        (3..=skeleton.retraining().cells).filter(|cells| cells.is_multiple_of(skeleton.form.stages())).collect()
    }

    /// This network as wide as it may be; `None` where it does not fit however narrow it is.
    fn widest(
        &self,
        genotype: &Genotype,
        skeleton: &Skeleton,
        space: &SearchSpace,
    ) -> Result<Option<Skeleton>, CoreError> {
        let with = |channels| Skeleton { channels, ..skeleton.clone() };
        let fits = |channels| self.allow(genotype, &with(channels), space);
        Ok(widest(self.step(skeleton), fits)?.map(with))
    }

    /// What numbers of channels are multiples of: with a limit on latency of two, as widths are in tables that are measured. Kernels work
    /// on whole vectors, so that an odd width takes as long as the next even one, and not what lies between its neighbours.
    fn step(&self, skeleton: &Skeleton) -> usize {
        skeleton.channels_step().max(if self.latency.is_some() { 2 } else { 1 })
    }

    /// What the smallest network of a cell takes.
    fn least(&self, genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace) -> Result<Costs, CoreError> {
        let cells = self.depths(skeleton).into_iter().min().unwrap_or(skeleton.cells);
        let channels = self.step(skeleton);
        self.costs(genotype, &Skeleton { cells, channels, ..skeleton.clone() }, space)
    }

    /// The error of limits that `least` does not keep to.
    fn refused(&self, least: &Costs, expected: String) -> Setting {
        match (self.parameters, self.multiply_adds, &self.latency) {
            (Some(most), ..) if least.counts.parameters > most => Setting::new("limits.parameters", most, expected),
            (_, Some(most), _) if least.counts.multiply_adds > most => {
                Setting::new("limits.multiply_adds", most, expected)
            }
            (.., limit) => {
                let most = limit.as_ref().map_or(f64::INFINITY, |limit| limit.milliseconds);
                Setting::new("limits.latency.milliseconds", most, expected)
            }
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = |most: Option<u64>, what: &str| most.map(|most| format!("at most {most} {what}"));
        let latency = self.latency.as_ref().map(|limit| format!("at most {} ms", limit.milliseconds));
        let all = [limit(self.parameters, "parameters"), limit(self.multiply_adds, "multiply-adds"), latency];
        f.write_str(&all.into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} parameters, {} multiply-adds", self.parameters, self.multiply_adds)
    }
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.fmt(f)?;
        self.milliseconds.map_or(Ok(()), |milliseconds| write!(f, ", {milliseconds:.2} ms"))
    }
}

#[cfg(test)]
mod tests;
