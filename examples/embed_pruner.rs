//! EoiNAS's sampler and pruner around a trainer that is not ours.
//!
//! The "network" is a bandit: every op of every edge has a hidden quality, and the accuracy of a path is the mean quality
//! of its ops. What it is asked for is what any trainer has: an accuracy, and a loss gradient for each gate.
//!
//! ```text
//! cargo run --release --example embed_pruner
//! ```

use eoinas_core::schedule::Exponential;
use eoinas_core::{EdgeOpTable, Gates, SearchSpace, SeedStream, Streams};
use eoinas_gumbel::{Relaxation, Sampled, gumbel, temperature};
use eoinas_prune::{EoiNas, PruneScheduleConfig, PruneState, StatisticsConfig};

/// Somebody else's trainer.
struct Bandit {
    quality: EdgeOpTable<f64>,
}

impl Bandit {
    fn new(space: &SearchSpace) -> Self {
        let mut rng = Streams::new(1).rng(SeedStream::Named("bandit"), 0, 0);
        let mut quality = EdgeOpTable::filled(space, 0.0);
        for kind in space.kinds() {
            quality.matrix_mut(kind).fill_with(|| f64::from(gumbel(&mut rng)).clamp(-2.0, 4.0) / 10.0 + 0.4);
        }
        Self { quality }
    }

    /// The accuracy that the best op of every edge would give.
    fn best(&self, space: &SearchSpace) -> f64 {
        let best = space.edges().map(|id| self.quality[id].iter().copied().fold(0.0, f64::max));
        best.sum::<f64>() / space.edges().count() as f64
    }

    /// Accuracy of a path (0 to 1) and the gradient of its loss, which is `1 - accuracy`.
    fn run(&self, space: &SearchSpace, path: &Gates) -> (f64, Gates) {
        let mut gradient = path.zeros_like();
        let edges = space.edges().count() as f64;
        let mut accuracy = 0.0;
        for (id, gates) in space.edges().zip(gradient.kinds.iter_mut().flatten()) {
            for gate in gates {
                let quality = self.quality[id][gate.op];
                accuracy += quality / edges;
                gate.value = -quality as f32;
            }
        }
        (accuracy, gradient)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (space, epochs, steps) = (SearchSpace::nas_bench_201(), 16, 200);
    let bandit = Bandit::new(&space);

    // The search: from 5 ops to 1 on every edge, in 4 prunings.
    let streams = Streams::new(0);
    let hot_to_cold = Exponential::paper_temperature().rescaled(160.0, epochs as f64).into();
    let paper = PruneScheduleConfig::default();
    let schedule = paper.scaled_to(epochs, space.ops().len()).unwrap_or(paper);
    let indicator = EoiNas::default();
    let mut alphas = EdgeOpTable::filled(&space, 0f32);
    let mut state = PruneState::new(&space, StatisticsConfig::default())?;
    for epoch in 0..epochs {
        let t = temperature(&hot_to_cold, epoch as f64, epochs as f64)?;
        for step in 0..steps {
            let mut rng = streams.rng(SeedStream::WeightPath, epoch as u64, step);
            let trained = Sampled.sample(&alphas, state.alive(), &space, t, &mut rng)?;
            state.record_weight_step(&trained.gates)?; // a real trainer updates its weights here

            let mut rng = streams.rng(SeedStream::ArchPath, epoch as u64, step);
            let sample = Sampled.sample(&alphas, state.alive(), &space, t, &mut rng)?;
            let (accuracy, dgates) = bandit.run(&space, &sample.gates);
            state.record_arch_step(&sample.gates, accuracy)?;
            // Gradient descent. Slow, as the paper's: Eq. 7 favours ops that are rarely drawn, so that alphas which
            // soon make some ops rare would turn it against the good ones.
            Sampled.pullback_into(&sample, &dgates, -0.005, &mut alphas)?;
        }
        let prunings = schedule.prunings_after(epoch + 1, epochs);
        let pruned = state.prune(&space, &alphas, &indicator, prunings)?;
        let left = state.alive().max_count(&space);
        println!("epoch {epoch:2}  temperature {t:.3}  pruned {:2} ops, {left} an edge left", pruned.len());
    }

    let genotype = state.derive(&space, &alphas, &indicator)?;
    let (accuracy, _) = bandit.run(&space, &genotype.gates(&space)?);
    println!("{genotype}");
    println!("accuracy {accuracy:.3}; the best possible is {:.3}", bandit.best(&space));
    Ok(())
}
