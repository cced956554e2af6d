//! Random changes of colour.

use crate::dice;
use eoinas_core::Setting;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Random brightness, contrast, saturation and hue, in random order, as PyTorch's `ColorJitter` has them: the first
/// three are scaled by a factor from `1 - x` to `1 + x`, the hue is turned by up to `hue` of a full circle either way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColourJitter {
    /// Default: 0.4.
    pub brightness: f32,
    /// Default: 0.4.
    pub contrast: f32,
    /// Default: 0.4.
    pub saturation: f32,
    /// Default: 0.2; at most 0.5.
    pub hue: f32,
}

impl Default for ColourJitter {
    fn default() -> Self {
        Self { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.2 }
    }
}

/// One image's changes in their order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ColourChange(pub [Change; 4]);

/// One change, with its factor, or with its turn of the hue as a share of a circle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    Brightness(f32),
    Contrast(f32),
    Saturation(f32),
    Hue(f32),
}

impl ColourJitter {
    /// No change.
    pub(super) const NONE: Self = Self { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0 };

    pub(super) fn validate(&self) -> Result<(), Setting> {
        let fields = [
            ("augment.jitter.brightness", self.brightness, 1.0),
            ("augment.jitter.contrast", self.contrast, 1.0),
            ("augment.jitter.saturation", self.saturation, 1.0),
            ("augment.jitter.hue", self.hue, 0.5),
        ];
        fields.into_iter().try_for_each(|(name, got, most)| {
            Setting::check((0.0..=most).contains(&got), name, got, format!("0 to {most}"))
        })
    }

    pub(super) fn draw(&self, rng: &mut impl Rng) -> ColourChange {
        let mut factor = |spread: f32| dice::between(rng, 1.0 - spread, 1.0 + spread);
        let mut changes = [
            Change::Brightness(factor(self.brightness)),
            Change::Contrast(factor(self.contrast)),
            Change::Saturation(factor(self.saturation)),
            Change::Hue(factor(self.hue) - 1.0),
        ];
        dice::shuffle(rng, &mut changes);
        ColourChange(changes)
    }
}

impl ColourChange {
    /// Changes the colours of `bytes`, an image of three channels.
    pub fn apply(&self, bytes: &mut [u8]) {
        let (pixels, _) = bytes.as_chunks_mut::<3>();
        let mut image: Vec<[f32; 3]> = pixels.iter().map(|pixel| pixel.map(|byte| f32::from(byte) / 255.0)).collect();
        for change in self.0 {
            change.apply(&mut image);
        }
        for (pixel, changed) in pixels.iter_mut().zip(image) {
            *pixel = changed.map(|value| (255.0 * value).round() as u8);
        }
    }
}

impl Change {
    fn apply(self, image: &mut [[f32; 3]]) {
        match self {
            Self::Brightness(factor) => image.iter_mut().for_each(|pixel| *pixel = blend(*pixel, 0.0, factor)),
            Self::Contrast(factor) => {
                let sum: f64 = image.iter().map(|pixel| f64::from(grey(*pixel))).sum();
                let mean = (sum / image.len().max(1) as f64) as f32;
                image.iter_mut().for_each(|pixel| *pixel = blend(*pixel, mean, factor));
            }
            Self::Saturation(factor) => {
                image.iter_mut().for_each(|pixel| *pixel = blend(*pixel, grey(*pixel), factor));
            }
            Self::Hue(turn) => image.iter_mut().for_each(|pixel| *pixel = turn_hue(*pixel, turn)),
        }
    }
}

fn blend(pixel: [f32; 3], other: f32, factor: f32) -> [f32; 3] {
    pixel.map(|value| (factor * value + (1.0 - factor) * other).clamp(0.0, 1.0))
}

fn grey([r, g, b]: [f32; 3]) -> f32 {
    0.2989 * r + 0.587 * g + 0.114 * b
}

/// By way of hue, saturation and value.
fn turn_hue([r, g, b]: [f32; 3], turn: f32) -> [f32; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let range = most - least;
    if range == 0.0 {
        return [r, g, b];
    }
    let hue = if most == r {
        (g - b) / range
    } else if most == g {
        2.0 + (b - r) / range
    } else {
        4.0 + (r - g) / range
    };
    let hue = (hue / 6.0 + turn).rem_euclid(1.0) * 6.0;
    let channel = |offset: f32| {
        let place = (offset + hue).rem_euclid(6.0);
        most - range * place.min(4.0 - place).clamp(0.0, 1.0)
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}
