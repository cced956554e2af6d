//! Gates from a Dirichlet distribution.

use eoinas_core::{AliveOps, EdgeOpTable, Gate, Gates, SearchSpace};
use rand::Rng;

use crate::{
    GumbelError, Relaxation, Sample,
    gamma::{elasticity, ln_gamma_draw},
    paths::{check, check_temperature},
};

/// All alive ops of an edge with gates drawn from a Dirichlet distribution of concentrations `elu(alpha) + 1` (DrNAS, Chen et
/// al., 2021): no temperature. The gradient is the pathwise one: gates are gamma draws over their sum, and each draw moves with
/// its shape (Figurnov et al., 2018).
///
/// PyTorch's gradient of a Dirichlet draw is the mean of this one over all draws of the same gates: a little less noise, the
/// same mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dirichlet;

/// `elu(alpha) + 1`, never 0.
fn concentration(alpha: f32) -> f64 {
    let alpha = f64::from(alpha);
    if alpha > 0.0 { alpha + 1.0 } else { alpha.exp().max(1e-300) }
}

impl Relaxation for Dirichlet {
    fn sample(
        &self,
        alphas: &EdgeOpTable<f32>,
        alive: &AliveOps,
        space: &SearchSpace,
        temperature: f64,
        rng: &mut dyn Rng,
    ) -> Result<Sample, GumbelError> {
        check_temperature(temperature)?;
        check(alphas, alive, space)?;
        let mut soft = EdgeOpTable::filled(space, 0f64);
        let mut slopes = EdgeOpTable::filled(space, 0f64);
        for id in space.edges() {
            let mut logs = vec![f64::NEG_INFINITY; space.ops().len()];
            for (op, &alpha) in alphas[id].iter().enumerate() {
                // Pruned ops draw as well, as with Gumbel noise.
                let shape = concentration(if alpha.is_finite() { alpha } else { 0.0 });
                let ln_z = ln_gamma_draw(shape, rng);
                if alive.contains(id.op(op)) {
                    logs[op] = ln_z;
                    // d shape / d alpha is 1 above 0 and the shape itself below.
                    slopes[id.op(op)] = elasticity(shape, ln_z) / if alpha > 0.0 { shape } else { 1.0 };
                }
            }
            let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logs.iter().map(|ln_z| (ln_z - top).exp()).sum();
            for (h, ln_z) in soft[id].iter_mut().zip(&logs).filter(|(_, ln_z)| ln_z.is_finite()) {
                *h = (ln_z - top).exp() / sum;
            }
        }
        let gates =
            Gates::from_fn(space, |id| alive.ops(id).map(|op| Gate { op, value: soft[id.op(op)] as f32 }).collect());
        Ok(Sample { gates, soft, temperature: 1.0, slopes: Some(slopes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{EdgeId, SeedStream, Streams};

    fn rng(index: u64) -> impl Rng {
        Streams::new(5).rng(SeedStream::ArchPath, 0, index)
    }

    fn some_alphas(space: &SearchSpace) -> EdgeOpTable<f32> {
        let mut alphas = EdgeOpTable::filled(space, 0f32);
        for id in space.edges() {
            alphas[id].iter_mut().enumerate().for_each(|(op, alpha)| *alpha = ((op + id.edge) % 5) as f32 * 0.5 - 1.0);
        }
        alphas
    }

    #[test]
    fn gates_sum_to_one_over_what_is_alive_and_pruning_leaves_other_draws() {
        let space = SearchSpace::darts();
        let (alphas, mut alive) = (some_alphas(&space), AliveOps::all(&space));
        let all = Dirichlet.sample(&alphas, &alive, &space, 1.0, &mut rng(0)).unwrap();
        let first = space.edges().next().unwrap();
        alive.prune(first.op(3)).unwrap();
        let less = Dirichlet.sample(&alphas, &alive, &space, 1.0, &mut rng(0)).unwrap();
        for (id, gates) in less.gates.iter() {
            assert!(gates.iter().map(|gate| gate.op).eq(alive.ops(id)));
            assert!((less.soft[id].iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let left = 1.0 - if id == first { all.soft[first.op(3)] } else { 0.0 };
            assert!(alive.ops(id).all(|op| (less.soft[id.op(op)] - all.soft[id.op(op)] / left).abs() < 1e-9));
        }
    }

    /// However far the parameters are: the smallest shapes give draws that are 0 in f64.
    #[test]
    fn extreme_parameters_give_numbers() {
        let space = SearchSpace::nas_bench_201();
        for extreme in [-1e38f32, -800.0, -40.0, 60.0, 1e30] {
            for others in [0.0, extreme] {
                let mut alphas = EdgeOpTable::filled(&space, others);
                space.edges().for_each(|id| alphas[id.op(2)] = extreme);
                let sample = Dirichlet.sample(&alphas, &AliveOps::all(&space), &space, 1.0, &mut rng(1)).unwrap();
                let gradient = Dirichlet.pullback(&sample, &gradients(&sample)).unwrap();
                for id in space.edges() {
                    assert!((sample.soft[id].iter().sum::<f64>() - 1.0).abs() < 1e-9);
                    assert!(gradient[id].iter().all(|g| g.is_finite()), "{extreme}: {:?}", &gradient[id]);
                }
            }
        }
    }

    fn gradients(sample: &Sample) -> Gates {
        let mut dgates = sample.gates.clone();
        for (index, gate) in dgates.kinds.iter_mut().flatten().flatten().enumerate() {
            gate.value = ((index * 17) % 23) as f32 / 11.0 - 1.0;
        }
        dgates
    }

    /// The mean of the pathwise gradient is the slope of the mean: of `sum of w y^2`, in closed form
    /// `w a (a + 1) / (S (S + 1))` with S the sum of all concentrations.
    #[test]
    fn the_mean_gradient_is_the_slope_of_the_mean() {
        let space = SearchSpace::nas_bench_201();
        let alphas = some_alphas(&space);
        let id = EdgeId { kind: eoinas_core::CellKind(0), edge: 1 };
        let alive = AliveOps::all(&space);
        let weights = [1.0, -2.0, 0.5, 3.0, -1.0];
        let expected = |alphas: &[f32]| {
            let shapes: Vec<f64> = alphas.iter().map(|alpha| concentration(*alpha)).collect();
            let sum: f64 = shapes.iter().sum();
            let terms = shapes.iter().zip(weights).map(|(a, w)| w * a * (a + 1.0));
            terms.sum::<f64>() / (sum * (sum + 1.0))
        };
        let (mut mean, mut squares, draws) = ([0f64; 5], [0f64; 5], 20_000);
        for draw in 0..draws {
            let sample = Dirichlet.sample(&alphas, &alive, &space, 1.0, &mut rng(draw)).unwrap();
            let mut dgates = sample.gates.zeros_like();
            for gate in &mut dgates.kinds[0][1] {
                gate.value = (2.0 * weights[gate.op] * sample.soft[id.op(gate.op)]) as f32;
            }
            let gradient = Dirichlet.pullback(&sample, &dgates).unwrap();
            for (op, g) in gradient[id].iter().enumerate() {
                mean[op] += f64::from(*g) / draws as f64;
                squares[op] += f64::from(*g).powi(2) / draws as f64;
            }
        }
        for op in 0..5 {
            let at = |step: f32| {
                let mut row = alphas[id].to_vec();
                row[op] += step;
                expected(&row)
            };
            let slope = (at(0.015_625) - at(-0.015_625)) / 0.03125;
            let error = ((squares[op] - mean[op].powi(2)) / draws as f64).sqrt();
            assert!((mean[op] - slope).abs() < 4.0 * error + 1e-4, "{op}: {} +- {error}, not {slope}", mean[op]);
        }
    }
}
