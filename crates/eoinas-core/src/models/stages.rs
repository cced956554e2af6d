//! Networks whose stages are graphs of convolutions, as Genetic CNN searches for (Xie and Yuille, ICCV 2017, Section 3.1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::chain::{number, scaled};
use super::pairs::{index, nodes_of};
use crate::setting::Setting;

/// Most stages: each halves the image.
const MOST_STAGES: usize = 16;
/// Most nodes of a stage.
const MOST_NODES: usize = 100;

/// Convolutions of one size in an order, each of which may read any before it; between an input and an output node.
///
/// Text: filter and channels, and for each node after the first a bit for each node before it, as in `stage5-8:1-01`; with one node,
/// `stage5-8`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// Rows and columns of all its filters; odd.
    pub kernel: usize,
    /// Channels of all its nodes.
    pub channels: usize,
    /// Whether a node is read by a later one: 0-1, 0-2, 1-2, 0-3, ... As many as n nodes have pairs, n (n - 1) / 2.
    pub bits: Vec<bool>,
}

/// Stages in the order in which they run, and the fully connected layer before the classifier.
///
/// ```
/// use eoinas_core::models::Stages;
/// let text = "stage5-8:1-01 stage5-16:0-10-111 stage5-32:0-00-000-0000 dense128";
/// let stages: Stages = text.parse()?;
/// assert_eq!(stages.to_string(), text);
/// assert_eq!(stages.graph([32, 32, 3], 10)?.classes(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stages {
    /// The stages, up to 16.
    pub stages: Vec<Stage>,
    /// Units of the fully connected layer. Text: `dense128`, as the last.
    pub dense: usize,
}

impl Stage {
    /// Its nodes, without the input and the output; at least one.
    pub fn nodes(&self) -> usize {
        nodes_of(self.bits.len()).unwrap_or(1)
    }

    /// Whether the node `to` reads the node `from`, counted from 0.
    pub fn reads(&self, from: usize, to: usize) -> bool {
        index(from, to).and_then(|at| self.bits.get(at)) == Some(&true)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage{}-{}", self.kernel, self.channels)?;
        for to in 1..self.nodes() {
            f.write_str(if to == 1 { ":" } else { "-" })?;
            (0..to).try_for_each(|from| f.write_str(if self.reads(from, to) { "1" } else { "0" }))?;
        }
        Ok(())
    }
}

/// Words with spaces between them.
impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stages.iter().try_for_each(|stage| write!(f, "{stage} "))?;
        write!(f, "dense{}", self.dense)
    }
}

/// A word that is none of them, or bits that are not those of nodes, are an error that names them.
impl FromStr for Stages {
    type Err = Setting;

    fn from_str(text: &str) -> Result<Self, Setting> {
        read(text).map_err(|problem| wrong(text, &problem))
    }
}

fn wrong(text: &str, problem: &str) -> Setting {
    let expected = "stages like stage5-8:1-01 (an odd filter, channels, and for each node after the first a bit for each node \
                    before it), with numbers up to 65536, and dense128 as the last";
    Setting::new("stages", text.chars().take(200).collect::<String>(), format!("{expected}: {problem}"))
}

fn read(text: &str) -> Result<Stages, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let dense = words.pop().and_then(|last| number(last.strip_prefix("dense")?));
    let dense = dense.ok_or("there is no dense128 at the end")?;
    let stages = Stages { stages: words.into_iter().map(stage).collect::<Result<_, _>>()?, dense };
    stages.problem().map_or(Ok(stages), Err)
}

fn stage(word: &str) -> Result<Stage, String> {
    let shown: String = word.chars().take(64).collect();
    let (head, bits) = word.split_once(':').map_or((word, None), |(head, bits)| (head, Some(bits)));
    let sizes = head.strip_prefix("stage").and_then(|sizes| sizes.split_once('-'));
    let sizes = sizes.and_then(|(kernel, channels)| Some((number(kernel)?, number(channels)?)));
    let (kernel, channels) = sizes.ok_or_else(|| format!("`{shown}` is no stage"))?;
    let mut all = Vec::new();
    for (before, node) in (1..).zip(bits.into_iter().flat_map(|bits| bits.split('-'))) {
        let bits: Option<Vec<bool>> = node.chars().map(|c| c.to_digit(2).map(|bit| bit == 1)).collect();
        let bits = bits.filter(|bits| bits.len() == before);
        let noted = || format!("the bits of node {} in `{shown}` are not {before} of 0 and 1", before + 1);
        all.extend(bits.ok_or_else(noted)?);
    }
    Ok(Stage { kernel, channels, bits: all })
}

super::written_as_text!(Stages);

impl Stages {
    /// The same with the channels of all stages and the units of the fully connected layer times `factor`, rounded, at least 1.
    ///
    /// # Errors
    /// A factor that is not positive, or leaves more than 65,536 channels or units.
    pub fn scaled(&self, factor: f64) -> Result<Self, Setting> {
        let mut stages = self.clone();
        for stage in &mut stages.stages {
            stage.channels = scaled(stage.channels, factor)?;
        }
        stages.dense = scaled(self.dense, factor)?;
        Ok(stages)
    }

    /// # Errors
    /// What cannot be.
    pub(super) fn check(&self) -> Result<(), Setting> {
        self.problem().map_or(Ok(()), |problem| Err(wrong(&self.to_string(), &problem)))
    }

    fn problem(&self) -> Option<String> {
        let sizes = 1..=65_536;
        if !(1..=MOST_STAGES).contains(&self.stages.len()) {
            return Some(format!("there are {} stages, not 1 to {MOST_STAGES}", self.stages.len()));
        }
        let of_stage = |stage: &Stage| {
            let shown: String = stage.to_string().chars().take(64).collect();
            match nodes_of(stage.bits.len()) {
                _ if stage.kernel.is_multiple_of(2) => Some(format!("the filter of `{shown}` is even")),
                _ if !sizes.contains(&stage.kernel) || !sizes.contains(&stage.channels) => {
                    Some(format!("`{shown}` is no stage"))
                }
                Some(1..=MOST_NODES) => None,
                Some(nodes) => Some(format!("`{shown}` has {nodes} nodes, more than {MOST_NODES}")),
                None => Some(format!("`{shown}` has {} bits, which are the pairs of no nodes", stage.bits.len())),
            }
        };
        let dense = (!sizes.contains(&self.dense)).then(|| format!("there is no layer dense{}", self.dense));
        self.stages.iter().find_map(of_stage).or(dense)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        for text in [
            "stage5-8:1-01 stage5-16:0-10-111 stage5-32:0-00-000-0000 dense128",
            "stage3-4 dense1",
            "stage1-65536:1 stage3-2:0-11 dense65536",
        ] {
            let stages: Stages = text.parse().unwrap();
            assert_eq!(stages.to_string(), text);
            assert_eq!(serde_json::to_string(&stages).unwrap(), format!("\"{text}\""));
        }
        let stages: Stages = "stage5-8:1-01 dense128".parse().unwrap();
        assert_eq!(stages.stages, [Stage { kernel: 5, channels: 8, bits: vec![true, false, true] }]);
        let stage = &stages.stages[0];
        let reads = [(0, 1), (0, 2), (1, 2), (1, 0), (2, 3)].map(|(from, to)| stage.reads(from, to));
        assert_eq!((stage.nodes(), reads), (3, [true, false, true, false, false]));
        assert_eq!(stages.scaled(0.1).unwrap().to_string(), "stage5-1:1-01 dense13");
        assert!(stages.scaled(0.0).is_err() && stages.scaled(1e9).is_err() && stages.scaled(f64::NAN).is_err());
    }

    #[test]
    fn what_is_no_network_of_stages_is_named() {
        let many = ["stage1-1 "; 17].concat() + "dense1";
        let nodes: Vec<String> = (1..=100).map(|before| "0".repeat(before)).collect();
        let nodes = format!("stage1-1:{} dense1", nodes.join("-"));
        for (text, problem) in [
            ("", "there is no dense128 at the end"),
            ("stage5-8:1-01", "there is no dense128 at the end"),
            ("dense128", "there are 0 stages"),
            (many.as_str(), "there are 17 stages, not 1 to 16"),
            ("stage4-8:1 dense128", "the filter of `stage4-8:1` is even"),
            ("stage5-0:1 dense128", "`stage5-0:1` is no stage"),
            ("stage5:1 dense128", "`stage5:1` is no stage"),
            ("stage5-8:1 conv3-8 dense128", "`conv3-8` is no stage"),
            ("stage5-8:1 dense8 dense128", "`dense8` is no stage"),
            ("stage5-8: dense128", "the bits of node 2 in `stage5-8:` are not 1 of 0 and 1"),
            ("stage5-8:1-011 dense128", "the bits of node 3 in `stage5-8:1-011` are not 2 of 0 and 1"),
            ("stage5-8:1-02 dense128", "the bits of node 3"),
            ("stage5-8:1-01 dense0", "there is no dense128 at the end"),
            (nodes.as_str(), "has 101 nodes, more than 100"),
        ] {
            let error = text.parse::<Stages>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("expected stages like stage5-8:1-01"), "{text}: {error}");
        }
    }
}
