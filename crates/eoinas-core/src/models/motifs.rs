//! Motifs: graphs whose edges are motifs of the level below (Liu, Simonyan, Vinyals, Fernando, Kavukcuoglu, "Hierarchical
//! Representations for Efficient Architecture Search", ICLR 2018).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::chain::{number, scaled};
use super::pairs::{index, nodes_of};
use crate::setting::Setting;

/// The ops of the lowest level, in the order of their numbers from 1 (Liu et al., Section 4.1).
pub const PRIMITIVES: [&str; 6] =
    ["conv_1x1", "dep_conv_3x3", "sep_conv_3x3", "max_pool_3x3", "avg_pool_3x3", "identity"];

/// Most channels of the first cell: the third has four times as many.
const MOST_CHANNELS: usize = 16_384;
/// Most levels.
const MOST_LEVELS: usize = 8;
/// Most motifs of a level, and nodes of a motif.
const MOST: usize = 100;
/// Most primitives of a cell, motifs within motifs written out: published ones have up to 60.
pub(super) const MOST_OPS: usize = 1_000;

/// A graph with one input, its first node, and one output, its last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Motif {
    /// The op of each edge: 0 for none, else the number of an op of the level below, from 1. In the order of the nodes that
    /// the edges go to and, for each, of those that they come from: 0-1, 0-2, 1-2, 0-3, ... As many as n nodes have pairs.
    pub edges: Vec<usize>,
}

/// Motifs level by level, from those of primitives to the one that is the cell.
///
/// Text: `motifs16` with the channels of the first cell, then the motifs: edges joined by dots, motifs of one level by spaces, levels by
/// ` | `.
///
/// ```
/// use eoinas_core::models::Motifs;
/// // Two motifs of three nodes, and a cell of three nodes that has both.
/// let motifs: Motifs = "motifs16 3.0.6 1.4.2 | 1.2.1".parse()?;
/// assert_eq!(motifs.to_string(), "motifs16 3.0.6 1.4.2 | 1.2.1");
/// assert_eq!(motifs.graph([32, 32, 3], 10)?.classes(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Motifs {
    /// Channels of the first cell; the second has twice, the third four times as many.
    pub channels: usize,
    /// The levels above the primitives.
    pub levels: Vec<Vec<Motif>>,
}

impl Motif {
    /// Its nodes, at least one.
    pub fn nodes(&self) -> usize {
        nodes_of(self.edges.len()).unwrap_or(1)
    }

    /// The op from one node to a later one; 0 for none.
    pub fn op(&self, from: usize, to: usize) -> usize {
        index(from, to).and_then(|at| self.edges.get(at)).copied().unwrap_or(0)
    }

    /// Nodes on a path from the input to the output, by the edges whose op `works`.
    pub(super) fn used(&self, works: impl Fn(usize) -> bool) -> Vec<bool> {
        let nodes = self.nodes();
        let edge = |from, to| {
            let op = self.op(from, to);
            op > 0 && works(op)
        };
        let mut reached: Vec<bool> = Vec::with_capacity(nodes);
        for node in 0..nodes {
            let found = reached.iter().enumerate().any(|(from, reached)| *reached && edge(from, node));
            reached.push(node == 0 || found);
        }
        let mut useful = vec![false; nodes];
        for node in (0..nodes).rev() {
            let read = useful.iter().enumerate().skip(node + 1).any(|(to, useful)| *useful && edge(node, to));
            useful.iter_mut().skip(node).take(1).for_each(|useful| *useful = read || node + 1 == nodes);
        }
        reached.iter().zip(useful).map(|(reached, useful)| *reached && useful).collect()
    }
}

impl fmt::Display for Motifs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let motif = |motif: &Motif| motif.edges.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        let level = |level: &Vec<Motif>| level.iter().map(motif).collect::<Vec<_>>().join(" ");
        let levels: Vec<String> = self.levels.iter().map(level).collect();
        write!(f, "motifs{} {}", self.channels, levels.join(" | "))
    }
}

/// Edges that are no motif's, and ops that there are not, are an error that names them.
impl FromStr for Motifs {
    type Err = Setting;

    fn from_str(text: &str) -> Result<Self, Setting> {
        read(text).map_err(|problem| wrong(text, &problem))
    }
}

fn wrong(text: &str, problem: &str) -> Setting {
    let expected = "channels from 1 to 16384, and the number of each edge's op, from 0 for none, as in motifs16 3.0.6 1.4.2 | \
                    1.2.1 (motifs of one level with spaces between them, the last level one motif)";
    Setting::new("motifs", text.chars().take(200).collect::<String>(), format!("{expected}: {problem}"))
}

fn read(text: &str) -> Result<Motifs, String> {
    let text = text.trim();
    let (head, levels) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let channels = head.strip_prefix("motifs").and_then(number);
    let channels = channels.ok_or_else(|| format!("`{}` is not motifs and their channels", cut(head)))?;
    let motif = |text: &str| {
        let edges = text.split('.').map(|op| op.parse().ok()).collect::<Option<_>>();
        edges.map(|edges| Motif { edges }).ok_or_else(|| format!("`{}` is no motif", cut(text)))
    };
    let level = |text: &str| text.split_whitespace().map(motif).collect::<Result<Vec<_>, _>>();
    let motifs = Motifs { channels, levels: levels.split('|').map(level).collect::<Result<_, _>>()? };
    motifs.problem().map_or(Ok(motifs), Err)
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

super::written_as_text!(Motifs);

impl Motifs {
    /// The same with the channels times `factor`, rounded, at least 1.
    ///
    /// # Errors
    /// A factor that is not positive, or leaves more than 16,384 channels, 65,536 in the third cell.
    pub fn scaled(&self, factor: f64) -> Result<Self, Setting> {
        let channels = scaled(self.channels, factor)?;
        let expected = "a positive number that leaves at most 16384 channels in the first cell";
        Setting::check(channels <= MOST_CHANNELS, "network.width", factor, expected)?;
        Ok(Self { channels, ..self.clone() })
    }

    /// Whether the cell's output depends on its input, by at most 1,000 primitives.
    pub fn works(&self) -> bool {
        let top = self.sizes().last().and_then(|top| top.first().copied());
        self.problem().is_none() && top.is_some_and(|ops| (1..=MOST_OPS).contains(&ops))
    }

    /// How many primitives each motif of each level is made of, motifs within it written out; 0 where its output does not
    /// depend on its input.
    pub(super) fn sizes(&self) -> Vec<Vec<usize>> {
        let mut sizes: Vec<Vec<usize>> = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            let below = sizes.last();
            let size = |op: usize| {
                let known = |below: &Vec<usize>| op.checked_sub(1).and_then(|at| below.get(at).copied()).unwrap_or(0);
                below.map_or(usize::from(op > 0), known)
            };
            let motif = |motif: &Motif| {
                let used = motif.used(|op| size(op) > 0);
                let is = |node: usize| used.get(node) == Some(&true);
                let pairs = (0..motif.nodes()).flat_map(|to| (0..to).map(move |from| (from, to)));
                let edges = pairs.filter(|(from, to)| is(*from) && is(*to)).map(|(from, to)| size(motif.op(from, to)));
                edges.fold(0, usize::saturating_add)
            };
            sizes.push(level.iter().map(motif).collect());
        }
        sizes
    }

    /// # Errors
    /// What cannot be.
    pub(super) fn check(&self) -> Result<(), Setting> {
        self.problem().map_or(Ok(()), |problem| Err(wrong(&self.to_string(), &problem)))
    }

    fn problem(&self) -> Option<String> {
        if !(1..=MOST_CHANNELS).contains(&self.channels) {
            return Some(format!("the first cell has {} channels", self.channels));
        }
        let levels = self.levels.len();
        if !(1..=MOST_LEVELS).contains(&levels) {
            return Some(format!("there are {levels} levels, not 1 to {MOST_LEVELS}"));
        }
        let mut ops = PRIMITIVES.len();
        for (number, level) in (1..).zip(&self.levels) {
            let most = if number == levels { 1 } else { MOST };
            if !(1..=most).contains(&level.len()) {
                let expected = if most == 1 { "1, the cell".to_owned() } else { format!("1 to {most}") };
                return Some(format!("level {number} has {} motifs, not {expected}", level.len()));
            }
            if let Some(problem) = level.iter().find_map(|motif| motif.problem(ops)) {
                return Some(format!("level {number}: {problem}"));
            }
            ops = level.len();
        }
        None
    }
}

impl Motif {
    /// What cannot be, where the level below has so many ops.
    fn problem(&self, ops: usize) -> Option<String> {
        let edges = self.edges.len();
        if !nodes_of(edges).is_some_and(|nodes| (2..=MOST).contains(&nodes)) {
            return Some(format!(
                "a motif has {edges} edges, not the 1, 3, 6, 10, ... of 2, 3, 4, 5, ... up to {MOST} nodes"
            ));
        }
        let wrong = self.edges.iter().find(|op| **op > ops)?;
        Some(format!("there is no op {wrong}, only 0 to {ops}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        for text in ["motifs16 3.0.6 1.4.2 | 1.2.1", "motifs1 6", "motifs16384 1 2 3 4 5 6 0 | 7.0.1 | 1"] {
            let motifs: Motifs = text.parse().unwrap();
            assert_eq!(motifs.to_string(), text);
            assert_eq!(serde_json::to_string(&motifs).unwrap(), format!("\"{text}\""));
            assert_eq!(text.replace(" | ", "  |\t").parse::<Motifs>().unwrap(), motifs);
        }
        let motifs: Motifs = "motifs10 3.0.6 | 1".parse().unwrap();
        assert_eq!(motifs.levels, [vec![Motif { edges: vec![3, 0, 6] }], vec![Motif { edges: vec![1] }]]);
        assert_eq!(motifs.scaled(0.25).unwrap().to_string(), "motifs3 3.0.6 | 1");
        assert!(motifs.scaled(-1.0).is_err() && motifs.scaled(2e3).is_err());
    }

    #[test]
    fn what_is_no_hierarchy_of_motifs_is_named() {
        let many = ["1"; 9].join(" | ");
        for (text, problem) in [
            ("", "`` is not motifs and their channels"),
            ("motifs 6", "`motifs` is not motifs and their channels"),
            ("motifs0 6", "`motifs0` is not"),
            ("motifs16385 6", "the first cell has 16385 channels"),
            ("motifs16", "level 1 has 0 motifs, not 1, the cell"),
            ("motifs16 6 6", "level 1 has 2 motifs, not 1, the cell"),
            ("motifs16 6 | ", "level 2 has 0 motifs, not 1, the cell"),
            ("motifs16 | 1", "level 1 has 0 motifs, not 1 to 100"),
            ("motifs16 6.0 | 1", "level 1: a motif has 2 edges, not the 1, 3, 6, 10, ..."),
            ("motifs16 6.0.7 | 1", "level 1: there is no op 7, only 0 to 6"),
            ("motifs16 6 6 | 1.0.3", "level 2: there is no op 3, only 0 to 2"),
            ("motifs16 6.x.6 | 1", "`6.x.6` is no motif"),
            ("motifs16 6..6 | 1", "`6..6` is no motif"),
            (&format!("motifs16 {many}"), "there are 9 levels, not 1 to 8"),
        ] {
            let error = text.parse::<Motifs>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("as in motifs16 3.0.6"), "{text}: {error}");
        }
    }

    #[test]
    fn what_does_not_reach_the_output_does_not_work() {
        let works = |text: &str| text.parse::<Motifs>().unwrap().works();
        assert!(works("motifs8 6.0.6 0.0.0 | 1.0.1"));
        assert!(!works("motifs8 6.0.0 0.0.0 | 1.0.1"));
        // By the second motif alone; the first is a dead end.
        assert!(works("motifs8 6.0.0 0.2.0 | 1.2.1"));
        assert!(!works("motifs8 6.0.6 0.0.0 | 1.0.2"));
        let used = Motif { edges: vec![1, 1, 0, 0, 1, 0] }.used(|_| true);
        assert_eq!(used, [true, true, false, true]);
    }

    #[test]
    fn primitives_are_counted_written_out() {
        let sizes = |text: &str| text.parse::<Motifs>().unwrap().sizes();
        assert_eq!(sizes("motifs8 6.6.6 0.0.0 6.0.0 0.6.0 | 1.4.1"), [vec![3, 0, 0, 1], vec![7]]);
        // Six in each of eight levels.
        let deep = ["1.1.1.1.1.1"; 8].join(" | ");
        assert_eq!(sizes(&format!("motifs8 {deep}")).last(), Some(&vec![6usize.pow(8)]));
        assert!(!format!("motifs8 {deep}").parse::<Motifs>().unwrap().works());
    }
}
