//! One draw of a pass: ops and edges, what the supernet runs of them, and the way back.

use eoinas_core::{EdgeId, EdgeMap, EdgeOpTable, Gate, Gates, SearchSpace};
use eoinas_gumbel::{EdgeMode, EdgeSample, Relaxation, Sample};

use crate::{
    error::Result,
    learner::{ArchGradient, Learner},
};

/// The gates of the ops and the weights of the edges. The supernet runs each gate times its edge's weight, and with partial
/// channels gives what passes by the weight alone: both are what the edge gives to its node.
#[derive(Clone, Debug)]
pub struct Path {
    sample: Sample,
    edges: EdgeSample,
    /// Gates times weights; `None` where edges count alike.
    run: Option<Gates>,
    /// The index that the gate of what passes by has.
    passed_by: Option<usize>,
}

impl Path {
    /// The path of a draw of ops and one of edges, each from `learner`'s parameters.
    pub fn new(learner: &Learner, mut sample: Sample, edges: EdgeSample) -> Self {
        let passed_by = (learner.supernet.partial_channels() != 1).then(|| learner.space().ops().len());
        let mut run = None;
        if learner.edge_mode() != EdgeMode::Equal {
            for (id, gates) in sample.gates.iter_mut() {
                if edges.weights[id] == 0.0 {
                    gates.clear();
                }
            }
            let mut weighed = sample.gates.clone();
            for (id, gates) in weighed.iter_mut() {
                let weight = edges.weights[id];
                gates.iter_mut().for_each(|gate| gate.value *= weight);
                if let Some(op) = passed_by.filter(|_| !gates.is_empty()) {
                    gates.push(Gate { op, value: weight });
                }
            }
            run = Some(weighed);
        }
        Self { sample, edges, run, passed_by }
    }

    /// The path of gates that were chosen, every edge counting alike: it has no gradient.
    pub fn chosen(learner: &Learner, gates: Gates) -> Self {
        let space = learner.space();
        let sample = Sample { gates, soft: EdgeOpTable::filled(space, 0.0), temperature: 1.0, slopes: None };
        let (weights, soft) = (EdgeMap::filled(space, 1.0), EdgeMap::filled(space, 0.0));
        Self { sample, edges: EdgeSample { weights, soft, temperature: 1.0 }, run: None, passed_by: None }
    }

    /// The gates of the ops, for the statistics; none on an edge that the topology leaves out.
    pub fn gates(&self) -> &Gates {
        &self.sample.gates
    }

    /// What the supernet runs.
    pub fn run(&self) -> &Gates {
        self.run.as_ref().unwrap_or(&self.sample.gates)
    }

    /// Adds `scale` times the gradient of the architecture parameters to `out`, given that of what was run: by the product
    /// rule to gates and weights, and from there through their own softmax.
    ///
    /// # Errors
    /// Gradients of gates that were not run.
    pub fn pullback_into(
        &self,
        learner: &Learner,
        relaxation: &dyn Relaxation,
        drun: &Gates,
        scale: f64,
        out: &mut ArchGradient,
    ) -> Result<()> {
        if self.run.is_none() {
            return Ok(relaxation.pullback_into(&self.sample, drun, scale, &mut out.ops)?);
        }
        let space = learner.space();
        let (mut dgates, mut dweights) = (drun.clone(), EdgeMap::filled(space, 0f64));
        for (gates, (id, gradients)) in self.sample.gates.kinds.iter().flatten().zip(dgates.iter_mut()) {
            let weight = self.edges.weights[id];
            let value = |op: usize| match gates.iter().find(|gate| gate.op == op) {
                Some(gate) => gate.value,
                None => f32::from(u8::from(self.passed_by == Some(op))),
            };
            dweights[id] =
                gradients.iter().map(|gradient| f64::from(gradient.value) * f64::from(value(gradient.op))).sum();
            gradients.retain(|gradient| self.passed_by != Some(gradient.op));
            gradients.iter_mut().for_each(|gradient| gradient.value *= weight);
        }
        relaxation.pullback_into(&self.sample, &dgates, scale, &mut out.ops)?;
        Ok(learner.edge_mode().pullback_into(space, &self.edges, &dweights, scale, &mut out.edges)?)
    }
}

/// The gates of one op an edge, as `op` chooses it; an edge without one runs nothing.
pub fn one_hot(space: &SearchSpace, op: impl Fn(EdgeId) -> Option<usize>) -> Gates {
    Gates::from_fn(space, |id| op(id).map(|op| Gate { op, value: 1.0 }).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use eoinas_core::{SeedStream, Skeleton, Streams};
    use eoinas_gumbel::Softmax;
    use eoinas_nn::{Batch, Operations, PassOptions, PassOutput, Wanted};
    use rand::Rng;

    use super::*;
    use crate::{config::SearchConfig, learner::LearnerSettings};

    fn learner() -> Learner {
        let skeleton = Skeleton { channels: 8, cells: 3, classes: 5, ..Skeleton::search() }.with_image(3, 8, 8);
        let settings =
            LearnerSettings { partial_channels: Some(4), edges: EdgeMode::Normalised, ..LearnerSettings::default() };
        let config = SearchConfig::paper();
        let mut learner =
            Learner::new(&config, settings, &SearchSpace::darts(), &skeleton, &Operations::built_in(), &Device::Cpu)
                .unwrap();
        let space = learner.space().clone();
        for id in space.edges() {
            learner.edges[id] = 0.2 * ((5 * id.edge + id.kind.0) % 7) as f32 - 0.6;
            for (op, alpha) in learner.alphas[id].iter_mut().enumerate() {
                *alpha = 0.1 * ((3 * op + id.edge) % 5) as f32;
            }
        }
        learner
    }

    fn path(learner: &Learner, alphas: &EdgeOpTable<f32>, edges: &EdgeMap<f32>) -> Path {
        let mut rng = Streams::new(0).rng(SeedStream::ArchPath, 0, 0);
        let sample = Softmax.sample(alphas, learner.alive(), learner.space(), 1.0, &mut rng).unwrap();
        let edges = learner.edge_mode().sample(edges, learner.space(), 1.0, &mut rng).unwrap();
        Path::new(learner, sample, edges)
    }

    fn pass(learner: &Learner, path: &Path) -> PassOutput {
        let mut rng = Streams::new(4).rng(SeedStream::Named("test batch"), 0, 0);
        let pixels = (0..4 * 8 * 8 * 3).map(|_| (rng.next_u32() >> 8) as f32 / (1 << 22) as f32 - 2.0).collect();
        let batch = Batch::from_pixels(pixels, (4, 8, 8, 3), vec![0, 1, 2, 3], &Device::Cpu).unwrap();
        learner.pass(&batch, path.run(), Wanted::GATES, &PassOptions::default()).unwrap()
    }

    /// Through the softmax of ops and edges, what passes by, and all cells of a kind. The loss is computed in f32, and ReLU
    /// and max pooling have kinks: hence the steps and bounds.
    #[test]
    fn gradients_of_ops_and_edges_are_the_slopes_of_the_loss() {
        let learner = learner();
        let drawn = path(&learner, &learner.alphas, &learner.edges);
        let output = pass(&learner, &drawn);
        let mut gradient = ArchGradient::zeros(learner.space());
        drawn.pullback_into(&learner, &Softmax, &output.gate_gradients.unwrap(), 1.0, &mut gradient).unwrap();
        let largest = |values: Vec<f32>| values.iter().fold(0f32, |max, value| max.max(value.abs()));
        let kinds = || learner.space().kinds();
        let of_edges = largest(kinds().flat_map(|kind| gradient.edges.kind(kind).to_vec()).collect());
        let of_ops = largest(kinds().flat_map(|kind| gradient.ops.matrix(kind).to_vec()).collect());
        let check = |what: String, got: f32, largest: f32, at: &dyn Fn(f32) -> f64| {
            let (slope, got) = ((at(0.01) - at(-0.01)) / 0.02, f64::from(got));
            assert!((slope - got).abs() < 0.03 * got.abs() + 0.02 * f64::from(largest), "{what}: {slope} {got}");
        };
        for id in learner.space().edges().step_by(3) {
            let got = gradient.edges[id];
            check(id.to_string(), got, of_edges, &|step| {
                let mut edges = learner.edges.clone();
                edges[id] += step;
                pass(&learner, &path(&learner, &learner.alphas, &edges)).loss
            });
            let op = id.edge % 8;
            check(format!("{id}, op {op}"), gradient.ops[id][op], of_ops, &|step| {
                let mut alphas = learner.alphas.clone();
                alphas[id.op(op)] += step;
                pass(&learner, &path(&learner, &alphas, &learner.edges)).loss
            });
        }
    }
}
