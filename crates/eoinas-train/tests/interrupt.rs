//! An interrupt within a step ends it, and what goes on from there ends in the same bytes as a run that was not interrupted.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use candle_core::Tensor;
use common::*;
use eoinas_core::{
    Measure, TargetKind, Targets,
    models::{Design, ModelConfig, ModelKind},
};
use eoinas_kernels::Workspace;
use eoinas_nn::{
    NnError, Task,
    task::{Classes, Grade, Loss},
};
use eoinas_train::{MethodKind, Options, Outcome, Search, StopReason, TrainConfig, Training, stop::Interrupt};

/// What counts as a long step.
const LONG: Duration = Duration::from_secs(2);

/// Classes; the loss of pass number `at`, which is between its two halves, is when somebody interrupts. The first pass takes `first`.
#[derive(Debug)]
struct Interrupted {
    interrupt: Interrupt,
    passes: AtomicUsize,
    at: usize,
    first: Duration,
}

impl Task for Interrupted {
    fn kind(&self) -> TargetKind {
        Classes.kind()
    }

    fn measure(&self) -> Measure {
        Classes.measure()
    }

    fn loss(&self, workspace: &Workspace, logits: &Tensor, targets: &Targets, smoothing: f32) -> Result<Loss, NnError> {
        match self.passes.fetch_add(1, Ordering::Relaxed) + 1 {
            pass if pass == self.at => self.interrupt.raise(),
            1 => sleep(self.first),
            _ => {}
        }
        Classes.loss(workspace, logits, targets, smoothing)
    }

    fn grade(&self, logits: &Tensor, targets: &Targets, loss: &Loss) -> Result<Grade, NnError> {
        Classes.grade(logits, targets, loss)
    }
}

/// Options of a run that is interrupted in a pass, from 1.
fn interrupted(at: usize, first: Duration) -> Options {
    let interrupt = Interrupt::default();
    let task = Interrupted { interrupt: interrupt.clone(), passes: AtomicUsize::new(0), at, first };
    Options { task: Some(Arc::new(task)), rules: vec![Box::new(interrupt)], ..options() }
}

/// Steps that are saved.
fn saved(run: &Path) -> usize {
    let name = newest(run).file_name().unwrap().to_str().unwrap().to_owned();
    name.trim_start_matches("step-").parse().unwrap()
}

/// Interrupts a search in a pass, asks for the number of steps that are saved then, and goes on.
fn search(at: usize, first: Duration, steps: usize) {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let config = of(MethodKind::Gdas, 2);
    Search::create(config.clone(), &whole, options()).unwrap().run().unwrap();
    let outcome = Search::create(config, &parts, interrupted(at, first)).unwrap().run().unwrap();
    assert_eq!((outcome, saved(&parts)), (Outcome::Stopped(StopReason::Interrupted), steps), "pass {at}");
    assert!(matches!(Search::resume(&parts, options()).unwrap().run().unwrap(), Outcome::Done(_)));
    assert_same(&whole, &parts);
}

/// A step has a pass for the weights, which move, and one for the alphas. One that is short, and has no checkpoint before it, is
/// waited for.
#[test]
fn a_search_goes_on_from_before_the_step() {
    search(2, Duration::ZERO, 0);
    search(4, Duration::ZERO, 2);
    search(6, Duration::ZERO, 2);
    search(4, LONG, 1);
}

/// An update has two mini-batches.
#[test]
fn a_training_goes_on_from_before_the_update() {
    let dir = tempfile::tempdir().unwrap();
    let model = ModelConfig { depth: Some(8), width: 0.1, ..ModelConfig::new(ModelKind::ResNet20) };
    // One loss a pass.
    let of_cell = TrainConfig { auxiliary: 0.0, epochs: 2, ..tiny_training() };
    let of_model = TrainConfig { drop_path: 0.0, ..of_cell.clone() };
    for (name, config, design) in [("cell", of_cell, Design::from(cell())), ("model", of_model, Design::Model(model))] {
        let (whole, parts) = (dir.path().join(format!("{name}-whole")), dir.path().join(name));
        Training::create((config.clone(), design.clone()), &whole, options()).unwrap().run().unwrap();
        for (at, first, steps) in [(1, Duration::ZERO, 0), (2, Duration::ZERO, 0), (4, LONG, 1)] {
            let run = parts.join(format!("{at}"));
            let task = (config.clone(), design.clone());
            let outcome = Training::create(task, &run, interrupted(at, first)).unwrap().run().unwrap();
            assert_eq!((outcome, saved(&run)), (Outcome::Stopped(StopReason::Interrupted), steps), "{name} {at}");
            assert!(matches!(Training::resume(&run, options()).unwrap().run().unwrap(), Outcome::Done(_)));
            assert_same(&whole, &run);
        }
    }
}
