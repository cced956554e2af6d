//! Tiny networks, batches and gates, and finite differences.
#![allow(dead_code, clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use eoinas_core::{AliveOps, CellKind, EdgeId, Gate, Gates, SearchSpace, SeedStream, Skeleton, Streams};
use eoinas_nn::{Batch, Operations, Parameters, Supernet, WeightGradients};
use rand::Rng;

pub fn unit(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32
}

pub fn tiny(space: &SearchSpace, cells: usize) -> Skeleton {
    let base = if space.name() == "nas-bench-201" { Skeleton::nas_bench_201(1) } else { Skeleton::search() };
    Skeleton { channels: 4, cells, classes: 5, ..base }.with_image(3, 9, 8)
}

pub fn supernet(space: &SearchSpace, skeleton: &Skeleton) -> Supernet {
    Supernet::new(space, skeleton, &Operations::built_in(), &Streams::new(5), &Device::Cpu).unwrap()
}

pub fn batch(skeleton: &Skeleton, samples: usize, index: u64) -> Batch {
    let mut rng = Streams::new(11).rng(SeedStream::Named("test batch"), 0, index);
    let (h, w, c) = (skeleton.height, skeleton.width, skeleton.image_channels);
    let pixels = (0..samples * h * w * c).map(|_| 4.0 * unit(&mut rng) - 2.0).collect();
    let labels: Vec<u32> = (0..samples).map(|_| rng.next_u32() % skeleton.classes as u32).collect();
    Batch::from_pixels(pixels, (samples, h, w, c), labels, &Device::Cpu).unwrap()
}

/// One alive op an edge, drawn.
pub fn path(space: &SearchSpace, alive: &AliveOps, seed: u64) -> Gates {
    let mut rng = Streams::new(seed).rng(SeedStream::WeightPath, 0, 0);
    gates(space, |kind, edge| {
        let ops: Vec<usize> = alive.ops(EdgeId::new(CellKind(kind), edge)).collect();
        vec![Gate { op: ops[rng.next_u32() as usize % ops.len()], value: 1.0 }]
    })
}

/// Every alive op with some weight.
pub fn mixture(space: &SearchSpace, alive: &AliveOps) -> Gates {
    let mut rng = Streams::new(3).rng(SeedStream::WeightPath, 0, 0);
    gates(space, |kind, edge| {
        let ops = alive.ops(EdgeId::new(CellKind(kind), edge));
        ops.map(|op| Gate { op, value: 0.2 + 0.6 * unit(&mut rng) }).collect()
    })
}

pub fn gates(space: &SearchSpace, mut edge: impl FnMut(usize, usize) -> Vec<Gate>) -> Gates {
    let cells = space.cells().iter().enumerate();
    Gates { kinds: cells.map(|(kind, cell)| (0..cell.edges.len()).map(|e| edge(kind, e)).collect()).collect() }
}

/// Compares the gradient of every parameter with the slope of the loss along it. The difference is allowed to be a few
/// percent of the whole gradient's norm: the loss is computed in f32, and ReLU and max pooling have kinks.
pub fn check_weights(
    parameters: impl Fn() -> std::collections::HashMap<String, Tensor>,
    gradients: &WeightGradients,
    names: &Parameters,
    mut loss: impl FnMut(&std::collections::HashMap<String, Tensor>) -> f64,
) {
    const STEP: f64 = 2e-4;
    let whole = gradients.norm().unwrap();
    let before: std::collections::HashMap<String, Tensor> =
        parameters().into_iter().map(|(name, tensor)| (name, tensor.copy().unwrap())).collect();
    for (index, (id, gradient)) in gradients.iter().enumerate() {
        let name = names.get(id).unwrap().name().to_owned();
        let norm = crate::common::flat(gradient).iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        // Of the many ops of a supernet, every seventh parameter: all families come up.
        let sampled = gradients.len() < 100 || index % 7 == 0 || !name.contains("edges");
        if norm < 1e-3 * whole || !sampled {
            continue;
        }
        let mut at = |step: f64| {
            let mut moved = before.clone();
            moved.insert(name.clone(), (&before[&name] + gradient.affine(step / norm, 0.0).unwrap()).unwrap());
            loss(&moved)
        };
        let slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        assert!((slope - norm).abs() < 0.03 * norm + 0.005 * whole, "{name}: slope {slope}, gradient {norm}");
    }
}
