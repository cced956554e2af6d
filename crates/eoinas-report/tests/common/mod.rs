//! Records made by hand, with every event that a run writes.
#![allow(dead_code, reason = "not every test uses all of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{fs, path::Path};

use eoinas_core::{
    AliveOps, CellKind, EdgeId, EdgeMap, EdgeOpTable, Event, Genotype, Measure, NumberInfo, Record, SearchSpace,
    Skeleton, TargetInfo,
    event::{DatasetInfo, EpochEnd, OpEvidence, PruneEvidence, RECORD_VERSION, RunStarted, SearchSnapshot, Task},
    zoo,
};

/// How far a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// To its end.
    Whole,
    /// To the end of an epoch.
    GoingOn,
}

fn save(dir: &Path, events: Vec<Event>) {
    let line = |(seq, event): (u64, Event)| Record { seq, elapsed_seconds: seq as f64 * 1.5, event }.to_line() + "\n";
    fs::write(dir.join("events.jsonl"), (0..).zip(events).map(line).collect::<String>()).unwrap();
}

fn started(task: Task, seed: u64, epochs: u64) -> RunStarted {
    RunStarted {
        record_version: RECORD_VERSION,
        program_version: "0.1.0".to_owned(),
        task,
        method: if task == Task::Search { "eoinas" } else { "training" }.to_owned(),
        space: (task == Task::Search).then(|| (&SearchSpace::darts()).into()),
        skeleton: Some(Skeleton { cells: 5, channels: 8, ..Skeleton::search() }),
        model: None,
        seed,
        epochs,
        config: serde_json::json!({ "data": { "dataset": "embedded", "dir": null }, "indicator": { "kind": "eoi_nas" } }),
        dataset: DatasetInfo {
            name: "embedded".to_owned(),
            train_images: 2000,
            valid_images: 2000,
            classes: vec!["disc".to_owned(), "ring".to_owned()],
            target: None,
        },
        genotype: None,
        command: ["cifar_search", "--out", "my runs"].map(str::to_owned).to_vec(),
        measure: None,
    }
}

/// A number that looks drawn, from 0 to 1.
fn drawn(a: usize, b: usize, c: u64) -> f64 {
    ((a * 31 + b * 17 + c as usize * 7) % 101) as f64 / 101.0
}

fn snapshot(space: &SearchSpace, alive: &AliveOps, epoch: u64, genotype: &Genotype) -> SearchSnapshot {
    let mut beta = EdgeOpTable::filled(space, 0.0);
    let mut indicator = EdgeOpTable::filled(space, None);
    for id in space.edges() {
        let EdgeId { kind, edge } = id;
        let sum: f64 = alive.ops(id).map(|op| 1.0 + drawn(edge, op, epoch)).sum();
        for op in alive.ops(id) {
            beta[id.op(op)] = (1.0 + drawn(edge, op, epoch)) / sum;
            indicator[id.op(op)] = (epoch > 0).then(|| 0.2 + drawn(op, edge + kind.0, epoch));
        }
    }
    SearchSnapshot {
        warm_up: epoch == 0,
        temperature: Some(5.0 * 0.8f64.powi(epoch as i32)),
        alive: alive.clone(),
        alive_ops: space.edges().map(|id| alive.count(id) as u64).sum(),
        entropy: vec![2.0 - 0.1 * epoch as f64; 2],
        alphas: beta.map(|beta| *beta as f32),
        beta,
        edges: Some(EdgeMap::filled(space, 0.5)),
        counts: Some(EdgeOpTable::filled(space, 8)),
        accuracies: Some(EdgeOpTable::filled(space, Some(0.25))),
        indicator: Some(indicator),
        genotype: Some(genotype.to_string()),
    }
}

fn epoch_end(epoch: u64, search: Option<SearchSnapshot>) -> Event {
    Event::EpochEnd(Box::new(EpochEnd {
        epoch,
        steps: (epoch + 1) * 63,
        train_loss: if epoch == 1 { f64::NAN } else { 2.3 - 0.1 * epoch as f64 },
        train_accuracy: 0.1 + 0.05 * epoch as f64,
        valid_loss: Some(2.2 - 0.1 * epoch as f64),
        valid_accuracy: Some(0.12 + 0.05 * epoch as f64),
        valid_top5: search.is_none().then_some(0.9),
        learning_rate: 0.025,
        search,
        ..EpochEnd::default()
    }))
}

/// A search in the DARTS space that prunes one op of every edge after epochs 2 and 4.
pub fn search(dir: &Path, epochs: u64, made: Made) {
    let space = SearchSpace::darts();
    let genotype = zoo::find("eoinas-a").unwrap().genotype();
    let mut alive = AliveOps::all(&space);
    let mut events = vec![Event::RunStarted(Box::new(started(Task::Search, 0, 6)))];
    for epoch in 0..epochs {
        events.push(Event::EpochStarted { epoch, epochs: 6 });
        let shot = snapshot(&space, &alive, epoch, &genotype);
        let indicator = shot.indicator.clone().unwrap();
        events.push(epoch_end(epoch, Some(shot)));
        if epoch == 2 || epoch == 4 {
            for id in space.edges() {
                let values: Vec<(usize, Option<f64>)> = alive.ops(id).map(|op| (op, indicator[id.op(op)])).collect();
                let op = values.iter().min_by(|a, b| a.1.partial_cmp(&b.1).unwrap()).unwrap().0;
                alive.prune(id.op(op)).unwrap();
                events.push(pruned(epoch, id.kind, id.edge, op, &space, values));
            }
        }
    }
    if made == Made::Whole {
        events.push(Event::Derived {
            text: genotype.to_string(),
            genotype: serde_json::from_str(&genotype.to_json()).unwrap(),
            parameters: Some(3_400_000),
            multiply_adds: Some(540_000_000),
        });
        let what = "derived network, whole validation half".to_owned();
        events.push(Event::Evaluated { what, accuracy: 0.625, loss: 1.1, images: 2000, score: None, finalist: None });
        events.push(Event::RunEnded { epochs, steps: epochs * 63 });
    }
    save(dir, events);
}

fn pruned(
    epoch: u64,
    kind: CellKind,
    edge: usize,
    op: usize,
    space: &SearchSpace,
    indicator: Vec<(usize, Option<f64>)>,
) -> Event {
    let (name, reason) = (space.ops()[op].name().to_owned(), "lowest_indicator".to_owned());
    // Two ops that chance tells apart, and one that it does not.
    let of = |(at, (op, _)): (usize, &(usize, Option<f64>))| {
        let mean = if *op == edge % 8 { 0.3 } else { 0.4 + 0.001 * at as f64 };
        OpEvidence { op: *op, draws: 10 + at as u64, mean, error: Some(0.02) }
    };
    let next = indicator.iter().find(|(other, _)| *other != op).unwrap().0;
    let next_name = space.ops()[next].name().to_owned();
    let evidence = Some(PruneEvidence { next, next_name, ops: indicator.iter().enumerate().map(of).collect() });
    Event::Pruned { epoch, kind, edge, op, name, reason, indicator, evidence }
}

/// A search or training of numbers: its record as [`search`] or [`training`] made it, with R2 in the place of accuracies.
pub fn of_numbers(dir: &Path) {
    let path = dir.join("events.jsonl");
    let records = fs::read_to_string(&path).unwrap();
    let records = records.lines().map(|line| {
        let mut record = Record::from_line(line).unwrap();
        match &mut record.event {
            Event::RunStarted(started) => {
                let number = |name: &str| NumberInfo { name: name.into(), unit: String::new(), mean: 0.0, std: 1.0 };
                started.measure = Some(Measure::higher("R2"));
                started.dataset.classes.clear();
                started.dataset.target = Some(TargetInfo::Numbers(vec![number("angle"), number("length")]));
            }
            Event::EpochEnd(end) => {
                (end.train_score, end.valid_score) = (Some(end.train_accuracy - 1.0), end.valid_accuracy);
                (end.train_accuracy, end.valid_accuracy, end.valid_top5) = (0.0, None, None);
            }
            Event::Evaluated { accuracy, score, .. } => (*score, *accuracy) = (Some(*accuracy), 0.0),
            _ => {}
        }
        record.to_line() + "\n"
    });
    fs::write(&path, records.collect::<String>()).unwrap();
}

/// A training of the DARTS cell that ends with an accuracy of 60 % and 1 % more for each seed.
pub fn training(dir: &Path, seed: u64, epochs: u64) {
    training_of("darts-v2", dir, seed, epochs, false);
}

/// The same of another cell; with cutout 10 % more.
pub fn training_of(cell: &str, dir: &Path, seed: u64, epochs: u64, cutout: bool) {
    training_with(&zoo::find(cell).unwrap().genotype(), dir, seed, epochs, cutout);
}

/// The same of any cell.
pub fn training_with(genotype: &Genotype, dir: &Path, seed: u64, epochs: u64, cutout: bool) {
    let mut start = started(Task::Train, seed, epochs);
    start.config = serde_json::json!({ "augment": { "cutout": if cutout { 16 } else { 0 } } });
    start.genotype = Some(serde_json::from_str(&genotype.to_json()).unwrap());
    let mut events = vec![Event::RunStarted(Box::new(start))];
    events.extend((0..epochs).map(|epoch| epoch_end(epoch, None)));
    let what = "trained network, test part".to_owned();
    events.push(Event::Evaluated {
        what,
        accuracy: 0.6 + seed as f64 / 100.0 + if cutout { 0.1 } else { 0.0 },
        loss: 1.0,
        images: 1000,
        score: None,
        finalist: None,
    });
    events.push(Event::RunEnded { epochs, steps: epochs * 63 });
    save(dir, events);
}
