//! Gamma draws by their logarithm, and how they move with their shape.

use rand::Rng;
use rand_distr::{Distribution, Gamma};

/// The logarithm of a draw of Gamma(`shape`, 1), `shape` positive: that of Gamma(shape + 1, 1) (Marsaglia and Tsang, 2000)
/// times `u^(1 / shape)`. Finite however small the shape is, where the draw itself would be 0.
pub(crate) fn ln_gamma_draw<R: Rng + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    // A shape that is finite and above 1 is always taken.
    let above = Gamma::new(shape + 1.0, 1.0).map_or(shape, |gamma| gamma.sample(rng));
    // As for Gumbel noise: never 0.
    let uniform = ((rng.next_u64() >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
    above.max(f64::MIN_POSITIVE).ln() + uniform.ln() / shape
}

/// `d ln z / d ln shape` of a draw `z` of Gamma(shape, 1) given as `ln z`, at a fixed value of its distribution function
/// (implicit reparameterisation, Figurnov et al., 2018):
///
/// `d z / d shape = -(dP(shape, z) / d shape) / p(z)`,
///
/// P and p the distribution function and density. Relative error below 1e-12, above a shape of 10,000 below 1e-6.
pub(crate) fn elasticity(shape: f64, ln_z: f64) -> f64 {
    if shape > 1e4 {
        return wilson_hilferty(shape, ln_z);
    }
    let z = ln_z.exp();
    if z < shape + 1.0 { lower(shape, ln_z, z) } else { upper(shape, ln_z, z) }
}

/// `P = sum of e^-z z^(a + n) / Gamma(a + n + 1)`, derived term by term: below the mean all have one sign.
fn lower(shape: f64, ln_z: f64, z: f64) -> f64 {
    let (mut factor, mut digamma, mut sum) = (1.0, digamma(shape + 1.0), 0.0);
    for n in 1..100_000 {
        let term = factor * (digamma - ln_z);
        sum += term;
        if term.abs() < 1e-17 * sum.abs() {
            break;
        }
        let next = shape + f64::from(n);
        factor *= z / next;
        digamma += 1.0 / next;
    }
    sum
}

/// `1 - P` by its integral over `t = z e^w`, whose integrand is positive above the mean; by the trapezoidal rule after a double
/// exponential substitution.
fn upper(shape: f64, ln_z: f64, z: f64) -> f64 {
    const STEP: f64 = 0.05;
    let (above, rate) = (ln_z - digamma(shape), z - shape + z.sqrt());
    let part = |index: i32| {
        let at = STEP * f64::from(index);
        let w = (at - (-at).exp()).exp() / rate;
        (above + w) * (shape * w - z * w.exp_m1()).exp() * w * (1.0 + (-at).exp())
    };
    shape * STEP * (-70..=85).map(part).sum::<f64>()
}

/// The cube root of a gamma draw is nearly normal (Wilson and Hilferty, 1931).
fn wilson_hilferty(shape: f64, ln_z: f64) -> f64 {
    let root = ((ln_z - shape.ln()) / 3.0).exp();
    let bias = 1.0 / (9.0 * shape);
    1.0 + 3.0 * (bias - (root - 1.0 + bias) / 2.0) / root
}

/// `d ln Gamma(x) / dx` for positive `x`: the recurrence up to 10, the asymptotic series beyond.
fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < 10.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let f = 1.0 / (x * x);
    let series = f * (1.0 / 12.0 - f * (1.0 / 120.0 - f * (1.0 / 252.0 - f * (1.0 / 240.0 - f / 132.0))));
    x.ln() - 0.5 / x - series - below
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    /// Shape, ln z, d ln z / d ln shape: -shape * (dP / d shape) / (z p(z)) by mpmath 1.3 with 40 digits
    /// (`diff(lambda a: gammainc(a, 0, z, regularized=True), shape)`).
    const EXPECTED: &[(f64, f64, f64)] = &[
        (1e-08, -300000000.0, 299999999.422784),
        (1e-08, -1.0, 1.09710360627627),
        (0.05, -40.0, 39.5021550087001),
        (0.05, -1.0, 1.15298580716744),
        (0.05, 0.7, 0.391909845012303),
        (0.3, -3.0, 2.97208236819065),
        (0.3, 0.2, 0.728928453345913),
        (0.3, 1.5, 0.305576564166598),
        (1.0, -2.0, 2.63087463016143),
        (1.0, 0.0, 1.17356302722473),
        (1.0, 1.0, 0.684657639896377),
        (1.0, 2.0, 0.36511426339191),
        (1.7, -1.0, 2.1280966576631),
        (1.7, 0.5, 1.11856138684501),
        (1.7, 1.8, 0.545662488876326),
        (8.0, 1.0, 1.66789621611441),
        (8.0, 2.1, 1.01061697784144),
        (8.0, 2.9, 0.65857083826251),
        (300.0, 5.5, 1.10596286932315),
        (300.0, 5.7, 1.00244922105732),
        (300.0, 5.9, 0.905599994028265),
        (20000.0, 9.88, 1.01179817940691),
        (20000.0, 9.91, 0.996755616854074),
    ];

    #[test]
    fn the_slope_is_that_of_the_distribution_function() {
        for &(shape, ln_z, expected) in EXPECTED {
            let got = elasticity(shape, ln_z);
            let bound = if shape > 1e4 { 1e-6 } else { 1e-12 };
            assert!((got - expected).abs() <= bound * expected.abs(), "{shape}, {ln_z}: {got}, not {expected}");
        }
    }

    /// Moved along the slope, a draw stays where it was in a distribution whose shape moves.
    #[test]
    fn draws_keep_their_place_in_the_distribution() {
        for (shape, z) in [(1.0, 0.5), (1.0, 4.0), (2.5, 1.0), (2.5, 6.0)] {
            let (step, ln_z) = (1e-4, f64::ln(z));
            let at = |step: f64| cdf(shape + step, (ln_z + step * elasticity(shape, ln_z) / shape).exp());
            let slope = (at(step) - at(-step)) / (2.0 * step);
            assert!(slope.abs() < 1e-5, "{shape}, {z}: {slope}");
        }
    }

    /// By the midpoint rule over `s`, t = s^2.
    fn cdf(shape: f64, z: f64) -> f64 {
        let steps = 100_000;
        let width = z.sqrt() / f64::from(steps);
        let density = |s: f64| 2.0 * s * (s * s).powf(shape - 1.0) * (-s * s).exp();
        (0..steps).map(|step| density((f64::from(step) + 0.5) * width)).sum::<f64>() * width / gamma(shape)
    }

    /// The recurrence and Stirling's series.
    fn gamma(mut x: f64) -> f64 {
        let mut product = 1.0;
        while x < 12.0 {
            product *= x;
            x += 1.0;
        }
        let ln =
            (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3));
        ln.exp() / product
    }

    #[test]
    fn draws_have_the_mean_and_variance_of_their_shape() {
        let mut rng = Streams::new(2).rng(SeedStream::Named("gamma"), 0, 0);
        for shape in [0.3, 1.0, 2.5] {
            let draws: Vec<f64> = (0..40_000).map(|_| ln_gamma_draw(shape, &mut rng).exp()).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64;
            assert!((mean / shape - 1.0).abs() < 0.03, "{shape}: {mean}");
            assert!((variance / shape - 1.0).abs() < 0.1, "{shape}: {variance}");
        }
        for shape in [1e-300, 1e-8, 1e30] {
            assert!((0..100).all(|_| ln_gamma_draw(shape, &mut rng).is_finite()), "{shape}");
        }
    }
}
