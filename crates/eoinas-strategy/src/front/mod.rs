//! Two objectives: a score, of which more is better, and a cost, of which less is.
//!
//! ```
//! use eoinas_strategy::front::{self, Point};
//! let points = [Point::new(0.9, 20.0), Point::new(0.7, 10.0), Point::new(0.6, 15.0)];
//! assert!(points[1].dominates(points[2]));
//! assert_eq!(front::front(&points), [1, 0]);
//! assert_eq!(front::ranks(&points), [0, 0, 1]);
//! // The rectangles of both points up to cost 30 and down to score 0.5, what both cover counted once.
//! assert!((front::hypervolume(&points, Point::new(0.5, 30.0)) - 6.0).abs() < 1e-9);
//! ```
//!
//! Written here and not taken from a crate: those that are kept (moors, nsga-rs) run the generations themselves, on vectors
//! of numbers and with random generators that they own, where a [`Strategy`](crate::Strategy) is asked and told; and for two
//! objectives each of these functions is a sort and a sweep.

mod crowding;
mod rounds;
mod sort;
mod volume;

pub use crowding::crowding_distances;
pub use rounds::front_of_rounds;
pub use sort::{front, ranks};
pub use volume::hypervolume;

/// What is known of one network: its score and its cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    score: f64,
    cost: f64,
}

impl Point {
    /// A point. A score that is not finite counts as worse than every other (minus infinity), and so does a cost that is
    /// not finite (infinity).
    pub fn new(score: f64, cost: f64) -> Self {
        // 0 and -0 are equal, but not in the total order that sorting uses.
        let or = |value: f64, worst| if value.is_finite() { value + 0.0 } else { worst };
        Self { score: or(score, f64::NEG_INFINITY), cost: or(cost, f64::INFINITY) }
    }

    /// The score.
    pub fn score(self) -> f64 {
        self.score
    }

    /// The cost.
    pub fn cost(self) -> f64 {
        self.cost
    }

    /// Whether this one is as good as the other by both objectives and better by one of them.
    pub fn dominates(self, other: Self) -> bool {
        self.score >= other.score && self.cost <= other.cost && self != other
    }
}

/// What the functions here are compared with: the definitions, in as many comparisons as they take.
#[cfg(test)]
mod reference {
    use super::Point;
    use eoinas_core::{SeedStream, Streams};
    use rand::RngExt;

    /// Takes the points that no other of those that are left dominates, again and again.
    pub fn ranks(points: &[Point]) -> Vec<usize> {
        let mut ranks = vec![None; points.len()];
        for rank in 0.. {
            let left: Vec<usize> = (0..points.len()).filter(|&at| ranks[at].is_none()).collect();
            let free = |at: &usize| !left.iter().any(|&other| points[other].dominates(points[*at]));
            left.iter().copied().filter(free).for_each(|at| ranks[at] = Some(rank));
            if left.is_empty() {
                break;
            }
        }
        ranks.into_iter().flatten().collect()
    }

    /// Of points at whole numbers: counts the unit squares that one of them covers.
    pub fn hypervolume(points: &[Point], reference: Point) -> f64 {
        let mut squares = 0;
        for score in reference.score as i64..20 {
            for cost in 0..reference.cost as i64 {
                let covers = |point: &Point| point.score > score as f64 && point.cost <= cost as f64;
                squares += usize::from(points.iter().any(covers));
            }
        }
        squares as f64
    }

    /// Lists of points at whole numbers from 0 to `most`: the smaller that is, the more ties and copies.
    pub fn lists(most: u32) -> impl Iterator<Item = Vec<Point>> {
        (0..60).map(move |index| {
            let mut rng = Streams::new(0).rng(SeedStream::Named("front"), u64::from(most), index);
            let mut draw = || f64::from(rng.random_range(0..=most));
            (0..index).map(|_| Point::new(draw(), draw())).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_worst() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Point::new(0.0, 1.0).dominates(Point::new(bad, 1.0)));
            assert!(Point::new(0.0, 1.0).dominates(Point::new(0.0, bad)));
            assert_eq!(ranks(&[Point::new(bad, bad), Point::new(0.0, 1.0), Point::new(bad, bad)]), [1, 0, 1]);
        }
        assert_eq!(Point::new(-0.0, 0.0), Point::new(0.0, -0.0));
    }
}
