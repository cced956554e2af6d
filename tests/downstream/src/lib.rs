//! What a project that depends on EoiNAS writes: a data set, an op and an indicator of its own, searched together, and
//! search methods of its own.

pub mod fair_nas;
pub mod shapley;

use std::sync::Arc;

use candle_core::Tensor;
use eoinas_core::{Op, OpShape, OpSpec, SearchSpace, Target, TargetInfo};
use eoinas_data::{DataError, Dataset, DatasetInfo, ValueKind, Values};
use eoinas_nn::Operations;
use eoinas_prune::{EdgeView, Indicator, OpView};
use eoinas_train::{Found, Options, Outcome, Search, SearchConfig, methods::EoiNas};

/// Two classes of 8x8 grey images: bright on the left, bright on the right.
#[derive(Debug)]
pub struct Sides {
    info: DatasetInfo,
    len: usize,
}

impl Sides {
    /// `len` images.
    pub fn new(len: usize) -> Self {
        let info = DatasetInfo {
            name: "sides".to_owned(),
            target: TargetInfo::Classes(vec!["left".to_owned(), "right".to_owned()]),
            values: ValueKind::Bytes,
            channels: 1,
            height: 8,
            width: 8,
            mean: vec![0.5],
            std: vec![0.5],
            flip: false,
            notes: Vec::new(),
        };
        Self { info, len }
    }
}

impl Dataset for Sides {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self) -> usize {
        self.len
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target, DataError> {
        let label = index % 2;
        for (at, pixel) in values.bytes()?.iter_mut().enumerate() {
            let bright = usize::from(at % 8 >= 4) == label;
            *pixel = if bright { 200 } else { 30 } + (index * 7 % 20) as u8;
        }
        Ok(Target::Class(label as u32))
    }
}

/// An op without weights: half of its input.
#[derive(Debug)]
struct Halve;

impl OpSpec for Halve {
    fn name(&self) -> &str {
        "halve"
    }

    fn parameters(&self, _: OpShape) -> u64 {
        0
    }

    fn multiply_adds(&self, _: OpShape) -> u64 {
        0
    }
}

/// The architecture weight, less a little for every time the op was drawn.
#[derive(Debug)]
struct Rarity;

impl Indicator for Rarity {
    fn name(&self) -> String {
        "rarity".to_owned()
    }

    fn value(&self, _: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        Some(op.beta - 1e-3 * op.count as f64)
    }
}

/// Searches a cell with all three.
pub fn search(folder: &std::path::Path) -> Result<Outcome<Found>, Box<dyn std::error::Error>> {
    let mut operations = Operations::built_in();
    operations.register("halve", |_, shape| {
        let stride = shape.stride;
        Ok(Box::new(move |x: &Tensor| -> candle_core::Result<Tensor> {
            let x = if stride == 1 { x.clone() } else { x.avg_pool2d(stride)? };
            x * 0.5
        }))
    });
    let space = SearchSpace::new(
        "halves",
        vec![Op::None, Op::SkipConnect, Op::SepConv3x3, Op::custom(Halve)],
        SearchSpace::darts().cells().to_vec(),
    )?;
    let mut config = SearchConfig { epochs: 3, batch_size: 8, ..SearchConfig::quick() };
    config.network.channels = 4;
    config.network.cells = 3;
    config.data.train_images = None;
    let options = Options {
        space: Some(space),
        operations,
        dataset: Some(Arc::new(Sides::new(32))),
        method: Some(Box::new(EoiNas::quick().with_indicator(Rarity))),
        ..Options::default()
    };
    Ok(Search::create(config, folder, options)?.run()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_data_op_and_indicator_make_a_cell() {
        let folder = tempfile::tempdir().unwrap();
        let found = search(&folder.path().join("run")).unwrap().done().unwrap();
        assert!(found.genotype.starts_with("Genotype("), "{}", found.genotype);
        assert!(folder.path().join("run/genotype.json").exists());
    }
}
