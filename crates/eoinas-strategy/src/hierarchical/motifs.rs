//! Which motifs there are, and how one changes.

use eoinas_core::Setting;
use eoinas_core::models::{Motif, Motifs, PRIMITIVES};
use rand::{Rng, RngExt};

use super::Mutable;

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

impl MotifSpace {
    /// # Errors
    /// The setting that cannot be.
    pub fn validate(&self) -> Result<(), Setting> {
        let levels = format!("{:?}", self.levels);
        let sizes = self.levels.iter().all(|(motifs, nodes)| (1..=100).contains(motifs) && (2..=100).contains(nodes));
        let top = matches!(self.levels.last(), Some((1, _))) && self.levels.len() <= 8;
        // The first candidate is a chain at each level, and has to be a network.
        let chain = self.levels.iter().fold(1, |ops: usize, (_, nodes)| ops.saturating_mul(nodes.saturating_sub(1)));
        let expected = "1 to 8 levels of (motifs, nodes), up to 100 motifs of 2 to 100 nodes, the last with 1 motif; chains of \
                        nodes within chains at most 1000 ops";
        Setting::check(sizes && top && chain <= 1_000, "hierarchical.levels", levels, expected)?;
        let channels = (1..=16_384).contains(&self.channels);
        Setting::check(channels, "hierarchical.channels", self.channels, "from 1 to 16384")
    }

    /// Ops that the edges of a level may have.
    fn ops(&self, level: usize) -> usize {
        let below = level.checked_sub(1).and_then(|below| self.levels.get(below));
        below.map_or(PRIMITIVES.len(), |(motifs, _)| *motifs)
    }

    fn has(&self, motifs: &Motifs) -> bool {
        let fits = |(at, (level, (count, nodes))): (usize, (&Vec<Motif>, &(usize, usize)))| {
            let edges = nodes * nodes.saturating_sub(1) / 2;
            let motif = |motif: &Motif| motif.edges.len() == edges && motif.edges.iter().all(|op| *op <= self.ops(at));
            level.len() == *count && level.iter().all(motif)
        };
        let same = motifs.channels == self.channels && motifs.levels.len() == self.levels.len();
        same && motifs.levels.iter().zip(&self.levels).enumerate().all(fits)
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
        Motifs { channels: self.channels, levels: self.levels.iter().enumerate().map(level).collect() }
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
        self.has(motifs) && motifs.works()
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
            assert_eq!(next.to_string().parse::<Motifs>().unwrap(), next);
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
    fn every_motif_that_works_is_a_network() {
        let space = MotifSpace::default();
        let mut rng = Streams::new(2).rng(SeedStream::Named("motifs"), 0, 0);
        let mut motifs = space.identity();
        let mut worked = 0;
        for _ in 0..400 {
            motifs = space.mutate(motifs, &mut rng);
            let network = motifs.graph([32, 32, 3], 10);
            assert_eq!(network.is_ok(), space.works(&motifs), "{motifs}");
            let Ok(network) = network else { continue };
            worked += 1;
            let mut names: Vec<&str> = network.nodes().iter().map(|node| node.name.as_str()).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{motifs}");
            // Nothing is made that nobody reads.
            let last = network.nodes().len() - 1;
            let read: Vec<usize> = network.nodes().iter().flat_map(|n| n.inputs.iter().map(|id| id.index())).collect();
            assert!((0..last).all(|at| read.contains(&at)), "{motifs}");
        }
        assert!(worked > 200, "{worked}");
    }

    #[test]
    fn motifs_of_another_space_do_not_work() {
        let space = MotifSpace { levels: vec![(2, 3), (1, 3)], channels: 8 };
        let works = |text: &str| space.works(&text.parse().unwrap());
        assert!(works("motifs8 6.0.6 0.0.0 | 1.0.1"));
        for text in [
            "motifs8 6.0.0 0.0.0 | 1.0.1",
            "motifs16 6.0.6 0.0.0 | 1.0.1",
            "motifs8 6.0.6",
            "motifs8 6.0.6 | 1.0.1",
            "motifs8 6.0.6 6 | 1.0.1",
        ] {
            assert!(!works(text), "{text}");
        }
    }

    #[test]
    fn spaces_that_cannot_be_are_named() {
        for levels in [vec![], vec![(2, 3)], vec![(0, 3), (1, 3)], vec![(1, 1)], vec![(1, 34), (1, 34)]] {
            let wrong = MotifSpace { levels, channels: 8 };
            assert_eq!(wrong.validate().unwrap_err().name, "hierarchical.levels");
        }
        let wrong = MotifSpace { channels: 0, ..MotifSpace::default() };
        assert_eq!(wrong.validate().unwrap_err().name, "hierarchical.channels");
    }
}
