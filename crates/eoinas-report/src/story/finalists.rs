//! The finals of a search: cells that were trained for a short time each, by what they cost.

use std::collections::HashMap;

use eoinas_core::{counted, event::FinalistRound, run_folder};
use eoinas_strategy::front::front_of_rounds;
use serde_json::Value;

use super::Section;
use crate::{
    error::Result,
    format::number,
    page::train_command,
    plot::{LineChart, Point, Scatter, Series},
    record::Run,
    table::Table,
};

/// Lines of cells that have a name and a colour; more of them are drawn faintly.
const NAMED: usize = 24;

/// A cell of the finals.
struct Finalist<'a> {
    genotype: &'a str,
    /// Its network and its score after each round that it was in.
    rounds: Vec<(&'a FinalistRound, f64)>,
}

impl Finalist<'_> {
    fn first(&self) -> Option<(f64, f64)> {
        self.rounds.first().map(|(round, score)| (millions(round.multiply_adds), *score))
    }
}

/// Score against cost after the first round, in which all cells were, scores by round, and a table of all.
///
/// # Errors
/// The plotting library fails.
pub(super) fn section(run: &Run) -> Result<Section> {
    let finalists = finalists(run);
    let winner = run.derived.as_ref().map(|derived| derived.text.as_str());
    let is_result = |cell: &Finalist<'_>| Some(cell.genotype) == winner;
    let measure = run.measure();
    let front = front(run, &finalists);
    let on_front = |index: usize| front.as_ref().and_then(|front| front.iter().position(|at| *at == index));
    let group = |index: usize, cell: &Finalist<'_>| match (is_result(cell), on_front(index).is_some()) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    let numbered = || finalists.iter().enumerate();
    let points = numbered().filter_map(|(index, cell)| {
        Some(Point { name: name(index), at: cell.first()?, deviation: 0.0, group: group(index, cell) })
    });
    let epochs = finalists.iter().find_map(|cell| cell.rounds.first()).map_or(0, |(round, _)| round.epochs);
    let scatter = Scatter {
        title: "Finalists by cost".to_owned(),
        caption: format!(
            "Score on held-out training images after the first round ({}) against the cost of the network that was \
             trained. {}",
            counted(epochs, "epoch", "epochs"),
            match front {
                Some(_) =>
                    "Than those on the front no other cell was both better and cheaper in the last round that they were in.",
                None => "All networks were made as large as they may be, so that none is there for being cheap.",
            }
        ),
        x: "multiply-adds in millions".to_owned(),
        y: measure.title().to_owned(),
        points: points.collect(),
        groups: ["the result", "on the front", "others"].map(str::to_owned).to_vec(),
        ..Scatter::default()
    };
    let lines = numbered().filter(|(_, cell)| cell.rounds.len() > 1).map(|(index, cell)| Series {
        name: name(index),
        points: cell.rounds.iter().map(|(round, score)| (round.epochs as f64, *score)).collect(),
        // They are in their order: those that got furthest have names.
        faint: index >= NAMED,
        ..Series::default()
    });
    let chart = LineChart {
        title: "Finalists by round".to_owned(),
        caption: "Each round trains those that are left from the beginning again, for twice as many epochs.".to_owned(),
        x: "epochs of the training".to_owned(),
        y: measure.title().to_owned(),
        series: lines.collect(),
        ..LineChart::default()
    };
    let figures = [scatter.figure()?, chart.figure()?].into_iter().flatten().collect();
    let mut text = "Cells that were compared at the end by short trainings; the best one on held-out training images is the result. \
                    No test image takes part."
        .to_owned();
    if let Some(command) = train_command(run) {
        text += &format!(
            " The result is trained by `{command}`; any other with its genotype, or its file in the \
                  search's folder, in the place of that file."
        );
    }
    let mut section = Section::new("The finals", &text, figures);
    if !finalists.is_empty() {
        section.tables.push(("All finalists".to_owned(), table(&finalists, is_result, on_front)));
    }
    Ok(section)
}

/// The cells that no other one is both better and cheaper than, the cheapest first, as the search has them; `None` where all networks
/// were made equally large.
fn front(run: &Run, finalists: &[Finalist<'_>]) -> Option<Vec<usize>> {
    let config = run.started.as_ref().map(|started| &started.config);
    let setting = |group: &str, name: &str| config.and_then(|config| config.get(group)?.get(name));
    let equal = setting("finalists", "equal_cost").and_then(Value::as_bool).unwrap_or(false);
    let limits = ["parameters", "multiply_adds", "latency"];
    if equal || limits.iter().any(|name| setting("limits", name).is_some_and(|most| !most.is_null())) {
        return None;
    }
    let measure = run.measure();
    let candidate = |cell: &Finalist<'_>| {
        let cost = cell.first().map_or(f64::INFINITY, |(cost, _)| cost);
        (cost, cell.rounds.iter().map(|(_, score)| measure.merit(*score)).collect::<Vec<f64>>())
    };
    Some(front_of_rounds(&finalists.iter().map(candidate).collect::<Vec<_>>()))
}

fn name(index: usize) -> String {
    format!("cell {}", index + 1)
}

fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}

/// The cells, those that were in the most rounds first, and of these the best of the last one.
fn finalists(run: &Run) -> Vec<Finalist<'_>> {
    let (mut cells, mut places): (Vec<Finalist<'_>>, HashMap<&str, usize>) = Default::default();
    for (round, score) in run.evaluations.iter().filter_map(|of| Some((of.finalist.as_ref()?, of.score))) {
        let place = *places.entry(&round.genotype).or_insert(cells.len());
        match cells.get_mut(place) {
            // Of a round that is told twice, the later telling counts.
            Some(cell) => {
                cell.rounds.retain(|(known, _)| known.round < round.round);
                cell.rounds.push((round, score));
            }
            None => cells.push(Finalist { genotype: &round.genotype, rounds: vec![(round, score)] }),
        }
    }
    let higher = run.measure().higher_is_better;
    let last = |cell: &Finalist<'_>| {
        let score = cell.rounds.last().map_or(f64::NEG_INFINITY, |(_, score)| *score);
        if higher { score } else { -score }
    };
    cells.sort_by(|a, b| b.rounds.len().cmp(&a.rounds.len()).then(last(b).total_cmp(&last(a))));
    cells
}

fn table(
    cells: &[Finalist<'_>],
    is_result: impl Fn(&Finalist<'_>) -> bool,
    on_front: impl Fn(usize) -> Option<usize>,
) -> Table {
    let mut rounds: Vec<(u32, u64)> =
        cells.iter().flat_map(|cell| cell.rounds.iter().map(|(round, _)| (round.round, round.epochs))).collect();
    rounds.sort_unstable();
    rounds.dedup();
    let mut table = Table::new(["cell"]);
    table.header.extend(rounds.iter().map(|(_, epochs)| counted(*epochs, "epoch", "epochs")));
    table.header.extend(["parameters", "multiply-adds", "genotype"].map(str::to_owned));
    for (index, cell) in cells.iter().enumerate() {
        let mark = if is_result(cell) { ", the result" } else { "" };
        let file = on_front(index).map(|place| format!(", {}", run_folder::on_front(place)));
        let mut row = vec![format!("{}{mark}{}", name(index), file.unwrap_or_default())];
        row.extend(rounds.iter().map(|(number_of, _)| {
            let score = cell.rounds.iter().find(|(round, _)| round.round == *number_of);
            score.map_or(String::new(), |(_, score)| number(*score))
        }));
        let (parameters, multiply_adds) =
            cell.rounds.first().map_or((0, 0), |(round, _)| (round.parameters, round.multiply_adds));
        row.extend([parameters.to_string(), multiply_adds.to_string(), cell.genotype.to_owned()]);
        table.rows.push(row);
    }
    table
}
