//! Non-dominated sorting.

use super::Point;

/// The rank of each point: 0 of those that no other dominates, 1 of those that only points of rank 0 dominate, and so on
/// (non-dominated sorting; Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
/// NSGA-II", 2002). Equal points have one rank.
///
/// In O(n log n), as there are two objectives: in the order of costs, a point is dominated by one of a front if and only if the
/// best score of that front so far is not below its own (Jensen, 2003).
pub fn ranks(points: &[Point]) -> Vec<usize> {
    let mut ranks = vec![0; points.len()];
    // The best score of each front so far, which falls from front to front.
    let mut best: Vec<f64> = Vec::new();
    let mut last: Option<(Point, usize)> = None;
    for (at, point) in by_cost(points) {
        let rank = match last {
            Some((equal, rank)) if equal == point => rank,
            _ => best.partition_point(|&best| best >= point.score),
        };
        match best.get_mut(rank) {
            Some(best) => *best = point.score,
            None => best.push(point.score),
        }
        if let Some(slot) = ranks.get_mut(at) {
            *slot = rank;
        }
        last = Some((point, rank));
    }
    ranks
}

/// The front: places of the points that no other dominates, cheapest first; of equal points each.
pub fn front(points: &[Point]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut last: Option<Point> = None;
    for (at, point) in by_cost(points) {
        if last.is_none_or(|last| point.score > last.score || point == last) {
            found.push(at);
            last = Some(point);
        }
    }
    found
}

/// The points with their places, cheapest first, of equal costs the best score first, of equal points in their order.
fn by_cost(points: &[Point]) -> Vec<(usize, Point)> {
    let mut sorted: Vec<(usize, Point)> = points.iter().copied().enumerate().collect();
    sorted.sort_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost).then(b.score.total_cmp(&a.score)));
    sorted
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;

    #[test]
    fn ranks_and_fronts_are_those_of_the_definition() {
        for points in [2, 5, 1000].into_iter().flat_map(reference::lists) {
            let expected = reference::ranks(&points);
            assert_eq!(ranks(&points), expected, "{points:?}");
            let found = front(&points);
            assert!(found.is_sorted_by(|&a, &b| (points[a].cost, a) < (points[b].cost, b)), "{found:?}");
            let mut found = found;
            found.sort_unstable();
            let zero: Vec<usize> = (0..points.len()).filter(|&at| expected[at] == 0).collect();
            assert_eq!(found, zero, "{points:?}");
        }
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        assert_eq!((ranks(&[]), front(&[])), (vec![], vec![]));
    }
}
