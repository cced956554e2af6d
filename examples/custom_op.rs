//! A search with an op of one's own among the candidates: what the space knows of it, its module, and the search.
//!
//! ```text
//! cargo run --release --example custom_op
//! ```

use candle_core::{Module, Tensor};
use candle_nn::{Conv2dConfig, conv2d_no_bias};
use eoinas_core::{Op, OpShape, OpSpec, SearchSpace};
use eoinas_nn::Operations;
use eoinas_train::{Options, Outcome, Search, SearchConfig};

/// `grouped_conv_3x3`: ReLU, 3x3 convolution in four groups, BatchNorm.
#[derive(Debug)]
struct GroupedConv;

impl OpSpec for GroupedConv {
    fn name(&self) -> &str {
        "grouped_conv_3x3"
    }

    fn parameters(&self, shape: OpShape) -> u64 {
        (9 * shape.channels * shape.channels / 4 + if shape.affine { 2 * shape.channels } else { 0 }) as u64
    }

    fn multiply_adds(&self, shape: OpShape) -> u64 {
        let (height, width) = shape.output_size();
        (9 * shape.channels * shape.channels / 4 * height * width) as u64
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut operations = Operations::built_in();
    operations.register("grouped_conv_3x3", |builder, shape| {
        let config = Conv2dConfig { padding: 1, stride: shape.stride, groups: 4, ..Default::default() };
        let conv = conv2d_no_bias(shape.channels, shape.channels, 3, config, builder)?;
        Ok(Box::new(move |x: &Tensor| conv.forward(&x.relu()?)))
    });
    let ops = vec![Op::None, Op::SkipConnect, Op::MaxPool3x3, Op::SepConv3x3, Op::custom(GroupedConv)];
    let space = SearchSpace::new("darts with grouped convolutions", ops, SearchSpace::darts().cells().to_vec())?;

    let mut config = SearchConfig { epochs: 5, batch_size: 32, ..SearchConfig::quick() };
    (config.network.channels, config.network.cells, config.data.train_images) = (4, 3, Some(128));
    let folder = std::env::temp_dir().join(format!("eoinas-custom-op-{}", std::process::id()));
    let options = Options { space: Some(space), operations, ..Options::default() };
    match Search::create(config, &folder, options)?.run()? {
        Outcome::Done(found) => println!("{}", found.genotype),
        Outcome::Stopped(reason) => println!("stopped: {reason}"),
    }
    Ok(std::fs::remove_dir_all(folder)?)
}
