//! A search that prunes by an importance of one's own.
//!
//! ```text
//! cargo run --release --example custom_indicator
//! ```

use eoinas::prelude::*;
use eoinas::train::methods::EoiNas;

/// Validation accuracy, discounted while an op has been trained little: the mean of a Beta(1, 1) prior and `count`
/// trials.
#[derive(Debug)]
struct Smoothed;

impl Indicator for Smoothed {
    fn name(&self) -> String {
        "smoothed".to_owned()
    }

    fn value(&self, _edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        let trials = op.count as f64;
        op.accuracy.map(|accuracy| (accuracy * trials + 1.0) / (trials + 2.0) + op.beta)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = SearchConfig { epochs: 8, ..SearchConfig::quick() };
    config.data.train_images = Some(128);
    config.network.channels = 4;
    config.network.cells = 3;
    let method = EoiNas::quick().with_indicator(Smoothed);
    let options = Options { method: Some(Box::new(method)), ..Options::default() };
    let folder = std::env::temp_dir().join(format!("eoinas-custom-indicator-{}", std::process::id()));
    match Search::create(config, &folder, options)?.run()? {
        Outcome::Done(found) => println!("{}", found.genotype),
        Outcome::Stopped(reason) => println!("stopped: {reason}"),
    }
    Ok(std::fs::remove_dir_all(folder)?)
}
