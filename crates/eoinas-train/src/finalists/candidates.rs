//! Which cells are worth a training of their own.

use eoinas_core::{EdgeOpTable, Genotype, OpId, SearchSpace};
use eoinas_strategy::neighbours;

/// `derived` and the cells that differ from it in one choice, `count` in all, in the order of the importance that they lose
/// against it: those that gain come first after it. Ops without an importance are the last.
pub fn candidates(
    space: &SearchSpace,
    derived: &Genotype,
    importance: &EdgeOpTable<Option<f64>>,
    count: usize,
) -> Vec<Genotype> {
    let loss = |without: OpId, with: OpId| Some(importance[without]? - importance[with]?);
    let mut others: Vec<(f64, Genotype)> = neighbours(space, derived)
        .into_iter()
        .map(|other| (loss(other.without, other.with).unwrap_or(f64::INFINITY), other.genotype))
        .collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0));
    let others = others.into_iter().map(|(_, genotype)| genotype);
    std::iter::once(derived.clone()).chain(others).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_come_first() {
        let space = SearchSpace::nas_bench_201();
        let conv = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
        let derived = Genotype::parse_in(conv, &space).unwrap();
        let mut importance = EdgeOpTable::filled(&space, Some(0.0));
        let edges: Vec<_> = space.edges().collect();
        for &edge in &edges {
            importance[edge.op(3)] = Some(1.0);
        }
        importance[edges[3].op(1)] = Some(0.9);
        importance[edges[0].op(4)] = Some(0.5);
        importance[edges[5].op(2)] = None;
        let cells = candidates(&space, &derived, &importance, 3);
        let texts: Vec<String> = cells.iter().map(ToString::to_string).collect();
        assert_eq!(texts[0], conv);
        assert_eq!(
            texts[1],
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
        );
        assert_eq!(
            texts[2],
            "|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
        );
        let all = candidates(&space, &derived, &importance, 1000);
        assert_eq!(all.len(), 25);
        assert!(all[24].to_string().ends_with("|nor_conv_1x1~2|"));
    }
}
