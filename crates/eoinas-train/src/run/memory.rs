//! Whether a network has room in this machine's memory. It is asked before any of that is taken: when there is none left, the
//! system ends a process, and not always the one that took too much.

use candle_core::Device;
use eoinas_core::{
    Setting,
    models::LayerGraph,
    network::{LayerSpec, NetworkSpec},
};

/// A number of 32 bits for each weight, its gradient and its momentum.
const OF_A_WEIGHT: u128 = 3 * 4;

/// Images in a step that hardly anybody wants more of: where they are too many for the memory, they are named.
const LARGE_BATCH: usize = 4096;

/// What of a network no training gets along without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    parameters: u64,
    /// Numbers that the layers hand on, for each image.
    outputs: u128,
}

impl Footprint {
    /// That of a network of cells.
    pub fn of_cells(network: &NetworkSpec) -> Self {
        let output = |layer: &LayerSpec| {
            let (channels, (height, width)) = match layer {
                LayerSpec::Cell(cell) => (cell.output_channels, cell.output_size),
                LayerSpec::Residual(block) => (block.channels, block.output_size),
            };
            channels as u128 * height as u128 * width as u128
        };
        Self { parameters: network.counts().parameters, outputs: network.layers.iter().map(output).sum() }
    }

    /// That of a human-designed network.
    pub fn of_layers(network: &LayerGraph) -> Self {
        let outputs = network.nodes().iter().map(|node| node.shape.iter().map(|&side| side as u128).product::<u128>());
        Self { parameters: network.counts().parameters, outputs: outputs.sum() }
    }

    /// The weights with what moves them, and what each layer hands on, for every image.
    fn least_bytes(self, batch: usize) -> u128 {
        u128::from(self.parameters) * OF_A_WEIGHT + 4 * batch as u128 * self.outputs
    }
}

/// Refuses a network that cannot be trained on the CPU in the memory that is free, where the system says how much that is.
/// `setting` is the one that made it so large.
///
/// # Errors
/// The setting.
pub(crate) fn check(
    network: &Footprint,
    batch: usize,
    device: &Device,
    (name, got): (&str, u64),
) -> Result<(), Setting> {
    let needed = network.least_bytes(batch);
    match super::machine::memory("MemAvailable") {
        Some(free) if device.is_cpu() && needed > u128::from(free) => {
            let gib = |bytes: u128| bytes as f64 / (1u64 << 30) as f64;
            let expected = format!(
                "less: the network needs at least {:.1} GiB to train on {batch} images a step, and {:.1} GiB of memory are free",
                gib(needed),
                gib(free.into())
            );
            // Where a few images had room, their number is what is wrong.
            if network.least_bytes(2) <= u128::from(free) && batch > LARGE_BATCH {
                return Err(Setting::new("batch_size", batch, expected));
            }
            Err(Setting::new(name, got, expected))
        }
        _ => Ok(()),
    }
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
