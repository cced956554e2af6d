//! Signs that a search collapsed: its cell is made of what needs no training, or passes nothing on.

use eoinas_core::{Genotype, genotype::CellGenotype};

/// What speaks against a found cell, for people; empty where nothing does. `derived` says that the method derived it and nothing else
/// chose it, `accuracy` is that of its trained network, `guess` that of one answer for all images.
pub(super) fn signs(genotype: &Genotype, derived: bool, accuracy: Option<f64>, guess: Option<f64>) -> Vec<String> {
    let mut signs: Vec<String> = genotype.cells.iter().flat_map(|cell| of_cell(cell, derived)).collect();
    if let (Some(accuracy), Some(guess)) = (accuracy, guess)
        && accuracy <= guess
    {
        signs.push(format!(
            "the found network is right for {:.1} % of the held-out images, and naming the most frequent class always is for \
             {:.1} %: the search learned nothing. Give it more epochs or more images, or take a published cell",
            100.0 * accuracy,
            100.0 * guess
        ));
    }
    signs
}

fn of_cell(cell: &CellGenotype, derived: bool) -> Vec<String> {
    let name = &cell.name;
    let edges = cell.nodes.iter().flatten().count();
    let count = |of: fn(&eoinas_core::Op) -> bool| cell.nodes.iter().flatten().filter(|edge| of(&edge.op)).count();
    let (skips, zeros) = (count(eoinas_core::Op::is_skip), count(eoinas_core::Op::is_zero));
    let mut signs = Vec::new();
    // Many in a cell that finals or a predictor chose are no sign of how the search went.
    if derived && 2 * skips > edges {
        signs.push(format!(
            "{skips} of {edges} ops of cell `{name}` are skip connections: the search has probably collapsed, as those need no \
             training and look good early (Zela et al., 2020). Limit them (`max_skips`), or compare the cell by finals"
        ));
    }
    if !reaches_output(cell) {
        signs.push(format!("no input of cell `{name}` reaches its output: its network cannot learn"));
    } else if 2 * zeros > edges {
        signs.push(format!("{zeros} of {edges} ops of cell `{name}` are `none`: most of the cell does nothing"));
    }
    signs
}

/// Whether something comes out that depends on what goes in.
fn reaches_output(cell: &CellGenotype) -> bool {
    let mut alive = vec![true; cell.inputs];
    for node in &cell.nodes {
        let fed = node.iter().any(|edge| !edge.op.is_zero() && alive.get(edge.from).copied().unwrap_or(false));
        alive.push(fed);
    }
    cell.concat.iter().any(|&node| alive.get(node).copied().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SearchSpace, zoo};

    fn of(text: &str) -> Vec<String> {
        signs(&Genotype::parse_in(text, &SearchSpace::nas_bench_201()).unwrap(), true, None, None)
    }

    #[test]
    fn a_collapse_is_said() {
        let skips = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|";
        let cell = Genotype::parse_in(skips, &SearchSpace::nas_bench_201()).unwrap();
        assert_eq!(signs(&cell, false, None, None), [""; 0]);
        assert!(of(skips).concat().starts_with("4 of 6 ops of cell `cell` are skip connections"));
        let apart = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_3x3~1|none~2|";
        assert_eq!(of(apart), ["no input of cell `cell` reaches its output: its network cannot learn"]);
        let little = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|";
        assert_eq!(of(little), ["5 of 6 ops of cell `cell` are `none`: most of the cell does nothing"]);
    }

    #[test]
    fn published_cells_have_none_and_a_guess_beats_some() {
        for published in zoo::all() {
            assert_eq!(signs(&published.genotype(), true, Some(0.5), Some(0.1)), [""; 0], "{}", published.name);
        }
        let cell = zoo::find("darts-v2").unwrap().genotype();
        assert!(signs(&cell, true, Some(0.1), Some(0.1)).concat().contains("learned nothing"));
    }
}
