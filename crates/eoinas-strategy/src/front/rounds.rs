//! Fronts of what was scored in rounds.

use super::{Point, front};

/// The front of candidates that were scored round by round, each with its cost and its score in every round that it was in:
/// their places, cheapest first.
///
/// Scores of two rounds cannot be compared, as a later one trains for longer. So each candidate is judged in the last round that it
/// was in, among all that were in that round; those that were in none are left out.
pub fn front_of_rounds<S: AsRef<[f64]>>(candidates: &[(f64, S)]) -> Vec<usize> {
    let scores = |at: usize| candidates.get(at).map_or(&[][..], |(_, scores)| scores.as_ref());
    let cost = |at: usize| candidates.get(at).map_or(f64::INFINITY, |(cost, _)| *cost);
    let rounds = (0..candidates.len()).map(|at| scores(at).len()).max().unwrap_or(0);
    let mut found: Vec<usize> = Vec::new();
    for round in 0..rounds {
        let (there, points): (Vec<usize>, Vec<Point>) =
            (0..candidates.len()).filter_map(|at| Some((at, Point::new(*scores(at).get(round)?, cost(at))))).unzip();
        let best = front(&points).into_iter().filter_map(|at| there.get(at).copied());
        found.extend(best.filter(|at| scores(*at).len() == round + 1));
    }
    found.sort_by(|a, b| cost(*a).total_cmp(&cost(*b)).then(a.cmp(b)));
    found
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;

    #[test]
    fn one_round_is_a_front() {
        for points in [2, 1000].into_iter().flat_map(reference::lists) {
            let candidates: Vec<(f64, [f64; 1])> = points.iter().map(|point| (point.cost, [point.score])).collect();
            let mut expected = front(&points);
            expected.sort_by(|a, b| points[*a].cost.total_cmp(&points[*b].cost).then(a.cmp(b)));
            assert_eq!(front_of_rounds(&candidates), expected);
        }
    }

    #[test]
    fn each_is_judged_in_its_last_round() {
        let candidates = [
            // Best at the end.
            (3.0, vec![0.5, 0.7]),
            // As good in the first round, worse and dearer in the second.
            (4.0, vec![0.6, 0.6]),
            // Worse in the second, but cheap.
            (2.0, vec![0.5, 0.5]),
            // Out in the first, and one that went on was better and cheaper there.
            (2.5, vec![0.4]),
            // Out in the first, and cheapest of all.
            (1.0, vec![0.3]),
            (0.5, vec![]),
        ];
        assert_eq!(front_of_rounds(&candidates), [4, 2, 0]);
        assert_eq!(front_of_rounds::<Vec<f64>>(&[]), [0; 0]);
    }
}
