//! Which op was pruned when, on which edge, and why.

use eoinas_core::{counted, event::Difference};

use super::Section;
use crate::{
    format::{maybe, nth},
    record::{Pruning, Run, edge_name},
    table::Table,
};

pub(super) fn section(run: &Run) -> Section {
    let mut table = Table::new([
        "after epoch",
        "cell",
        "edge",
        "pruned",
        "why",
        "its indicator",
        "next lowest",
        "validated, against the next",
        "all, lowest first",
    ]);
    let space = run.space().map(|(space, _)| space);
    for pruning in &run.prunings {
        let cell = space.as_ref().and_then(|space| space.cells.get(pruning.kind.0));
        let kind = cell.map_or_else(|| pruning.kind.0.to_string(), |cell| cell.name.clone());
        let edge = cell.map_or_else(|| format!("edge {}", pruning.edge), |cell| edge_name(cell, pruning.edge));
        let name = |op: usize| {
            space.as_ref().and_then(|space| space.ops.get(op).cloned()).unwrap_or_else(|| format!("op {op}"))
        };
        let mut others = pruning.indicator.clone();
        others.sort_by(|a, b| a.1.unwrap_or(f64::INFINITY).total_cmp(&b.1.unwrap_or(f64::INFINITY)));
        let own = others.iter().find(|(op, _)| *op == pruning.op).and_then(|(_, value)| *value);
        let next = others.iter().find(|(op, _)| *op != pruning.op);
        let pair = |op: usize, value: Option<f64>| format!("{} {}", name(op), maybe(value));
        table.rows.push(vec![
            nth(pruning.epoch).to_string(),
            kind,
            edge,
            pruning.name.clone(),
            why(pruning),
            maybe(own),
            next.map_or_else(|| "–".to_owned(), |(op, value)| pair(*op, *value)),
            against_next(pruning),
            others.iter().map(|(op, value)| pair(*op, *value)).collect::<Vec<_>>().join(", "),
        ]);
    }
    let mut text = format!(
        "{} pruned, after {}. Each row says what the indicator of the pruned op was, and what those of the \
         others on its edge were.",
        counted(run.prunings.len(), "op was", "ops were"),
        counted(run.pruning_epochs().len(), "epoch", "epochs")
    );
    let known = run.prunings.iter().filter_map(difference);
    let (compared, noise) =
        known.fold((0, 0), |(all, noise), known| (all + 1, noise + usize::from(known.within_noise())));
    if compared > 0 {
        text += &format!(
            " Beside it stands by how many points it was validated above or below the op that would have gone in its place, \
             with the standard error: {noise} of {compared} were no worse by more than one, so that chance may have chosen."
        );
    }
    let mut section = Section::new("The prunings", &text, Vec::new());
    if !table.rows.is_empty() {
        section.tables.push((format!("All {}", counted(table.rows.len(), "pruning", "prunings")), table));
    }
    section
}

fn difference(pruning: &Pruning) -> Option<Difference> {
    pruning.evidence.as_ref()?.against_next(pruning.op)
}

/// `-0.8 ± 0.2 points, 12 and 14 draws`.
fn against_next(pruning: &Pruning) -> String {
    let (Some(evidence), Some(difference)) = (&pruning.evidence, difference(pruning)) else { return "–".to_owned() };
    let draws = |op: usize| evidence.ops.iter().find(|known| known.op == op).map_or(0, |known| known.draws);
    let noise = if difference.within_noise() { ", within the noise" } else { "" };
    let (own, next) = (draws(pruning.op), draws(evidence.next));
    let points = difference.to_string().replace("+-", "±");
    format!("{points} points, {own} and {next} draws{noise}")
}

fn why(pruning: &Pruning) -> String {
    match pruning.reason.as_str() {
        "lowest_indicator" => "lowest indicator".to_owned(),
        "zero_op" => "zero op, goes first at the last pruning".to_owned(),
        other => other.replace('_', " "),
    }
}
