//! Heights within the columns: near the neighbours, and never nearer to each other than what they need.

use super::layout::Item;

/// Space between two things of a column.
const SPACE: f64 = 14.0;
const ROUNDS: usize = 60;

/// The middle of each item.
pub(super) fn heights(items: &[Item], columns: &[Vec<usize>]) -> Vec<f64> {
    let mut middles = vec![0.0; items.len()];
    for column in columns {
        let offsets = offsets(items, column);
        let half = offsets.last().copied().unwrap_or(0.0) / 2.0;
        for (item, offset) in column.iter().zip(offsets) {
            middles[*item] = offset - half;
        }
    }
    for round in 0..ROUNDS {
        for step in 0..columns.len() {
            let at = if round % 2 == 0 { step } else { columns.len() - 1 - step };
            settle(items, &columns[at], &mut middles);
        }
    }
    middles
}

/// Smallest distance of each item's middle from the first one's.
fn offsets(items: &[Item], column: &[usize]) -> Vec<f64> {
    let mut at = 0.0;
    let mut before: Option<f64> = None;
    let offset = |item: &usize| {
        let height = items[*item].height;
        if let Some(before) = before {
            at += (before + height) / 2.0 + SPACE;
        }
        before = Some(height);
        at
    };
    column.iter().map(offset).collect()
}

/// Each item as near to its neighbours' mean height as the order and the distances allow: least squares by pooling
/// adjacent violators (isotonic regression of what is left when the smallest distances are taken away).
fn settle(items: &[Item], column: &[usize], middles: &mut [f64]) {
    let offsets = offsets(items, column);
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (item, offset) in column.iter().zip(&offsets) {
        let beside = || items[*item].before.iter().chain(&items[*item].after);
        let count = beside().count();
        let wanted =
            if count == 0 { middles[*item] } else { beside().map(|b| middles[*b]).sum::<f64>() / count as f64 };
        // Passing edges and labels pull harder, so that long edges become straight.
        let weight = if items[*item].before.len() == 1 && items[*item].after.len() == 1 { 2.0 } else { 1.0 };
        blocks.push((wanted - offset, weight, 1));
        while let [.., (a, wa, na), (b, wb, nb)] = *blocks.as_slice() {
            if a <= b {
                break;
            }
            blocks.truncate(blocks.len() - 2);
            blocks.push(((a * wa + b * wb) / (wa + wb), wa + wb, na + nb));
        }
    }
    let values = blocks.iter().flat_map(|(value, _, count)| std::iter::repeat_n(*value, *count));
    for ((item, offset), value) in column.iter().zip(&offsets).zip(values) {
        middles[*item] = value + offset;
    }
}
