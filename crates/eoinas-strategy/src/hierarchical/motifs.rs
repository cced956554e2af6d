//! Motifs: graphs whose edges are motifs of the level below.

use std::fmt;

use eoinas_core::Setting;
use rand::{Rng, RngExt};

use super::Mutable;
use crate::StrategyError;

/// The ops of the lowest level, in the order of their numbers from 1 (Liu et al., Section 4.1).
pub const PRIMITIVES: [&str; 6] =
    ["conv_1x1", "dep_conv_3x3", "sep_conv_3x3", "max_pool_3x3", "avg_pool_3x3", "identity"];

/// A graph with one input, its first node, and one output, its last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Motif {
    /// The op of each edge: 0 for none, else the number of an op of the level below, from 1. In the order of the nodes that
    /// the edges go to and, for each, of those that they come from: 0-1, 0-2, 1-2, 0-3, ...
    pub edges: Vec<usize>,
}

/// Motifs level by level, from those of primitives to the one that is the cell.
///
/// Text: the edges of a motif joined by dots, motifs of one level by spaces, levels by ` | `.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Motifs {
    /// The levels above the primitives.
    pub levels: Vec<Vec<Motif>>,
}

/// How many motifs of how many nodes each level has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MotifSpace {
    /// (motifs, nodes) of each level above the primitives; the last has one motif. Default (6, 4), (1, 5), as published; their
    /// flat space is (1, 11).
    pub levels: Vec<(usize, usize)>,
    /// Channels of the first cell. Default 16.
    pub channels: usize,
}

impl Default for MotifSpace {
    fn default() -> Self {
        Self { levels: vec![(6, 4), (1, 5)], channels: 16 }
    }
}

impl Motif {
    /// The op from one node to a later one; 0 for none.
    pub fn op(&self, from: usize, to: usize) -> usize {
        let before = to * to.saturating_sub(1) / 2;
        if from < to { self.edges.get(before + from).copied().unwrap_or(0) } else { 0 }
    }

    /// Nodes on a path from the input to the output, by the edges whose op `works`.
    pub(super) fn used(&self, nodes: usize, works: impl Fn(usize) -> bool) -> Vec<bool> {
        let edge = |from, to| {
            let op = self.op(from, to);
            op > 0 && works(op)
        };
        let mut reached = vec![false; nodes];
        let mut useful = vec![false; nodes];
        for node in 0..nodes {
            let found = node == 0 || (0..node).any(|from| reached.get(from) == Some(&true) && edge(from, node));
            reached.iter_mut().skip(node).take(1).for_each(|reached| *reached = found);
        }
        for node in (0..nodes).rev() {
            let last = node + 1 == nodes;
            let found = last || (node + 1..nodes).any(|to| useful.get(to) == Some(&true) && edge(node, to));
            useful.iter_mut().skip(node).take(1).for_each(|useful| *useful = found);
        }
        reached.iter().zip(useful).map(|(reached, useful)| *reached && useful).collect()
    }
}

impl fmt::Display for Motifs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let motif = |motif: &Motif| motif.edges.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        let level = |level: &Vec<Motif>| level.iter().map(motif).collect::<Vec<_>>().join(" ");
        f.write_str(&self.levels.iter().map(level).collect::<Vec<_>>().join(" | "))
    }
}

impl MotifSpace {
    /// # Errors
    /// The setting that cannot be.
    pub fn validate(&self) -> Result<(), Setting> {
        let levels = format!("{:?}", self.levels);
        let sizes = self.levels.iter().all(|(motifs, nodes)| (1..=100).contains(motifs) && (2..=100).contains(nodes));
        let top = matches!(self.levels.last(), Some((1, _))) && self.levels.len() <= 8;
        let expected = "1 to 8 levels of (motifs, nodes), up to 100 motifs of 2 to 100 nodes, the last with 1 motif";
        Setting::check(sizes && top, "hierarchical.levels", levels, expected)?;
        let channels = (1..=65_536).contains(&self.channels);
        Setting::check(channels, "hierarchical.channels", self.channels, "from 1 to 65536")
    }

    /// Ops that the edges of a level may have.
    fn ops(&self, level: usize) -> usize {
        let below = level.checked_sub(1).and_then(|below| self.levels.get(below));
        below.map_or(PRIMITIVES.len(), |(motifs, _)| *motifs)
    }

    /// Motifs from their text.
    ///
    /// # Errors
    /// A text that is not of this space.
    pub fn parse(&self, text: &str) -> Result<Motifs, StrategyError> {
        let motif =
            |text: &str| Some(Motif { edges: text.split('.').map(|op| op.parse().ok()).collect::<Option<_>>()? });
        let level = |text: &str| text.split_whitespace().map(motif).collect::<Option<Vec<_>>>();
        let motifs = text.split('|').map(level).collect::<Option<Vec<_>>>().map(|levels| Motifs { levels });
        motifs.filter(|motifs| self.has(motifs)).ok_or_else(|| StrategyError::Candidate {
            text: text.chars().take(200).collect(),
            problem: format!(
                "no motifs of the levels {:?}; expected the number of each edge's op, as in 6.0.6",
                self.levels
            ),
        })
    }

    fn has(&self, motifs: &Motifs) -> bool {
        let fits = |(at, (level, (count, nodes))): (usize, (&Vec<Motif>, &(usize, usize)))| {
            let edges = nodes * nodes.saturating_sub(1) / 2;
            let motif = |motif: &Motif| motif.edges.len() == edges && motif.edges.iter().all(|op| *op <= self.ops(at));
            level.len() == *count && level.iter().all(motif)
        };
        motifs.levels.len() == self.levels.len() && motifs.levels.iter().zip(&self.levels).enumerate().all(fits)
    }

    /// Which motifs of each level pass something on.
    pub(super) fn working(&self, motifs: &Motifs) -> Vec<Vec<bool>> {
        let mut working: Vec<Vec<bool>> = Vec::with_capacity(motifs.levels.len());
        for (level, (_, nodes)) in motifs.levels.iter().zip(&self.levels) {
            let below = working.last();
            let works =
                |op: usize| below.is_none_or(|below| op.checked_sub(1).and_then(|at| below.get(at)) == Some(&true));
            working.push(level.iter().map(|motif| motif.used(*nodes, works).first() == Some(&true)).collect());
        }
        working
    }
}

impl Mutable for MotifSpace {
    type Candidate = Motifs;

    /// Chains of identities.
    fn identity(&self) -> Motifs {
        let level = |(at, (count, nodes)): (usize, &(usize, usize))| {
            let op = if at == 0 { PRIMITIVES.len() } else { 1 };
            let edges = (1..*nodes).flat_map(|to| (0..to).map(move |from| if from + 1 == to { op } else { 0 }));
            vec![Motif { edges: edges.collect() }; *count]
        };
        Motifs { levels: self.levels.iter().enumerate().map(level).collect() }
    }

    /// Another op, or none, from one node to another of a random motif of a random level (Section 3.1).
    fn mutate(&self, mut motifs: Motifs, rng: &mut dyn Rng) -> Motifs {
        let at = rng.random_range(0..motifs.levels.len().max(1));
        let Some(level) = motifs.levels.get_mut(at) else { return motifs };
        let chosen = rng.random_range(0..level.len().max(1));
        let nodes = self.levels.get(at).map_or(2, |(_, nodes)| *nodes);
        let to = rng.random_range(1..nodes.max(2));
        let from = rng.random_range(0..to);
        let edge = level.get_mut(chosen).and_then(|motif| motif.edges.get_mut(to * (to - 1) / 2 + from));
        if let Some(edge) = edge {
            let other = rng.random_range(0..self.ops(at));
            *edge = if other >= *edge { other + 1 } else { other };
        }
        motifs
    }

    fn works(&self, motifs: &Motifs) -> bool {
        self.has(motifs) && self.working(motifs).last().is_some_and(|top| top.first() == Some(&true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn a_mutation_is_one_edge_and_texts_are_read_as_they_are_written() {
        let space = MotifSpace::default();
        let mut rng = Streams::new(1).rng(SeedStream::Named("motifs"), 0, 0);
        let mut motifs = space.identity();
        assert!(space.works(&motifs));
        let mut changed = [0; 2];
        for _ in 0..500 {
            let next = space.mutate(motifs.clone(), &mut rng);
            assert_eq!(space.parse(&next.to_string()).unwrap(), next);
            for (level, count) in changed.iter_mut().enumerate() {
                let edges =
                    |motifs: &Motifs| motifs.levels[level].iter().flat_map(|m| m.edges.clone()).collect::<Vec<_>>();
                *count += edges(&motifs).iter().zip(edges(&next)).filter(|(old, new)| *old != new).count();
            }
            motifs = next;
        }
        // Each level half of the time.
        assert_eq!(changed.iter().sum::<usize>(), 500);
        assert!(changed[0].abs_diff(250) < 50, "{changed:?}");
    }

    #[test]
    fn what_does_not_reach_the_output_does_not_work() {
        let space = MotifSpace { levels: vec![(2, 3), (1, 3)], channels: 8 };
        let works = |text: &str| space.works(&space.parse(text).unwrap());
        assert!(works("6.0.6 0.0.0 | 1.0.1"));
        assert!(!works("6.0.0 0.0.0 | 1.0.1"));
        // By the second motif alone; the first is a dead end.
        assert!(works("6.0.0 0.2.0 | 1.2.1"));
        assert!(!works("6.0.6 0.0.0 | 1.0.2"));
        let used = Motif { edges: vec![1, 1, 0, 0, 1, 0] }.used(4, |_| true);
        assert_eq!(used, [true, true, false, true]);
    }

    #[test]
    fn texts_and_spaces_that_cannot_be_are_refused() {
        let space = MotifSpace { levels: vec![(2, 3), (1, 3)], channels: 8 };
        for text in [
            "",
            "6.0.6 | 1.0.1",
            "6.0.6 0.0.7 | 1.0.1",
            "6.0.6 0.0.0 | 1.0.3",
            "6.0 0.0.0 | 1.0.1",
            "6.0.x 0.0.0 | 1.0.1",
        ] {
            assert!(space.parse(text).unwrap_err().to_string().contains("no motifs of the levels"), "{text}");
        }
        for levels in [vec![], vec![(2, 3)], vec![(0, 3), (1, 3)], vec![(1, 1)]] {
            let wrong = MotifSpace { levels, channels: 8 };
            assert_eq!(wrong.validate().unwrap_err().name, "hierarchical.levels");
        }
        let wrong = MotifSpace { channels: 0, ..MotifSpace::default() };
        assert_eq!(wrong.validate().unwrap_err().name, "hierarchical.channels");
    }
}
