//! From a network's outputs to what they say.

use eoinas_core::{NumberInfo, TargetInfo};

/// What a network says of one sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<'a> {
    /// Each class with its probability (they add up to 1), in their order.
    Classes(Vec<(&'a str, f32)>),
    /// Each number in its own unit.
    Numbers(Vec<(&'a NumberInfo, f32)>),
    /// Each label with its own probability, in their order.
    Labels(Vec<(&'a str, f32)>),
}

impl<'a> Answer<'a> {
    /// What the outputs `logits` of one sample say. There are as many of them as `target` has names.
    pub fn new(target: &'a TargetInfo, logits: &[f32]) -> Self {
        let named = |values: Vec<f32>| target.names().into_iter().zip(values).collect();
        match target {
            TargetInfo::Classes(_) => Self::Classes(named(softmax(logits))),
            TargetInfo::Labels(_) => {
                Self::Labels(named(logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect()))
            }
            TargetInfo::Numbers(numbers) => Self::Numbers(
                numbers.iter().zip(logits).map(|(info, logit)| (info, logit * info.std + info.mean)).collect(),
            ),
        }
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
