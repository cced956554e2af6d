//! How wide a network may be.

use super::network::network;
use crate::error::CoreError;
use crate::genotype::Genotype;
use crate::setting::Setting;
use crate::skeleton::Skeleton;
use crate::space::SearchSpace;

/// The largest number of channels, a multiple of `step`, that `fits`; `None` where not even `step` does. What does not fit must not
/// fit at any larger number.
pub(super) fn widest(step: usize, fits: impl Fn(usize) -> Result<bool, CoreError>) -> Result<Option<usize>, CoreError> {
    if !fits(step)? {
        return Ok(None);
    }
    let (mut low, mut high) = (step, 2 * step);
    while high <= Skeleton::MOST_CHANNELS && fits(high)? {
        (low, high) = (high, 2 * high);
    }
    while high - low > step {
        let middle = low + (high - low) / 2 / step * step;
        match middle <= Skeleton::MOST_CHANNELS && fits(middle)? {
            true => low = middle,
            false => high = middle,
        }
    }
    Ok(Some(low))
}

/// The number of initial channels with which the network of a found architecture comes closest, by ratio, to so many
/// multiply-adds an image; that of `skeleton` does not count. How cells are compared at equal cost.
///
/// # Errors
/// As [`network`]; a cost that is below that of the narrowest network by more than half, or above that of the widest.
pub fn channels_for(
    genotype: &Genotype,
    skeleton: &Skeleton,
    space: &SearchSpace,
    multiply_adds: u64,
) -> Result<usize, CoreError> {
    let step = skeleton.channels_step();
    let cost = |channels: usize| -> Result<u64, CoreError> {
        Ok(network(genotype, &Skeleton { channels, ..skeleton.clone() }, space)?.multiply_adds)
    };
    let least = cost(step)?;
    if multiply_adds.saturating_mul(2) < least {
        let expected = format!("at least {}, half of what {step} channels take with this cell", least.div_ceil(2));
        return Err(Setting::new("multiply_adds", multiply_adds, expected).into());
    }
    let low = widest(step, |channels| Ok(cost(channels)? <= multiply_adds))?.unwrap_or(step);
    let high = low + step;
    if high > Skeleton::MOST_CHANNELS {
        let expected = format!("at most {}, what {low} channels take with this cell", cost(low)?);
        return Err(Setting::new("multiply_adds", multiply_adds, expected).into());
    }
    let ratio = |channels: usize| -> Result<f64, CoreError> {
        Ok((cost(channels)? as f64 / multiply_adds.max(1) as f64).ln().abs())
    };
    Ok(if ratio(low)? <= ratio(high)? { low } else { high })
}
