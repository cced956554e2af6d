//! The chains that MetaQNN chooses from (Baker et al., Section 4 and Table 1).

use eoinas_core::Setting;

use super::{Chain, ChainLayer};
use crate::metaqnn::Walk;

/// Which layers a chain may have, and how they may follow each other.
///
/// After a convolution anything may come, after a pooling all but another one, after a fully connected layer only such of no
/// more units, or the end; a chain begins with a convolution, and may end anywhere. Windows are smaller than what they read.
/// What is known of the image's size is its bin: 8 and more, 4 to 7, 1 to 3 pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct ChainSpace {
    /// Height and width of the images; default 32.
    pub image: usize,
    /// Most layers, `average` counted; 1 and more. Default 18, as published for CIFAR-10.
    pub depth: usize,
    /// Filters of convolutions; odd, none twice. Default 1, 3, 5.
    pub kernels: Vec<usize>,
    /// Channels of convolutions; none twice. Default 64, 128, 256, 512.
    pub channels: Vec<usize>,
    /// Windows and strides of poolings; none twice. Default (5, 3), (3, 2), (2, 2).
    pub pools: Vec<(usize, usize)>,
    /// Units of fully connected layers; none twice. Default 512, 256, 128.
    pub units: Vec<usize>,
    /// Most fully connected layers. Default 2.
    pub dense: usize,
    /// The largest image that a fully connected layer reads, by the lower end of its bin: 1, 4 or 8. Default 4 (up to 7
    /// pixels), as in the authors' code.
    pub dense_from: usize,
}

impl Default for ChainSpace {
    fn default() -> Self {
        Self {
            image: 32,
            depth: 18,
            kernels: vec![1, 3, 5],
            channels: vec![64, 128, 256, 512],
            pools: vec![(5, 3), (3, 2), (2, 2)],
            units: vec![512, 256, 128],
            dense: 2,
            dense_from: 4,
        }
    }
}

/// What is chosen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChainStep {
    /// One more layer.
    Layer(ChainLayer),
    /// The mean over the image.
    Average,
    /// Nothing: the classifier follows.
    End,
}

/// What a choice depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainState {
    last: Option<ChainStep>,
    depth: usize,
    /// Lower end of the image's bin.
    bin: usize,
    dense: usize,
}

impl ChainSpace {
    /// # Errors
    /// The setting that cannot be.
    pub fn validate(&self) -> Result<(), Setting> {
        let check = |ok: bool, name: &str, got: String, expected: &str| {
            Setting::check(ok, format!("chain.{name}"), got, expected)
        };
        fn distinct<T: PartialEq>(all: &[T]) -> bool {
            all.iter().enumerate().all(|(at, one)| !all.iter().take(at).any(|other| other == one))
        }
        let list = |all: &[usize]| format!("{all:?}");
        let sizes = |all: &[usize]| distinct(all) && all.iter().all(|size| (1..=65_536).contains(size));
        check((1..=65_536).contains(&self.image), "image", self.image.to_string(), "from 1 to 65536 pixels")?;
        check((1..=1_000).contains(&self.depth), "depth", self.depth.to_string(), "from 1 to 1000 layers")?;
        let odd = !self.kernels.is_empty() && sizes(&self.kernels) && self.kernels.iter().all(|kernel| kernel % 2 == 1);
        check(odd, "kernels", list(&self.kernels), "odd numbers, at least one, none twice")?;
        let numbers = "numbers from 1 to 65536, at least one, none twice";
        check(!self.channels.is_empty() && sizes(&self.channels), "channels", list(&self.channels), numbers)?;
        let windows = self.pools.iter().all(|(kernel, stride)| *kernel > 1 && (1..=*kernel).contains(stride));
        let expected = "windows of 2 and more with strides up to that, none twice";
        check(windows && distinct(&self.pools), "pools", format!("{:?}", self.pools), expected)?;
        check(sizes(&self.units), "units", list(&self.units), "numbers from 1 to 65536, none twice")?;
        let bins = "the lower end of a bin: 1, 4 or 8";
        check([1, 4, 8].contains(&self.dense_from), "dense_from", self.dense_from.to_string(), bins)
    }

    /// Height and width after these steps.
    fn size(&self, taken: &[ChainStep]) -> usize {
        taken.iter().fold(self.image, |size, step| match step {
            ChainStep::Layer(ChainLayer::Pool { kernel, stride }) => {
                size.checked_sub(*kernel).map_or(1, |room| room / (*stride).max(1) + 1)
            }
            ChainStep::Layer(ChainLayer::Dense { .. }) | ChainStep::Average => 1,
            _ => size,
        })
    }
}

fn bin(size: usize) -> usize {
    match size {
        8.. => 8,
        4..8 => 4,
        _ => 1,
    }
}

impl Walk for ChainSpace {
    type Candidate = Chain;
    type State = ChainState;
    type Step = ChainStep;

    fn state(&self, taken: &[ChainStep]) -> Option<ChainState> {
        let last = taken.last().copied();
        let dense = |step: &&ChainStep| matches!(step, ChainStep::Layer(ChainLayer::Dense { .. }));
        let bin = bin(self.size(taken));
        (last != Some(ChainStep::End)).then(|| ChainState {
            last,
            depth: taken.len(),
            bin,
            dense: taken.iter().filter(dense).count(),
        })
    }

    fn steps(&self, state: &ChainState) -> Vec<ChainStep> {
        let mut steps = vec![ChainStep::End];
        if state.depth >= self.depth {
            return steps;
        }
        let units = |most: usize| {
            let units = self.units.iter().copied().filter(move |units| *units <= most);
            units.map(|units| ChainStep::Layer(ChainLayer::Dense { units }))
        };
        match state.last {
            Some(ChainStep::Layer(ChainLayer::Dense { units: last })) if state.dense < self.dense => {
                steps.extend(units(last));
            }
            None | Some(ChainStep::Layer(ChainLayer::Conv { .. } | ChainLayer::Pool { .. })) => {
                for &channels in &self.channels {
                    let kernels = self.kernels.iter().copied().filter(|kernel| *kernel < state.bin);
                    steps.extend(kernels.map(|kernel| ChainStep::Layer(ChainLayer::Conv { kernel, channels })));
                }
                steps.push(ChainStep::Average);
                if matches!(state.last, Some(ChainStep::Layer(ChainLayer::Conv { .. }))) {
                    let pools = self.pools.iter().filter(|(kernel, _)| *kernel < state.bin);
                    steps.extend(pools.map(|&(kernel, stride)| ChainStep::Layer(ChainLayer::Pool { kernel, stride })));
                }
                if state.bin <= self.dense_from && self.dense > 0 {
                    steps.extend(units(usize::MAX));
                }
            }
            _ => {}
        }
        steps
    }

    fn candidate(&self, taken: &[ChainStep]) -> Chain {
        let layer = |step: &ChainStep| if let ChainStep::Layer(layer) = step { Some(*layer) } else { None };
        Chain { layers: taken.iter().filter_map(layer).collect(), average: taken.contains(&ChainStep::Average) }
    }

    fn taken(&self, chain: &Chain) -> Option<Vec<ChainStep>> {
        let layers = chain.layers.iter().map(|layer| ChainStep::Layer(*layer));
        let taken = layers.chain(chain.average.then_some(ChainStep::Average)).chain([ChainStep::End]);
        Some(taken.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Vec<String> {
        let space = ChainSpace::default();
        let mut taken = space.taken(&text.parse().unwrap()).unwrap();
        taken.pop();
        let steps = space.steps(&space.state(&taken).unwrap());
        let text = |step: &ChainStep| match step {
            ChainStep::Layer(layer) => layer.to_string(),
            ChainStep::Average => "average".to_owned(),
            ChainStep::End => "end".to_owned(),
        };
        steps.iter().map(text).collect()
    }

    fn kinds(text: &str) -> Vec<String> {
        let mut kinds: Vec<String> = after(text)
            .iter()
            .map(|step| {
                step.trim_end_matches(|c: char| !c.is_alphabetic()).chars().take_while(|c| c.is_alphabetic()).collect()
            })
            .collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    #[test]
    fn layers_follow_each_other_as_published() {
        assert_eq!(kinds("classifier"), ["average", "conv", "end"]);
        assert_eq!(kinds("conv3-64"), ["average", "conv", "end", "pool"]);
        assert_eq!(after("conv3-64").len(), 12 + 3 + 2);
        assert_eq!(kinds("conv3-64 pool2/2"), ["average", "conv", "end"]);
        // 32, 10, 4 pixels: no window of 5, and fully connected layers.
        let small = after("conv3-64 pool5/3 conv3-64 pool3/2");
        assert!(small.contains(&"dense512".to_owned()) && small.contains(&"conv3-64".to_owned()));
        assert!(!small.iter().any(|step| step.starts_with("conv5") || step.starts_with("pool")));
        assert_eq!(after("conv3-64 pool5/3 conv3-64 pool5/3 dense256"), ["end", "dense256", "dense128"]);
        assert_eq!(after("conv3-64 pool5/3 conv3-64 pool5/3 dense256 dense128"), ["end"]);
        assert_eq!(after("conv3-64 average"), ["end"]);
        assert_eq!(after(&["conv3-64"; 18].join(" ")), ["end"]);
    }

    #[test]
    fn spaces_that_cannot_be_are_named() {
        let space = ChainSpace::default;
        for (wrong, name) in [
            (ChainSpace { image: 0, ..space() }, "chain.image"),
            (ChainSpace { depth: 0, ..space() }, "chain.depth"),
            (ChainSpace { kernels: vec![2], ..space() }, "chain.kernels"),
            (ChainSpace { channels: vec![], ..space() }, "chain.channels"),
            (ChainSpace { channels: vec![8, 8], ..space() }, "chain.channels"),
            (ChainSpace { pools: vec![(2, 3)], ..space() }, "chain.pools"),
            (ChainSpace { units: vec![0], ..space() }, "chain.units"),
            (ChainSpace { dense_from: 2, ..space() }, "chain.dense_from"),
        ] {
            assert_eq!(wrong.validate().unwrap_err().name, name);
        }
    }
}
