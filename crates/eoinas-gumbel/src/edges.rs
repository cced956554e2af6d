//! The weight of an edge among those that enter a node: PC-DARTS's edge normalisation, ROME's sampled topology.

use eoinas_core::{CellKind, CellSpec, EdgeId, EdgeMap, SearchSpace, softmax::softmax_alive};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{GumbelError, fill_gumbel, soft_pullback, soft_sample};

/// What multiplies all that an edge gives to its node, beside the gates of its ops. Every edge has one architecture
/// parameter for it, shared by all cells of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeMode {
    /// 1 for every edge: DARTS and what follows it.
    #[default]
    Equal,
    /// The softmax of the parameters of the edges that enter the node (PC-DARTS, Xu et al., 2020, Eq. 3): no noise, no
    /// temperature, gradient exact.
    Normalised,
    /// 1 for so many edges as a derived node keeps, 0 for the others, which run nothing: those with the largest
    /// `log softmax(parameters) + Gumbel noise`, a draw without replacement; the gradient of a chosen edge's weight is
    /// that of the relaxed sample at the temperature, straight-through (ROME's Gumbel-Top2, Wang et al., 2023, Eq. 7
    /// and 8). A node that has no more predecessors than it keeps runs all of its edges and gives their parameters no
    /// gradient.
    Sampled,
}

/// The weights of one pass, and what the way back needs.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeSample {
    /// The weight of each edge.
    pub weights: EdgeMap<f32>,
    /// The softmax behind them; 0 where a weight does not depend on parameters.
    pub soft: EdgeMap<f64>,
    /// The temperature it was taken at.
    pub temperature: f64,
}

impl EdgeMode {
    /// The weights of one pass. `Sampled` draws one Gumbel number for *every* edge, in the order of the space.
    ///
    /// # Errors
    /// Parameters that do not fit `space` or are not finite, a temperature that is not finite and greater than 0.
    pub fn sample(
        self,
        parameters: &EdgeMap<f32>,
        space: &SearchSpace,
        temperature: f64,
        rng: &mut dyn Rng,
    ) -> Result<EdgeSample, GumbelError> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(GumbelError::Temperature { value: temperature });
        }
        check(parameters, space)?;
        let temperature = if self == Self::Sampled { temperature } else { 1.0 };
        let (weights, soft) = (EdgeMap::filled(space, 1f32), EdgeMap::filled(space, 0f64));
        let mut sample = EdgeSample { weights, soft, temperature };
        for (kind, cell) in space.kinds().zip(space.cells()) {
            for node in cell.intermediate() {
                match self {
                    Self::Equal => {}
                    Self::Normalised => sample.normalise(parameters, kind, cell, node),
                    Self::Sampled => sample.choose(parameters, kind, cell, node, rng),
                }
            }
        }
        Ok(sample)
    }

    /// Adds `scale` times the gradient of the parameters to `out`, given that of the weights of `sample`.
    ///
    /// # Errors
    /// Tables that do not fit `space`.
    pub fn pullback_into(
        self,
        space: &SearchSpace,
        sample: &EdgeSample,
        dweights: &EdgeMap<f64>,
        scale: f64,
        out: &mut EdgeMap<f32>,
    ) -> Result<(), GumbelError> {
        if !(sample.soft.fits(space) && dweights.fits(space) && out.fits(space)) {
            return Err(GumbelError::Shape { what: "edge gradients" });
        }
        for (kind, cell) in space.kinds().zip(space.cells()).filter(|_| self != Self::Equal) {
            for node in cell.intermediate() {
                let edges: Vec<usize> = cell.edges_into(node).collect();
                let of =
                    |map: &EdgeMap<f64>| -> Vec<f64> { edges.iter().map(|&edge| map[EdgeId { kind, edge }]).collect() };
                let mut gradients: Vec<f32> = edges.iter().map(|&edge| out[EdgeId { kind, edge }]).collect();
                soft_pullback(&of(&sample.soft), &of(dweights), sample.temperature, scale, &mut gradients);
                write(out, kind, &edges, gradients);
            }
        }
        Ok(())
    }

    /// Whether any node of `space` has a choice to make: in spaces that keep every edge there is no topology to sample.
    pub fn has_effect(self, space: &SearchSpace) -> bool {
        let chooses = |cell: &CellSpec| cell.intermediate().any(|node| has_choice(cell, node));
        self != Self::Sampled || space.cells().iter().any(chooses)
    }
}

/// The probability of each edge among those that enter its node: the softmax of their parameters, which derivation goes
/// by.
///
/// # Errors
/// Parameters that do not fit `space` or are not finite.
pub fn edge_probabilities(parameters: &EdgeMap<f32>, space: &SearchSpace) -> Result<EdgeMap<f64>, GumbelError> {
    check(parameters, space)?;
    let mut sample =
        EdgeSample { weights: EdgeMap::filled(space, 1.0), soft: EdgeMap::filled(space, 0.0), temperature: 1.0 };
    for (kind, cell) in space.kinds().zip(space.cells()) {
        cell.intermediate().for_each(|node| sample.normalise(parameters, kind, cell, node));
    }
    Ok(sample.soft)
}

impl EdgeSample {
    #[expect(clippy::cast_possible_truncation, reason = "the softmax lies between 0 and 1")]
    fn normalise(&mut self, parameters: &EdgeMap<f32>, kind: CellKind, cell: &CellSpec, node: usize) {
        let (edges, logits) = entering(parameters, kind, cell, node);
        let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
        let mut soft = vec![0.0; edges.len()];
        softmax_alive(&logits, &vec![true; edges.len()], 1.0, &mut soft);
        write(&mut self.weights, kind, &edges, soft.iter().map(|&weight| weight as f32));
        write(&mut self.soft, kind, &edges, soft);
    }

    /// Gumbel-Top2. The logarithm of the softmax differs from the parameters by what all edges of the node have in
    /// common, which neither the order nor the relaxed sample depends on.
    fn choose(&mut self, parameters: &EdgeMap<f32>, kind: CellKind, cell: &CellSpec, node: usize, rng: &mut dyn Rng) {
        let (edges, logits) = entering(parameters, kind, cell, node);
        let mut noise = vec![0f32; edges.len()];
        fill_gumbel(rng, &mut noise);
        if !has_choice(cell, node) {
            return;
        }
        let mut soft = vec![0.0; edges.len()];
        soft_sample(&logits, &noise, &vec![true; edges.len()], self.temperature, &mut soft);
        let scores = logits.iter().zip(&noise).map(|(&logit, &noise)| f64::from(logit) + f64::from(noise));
        let mut order: Vec<(f64, usize)> = scores.zip(edges.iter().copied()).collect();
        // Stable, so that of equal scores the first edge stays in front.
        order.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut kept: Vec<usize> = Vec::new();
        let from = |edge: usize| cell.edges.get(edge).map(|edge| edge.from);
        for (_, edge) in order {
            if kept.len() < cell.keep.unwrap_or(usize::MAX) && kept.iter().all(|&other| from(other) != from(edge)) {
                kept.push(edge);
            }
        }
        write(&mut self.weights, kind, &edges, edges.iter().map(|edge| f32::from(u8::from(kept.contains(edge)))));
        write(&mut self.soft, kind, &edges, soft);
    }
}

/// Whether `node` has more edges than a derived cell keeps.
fn has_choice(cell: &CellSpec, node: usize) -> bool {
    let kept = cell.keep.unwrap_or(usize::MAX).min(cell.sources(node).len());
    cell.edges_into(node).count() > kept
}

/// The edges that enter a node and their parameters.
fn entering(parameters: &EdgeMap<f32>, kind: CellKind, cell: &CellSpec, node: usize) -> (Vec<usize>, Vec<f32>) {
    cell.edges_into(node).map(|edge| (edge, parameters[EdgeId { kind, edge }])).unzip()
}

fn write<T>(map: &mut EdgeMap<T>, kind: CellKind, edges: &[usize], values: impl IntoIterator<Item = T>) {
    for (&edge, value) in edges.iter().zip(values) {
        map[EdgeId { kind, edge }] = value;
    }
}

fn check(parameters: &EdgeMap<f32>, space: &SearchSpace) -> Result<(), GumbelError> {
    if !parameters.fits(space) {
        return Err(GumbelError::Shape { what: "edge parameters" });
    }
    match parameters.iter().find(|(_, value)| !value.is_finite()) {
        Some((EdgeId { kind, edge }, &value)) => Err(GumbelError::EdgeParameter { kind: kind.0, edge, value }),
        None => Ok(()),
    }
}
