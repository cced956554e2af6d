//! Losses, accuracies, schedules, and how many ops are left.

use eoinas_core::{CellKind, EdgeId, TargetInfo, TargetKind, event::EpochEnd};

use super::{Section, cells::marks};
use crate::{
    error::Result,
    format::sentence,
    plot::{LineChart, Series},
    record::{Run, train_score, valid_score},
    theme,
};

fn line(run: &Run, name: &str, dashed: bool, value: impl Fn(&EpochEnd) -> Option<f64>) -> Series {
    let points = run.epochs.iter().filter_map(|end| Some((end.what.epoch as f64 + 1.0, value(&end.what)?)));
    Series { name: name.to_owned(), points: points.collect(), dashed, ..Series::default() }
}

pub(super) fn chart(run: &Run, title: &str, caption: &str, y: &str, mut series: Vec<Series>) -> LineChart {
    series.retain(|series| series.points.iter().any(|(_, y)| y.is_finite()));
    LineChart {
        title: title.to_owned(),
        caption: caption.to_owned(),
        x: "epoch".to_owned(),
        y: y.to_owned(),
        series,
        marks: marks(run),
        ..LineChart::default()
    }
}

pub(super) fn section(run: &Run) -> Result<Section> {
    let search = run.is_search();
    let measured = if search { "validation" } else { "test" };
    let dashes = if run.prunings.is_empty() { "" } else { " Vertical lines: prunings." };
    let measure = run.measure();
    let classes = measure.is_accuracy();
    let (title, caption) = match classes {
        true => ("Accuracy".to_owned(), "Share of images that are classified right.".to_owned()),
        false => {
            let better = if measure.higher_is_better { "Higher" } else { "Lower" };
            (sentence(measure.title()), format!("Score by {}. {better} is better.", measure.title()))
        }
    };
    let score = LineChart {
        from_zero: classes,
        most: classes.then_some(1.0),
        ..chart(
            run,
            &title,
            &format!("{caption}{dashes}"),
            measure.title(),
            vec![
                line(run, "training", false, train_score),
                line(run, measured, true, valid_score),
                line(run, &format!("{measured}, among five"), true, |end| end.valid_top5),
            ],
        )
    };
    let target = run.started.as_ref().and_then(|started| started.dataset.target.as_ref()).map(TargetInfo::kind);
    let (loss, unit) = match target.unwrap_or_default() {
        TargetKind::Classes => ("Mean cross entropy", "nats"),
        TargetKind::Numbers => {
            ("Mean squared error, each number on the scale of its standard deviation", "squared deviations")
        }
        TargetKind::Labels => ("Mean binary cross entropy", "nats"),
    };
    let loss = chart(
        run,
        "Loss",
        &format!("{loss}; epochs where it was not finite are left out."),
        unit,
        vec![line(run, "training", false, |end| Some(end.train_loss)), line(run, measured, true, |end| end.valid_loss)],
    );
    let rate = chart(
        run,
        "Learning rate",
        "Learning rate of the weights.",
        "learning rate",
        vec![line(run, "learning rate", false, |end| Some(end.learning_rate))],
    );
    let drop = chart(
        run,
        "Drop-path",
        "Probability of dropping a path.",
        "probability",
        vec![line(run, "drop-path", false, |end| (end.drop_path > 0.0).then_some(end.drop_path))],
    );
    let temperature = chart(
        run,
        "Temperature",
        "Temperature T of the samples (Eq. 5).",
        "T",
        vec![line(run, "temperature", false, |end| end.search.as_ref()?.temperature)],
    );
    let mut charts = vec![score, loss, temperature, entropy(run), rate, drop];
    charts.retain(|chart| !chart.series.is_empty());
    let figures = charts.iter().map(LineChart::figure).collect::<Result<Vec<_>>>()?;
    Ok(Section::new("Curves", "", figures.into_iter().flatten().collect()))
}

fn entropy(run: &Run) -> LineChart {
    let kinds = run.space().map(|(space, _)| space.cells).unwrap_or_default();
    let series = kinds
        .iter()
        .enumerate()
        .map(|(kind, cell)| line(run, &cell.name, kind == 1, |end| end.search.as_ref()?.entropy.get(kind).copied()));
    let caption = "Mean entropy of the architecture weights β (Eq. 2) over the edges: that of n equal weights is ln n.";
    LineChart {
        from_zero: true,
        ..chart(run, "Entropy of the architecture weights", caption, "nats", series.collect())
    }
}

/// How many edges still have each op, and on how many it is the strongest.
pub(super) fn ops(run: &Run) -> Result<Section> {
    let Some((space, _)) = run.space() else { return Ok(Section::default()) };
    let edges = || {
        space.cells.iter().enumerate().flat_map(|(kind, cell)| (0..cell.edges.len()).map(move |e| (CellKind(kind), e)))
    };
    let colours = space.ops.iter().map(|name| theme::own(name)).collect();
    let alive = space.ops.iter().enumerate().map(|(op, name)| {
        line(run, name, false, |end| {
            let alive = &end.search.as_ref()?.alive;
            Some(edges().filter(|(kind, edge)| alive.contains(EdgeId::new(*kind, *edge).op(op))).count() as f64)
        })
    });
    let strongest = space.ops.iter().enumerate().filter(|(_, name)| matches!(name.as_str(), "none" | "skip_connect"));
    let strongest = strongest.map(|(op, name)| {
        line(run, name, name == "none", |end| {
            let search = end.search.as_ref()?;
            let wins = |(kind, edge): &(CellKind, usize)| {
                let beta = search.beta.get(EdgeId::new(*kind, *edge)).unwrap_or_default();
                let own = beta.get(op).copied().unwrap_or(0.0);
                search.alive.contains(EdgeId::new(*kind, *edge).op(op))
                    && beta.iter().enumerate().all(|(other, b)| other == op || *b < own)
            };
            Some(edges().filter(wins).count() as f64)
        })
    });
    let total = line(run, "alive ops", false, |end| Some(end.search.as_ref()?.alive_ops as f64));
    let from_zero = |chart| LineChart { from_zero: true, ..chart };
    let alive = LineChart {
        inks: colours,
        ..from_zero(chart(run, "Edges that still have each op", "Over both kinds of cell.", "edges", alive.collect()))
    };
    let caption = "Edges on which none or skip_connect has the largest architecture weight of all: a search that \
                   collapses is seen here first.";
    let strongest = from_zero(chart(run, "Edges won by none and skip_connect", caption, "edges", strongest.collect()));
    let total = from_zero(chart(run, "Alive ops", "Over all edges and both kinds of cell.", "ops", vec![total]));
    let figures = [alive.figure()?, strongest.figure()?, total.figure()?];
    Ok(Section::new("Which ops are left", "", figures.into_iter().flatten().collect()))
}
