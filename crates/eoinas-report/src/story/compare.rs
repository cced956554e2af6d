//! Several runs beside each other.

use std::collections::BTreeMap;

use eoinas_core::{Measure, event::EpochEnd, statistics::mean_and_deviation};

use super::{Section, alone};
use crate::{
    error::Result,
    format::{nth, sentence},
    plot::{Figure, LineChart, Point, Scatter, Series},
    record::{Run, Source, valid_score},
};

/// A value of an epoch.
type Value = fn(&EpochEnd) -> Option<f64>;

/// Curves of each source with mean and deviation over its runs, and accuracy against what the networks cost; searches and
/// trainings apart, since what one says of a supernet and the other of a trained network cannot be compared; of a correlation
/// study its figure, first of all. Nothing of a single run.
///
/// # Errors
/// The plotting library fails.
pub fn compare(sources: &[Source]) -> Result<Vec<Section>> {
    let mut sections: Vec<Section> = alone::section(sources)?.into_iter().collect();
    for (what, search) in [("trainings", false), ("searches", true)] {
        let of_kind = |source: &Source| {
            let runs: Vec<Run> = source.runs.iter().filter(|run| run.is_search() == search).cloned().collect();
            (!runs.is_empty()).then(|| Source { runs, ..source.clone() })
        };
        let sources: Vec<Source> = sources.iter().filter_map(of_kind).collect();
        if sources.iter().map(|source| source.runs.len()).sum::<usize>() > 1 {
            sections.push(section(&sources, what)?);
        }
    }
    Ok(sections)
}

fn section(sources: &[Source], what: &str) -> Result<Section> {
    let mut figures = Vec::new();
    let by_measure = by_measure(sources);
    for (measure, sources) in &by_measure {
        let title = format!("{} of the {what}", sentence(measure.title()));
        figures.extend(means(sources, &title, measure.title(), valid_score)?);
    }
    let curves: [(&str, &str, Value); 2] = [
        ("Training loss", "nats", |end| Some(end.train_loss)),
        ("Alive ops", "ops", |end| Some(end.search.as_ref()?.alive_ops as f64)),
    ];
    for (title, unit, value) in curves {
        figures.extend(means(sources, &format!("{title} of the {what}"), unit, value)?);
    }
    let of = if what == "searches" { " of the searches" } else { "" };
    for (measure, sources) in &by_measure {
        let title = |cost: &str| format!("{} against {cost}{of}", sentence(measure.title()));
        let y = measure.title();
        figures.extend(costs(sources, (&title("parameters"), "parameters [M]", y), |counts| counts.parameters)?);
        figures
            .extend(costs(sources, (&title("multiply-adds"), "multiply-adds [M]", y), |counts| counts.multiply_adds)?);
    }
    let text = if sources.iter().any(|source| source.runs.len() > 1) {
        "Lines are means over seeds or trials, bands their standard deviations, thin lines the single runs."
    } else {
        ""
    };
    Ok(Section::new(&format!("The {what} beside each other"), text, figures))
}

/// The sources apart by what their scores are, which cannot be compared else.
fn by_measure(sources: &[Source]) -> Vec<(Measure, Vec<Source>)> {
    let mut measures: Vec<Measure> = Vec::new();
    for run in sources.iter().flat_map(|source| &source.runs) {
        if !measures.contains(&run.measure()) {
            measures.push(run.measure());
        }
    }
    let of = |measure: &Measure| {
        let runs = |source: &Source| source.runs.iter().filter(|run| run.measure() == *measure).cloned().collect();
        let with = |source: &Source| Source { runs: runs(source), ..source.clone() };
        sources.iter().map(with).filter(|source: &Source| !source.runs.is_empty()).collect()
    };
    measures.into_iter().map(|measure| (measure.clone(), of(&measure))).collect()
}

/// The value of an epoch in each of the runs.
fn by_epoch(runs: &[Run], value: Value) -> BTreeMap<u64, Vec<f64>> {
    let mut epochs: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for end in runs.iter().flat_map(|run| &run.epochs) {
        if let Some(value) = value(&end.what).filter(|value| value.is_finite()) {
            epochs.entry(nth(end.what.epoch)).or_default().push(value);
        }
    }
    epochs
}

fn means(sources: &[Source], title: &str, unit: &str, value: Value) -> Result<Option<Figure>> {
    let mut series = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let epochs = by_epoch(&source.runs, value);
        let several = source.runs.len() > 1;
        let (mut points, mut band) = (Vec::new(), Vec::new());
        for (epoch, values) in &epochs {
            let Some((mean, deviation)) = mean_and_deviation(values) else { continue };
            points.push((*epoch as f64, mean));
            band.push((mean - deviation, mean + deviation));
        }
        let name =
            if several { format!("{} (mean of {})", source.name, source.runs.len()) } else { source.name.clone() };
        let band = if several { band } else { Vec::new() };
        series.push(Series { name, points, band, color: Some(index), dashed: index % 2 == 1, ..Series::default() });
        if several {
            for run in &source.runs {
                let points = by_epoch(std::slice::from_ref(run), value);
                let points = points.iter().filter_map(|(epoch, values)| Some((*epoch as f64, *values.first()?)));
                let (name, points) = (format!("{}/{}", source.name, run.name), points.collect());
                series.push(Series { name, points, color: Some(index), faint: true, ..Series::default() });
            }
        }
    }
    let (title, x, y) = (title.to_owned(), "epoch".to_owned(), unit.to_owned());
    LineChart { title, x, y, series, ..LineChart::default() }.figure()
}

/// A point for each run whose network's costs are known.
fn costs(
    sources: &[Source],
    (title, x, y): (&str, &str, &str),
    cost: fn(&eoinas_core::Counts) -> u64,
) -> Result<Option<Figure>> {
    let point = |(group, source): (usize, &Source)| {
        let points = source.runs.iter().filter_map(|run| {
            let (score, _) = run.score()?;
            let at = (cost(&run.costs()?) as f64 / 1e6, score);
            Some(Point { name: source.title(run), at, deviation: 0.0, group })
        });
        points.collect::<Vec<_>>()
    };
    let scatter = Scatter {
        title: title.to_owned(),
        caption: if sources.iter().flat_map(|source| &source.runs).any(Run::is_search) {
            format!("Costs are those of the network to be retrained, the {y} is the search's own.")
        } else {
            String::new()
        },
        x: x.to_owned(),
        y: y.to_owned(),
        points: sources.iter().enumerate().flat_map(point).collect(),
        groups: sources.iter().map(|source| source.name.clone()).collect(),
        named: false,
        ..Scatter::default()
    };
    scatter.figure()
}
