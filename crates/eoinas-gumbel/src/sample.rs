//! One edge's sample, on slices: Eq. 5, its exact limit at temperature 0, and its gradient.

use eoinas_core::softmax::softmax_alive;

/// `h` of Eq. 5: the softmax over the alive ops of `(alphas + noise) / temperature`, into `out`; 0 for pruned ops.
///
/// All slices have one entry an op. `noise` of zeros and a temperature of 1 give `beta` of Eq. 2. Finite for every
/// finite alpha and every positive temperature.
pub fn soft_sample(alphas: &[f32], noise: &[f32], alive: &[bool], temperature: f64, out: &mut [f64]) {
    softmax_alive(&logits(alphas, noise), alive, temperature, out);
}

/// The exact limit of Eq. 5 as the temperature goes to 0: the alive op with the largest `alpha + noise`, the first one of
/// several. With Gumbel noise a draw from the categorical distribution `softmax(alphas)`. `None` if no op is alive.
pub fn hard_sample(alphas: &[f32], noise: &[f32], alive: &[bool]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (op, (logit, _)) in logits(alphas, noise).into_iter().zip(alive).enumerate().filter(|(_, (_, alive))| **alive) {
        if best.is_none_or(|(_, largest)| logit > largest) {
            best = Some((op, logit));
        }
    }
    best.map(|(op, _)| op)
}

/// The gradient of Eq. 5: `out[k] += scale * sum_j dgates[j] * dh[j]/dalpha[k]` for the soft sample `h` at `temperature`.
///
/// `dh[j]/dalpha[k] = h[j] * ((j == k) - h[k]) / temperature`. It is summed as `h[k] * sum_j h[j] * (g[k] - g[j])`, which
/// does not cancel where one op has nearly all the weight. An op with `h = 0` (a pruned one) gets nothing. Sums too
/// large for f32 stop at its largest value, so that finite gradients stay finite at any temperature.
pub fn soft_pullback(h: &[f64], dgates: &[f64], temperature: f64, scale: f64, out: &mut [f32]) {
    for ((&h_k, &g_k), out) in h.iter().zip(dgates).zip(out.iter_mut()) {
        if h_k > 0.0 {
            let sum: f64 = h.iter().zip(dgates).filter(|(h, _)| **h > 0.0).map(|(h_j, g_j)| h_j * (g_k - g_j)).sum();
            let gradient = scale * (h_k * sum) / temperature;
            *out = narrow(f64::from(*out) + gradient);
        }
    }
}

/// To f32, finite where the value is finite or overflowed; NaN stays NaN.
#[expect(clippy::cast_possible_truncation, reason = "clamped to the range of f32 first")]
fn narrow(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

fn logits(alphas: &[f32], noise: &[f32]) -> Vec<f64> {
    alphas.iter().zip(noise).map(|(&alpha, &noise)| f64::from(alpha) + f64::from(noise)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(hard_sample(&[0.0; 4], &[0.0; 4], &[true; 4]), Some(0));
        assert_eq!(hard_sample(&[0.0, 1.0, 1.0], &[0.0; 3], &[true; 3]), Some(1));
        assert_eq!(hard_sample(&[5.0, 1.0, 1.0], &[0.0; 3], &[false, true, true]), Some(1));
        assert_eq!(hard_sample(&[5.0; 3], &[0.0; 3], &[false; 3]), None);
    }

    #[test]
    fn eq_5_by_hand() {
        let mut h = [0.0; 3];
        soft_sample(&[1.0, 0.0, 9.0], &[0.0, 1.0, 9.0], &[true, true, false], 2.0, &mut h);
        assert_eq!(h, [0.5, 0.5, 0.0]);
        soft_sample(&[0.5, 0.0], &[0.5, 0.0], &[true; 2], 0.5, &mut h[..2]);
        let expected = 1.0 / (1.0 + (-2f64).exp());
        assert!((h[0] - expected).abs() < 1e-15 && (h[1] - (1.0 - expected)).abs() < 1e-15);
    }

    #[test]
    fn pullback_by_hand() {
        // dh0/da0 = 1/4 / T at h = (1/2, 1/2); the other alpha gets the opposite.
        let mut gradient = [0f32; 2];
        soft_pullback(&[0.5, 0.5], &[3.0, 0.0], 2.0, 1.0, &mut gradient);
        assert_eq!(gradient, [0.375, -0.375]);
        soft_pullback(&[0.5, 0.5], &[3.0, 0.0], 2.0, 2.0, &mut gradient);
        assert_eq!(gradient, [1.125, -1.125]);
    }

    #[test]
    fn nearly_one_hot_keeps_its_small_gradient() {
        let mut h = [0.0; 2];
        soft_sample(&[20.0, 0.0], &[0.0; 2], &[true; 2], 0.5, &mut h);
        assert_eq!(h[0], 1.0);
        let mut gradient = [0f32; 2];
        soft_pullback(&h, &[1.0, 0.0], 0.5, 1.0, &mut gradient);
        let expected = 2.0 * (-40f64).exp();
        assert!(gradient.iter().all(|g| (f64::from(g.abs()) / expected - 1.0).abs() < 1e-6), "{gradient:?}");
    }

    #[test]
    fn not_a_number_is_not_hidden() {
        let mut gradient = [0f32; 3];
        soft_pullback(&[0.5, 0.5, 0.0], &[f64::NAN, 0.0, 0.0], 1.0, 1.0, &mut gradient);
        assert!(gradient[0].is_nan() && gradient[1].is_nan());
        assert_eq!(gradient[2], 0.0);
    }

    fn edge() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, Vec<bool>, Vec<f64>)> {
        (1usize..12).prop_flat_map(|ops| {
            (
                prop::collection::vec(-3f32..3.0, ops),
                prop::collection::vec(-3f32..5.0, ops),
                prop::collection::vec(any::<bool>(), ops),
                prop::collection::vec(-2f64..2.0, ops),
            )
        })
    }

    proptest! {
        #[test]
        fn soft_samples_are_distributions_over_the_alive_ops((alphas, noise, alive, _) in edge(), t in 1e-3f64..20.0) {
            let mut h = vec![0.0; alphas.len()];
            soft_sample(&alphas, &noise, &alive, t, &mut h);
            prop_assert!(h.iter().zip(&alive).all(|(h, alive)| h.is_finite() && (*alive || *h == 0.0)));
            let expected = if alive.contains(&true) { 1.0 } else { 0.0 };
            prop_assert!((h.iter().sum::<f64>() - expected).abs() < 1e-12);
            // The hard sample is the op with the largest weight.
            let largest = h.iter().copied().fold(0.0, f64::max);
            prop_assert!(hard_sample(&alphas, &noise, &alive).is_none_or(|op| h[op] == largest));
        }

        #[test]
        fn the_limit_is_reached((alphas, noise, alive, _) in edge()) {
            let mut h = vec![0.0; alphas.len()];
            soft_sample(&alphas, &noise, &alive, 1e-300, &mut h);
            let hard = hard_sample(&alphas, &noise, &alive);
            prop_assert!(hard.is_none_or(|op| h[op] > 0.0 && h.iter().enumerate().all(|(o, h)| o == op || *h < 1.0)));
        }

        #[test]
        fn pullback_agrees_with_finite_differences((alphas, noise, alive, dgates) in edge(), t in 0.2f64..10.0) {
            let ops = alphas.len();
            let loss = |logits: &[f64]| {
                let mut h = vec![0.0; ops];
                softmax_alive(logits, &alive, t, &mut h);
                h.iter().zip(&dgates).map(|(h, g)| h * g).sum::<f64>()
            };
            let mut h = vec![0.0; ops];
            soft_sample(&alphas, &noise, &alive, t, &mut h);
            let mut gradient = vec![0f32; ops];
            soft_pullback(&h, &dgates, t, 1.0, &mut gradient);
            for k in 0..ops {
                let mut up = logits(&alphas, &noise);
                let mut down = up.clone();
                up[k] += 1e-5;
                down[k] -= 1e-5;
                let expected = (loss(&up) - loss(&down)) / 2e-5;
                prop_assert!((f64::from(gradient[k]) - expected).abs() < 1e-6 + 1e-5 * expected.abs(),
                    "op {}: {} expected {}", k, gradient[k], expected);
                prop_assert!(alive[k] || gradient[k] == 0.0);
            }
        }

        #[test]
        fn finite_at_every_extreme(
            alphas in prop::collection::vec(prop::sample::select(vec![-1e4f32, -1.0, 0.0, 1.0, 1e4, f32::MAX, f32::MIN]), 8),
            alive in prop::collection::vec(any::<bool>(), 8),
            t in prop::sample::select(vec![5e-324, f64::MIN_POSITIVE, 1e-30, 1e-3, 1.0, 1e30]),
            dgates in prop::collection::vec(prop::sample::select(vec![-1e30f64, -1.0, 0.0, 1.0, 1e30]), 8),
        ) {
            let mut h = vec![0.0; 8];
            soft_sample(&alphas, &[0.0; 8], &alive, t, &mut h);
            prop_assert!(h.iter().all(|h| h.is_finite()));
            let mut gradient = vec![0f32; 8];
            soft_pullback(&h, &dgates, t, 1.0, &mut gradient);
            soft_pullback(&h, &dgates, t, 1.0, &mut gradient);
            prop_assert!(gradient.iter().all(|g| g.is_finite()), "{:?}", gradient);
        }
    }
}
