//! Which stages Genetic CNN chooses from (Xie and Yuille, Section 3.1).

use eoinas_core::Setting;
use eoinas_core::models::{Stage, Stages};

use super::{Bits, Encoding};

/// Networks whose stages have nodes in an order, and a bit for each pair of them: whether the earlier one is read by the later one.
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

impl StageSpace {
    /// # Errors
    /// The setting that cannot be.
    pub fn validate(&self) -> Result<(), Setting> {
        let name = |field: &str| format!("genetic-cnn.{field}");
        let stages = (1..=16).contains(&self.nodes.len());
        let nodes = stages && self.nodes.iter().all(|nodes| (1..=100).contains(nodes));
        let expected = "1 to 100 nodes in each of 1 to 16 stages";
        Setting::check(nodes, name("nodes"), format!("{:?}", self.nodes), expected)?;
        let channels =
            self.channels.len() == self.nodes.len() && self.channels.iter().all(|one| (1..=65_536).contains(one));
        let expected = "a number from 1 to 65536 for each stage";
        Setting::check(channels, name("channels"), format!("{:?}", self.channels), expected)?;
        let odd = self.kernel % 2 == 1 && self.kernel <= 65_535;
        Setting::check(odd, name("kernel"), self.kernel, "an odd number up to 65535")?;
        Setting::check((1..=65_536).contains(&self.dense), name("dense"), self.dense, "from 1 to 65536")
    }
}

impl Encoding for StageSpace {
    type Candidate = Stages;

    fn stages(&self) -> Vec<usize> {
        self.nodes.iter().map(|nodes| nodes * nodes.saturating_sub(1) / 2).collect()
    }

    fn decode(&self, bits: &Bits) -> Stages {
        let stages = bits.iter().zip(&self.channels);
        let stage = |(bits, channels): (&Vec<bool>, &usize)| Stage {
            kernel: self.kernel,
            channels: *channels,
            bits: bits.clone(),
        };
        Stages { stages: stages.map(stage).collect(), dense: self.dense }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_stages() {
        let space = StageSpace { nodes: vec![3, 1, 2], channels: vec![8, 4, 2], kernel: 3, dense: 16 };
        assert_eq!(space.stages(), [3, 0, 1]);
        let stages = space.decode(&vec![vec![true, false, true], vec![], vec![false]]);
        assert_eq!(stages.to_string(), "stage3-8:1-01 stage3-4 stage3-2:0 dense16");
        assert_eq!(stages.to_string().parse::<Stages>().unwrap(), stages);
    }

    #[test]
    fn spaces_that_cannot_be_are_named() {
        let space = StageSpace::default;
        for (wrong, name) in [
            (StageSpace { nodes: vec![], ..space() }, "genetic-cnn.nodes"),
            (StageSpace { nodes: vec![1; 17], ..space() }, "genetic-cnn.nodes"),
            (StageSpace { nodes: vec![3, 0, 5], ..space() }, "genetic-cnn.nodes"),
            (StageSpace { channels: vec![8, 16], ..space() }, "genetic-cnn.channels"),
            (StageSpace { kernel: 4, ..space() }, "genetic-cnn.kernel"),
            (StageSpace { dense: 0, ..space() }, "genetic-cnn.dense"),
        ] {
            assert_eq!(wrong.validate().unwrap_err().name, name);
        }
    }
}
