//! Whether a network has room in this machine's memory. It is asked before any of that is taken: when there is none left, the
//! system ends a process, and not always the one that took too much.

use std::fmt;

use candle_core::Device;
use eoinas_core::{
    CoreError, Setting,
    models::LayerGraph,
    network::{LayerSpec, NetworkSpec},
};
use eoinas_nn::Architecture;

use super::machine;

/// Bytes of a number.
const NUMBER: u128 = 4;
/// Numbers for each weight: itself, its gradient and its momentum.
const OF_A_WEIGHT: u128 = 3;

/// Images in a step that hardly anybody wants more of: where they are too many for the memory, they are named.
const LARGE_BATCH: usize = 4096;

/// What is done with a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Passes forward and back, and updates.
    Training,
    /// Forward passes alone.
    Inference,
}

/// What of a network no work gets along without: what it really takes is some times as much.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footprint {
    parameters: u64,
    /// Numbers that the layers hand on, for each image.
    outputs: u128,
    /// Numbers of the largest of an image and these.
    largest: u128,
}

impl Footprint {
    /// That of a network of cells.
    pub fn of_cells(network: &NetworkSpec) -> Self {
        let numbers =
            |channels: usize, (height, width): (usize, usize)| channels as u128 * height as u128 * width as u128;
        let stem = network.stem.iter().map(|conv| numbers(conv.channels, conv.output_size));
        let layers = network.layers.iter().map(|layer| match layer {
            LayerSpec::Cell(cell) => numbers(cell.output_channels, cell.output_size),
            LayerSpec::Residual(block) => numbers(block.channels, block.output_size),
        });
        Self {
            parameters: network.counts().parameters,
            outputs: layers.clone().sum(),
            largest: stem.chain(layers).max().unwrap_or(0),
        }
    }

    /// That of a human-designed network.
    pub fn of_layers(network: &LayerGraph) -> Self {
        let outputs = network.nodes().iter().map(|node| node.shape.iter().map(|&side| side as u128).product::<u128>());
        Self {
            parameters: network.counts().parameters,
            outputs: outputs.clone().sum(),
            largest: outputs.max().unwrap_or(0),
        }
    }

    /// That of either.
    ///
    /// # Errors
    /// A network that cannot be.
    pub fn of(architecture: &Architecture) -> Result<Self, CoreError> {
        Ok(match architecture {
            Architecture::Cell { genotype, skeleton } => {
                Self::of_cells(&NetworkSpec::derived(genotype, &genotype.space()?, skeleton)?)
            }
            Architecture::Model { model, images, classes } => Self::of_layers(&model.graph(*images, *classes)?),
        })
    }

    /// The weights with what moves them, and what each layer hands on, for every image; forward alone the weights and one layer's.
    fn least_bytes(self, work: Work, images: usize) -> u128 {
        let (parameters, images) = (u128::from(self.parameters), images as u128);
        NUMBER
            * match work {
                Work::Training => parameters * OF_A_WEIGHT + images * self.outputs,
                Work::Inference => parameters + images * self.largest,
            }
    }

    /// What is missing for passes of `images` images on `device`; `None` where there may be room, on a GPU, and where the system
    /// does not say how much memory is free (it does on Linux).
    pub fn shortage(self, work: Work, images: usize, device: &Device) -> Option<Shortage> {
        let (needed, free) = (self.least_bytes(work, images), machine::memory("MemAvailable")?);
        (device.is_cpu() && needed > u128::from(free)).then_some(Shortage { work, images, needed, free })
    }
}

/// A network that has no room in the memory that is free.
#[derive(Clone, Copy, Debug)]
pub struct Shortage {
    work: Work,
    images: usize,
    needed: u128,
    free: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u128| bytes as f64 / (1u64 << 30) as f64;
        let Self { work, images, needed, free } = *self;
        write!(f, "the network needs at least {:.1} GiB ", gib(needed))?;
        match work {
            Work::Training => write!(f, "to train on {images} images a step")?,
            Work::Inference if images == 1 => write!(f, "for an image")?,
            Work::Inference => write!(f, "for {images} images at a time")?,
        }
        write!(f, ", and {:.1} GiB of memory are free", gib(free.into()))
    }
}

/// Refuses a network that cannot be trained on the CPU in the memory that is free. `name` is the setting that made it so large.
///
/// # Errors
/// The setting.
pub(crate) fn check(
    network: &Footprint,
    batch: usize,
    device: &Device,
    (name, got): (&str, u64),
) -> Result<(), Setting> {
    let Some(shortage) = network.shortage(Work::Training, batch, device) else { return Ok(()) };
    let expected = format!("less: {shortage}");
    // Where a few images had room, their number is what is wrong.
    if batch > LARGE_BATCH && network.shortage(Work::Training, 2, device).is_none() {
        return Err(Setting::new("batch_size", batch, expected));
    }
    Err(Setting::new(name, got, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SearchSpace, Skeleton};

    #[test]
    #[cfg(target_os = "linux")]
    fn what_no_machine_has_room_for_is_refused() {
        let network = |channels| {
            NetworkSpec::supernet(&SearchSpace::darts(), &Skeleton { channels, ..Skeleton::search() }).unwrap()
        };
        let check = |channels, batch| {
            check(&Footprint::of_cells(&network(channels)), batch, &Device::Cpu, ("network.channels", 1))
        };
        check(16, 64).unwrap();
        for (channels, batch, name) in
            [(1 << 14, 2, "network.channels is 1"), (16, 1 << 32, "batch_size is 4294967296")]
        {
            let error = check(channels, batch).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}; expected less: the network needs at least ")), "{error}");
        }
    }
}
