//! Pairs of nodes in an order, listed by the later node and, for each, by the earlier one: 0-1, 0-2, 1-2, 0-3, ...

/// The place of a pair in the list; `None` where the first node is not before the second.
pub(super) fn index(from: usize, to: usize) -> Option<usize> {
    (from < to).then(|| before(to).saturating_add(from))
}

/// How many nodes have so many pairs; `None` where no number of nodes has.
pub(super) fn nodes_of(pairs: usize) -> Option<usize> {
    let nodes = (1..).find(|nodes| before(*nodes) >= pairs)?;
    (before(nodes) == pairs).then_some(nodes)
}

/// Pairs of so many nodes.
fn before(nodes: usize) -> usize {
    nodes.saturating_mul(nodes.saturating_sub(1)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_numbered_in_their_order() {
        let mut number = 0;
        for to in 0..20 {
            assert_eq!(nodes_of(number), Some(to.max(1)));
            for from in 0..to {
                assert_eq!(index(from, to), Some(number));
                number += 1;
            }
        }
        assert_eq!([2, 4, 5, 7].map(nodes_of), [None; 4]);
        assert_eq!((index(1, 1), index(2, 1)), (None, None));
    }
}
