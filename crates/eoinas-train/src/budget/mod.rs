//! Time as the budget: from a duration to counts, once, before a run begins.

mod training;

use std::{
    cmp::Reverse,
    time::{Duration, Instant},
};

use eoinas_core::{Genotype, SearchSpace, Setting, Skeleton, Streams, counted};
use eoinas_data::DatasetInfo;

use crate::{
    config::{MOST_EPOCHS, SearchConfig},
    error::Result,
    finalists::{Drawing, FinalistsConfig, random_cells},
    run::{Job, Options, TimePlan},
    search::{Search, SearchJob},
    training::Training,
};

/// Candidates of finals with random cells that are fitted to a time, at most.
pub const MOST_RANDOM: usize = 100;

/// Settings of a search or a training whose counts were fitted to a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted<C> {
    /// The settings, with the counts: a run of them is as exact as any other.
    pub config: C,
    /// How long it takes by what was measured, with the measuring.
    pub expected: Duration,
    /// The part of that which is still to come.
    pub ahead: Duration,
    /// What was decided, for people.
    pub note: String,
    /// The time that is left, with what was measured, for a run whose plan may be made anew ([`crate::Run::replan`]).
    pub time: TimePlan,
}

/// Steps that are measured of each kind.
const MEASURED: usize = 2;
/// Steps of a final's training that are measured: while there are few, the images of those that follow are read beside them, too.
const MEASURED_OF_FINALS: usize = 6;
/// Random cells whose trainings are measured.
const CELLS: u64 = 3;
/// Random cells of which those are the largest, where each keeps its own cost: what a search finds is mostly large. (In
/// NAS-Bench-201's space finals took 1.8 times what three random cells promised.)
const OF: u64 = 64;

impl SearchConfig {
    /// These settings with as many epochs, and as many finalists, as `time` has room for on this machine: some steps are
    /// measured, and the time that takes is part of it. `options` makes what each measurement needs.
    ///
    /// The rule: finals that the settings want are kept wherever one epoch of the search and two finalists of one epoch fit, and
    /// the note says what is missing where they do not. Finals get their share ([`FinalistsConfig::share`]), the search the
    /// rest, in whole epochs, at least as many as its method should have ([`crate::SearchMethod::least_epochs`]) where there is
    /// time for them beside the smallest finals, and no more than it has a use for ([`crate::SearchMethod::most_epochs`]). What
    /// it leaves over goes to the finals. Those have as many candidates as fit (of neighbours all cells that differ in one choice at
    /// most, of random cells [`MOST_RANDOM`]), then more epochs each: short trainings of many cells find more than long ones of few.
    ///
    /// # Errors
    /// Settings that cannot work, images that cannot be read; a time in which not even one epoch fits.
    pub fn fitted_to(mut self, time: Duration, mut options: impl FnMut() -> Options) -> Result<Fitted<Self>> {
        let begun = Instant::now();
        let seconds = time.as_secs_f64();
        let method = self.method.build()?;
        // Nobody asks what a method that trains nothing derives, where the finals leave it out.
        let (least, most) = match &self.finalists {
            Some(finalists) if finalists.leave_out_own() && !method.trains() => (1, 1),
            _ => (method.least_epochs(), method.most_epochs().unwrap_or(MOST_EPOCHS)),
        };
        let one = Self { finalists: None, epochs: self.epochs.max(1), ..self.clone() };
        let whole = Search::measure(one.clone(), options(), MEASURED)?;
        let epoch = whole.epochs / one.epochs as f64;
        let finals = match &self.finalists {
            Some(finalists) => Some((finalists.clone(), self.finals_costs(finalists, &mut options)?)),
            None => None,
        };
        let measuring = begun.elapsed().as_secs_f64();
        let left = seconds - measuring - whole.start;
        let shares = Shares { epoch, least, most };
        if shares.epochs_in(left) == 0 {
            return Err(too_short(seconds, (seconds - left) + epoch).into());
        }
        (self.epochs, self.finalists) = shares.of(left, finals.as_ref());
        let costs = finals.as_ref().map_or_else(Costs::default, |(_, costs)| *costs);
        let time = TimePlan { seconds: left, epoch, finalist_epoch: costs.epoch, finalist_draw: costs.draw };
        let mut spent = self.epochs as f64 * epoch;
        let mut note = counted(self.epochs, "epoch", "epochs");
        match (&self.finalists, finals) {
            (Some(finalists), Some((settings, costs))) => {
                let wanted = settings.candidates;
                let cost = finalists.seconds(costs);
                spent += cost;
                let FinalistsConfig { candidates, epochs, .. } = finalists;
                let each = counted(*epochs, "epoch", "epochs");
                note += &match candidates {
                    1 => ", then the random cell that promises the most".to_owned(),
                    _ => {
                        let of = Some(wanted).filter(|wanted| wanted > candidates);
                        let of = of.map(|wanted| format!(" of the {wanted} wanted")).unwrap_or_default();
                        format!(", then {candidates} finalists{of}, at first trained for {each} each ({cost:.0} s)")
                    }
                };
            }
            (_, Some((finalists, costs))) => {
                let missing = finalists.smallest().seconds(costs) + epoch - left;
                note += &format!(", and no finalists, as two that are trained for one epoch take {missing:.0} s more");
            }
            _ => {}
        }
        Ok(Fitted::new(self, (seconds, time), (measuring, spent + whole.start), &note))
    }

    /// How long a search of these settings takes on this machine, its finals included, from as many measured steps as
    /// [`SearchConfig::fitted_to`] has. `options` makes what each measurement needs.
    ///
    /// # Errors
    /// Settings that cannot work, images that cannot be read.
    pub fn estimate(&self, mut options: impl FnMut() -> Options) -> Result<Duration> {
        let search = Search::measure(Self { finalists: None, ..self.clone() }, options(), MEASURED)?;
        let finals = match &self.finalists {
            Some(finalists) => finalists.seconds(self.finals_costs(finalists, &mut options)?),
            None => 0.0,
        };
        Ok(Duration::try_from_secs_f64(search.start + search.epochs + finals).unwrap_or(Duration::MAX))
    }

    /// Cells that stand for one that is not found yet, where the time of its training is measured: the largest of some random
    /// ones, in a network of the search's size.
    ///
    /// # Errors
    /// A network that cannot be.
    pub fn stand_ins(&self, info: &DatasetInfo, space: &SearchSpace) -> Result<Vec<Genotype>> {
        self.large_cells(space, &self.skeleton(info), OF)
    }

    /// The largest of so many random cells, by multiply-adds.
    fn large_cells(&self, space: &SearchSpace, skeleton: &Skeleton, of: u64) -> Result<Vec<Genotype>> {
        let mut cells = random_cells(&Streams::new(self.seed), "finalist to measure", of, skeleton, space)?;
        cells.sort_by_key(|(_, counts)| Reverse(counts.multiply_adds));
        Ok(cells.into_iter().take(CELLS as usize).map(|(cell, _)| cell).collect())
    }

    /// What finals cost here: training epochs of some random cells, and some cells drawn.
    fn finals_costs(&self, finalists: &FinalistsConfig, options: &mut impl FnMut() -> Options) -> Result<Costs> {
        let mut costs = Costs::default();
        let job = SearchJob::new(Self { finalists: None, ..self.clone() }, &mut options())?;
        let around = job.around_finals();
        let sizing = finalists.sizing(self, around.dataset.info(), around.space)?;
        let skeleton = finalists.network.skeleton(self.form, around.dataset.info());
        let of = if sizing.is_free() { OF } else { CELLS };
        // A single one is not trained.
        let cells = if finalists.candidates > 1 { self.large_cells(around.space, &skeleton, of)? } else { Vec::new() };
        for cell in cells {
            let given = options();
            let config = sizing.of(finalists.training(self, around.dataset.as_ref(), 1));
            let epoch =
                Training::measure((config, cell.into()), Options { method: None, ..given }, MEASURED_OF_FINALS)?;
            // The images are in memory already.
            costs.epoch += epoch.epochs / CELLS as f64;
        }
        if finalists.random > 0.0 {
            let drawing = Drawing::new(finalists, &around)?;
            let begun = Instant::now();
            (0..CELLS).try_for_each(|index| drawing.cell(index).map(drop))?;
            let each = finalists.drawn_for_each(around.space) as f64;
            costs.draw = begun.elapsed().as_secs_f64() / CELLS as f64 * each;
        }
        Ok(costs)
    }
}

/// The error of a time in which not even one epoch fits.
fn too_short(seconds: f64, least: f64) -> Setting {
    let expected = format!("at least {least:.0} seconds, for one epoch of these settings");
    Setting::new("time", format!("{seconds:.0} seconds"), expected)
}

impl<C> Fitted<C> {
    /// Settings with counts that were chosen for `seconds`, after so much `measuring` and with so much `ahead`; `what` says which.
    fn new(config: C, (seconds, time): (f64, TimePlan), (measuring, ahead): (f64, f64), what: &str) -> Self {
        let spent = measuring + ahead;
        let [expected, ahead] = [spent, ahead].map(|of| Duration::try_from_secs_f64(of).unwrap_or(Duration::MAX));
        let note = format!("{seconds:.0} s are fitted to: {what}; {spent:.0} s by what was measured");
        Self { config, expected, ahead, note, time }
    }
}

/// How a time is shared out between a search and its finals.
#[derive(Clone, Copy, Debug)]
struct Shares {
    /// Seconds that an epoch of the search takes.
    epoch: f64,
    /// Epochs that the method should have.
    least: usize,
    /// Epochs that it has a use for.
    most: usize,
}

impl Shares {
    fn epochs_in(&self, seconds: f64) -> usize {
        (seconds / self.epoch.max(1e-9)).floor().clamp(0.0, 1e9) as usize
    }

    /// The epochs of the search, at least one, and the finals that fit.
    fn of(&self, seconds: f64, finals: Option<&(FinalistsConfig, Costs)>) -> (usize, Option<FinalistsConfig>) {
        let alone = self.epochs_in(seconds).clamp(1, self.most);
        let Some((finalists, costs)) = finals else { return (alone, None) };
        let beside = self.epochs_in(seconds - finalists.smallest().seconds(*costs));
        if beside == 0 {
            return (alone, None);
        }
        let share = self.epochs_in(seconds * (1.0 - finalists.share));
        let epochs = share.max(self.least).min(beside).clamp(1, self.most);
        (epochs, finalists.clone().fitted_to(seconds - epochs as f64 * self.epoch, *costs))
    }
}

/// Seconds that parts of finals take.
#[derive(Clone, Copy, Debug, Default)]
struct Costs {
    /// One epoch of a training, its evaluation included.
    epoch: f64,
    /// A random cell of those that take part, with all that are drawn for it.
    draw: f64,
}

impl Costs {
    fn of(time: &TimePlan) -> Self {
        Self { epoch: time.finalist_epoch, draw: time.finalist_draw }
    }
}

impl FinalistsConfig {
    /// Seconds that they take, by what was measured when a search was fitted to its time.
    pub(crate) fn seconds_by(&self, time: &TimePlan) -> f64 {
        self.seconds(Costs::of(time))
    }

    /// Those of no more candidates that fit into so many seconds; the smallest where none do.
    pub(crate) fn within(&self, seconds: f64, time: &TimePlan) -> Self {
        let fitted = (2..=self.candidates).rev().map(|candidates| Self { candidates, ..self.clone() });
        let fits = |of: &Self| of.seconds_by(time) <= seconds;
        fitted.into_iter().find(fits).unwrap_or_else(|| self.smallest())
    }

    fn seconds(&self, costs: Costs) -> f64 {
        self.training_epochs() as f64 * costs.epoch + self.random_cells() as f64 * costs.draw
    }

    /// Two cells, each trained for one epoch; or the single one that is not.
    fn smallest(&self) -> Self {
        Self { candidates: self.candidates.min(2), epochs: 1, ..self.clone() }
    }

    /// Epochs of all trainings together.
    pub fn training_epochs(&self) -> usize {
        self.rounds(self.candidates).iter().map(|(cells, epochs)| cells * epochs).sum()
    }

    /// As many candidates and then as many epochs as fit into so many seconds; `None` where not even two cells fit. There are at
    /// most as many candidates as in the settings, or, where random cells take part, [`MOST_RANDOM`].
    fn fitted_to(self, seconds: f64, costs: Costs) -> Option<Self> {
        if self.candidates == 1 {
            return Some(self);
        }
        let usual = if self.random > 0.0 { self.candidates.max(MOST_RANDOM) } else { self.candidates };
        let most = self.most_candidates.unwrap_or(usual);
        let fits = |of: &Self| of.seconds(costs) <= seconds;
        let mut best = None;
        // Fewer epochs than the settings want only where otherwise there were no two.
        for epochs in (1..=self.epochs).rev() {
            let of = |candidates| Self { candidates, epochs, ..self.clone() };
            best = (2..=most).rev().map(of).find(&fits);
            if best.is_some() {
                break;
            }
        }
        let mut best = best?;
        // One more cell may need one more round; what it would cost is used.
        while best.epochs < 1000 {
            let more = Self { epochs: best.epochs + 1, ..best.clone() };
            if !fits(&more) {
                break;
            }
            best = more;
        }
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use eoinas_core::count;

    use super::*;

    #[test]
    fn finals_are_kept_where_two_cells_fit() {
        let shares = Shares { epoch: 5.0, least: 8, most: 16 };
        let finals = (FinalistsConfig { share: 0.75, ..FinalistsConfig::default() }, Costs { epoch: 10.0, draw: 0.0 });
        let of = |seconds| {
            let (epochs, finalists) = shares.of(seconds, Some(&finals));
            (epochs, finalists.map(|finalists| (finalists.candidates, finalists.epochs)))
        };
        // Eight for an epoch, the best three for two.
        assert_eq!(of(200.0), (10, Some((8, 1))));
        // The method's least comes before the finals' share, and two finalists before that.
        assert_eq!(of(100.0), (8, Some((3, 2))));
        assert_eq!(of(59.0), (7, Some((2, 1))));
        assert_eq!(of(25.0), (1, Some((2, 1))));
        assert_eq!(of(24.0), (4, None));
        assert_eq!(shares.of(1000.0, None), (16, None));
    }

    #[test]
    fn a_single_candidate_takes_no_time() {
        let single = FinalistsConfig { candidates: 1, random: 1.0, ..FinalistsConfig::default() };
        assert_eq!(single.clone().fitted_to(0.0, Costs { epoch: 1.0, draw: 0.0 }), Some(single));
    }

    #[test]
    fn large_cells_are_measured() {
        let (space, skeleton) = (SearchSpace::nas_bench_201(), Skeleton::nas_bench_201(1));
        let costs = |of| {
            let cells = SearchConfig::default().large_cells(&space, &skeleton, of).unwrap();
            let costs = cells.iter().map(|cell| count::network(cell, &skeleton, &space).unwrap().multiply_adds);
            costs.collect::<Vec<_>>()
        };
        let (few, many) = (costs(CELLS), costs(OF));
        assert_eq!((few.len(), many.len()), (3, 3));
        assert!(many.iter().min() >= few.iter().max(), "{few:?} {many:?}");
    }

    #[test]
    fn finals_take_what_fits() {
        let settings = FinalistsConfig { candidates: 25, epochs: 3, ..FinalistsConfig::default() };
        let fit = |seconds, epoch| {
            let of = settings.clone().fitted_to(seconds, Costs { epoch, draw: 0.0 });
            of.map(|of: FinalistsConfig| (of.candidates, of.epochs))
        };
        // 25 cells: 75 + 54 + 36 epochs.
        assert_eq!(fit(165.0, 1.0), Some((25, 3)));
        assert_eq!(fit(164.0, 1.0), Some((24, 3)));
        assert_eq!(fit(220.0, 1.0), Some((25, 4)));
        assert_eq!(fit(6.0, 1.0), Some((2, 3)));
        // 10 cells need a third round, 78 epochs in all.
        assert_eq!(fit(76.0, 1.0), Some((9, 5)));
        assert_eq!(fit(78.0, 1.0), Some((10, 3)));
        assert_eq!(fit(5.0, 1.0), Some((2, 2)));
        assert_eq!(fit(1.9, 1.0), None);
        // Half of the cells are drawn: 13 of 25.
        let half = FinalistsConfig { random: 0.5, ..settings.clone() };
        assert_eq!(half.seconds(Costs { epoch: 1.0, draw: 5.0 }), 165.0 + 65.0);
        // Of random cells there are more before there are more epochs: 40 cells take 120 + 84 + 60 + 48.
        let of = half.clone().fitted_to(312.0, Costs { epoch: 1.0, draw: 0.0 });
        assert_eq!(of.map(|of| (of.candidates, of.epochs)), Some((40, 3)));
        let few = FinalistsConfig { candidates: 3, most_candidates: Some(3), epochs: 1, ..half };
        let of = few.fitted_to(31.0, Costs { epoch: 1.0, draw: 0.0 });
        assert_eq!(of.map(|of| (of.candidates, of.epochs)), Some((3, 10)));
    }
}
