//! How long networks take for evaluation on this machine, part by part.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use eoinas_core::latency::{LatencyTable, Part, parts};
use eoinas_core::{CellSpec, Genotype, GenotypeEdge, NetworkSpec, Op, SearchSpace, Setting, Skeleton, Streams};

use crate::architecture::images_of;
use crate::derived::DerivedNetwork;
use crate::error::{NnError, Result};
use crate::inference::InferenceNetwork;
use crate::ops::Operations;

/// How latencies are measured: with the kernels of [`InferenceNetwork`], on the threads that the caller has set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyRuns {
    /// Images that a network reads at once. Default: 1.
    pub batch: usize,
    /// Runs that the median is taken of, at least 1. Default: 15.
    pub runs: usize,
}

impl Default for LatencyRuns {
    fn default() -> Self {
        Self { batch: 1, runs: 15 }
    }
}

/// Runs before those that count: the first one packs the weights.
const WARMUP: usize = 3;
/// Cells of a network in which ops are measured: every form has normal cells at every resolution then, and weights fill the caches
/// about as they do in use.
const CELLS: usize = 18;
/// Numbers of cells with which, beside those, every preprocessing is measured: what a cell reads depends on how soon a reduction
/// follows the stem, and the other reduction.
const SHALLOW: [usize; 4] = [3, 4, 5, 6];
/// Initial numbers of channels that are measured where nobody says which: all even ones at first, for a kernel works on whole vectors
/// of channels, so that times grow in steps and not on a line.
pub const WIDTHS: [usize; 32] = [
    2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 40, 44, 48, 52, 56, 60, 64, 72, 80, 96, 112,
    128, 192, 256,
];
/// Where the measuring of further widths ends.
const LONGEST: Duration = Duration::from_secs(60);

impl LatencyRuns {
    /// Median time of a network, in milliseconds.
    ///
    /// # Errors
    /// A network that cannot be run.
    pub fn of_network(&self, network: &InferenceNetwork) -> Result<f64> {
        let images = self.images(network.architecture().images())?;
        let mut times = Vec::with_capacity(self.runs);
        for run in 0..WARMUP + self.runs.max(1) {
            let start = Instant::now();
            network.logits(&images)?;
            if run >= WARMUP {
                times.push(start.elapsed());
            }
        }
        Ok(milliseconds(median(&mut times)))
    }

    /// A table of all parts that networks of cells of `space` are made of, at images, form and classes of `skeleton` and
    /// each of these initial numbers of channels; its numbers of channels and of cells do not count. Parts are timed while
    /// whole networks run, each op in several places, so that what stands around a part counts as it does in use.
    ///
    /// # Errors
    /// No number of channels; a network that cannot be.
    pub fn table(
        &self,
        space: &SearchSpace,
        skeleton: &Skeleton,
        channels: &[usize],
        operations: &Operations,
    ) -> Result<LatencyTable> {
        Setting::check(!channels.is_empty(), "channels", "none", "at least one width")?;
        let mut rows = BTreeMap::new();
        for &channels in channels {
            rows.extend(self.width(space, skeleton, channels, operations)?);
        }
        self.made(rows)
    }

    /// The same at as many of [`WIDTHS`] as networks of 3 cells may have that take so many milliseconds, or as a minute is enough
    /// for.
    ///
    /// # Errors
    /// A network that cannot be.
    pub fn table_up_to(
        &self,
        milliseconds: f64,
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
    ) -> Result<LatencyTable> {
        let (begun, cells, mut rows) = (Instant::now(), covering(space), BTreeMap::new());
        for channels in WIDTHS {
            rows.extend(self.width(space, skeleton, channels, operations)?);
            let table = self.made(rows.clone())?;
            let depth = if skeleton.layers.is_some() { skeleton.cells } else { 3 };
            let small = Skeleton { channels, cells: depth, ..skeleton.clone() };
            let takes = cells.iter().map(|cell| table.network(cell, &small, space));
            let least = takes.collect::<Result<Vec<_>, _>>()?.into_iter().fold(f64::INFINITY, f64::min);
            if least > milliseconds || begun.elapsed() > LONGEST {
                return Ok(table);
            }
        }
        self.made(rows)
    }

    /// Mean time of every part at one width.
    fn width(
        &self,
        space: &SearchSpace,
        skeleton: &Skeleton,
        channels: usize,
        operations: &Operations,
    ) -> Result<BTreeMap<Part, f64>> {
        let of = |cells| Skeleton { channels, cells, ..skeleton.clone() };
        let covering = covering(space);
        let mut networks: Vec<(&Genotype, Skeleton)> = Vec::new();
        if skeleton.layers.is_some() {
            networks.extend(covering.iter().map(|cell| (cell, of(skeleton.cells))));
        } else {
            networks.extend(covering.iter().map(|cell| (cell, of(CELLS))));
            let depths = SHALLOW.into_iter().filter(|cells| cells.is_multiple_of(skeleton.form.stages()));
            networks.extend(depths.flat_map(|cells| covering.first().map(|cell| (cell, of(cells)))));
        }
        let mut times: BTreeMap<Part, Vec<f64>> = BTreeMap::new();
        for (cell, skeleton) in networks {
            for (part, time) in self.parts_of(cell, space, &skeleton, operations)? {
                times.entry(part).or_default().push(time);
            }
        }
        let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len().max(1) as f64;
        // A tenth of a microsecond is more than a clock tells.
        Ok(times.into_iter().map(|(part, times)| (part, (mean(&times) * 1e4).round() / 1e4)).collect())
    }

    fn made(&self, rows: BTreeMap<Part, f64>) -> Result<LatencyTable> {
        let threads = rayon::current_num_threads();
        let made = format!(
            "eoinas {}, {} instructions, batch {}, {threads} threads",
            env!("CARGO_PKG_VERSION"),
            eoinas_kernels::simd::Level::current(),
            self.batch
        );
        Ok(LatencyTable::new(&made, rows)?)
    }

    /// Every part of the network of a cell with its median time in milliseconds, in the order in which they run.
    fn parts_of(
        &self,
        cell: &Genotype,
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
    ) -> Result<Vec<(Part, f64)>> {
        let network = DerivedNetwork::new(cell, space, skeleton, operations, &Streams::new(0), &Device::Cpu)?;
        let network = network.into_inference()?;
        let images = self.images(images_of(skeleton))?;
        let parts = parts(&NetworkSpec::derived(cell, space, skeleton)?);
        let mut laps: Vec<Vec<Duration>> = vec![Vec::with_capacity(self.runs); parts.len()];
        for run in 0..WARMUP + self.runs.max(1) {
            let found = network.laps(&images)?;
            if found.len() != parts.len() {
                return Err(NnError::Fault("a network runs other parts than it is made of"));
            }
            if run >= WARMUP {
                laps.iter_mut().zip(found).for_each(|(all, lap)| all.push(lap));
            }
        }
        Ok(parts.into_iter().zip(laps).map(|(part, mut laps)| (part, milliseconds(median(&mut laps)))).collect())
    }

    fn images(&self, [height, width, channels]: [usize; 3]) -> Result<Tensor> {
        Ok(Tensor::randn(0f32, 1f32, (self.batch.max(1), height, width, channels), &Device::Cpu)?)
    }
}

/// Cells that have every op on edges from inputs and, where there are such, from other nodes.
fn covering(space: &SearchSpace) -> Vec<Genotype> {
    let most = space.cells().iter().map(|spec| spec.genotype_ops(space.ops()).len()).max().unwrap_or(0);
    let cell = |spec: &CellSpec, turn: usize, far: bool| {
        let ops: Vec<&Op> = spec.genotype_ops(space.ops());
        let mut edges = 0;
        let nodes = spec.intermediate().map(|node| {
            let mut sources = spec.sources(node);
            if let Some(keep) = spec.keep {
                // The first ones, or the first and the last.
                let last = sources.last().copied().filter(|_| far && keep > 1);
                sources.truncate(keep.max(1) - usize::from(last.is_some()));
                sources.extend(last);
                sources.dedup();
            }
            let inputs = sources.into_iter().filter_map(|from| {
                edges += 1;
                let op = ops.get((edges + turn) % ops.len().max(1))?;
                Some(GenotypeEdge { op: (*op).clone(), from })
            });
            inputs.collect()
        });
        let nodes = nodes.collect();
        spec.found(nodes)
    };
    let turns = (0..most).flat_map(|turn| [(turn, false), (turn, true)]);
    let all =
        turns.map(|(turn, far)| Genotype { cells: space.cells().iter().map(|spec| cell(spec, turn, far)).collect() });
    let mut cells: Vec<Genotype> = Vec::new();
    all.for_each(|cell| {
        if !cells.contains(&cell) {
            cells.push(cell)
        }
    });
    cells
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_every_part_of_every_cell() {
        let runs = LatencyRuns { batch: 2, runs: 1 };
        for (space, skeleton) in [
            (SearchSpace::darts(), Skeleton { height: 16, width: 16, ..Skeleton::cifar() }),
            (SearchSpace::nas_bench_201(), Skeleton { height: 16, width: 16, ..Skeleton::nas_bench_201(1) }),
        ] {
            let table = runs.table(&space, &skeleton, &[4, 8], &Operations::built_in()).unwrap();
            for index in 0..20 {
                let mut rng = Streams::new(3).rng(eoinas_core::SeedStream::Named("cells"), 0, index);
                let cell = Genotype::random(&space, &mut rng);
                let cells = if space.cells().len() == 1 { 9 } else { 3 + index as usize % 9 };
                let wide = |channels| Skeleton { channels, cells, ..skeleton.clone() };
                let of = |channels| table.network(&cell, &wide(channels), &space).unwrap();
                assert!(of(6) > 0.0 && of(6).is_finite());
                assert!(of(9).is_infinite(), "wider than the table");
            }
        }
    }
}
