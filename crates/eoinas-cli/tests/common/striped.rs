//! Pictures of any size that a test makes itself, and a network that has learned them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use candle_core::Device;
use eoinas_core::{Skeleton, Streams, TargetInfo, zoo};
use eoinas_data::{FolderConfig, ImageFolder};
use eoinas_nn::saved::{self, Framing, Normalisation};
use eoinas_nn::{Batch, DerivedNetwork, Operations, PassOptions, Sgd};
use image::{Rgb, RgbImage};

/// What is on a picture, by its place in the row: one of each after the other.
pub const CLASSES: [&str; 3] = ["across", "down", "rings"];
/// Height and width of the network's images.
const SIZE: usize = 32;
const STEPS: usize = 30;

/// A number that looks random, below `most`.
fn number(of: u64, most: u64) -> u64 {
    let mixed = (of + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(31) % most
}

/// Stripes and rings of any colour under noise, 9 to 400 pixels high and wide; every tenth a JPEG, the others PNG.
pub fn pictures(folder: &Path, count: u64) -> Vec<PathBuf> {
    fs::create_dir(folder).unwrap();
    let picture = |index: u64| {
        let draw = |what: u64, most: u64| number(100 * index + what, most);
        let (width, height) = (9 + draw(0, 392) as u32, 9 + draw(1, 392) as u32);
        let colour = |pixel: f64, channel: u64| draw(2 + channel, 120) as f64 + 100.0 * pixel;
        let image = RgbImage::from_fn(width, height, |x, y| {
            let (across, down) = (f64::from(x) / f64::from(width) - 0.5, f64::from(y) / f64::from(height) - 0.5);
            let at = match index % 3 {
                0 => down,
                1 => across,
                _ => across.hypot(down),
            };
            let wave = (at * (20.0 + draw(8, 12) as f64)).sin() * 0.5 + 0.5;
            let noise = number(index << 40 | u64::from(y) << 20 | u64::from(x), 35) as f64;
            Rgb([0, 1, 2].map(|channel| (colour(wave, channel) + noise) as u8))
        });
        let path = folder.join(format!("{index:03}.{}", if index % 10 == 9 { "jpg" } else { "png" }));
        image.save(&path).unwrap();
        path
    };
    (0..count).map(picture).collect()
}

/// A network that has seen the pictures some times, saved in `folder`.
pub fn trained(folder: &Path, pictures: &[PathBuf], framing: Framing, channels: usize) {
    let normalisation = Normalisation {
        mean: vec![0.5, 0.45, 0.4][..channels].to_vec(),
        std: vec![0.25, 0.3, 0.2][..channels].to_vec(),
        ..Normalisation::default()
    };
    let genotype = zoo::find("darts-v2").unwrap().genotype();
    let skeleton = Skeleton { channels: 4, cells: 3, classes: CLASSES.len(), ..Skeleton::cifar() };
    let skeleton = skeleton.with_image(channels, SIZE, SIZE);
    let (space, operations) = (genotype.space().unwrap(), Operations::built_in());
    let streams = Streams::new(4);
    let mut net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &streams, &Device::Cpu).unwrap();
    let config = FolderConfig { height: SIZE, width: SIZE, ..FolderConfig::default() };
    let read = |path: &PathBuf| {
        let rgb = match framing {
            Framing::Stretch => ImageFolder::read_image(path, &config),
            Framing::Centre => ImageFolder::read_centre(path, &config),
        };
        let grey = |rgb: Vec<u8>| rgb.chunks_exact(3).map(|pixel| pixel[1]).collect();
        let pixels = rgb.map(|rgb| if channels == 1 { grey(rgb) } else { rgb }).unwrap();
        normalisation.apply(&pixels)
    };
    let images: Vec<Vec<f32>> = pictures.iter().map(read).collect();
    // Few and small steps: a network that is certain of everything would give the same answers to other pixels, too.
    for step in 0..STEPS {
        let chosen: Vec<usize> = (0..30).map(|i| (step * 30 + i) % images.len()).collect();
        let values = chosen.iter().flat_map(|&i| images[i].iter().copied()).collect();
        let labels: Vec<u32> = chosen.iter().map(|&i| (i % 3) as u32).collect();
        let batch = Batch::from_pixels(values, (30, SIZE, SIZE, channels), labels, &Device::Cpu).unwrap();
        let output = net.train_pass(&batch, &PassOptions::default()).unwrap();
        Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.02).unwrap();
    }
    let target = TargetInfo::Classes(CLASSES.map(String::from).to_vec());
    saved::save(folder, &net, &target, &normalisation, framing).unwrap();
}
