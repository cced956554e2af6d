//! The hypervolume of a front.

use super::{Point, front};

/// The hypervolume of two objectives (Zitzler and Thiele, 1998): the area of what the points dominate and `reference` does
/// not exceed, in units of the score times units of the cost. What is no better than the reference by both objectives
/// adds nothing. 0 of no points, and of a reference that is not finite.
pub fn hypervolume(points: &[Point], reference: Point) -> f64 {
    if !reference.score.is_finite() || !reference.cost.is_finite() {
        return 0.0;
    }
    let (mut area, mut reached) = (0.0, reference.score);
    for point in front(points).into_iter().filter_map(|at| points.get(at)) {
        if point.cost < reference.cost && point.score > reached {
            area += (point.score - reached) * (reference.cost - point.cost);
            reached = point.score;
        }
    }
    area
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;

    #[test]
    fn areas_are_those_of_the_squares_that_are_covered() {
        for points in [2, 5, 15].into_iter().flat_map(reference::lists) {
            for worst in [Point::new(0.0, 16.0), Point::new(3.0, 4.0), Point::new(0.0, 0.0)] {
                assert_eq!(hypervolume(&points, worst), reference::hypervolume(&points, worst), "{points:?}");
            }
        }
    }

    #[test]
    fn points_that_are_worst_and_references_that_are_none_add_nothing() {
        let bad = [Point::new(f64::NAN, 0.0), Point::new(1.0, f64::NAN)];
        assert_eq!(hypervolume(&bad, Point::new(0.0, 1.0)), 0.0);
        assert_eq!(hypervolume(&[Point::new(1.0, 0.0)], Point::new(f64::NAN, 1.0)), 0.0);
    }
}
