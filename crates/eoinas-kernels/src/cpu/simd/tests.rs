use super::{Kernel, Level, Simd};

/// Runs every operation on slices shorter and longer than a vector.
struct Operations<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl Kernel for Operations<'_> {
    type Output = Vec<Vec<f32>>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<Vec<f32>> {
        let mut results = vec![vec![-7.0; self.a.len()]; 8];
        let mut at = 0;
        while at < self.a.len() {
            let (a, b) = (s.load(&self.a[at..]), s.load(&self.b[at..]));
            let values = [
                s.add(a, b),
                s.sub(a, b),
                s.mul(a, b),
                s.fma(a, b, s.splat(0.5)),
                s.max(a, b),
                s.where_positive(a, b),
                s.zero(),
                s.splat(3.0),
            ];
            for (result, value) in results.iter_mut().zip(values) {
                s.store(&mut result[at..], value);
            }
            at += S::LANES;
        }
        results
    }
}

#[test]
fn every_level_computes_the_same() {
    for len in 1..40 {
        let a: Vec<f32> = (0..len).map(|i| (i as f32 * 0.7).sin()).collect();
        let b: Vec<f32> = (0..len).map(|i| (i as f32 * 1.3).cos()).collect();
        for level in Level::available() {
            let got = level.run(Operations { a: &a, b: &b });
            for i in 0..len {
                let (a, b) = (a[i], b[i]);
                let expected = [a + b, a - b, a * b, a * b + 0.5, a.max(b), if a > 0.0 { b } else { 0.0 }, 0.0, 3.0];
                for (op, (got, expected)) in got.iter().zip(expected).enumerate() {
                    assert!((got[i] - expected).abs() < 1e-6, "{level:?} op {op} lane {i}: {} {expected}", got[i]);
                }
            }
        }
    }
}

#[test]
fn scope_is_restored() {
    let outside = Level::current();
    let narrowest = Level::available()[0];
    narrowest.scope(|| assert_eq!(Level::current(), narrowest));
    assert_eq!(Level::current(), outside);
}

/// NaN, signed zeros and ties, in both operands.
struct Special<'a> {
    a: &'a [f32],
    b: &'a [f32],
    value: &'a [f32],
}

impl Kernel for Special<'_> {
    type Output = [Vec<f32>; 3];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> [Vec<f32>; 3] {
        let mut results = [(); 3].map(|()| vec![0.0; self.a.len()]);
        for at in (0..self.a.len()).step_by(S::LANES) {
            let (a, b) = (s.load(&self.a[at..]), s.load(&self.b[at..]));
            let (equal, other) = s.split_equal(a, b, s.load(&self.value[at..]));
            for (result, value) in results.iter_mut().zip([s.max_or_nan(a, b), equal, other]) {
                s.store(&mut result[at..], value);
            }
        }
        results
    }
}

#[test]
fn nan_and_equality() {
    let numbers = [f32::NAN, f32::NEG_INFINITY, -1.0, -0.0, 0.0, 2.0, f32::INFINITY];
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for x in numbers {
        for y in numbers {
            a.push(x);
            b.push(y);
        }
    }
    let value: Vec<f32> = (0..a.len()).map(|i| 1.0 + i as f32).collect();
    for level in Level::available() {
        let [max, equal, other] = level.run(Special { a: &a, b: &b, value: &value });
        for i in 0..a.len() {
            if a[i].is_nan() || b[i].is_nan() {
                assert!(max[i].is_nan(), "{level:?} {} {}", a[i], b[i]);
            } else {
                assert_eq!(max[i], a[i].max(b[i]), "{level:?}");
            }
            let expected = if a[i] == b[i] { (value[i], 0.0) } else { (0.0, value[i]) };
            assert_eq!((equal[i], other[i]), expected, "{level:?} {} {}", a[i], b[i]);
        }
    }
}

#[test]
fn levels_have_names() {
    for &level in Level::available() {
        assert_eq!(Level::named(level.name()), Some(level));
    }
    assert_eq!(Level::named("sse9"), None);
}
