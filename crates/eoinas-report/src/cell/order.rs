//! The order within each column that has few crossings: barycentres, then swaps of neighbours.

use super::layout::Item;

/// Sweeps over a cell of a size that people have.
const SWEEPS: usize = 24;
/// Items that all sweeps over a larger one pass, which has four sweeps at least: its best order comes early (64 nodes with all
/// edges: in the third).
const WORK: usize = 1 << 18;

/// For each column, its items from top to bottom.
pub(super) fn order(items: &[Item]) -> Vec<Vec<usize>> {
    let count = items.iter().map(|item| item.column + 1).max().unwrap_or(0);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (index, item) in items.iter().enumerate() {
        columns[item.column].push(index);
    }
    let mut best = (crossings(items, &columns), columns.clone());
    let mut before = [Vec::new(), Vec::new()];
    let sweeps = (WORK / items.len().max(1)).clamp(4, SWEEPS);
    for sweep in 0..sweeps {
        let forward = sweep % 2 == 0;
        let mut positions = positions(items, &columns);
        // The inputs keep their order: c_{k-2} stands above c_{k-1}.
        for step in 0..count {
            let at = if forward { step } else { count - 1 - step };
            if at > 0 {
                barycentres(items, &mut columns[at], &mut positions, forward);
            }
        }
        transpose(items, &mut columns);
        let crossed = crossings(items, &columns);
        if crossed < best.0 {
            best = (crossed, columns.clone());
        }
        // From where it was after the last sweep of this kind it would go the same way again.
        if before[sweep % 2] == columns {
            break;
        }
        before[sweep % 2].clone_from(&columns);
    }
    best.1
}

fn positions(items: &[Item], columns: &[Vec<usize>]) -> Vec<usize> {
    let mut positions = vec![0; items.len()];
    for column in columns {
        for (place, item) in column.iter().enumerate() {
            positions[*item] = place;
        }
    }
    positions
}

fn barycentres(items: &[Item], column: &mut [usize], positions: &mut [usize], forward: bool) {
    let key = |item: &usize| {
        let beside = if forward { &items[*item].before } else { &items[*item].after };
        if beside.is_empty() {
            return positions[*item] as f64;
        }
        beside.iter().map(|other| positions[*other] as f64).sum::<f64>() / beside.len() as f64
    };
    let mut keys: Vec<(f64, usize)> = column.iter().map(|item| (key(item), *item)).collect();
    keys.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (place, (_, item)) in keys.into_iter().enumerate() {
        column[place] = item;
        positions[item] = place;
    }
}

/// Swaps neighbours as long as that takes crossings away.
fn transpose(items: &[Item], columns: &mut [Vec<usize>]) {
    let mut positions = positions(items, columns);
    let mut sorted = Vec::new();
    for _ in 0..8 {
        let mut better = false;
        for column in columns.iter_mut().skip(1) {
            for place in 1..column.len() {
                let (above, below) = (column[place - 1], column[place]);
                let (now, swapped) = pair(&items[above], &items[below], &positions, &mut sorted);
                if swapped < now {
                    column.swap(place - 1, place);
                    (positions[above], positions[below]) = (place, place - 1);
                    better = true;
                }
            }
        }
        if !better {
            return;
        }
    }
}

/// Crossings between the edges of two neighbours: as they stand, and the other way round. `sorted` is room to work in.
fn pair(above: &Item, below: &Item, positions: &[usize], sorted: &mut Vec<usize>) -> (usize, usize) {
    let (mut now, mut swapped) = (0, 0);
    for (above, below) in [(&above.before, &below.before), (&above.after, &below.after)] {
        sorted.clear();
        sorted.extend(below.iter().map(|item| positions[*item]));
        sorted.sort_unstable();
        for item in above {
            let end = positions[*item];
            now += sorted.partition_point(|other| *other < end);
            swapped += sorted.len() - sorted.partition_point(|other| *other <= end);
        }
    }
    (now, swapped)
}

fn crossings(items: &[Item], columns: &[Vec<usize>]) -> usize {
    let positions = positions(items, columns);
    let column = |column: &Vec<usize>| {
        let mut edges: Vec<(usize, usize)> = column
            .iter()
            .flat_map(|item| items[*item].after.iter().map(|after| (positions[*item], positions[*after])))
            .collect();
        // Edges from one item cross none of each other: in this order they do not count as turned round.
        edges.sort_unstable();
        let ends = edges.iter().map(|(_, end)| end + 1).max().unwrap_or(0);
        turned(edges.iter().map(|(_, end)| *end), ends)
    };
    columns.iter().map(column).sum()
}

/// Pairs of numbers below `count` of which the larger comes first, by a tree of sums (P. M. Fenwick, A New Data Structure for
/// Cumulative Frequency Tables, 1994).
fn turned(numbers: impl Iterator<Item = usize>, count: usize) -> usize {
    let mut sums = vec![0usize; count + 1];
    let mut pairs = 0;
    for (before, number) in numbers.enumerate() {
        let (mut at, mut not_larger) = (number + 1, 0);
        while at > 0 {
            not_larger += sums[at];
            at &= at - 1;
        }
        pairs += before - not_larger;
        at = number + 1;
        while at <= count {
            sums[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_as_one_by_one() {
        let numbers: Vec<usize> = (0..97).map(|i| i * 37 % 23).collect();
        let slow = (0..97).flat_map(|i| (0..i).map(move |j| (j, i))).filter(|(j, i)| numbers[*j] > numbers[*i]).count();
        assert_eq!(turned(numbers.iter().copied(), 23), slow);
        assert_eq!(turned(std::iter::empty(), 0), 0);

        let item = |before: Vec<usize>| Item { column: 1, width: 0.0, height: 0.0, before, after: vec![3] };
        let (above, below) = (item((0..40).map(|i| i * 7 % 41).collect()), item((0..30).map(|i| i * 5 % 37).collect()));
        let slow = |a: &Item, b: &Item| a.before.iter().map(|x| b.before.iter().filter(|y| *y < x).count()).sum();
        let positions: Vec<usize> = (0..41).collect();
        let fast = pair(&above, &below, &positions, &mut Vec::new());
        assert_eq!(fast, (slow(&above, &below), slow(&below, &above)));
    }
}
