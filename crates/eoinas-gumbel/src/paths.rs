//! The shipped relaxations.

use eoinas_core::{AliveOps, EdgeGates, EdgeOpTable, Gate, Gates, SearchSpace};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{GumbelError, Relaxation, Sample, fill_gumbel, hard_sample, soft_sample};

/// One sampled op an edge with gate 1, straight-through gradient at the temperature (the paper, GDAS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampled;

/// All alive ops of an edge with gates `h` of Eq. 5 (what the paper's authors run, SNAS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mixture;

/// All alive ops of an edge with gates `beta` of Eq. 2: no noise, no temperature (DARTS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Softmax;

/// One op an edge drawn from `softmax(alphas)` with gate 1: the limit of Eq. 5 at temperature 0, which has gradient 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categorical;

/// The op with the largest alpha of each edge with gate 1, the first one of several; gradient 0. For evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Greedy;

/// Which ops of an edge a step of the paper's search runs, as a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMode {
    /// [`Sampled`]: what the paper says, and the default.
    #[default]
    Sampled,
    /// [`Mixture`]: what its authors' code does.
    Mixture,
}

impl PathMode {
    /// The relaxation that this setting names.
    pub fn relaxation(self) -> &'static dyn Relaxation {
        match self {
            Self::Sampled => &Sampled,
            Self::Mixture => &Mixture,
        }
    }
}

/// What an edge runs.
#[derive(Clone, Copy)]
enum Run {
    /// The hard sample, with the soft one behind it.
    StraightThrough,
    /// The hard sample alone.
    Hard,
    /// The soft sample.
    Soft,
}

/// `$noise`: whether Gumbel noise is added; `$temperature`: that of the soft sample, given the schedule's.
macro_rules! relaxation {
    ($name:ident, $run:expr, $noise:expr, $temperature:expr) => {
        impl Relaxation for $name {
            fn sample(
                &self,
                alphas: &EdgeOpTable<f32>,
                alive: &AliveOps,
                space: &SearchSpace,
                temperature: f64,
                rng: &mut dyn Rng,
            ) -> Result<Sample, GumbelError> {
                check_temperature(temperature)?;
                let scheduled: fn(f64) -> f64 = $temperature;
                let draw = Draw { alphas, alive, space, temperature: scheduled(temperature) };
                draw.sample(($noise).then_some(rng), $run)
            }
        }
    };
}

relaxation!(Sampled, Run::StraightThrough, true, |scheduled| scheduled);
relaxation!(Mixture, Run::Soft, true, |scheduled| scheduled);
relaxation!(Softmax, Run::Soft, false, |_| 1.0);
relaxation!(Categorical, Run::Hard, true, |scheduled| scheduled);
relaxation!(Greedy, Run::Hard, false, |scheduled| scheduled);

/// The inputs of one draw.
struct Draw<'a> {
    alphas: &'a EdgeOpTable<f32>,
    alive: &'a AliveOps,
    space: &'a SearchSpace,
    temperature: f64,
}

impl Draw<'_> {
    fn sample(&self, mut rng: Option<&mut dyn Rng>, run: Run) -> Result<Sample, GumbelError> {
        check(self.alphas, self.alive, self.space)?;
        let mut noise = vec![0f32; self.space.ops().len()];
        let mut soft = EdgeOpTable::filled(self.space, 0f64);
        let gates = Gates::from_fn(self.space, |id| {
            if let Some(rng) = rng.as_deref_mut() {
                fill_gumbel(rng, &mut noise);
            }
            let (alphas, alive, h) = (&self.alphas[id], self.alive.edge(id), &mut soft[id]);
            match run {
                Run::StraightThrough => {
                    soft_sample(alphas, &noise, alive, self.temperature, h);
                    one_gate(hard_sample(alphas, &noise, alive))
                }
                Run::Hard => {
                    let op = hard_sample(alphas, &noise, alive);
                    op.and_then(|op| h.get_mut(op)).into_iter().for_each(|h| *h = 1.0);
                    one_gate(op)
                }
                Run::Soft => {
                    soft_sample(alphas, &noise, alive, self.temperature, h);
                    all_gates(h, alive)
                }
            }
        });
        Ok(Sample { gates, soft, temperature: self.temperature, slopes: None })
    }
}

/// Whether everything has the shape of `space`, and what is alive is finite.
pub(crate) fn check(alphas: &EdgeOpTable<f32>, alive: &AliveOps, space: &SearchSpace) -> Result<(), GumbelError> {
    if !alphas.fits(space) {
        return Err(GumbelError::Shape { what: "alphas" });
    }
    if !alive.fits(space) {
        return Err(GumbelError::Shape { what: "alive ops" });
    }
    for id in space.edges() {
        for (op, (&value, &alive)) in alphas[id].iter().zip(alive.edge(id)).enumerate() {
            if alive && !value.is_finite() {
                return Err(GumbelError::Alpha { kind: id.kind.0, edge: id.edge, op, value });
            }
        }
    }
    Ok(())
}

pub(crate) fn check_temperature(value: f64) -> Result<(), GumbelError> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(GumbelError::Temperature { value }) }
}

fn one_gate(op: Option<usize>) -> EdgeGates {
    op.map(|op| Gate { op, value: 1.0 }).into_iter().collect()
}

#[expect(clippy::cast_possible_truncation, reason = "h lies between 0 and 1")]
fn all_gates(h: &[f64], alive: &[bool]) -> EdgeGates {
    let gates = h.iter().zip(alive).enumerate().filter(|(_, (_, alive))| **alive);
    gates.map(|(op, (h, _))| Gate { op, value: *h as f32 }).collect()
}
