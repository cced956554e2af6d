//! How alone a point stands on its front.

use super::Point;

/// The crowding distance of each point of one front (Deb et al., 2002): over both objectives, the sum of the distances of
/// its neighbours on either side, as shares of the front's range. Infinite at both ends of the front. An objective in
/// which all points are equal, or some are infinite, says nothing but where the ends are.
///
/// Of equal points at an end the first in the list is the cheap end or the bad one, and the last the other.
pub fn crowding_distances(points: &[Point]) -> Vec<f64> {
    let mut distances = vec![0.0; points.len()];
    for objective in [Point::score, Point::cost] {
        let mut sorted: Vec<(usize, f64)> = points.iter().map(|point| objective(*point)).enumerate().collect();
        sorted.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let (Some(&(first, least)), Some(&(last, most))) = (sorted.first(), sorted.last()) else { return distances };
        let range = most - least;
        let mut add = |at: usize, distance: f64| {
            if let Some(sum) = distances.get_mut(at) {
                *sum += distance;
            }
        };
        add(first, f64::INFINITY);
        add(last, f64::INFINITY);
        if range > 0.0 && range.is_finite() {
            for three in sorted.windows(3) {
                if let [(_, before), (at, _), (_, after)] = *three {
                    add(at, (after - before) / range);
                }
            }
        }
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::super::{front, reference};
    use super::*;

    /// By the definition, of points that differ: the nearest on either side, looked for among all.
    fn distance(points: &[Point], at: usize) -> f64 {
        let objective = |value: fn(Point) -> f64| {
            let (own, all) = (value(points[at]), points.iter().map(|point| value(*point)));
            let below = all.clone().filter(|other| *other < own).reduce(f64::max)?;
            let above = all.clone().filter(|other| *other > own).reduce(f64::min)?;
            Some((above - below) / (all.clone().reduce(f64::max)? - all.reduce(f64::min)?))
        };
        objective(Point::score).zip(objective(Point::cost)).map_or(f64::INFINITY, |(score, cost)| score + cost)
    }

    #[test]
    fn distances_are_those_of_the_definition() {
        for list in reference::lists(1000) {
            let mut points: Vec<Point> = front(&list).into_iter().map(|at| list[at]).collect();
            points.dedup();
            // The order of the list says nothing.
            let half = points.len() / 2;
            points.rotate_left(half);
            for (at, found) in crowding_distances(&points).into_iter().enumerate() {
                let expected = distance(&points, at);
                assert!(found == expected || (found - expected).abs() < 1e-12, "{found} {expected}");
            }
        }
    }

    #[test]
    fn copies_stand_close_and_what_is_infinite_is_no_nan() {
        let copies = [Point::new(1.0, 1.0); 4];
        assert_eq!(crowding_distances(&copies), [f64::INFINITY, 0.0, 0.0, f64::INFINITY]);
        let bad = [Point::new(f64::NAN, 1.0), Point::new(0.5, 2.0), Point::new(0.7, f64::NAN), Point::new(0.6, 3.0)];
        assert!(crowding_distances(&bad).iter().all(|distance| !distance.is_nan()));
        assert!(crowding_distances(&[]).is_empty());
        assert_eq!(crowding_distances(&copies[..1]), [f64::INFINITY]);
    }
}
