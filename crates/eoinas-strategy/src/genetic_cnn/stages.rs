//! Which nodes of each stage of a network are connected (Xie and Yuille, Section 3.1).

use std::fmt;

use eoinas_core::Setting;

use super::{Bits, Encoding};
use crate::StrategyError;

/// A network whose stages are graphs of convolutions.
///
/// Between its input and output node each stage has nodes in an order, and a bit for each pair of them says whether the
/// earlier one's output is read by the later one; several inputs are summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSpace {
    /// Nodes of each stage. Default 3, 4, 5, as published for CIFAR-10: 19 bits.
    pub nodes: Vec<usize>,
    /// Channels of each stage. Default 8, 16, 32.
    pub channels: Vec<usize>,
    /// Rows and columns of all filters; odd. Default 5; their networks for ImageNet have 3.
    pub kernel: usize,
    /// Units of the fully connected layer before the classifier. Default 128.
    pub dense: usize,
}

impl Default for StageSpace {
    fn default() -> Self {
        Self { nodes: vec![3, 4, 5], channels: vec![8, 16, 32], kernel: 5, dense: 128 }
    }
}

/// The bits of each stage: for each node after the first, one for each node before it.
///
/// Text: a stage's nodes joined by dashes, stages by `|`, as in `1-01|0-10-111`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StageCode {
    /// Stage by stage: 0-1, 0-2, 1-2, 0-3, ...
    pub stages: Bits,
}

impl fmt::Display for StageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = |bits: &Vec<bool>| {
            let mut bits = bits.iter().map(|bit| if *bit { '1' } else { '0' }).peekable();
            let mut nodes = Vec::new();
            while bits.peek().is_some() {
                nodes.push(bits.by_ref().take(nodes.len() + 1).collect::<String>());
            }
            nodes.join("-")
        };
        f.write_str(&self.stages.iter().map(stage).collect::<Vec<_>>().join("|"))
    }
}

impl StageSpace {
    /// # Errors
    /// The setting that cannot be.
    pub fn validate(&self) -> Result<(), Setting> {
        let name = |field: &str| format!("genetic-cnn.{field}");
        let nodes = !self.nodes.is_empty() && self.nodes.iter().all(|nodes| (1..=100).contains(nodes));
        Setting::check(
            nodes,
            name("nodes"),
            format!("{:?}", self.nodes),
            "1 to 100 nodes in each of one or more stages",
        )?;
        let channels =
            self.channels.len() == self.nodes.len() && self.channels.iter().all(|one| (1..=65_536).contains(one));
        let expected = "a number from 1 to 65536 for each stage";
        Setting::check(channels, name("channels"), format!("{:?}", self.channels), expected)?;
        let odd = self.kernel % 2 == 1 && self.kernel <= 65_535;
        Setting::check(odd, name("kernel"), self.kernel, "an odd number up to 65535")?;
        Setting::check((1..=65_536).contains(&self.dense), name("dense"), self.dense, "from 1 to 65536")
    }

    /// A network from its text.
    ///
    /// # Errors
    /// A text that is not of this space.
    pub fn parse(&self, text: &str) -> Result<StageCode, StrategyError> {
        let stage = |text: &str| {
            let bit = |c: char| match c {
                '0' => Some(false),
                '1' => Some(true),
                _ => None,
            };
            text.chars().filter(|c| *c != '-').map(bit).collect::<Option<Vec<_>>>()
        };
        let code = text.split('|').map(stage).collect::<Option<Bits>>().map(|stages| StageCode { stages });
        let same = |code: &StageCode| {
            self.stages() == code.stages.iter().map(Vec::len).collect::<Vec<_>>() && code.to_string() == text
        };
        code.filter(same).ok_or_else(|| StrategyError::Candidate {
            text: text.chars().take(200).collect(),
            problem: format!("no bits of stages with {:?} nodes; expected a text as 1-01|0-10-111", self.nodes),
        })
    }
}

impl Encoding for StageSpace {
    type Candidate = StageCode;

    fn stages(&self) -> Vec<usize> {
        self.nodes.iter().map(|nodes| nodes * nodes.saturating_sub(1) / 2).collect()
    }

    fn decode(&self, bits: &Bits) -> StageCode {
        StageCode { stages: bits.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_are_written() {
        let space = StageSpace::default();
        for text in ["1-01|0-10-111|0-00-000-0000", "1-11|1-11-111|1-11-111-1111"] {
            assert_eq!(space.parse(text).unwrap().to_string(), text);
        }
        for text in ["", "1-01", "101|0-10-111|0-00-000-0000", "1-02|0-10-111|0-00-000-0000"] {
            assert!(space.parse(text).unwrap_err().to_string().contains("no bits of stages"), "{text}");
        }
    }

    #[test]
    fn spaces_that_cannot_be_are_named() {
        let space = StageSpace::default;
        for (wrong, name) in [
            (StageSpace { nodes: vec![], ..space() }, "genetic-cnn.nodes"),
            (StageSpace { nodes: vec![3, 0, 5], ..space() }, "genetic-cnn.nodes"),
            (StageSpace { channels: vec![8, 16], ..space() }, "genetic-cnn.channels"),
            (StageSpace { kernel: 4, ..space() }, "genetic-cnn.kernel"),
            (StageSpace { dense: 0, ..space() }, "genetic-cnn.dense"),
        ] {
            assert_eq!(wrong.validate().unwrap_err().name, name);
        }
    }
}
