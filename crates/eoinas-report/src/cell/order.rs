//! The order within each column that has few crossings: barycentres, then swaps of neighbours.

use super::layout::Item;

const SWEEPS: usize = 24;

/// For each column, its items from top to bottom.
pub(super) fn order(items: &[Item]) -> Vec<Vec<usize>> {
    let count = items.iter().map(|item| item.column + 1).max().unwrap_or(0);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (index, item) in items.iter().enumerate() {
        columns[item.column].push(index);
    }
    let mut best = (crossings(items, &columns), columns.clone());
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        for step in 0..count {
            let at = if forward { step } else { count - 1 - step };
            barycentres(items, &mut columns, at, forward);
        }
        transpose(items, &mut columns);
        let crossed = crossings(items, &columns);
        if crossed < best.0 {
            best = (crossed, columns.clone());
        }
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

fn barycentres(items: &[Item], columns: &mut [Vec<usize>], at: usize, forward: bool) {
    let positions = positions(items, columns);
    // The inputs keep their order: c_{k-2} stands above c_{k-1}.
    if at == 0 {
        return;
    }
    let key = |item: &usize| {
        let beside = if forward { &items[*item].before } else { &items[*item].after };
        if beside.is_empty() {
            return positions[*item] as f64;
        }
        beside.iter().map(|other| positions[*other] as f64).sum::<f64>() / beside.len() as f64
    };
    columns[at].sort_by(|a, b| key(a).total_cmp(&key(b)));
}

/// Swaps neighbours as long as that takes crossings away.
fn transpose(items: &[Item], columns: &mut [Vec<usize>]) {
    for _ in 0..8 {
        let mut better = false;
        for at in 1..columns.len() {
            for place in 1..columns[at].len() {
                let (above, below) = (columns[at][place - 1], columns[at][place]);
                let positions = positions(items, columns);
                let now = pair(items, &positions, above, below);
                let swapped = pair(items, &positions, below, above);
                if swapped < now {
                    columns[at].swap(place - 1, place);
                    better = true;
                }
            }
        }
        if !better {
            return;
        }
    }
}

/// Crossings between the edges of two neighbours, `above` standing above `below`.
fn pair(items: &[Item], positions: &[usize], above: usize, below: usize) -> usize {
    let side = |a: &[usize], b: &[usize]| {
        a.iter().map(|x| b.iter().filter(|y| positions[**y] < positions[*x]).count()).sum::<usize>()
    };
    side(&items[above].before, &items[below].before) + side(&items[above].after, &items[below].after)
}

fn crossings(items: &[Item], columns: &[Vec<usize>]) -> usize {
    let positions = positions(items, columns);
    let column = |column: &Vec<usize>| {
        let edges: Vec<(usize, usize)> = column
            .iter()
            .flat_map(|item| items[*item].after.iter().map(|after| (positions[*item], positions[*after])))
            .collect();
        let crossed = |(i, a): (usize, &(usize, usize))| {
            edges[i + 1..].iter().filter(|b| (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1)).count()
        };
        edges.iter().enumerate().map(crossed).sum::<usize>()
    };
    columns.iter().map(column).sum()
}
