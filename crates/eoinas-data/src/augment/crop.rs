//! A random window of a picture.

use super::resample::Window;
use crate::dice;
use eoinas_core::Setting;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// A window of random area and proportions, resized to the size of the images: the usual training crop on ImageNet,
/// drawn as PyTorch's `RandomResizedCrop` does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    /// Smallest and largest share of the picture's area. Default: 0.08 and 1.
    pub area: (f32, f32),
    /// Smallest and largest proportion of width to height. Default: 3/4 and 4/3.
    pub ratio: (f32, f32),
}

impl Default for RandomCrop {
    fn default() -> Self {
        Self { area: (0.08, 1.0), ratio: (0.75, 4.0 / 3.0) }
    }
}

impl RandomCrop {
    /// Windows that do not fit are drawn again so many times; then the middle of the picture is taken.
    const ATTEMPTS: usize = 10;

    pub(super) fn validate(&self) -> Result<(), Setting> {
        let ordered = |(low, high): (f32, f32), most: f32| low > 0.0 && low <= high && high <= most;
        let area = "two ascending shares above 0 and up to 1";
        Setting::check(ordered(self.area, 1.0), "augment.crop.area", format!("{:?}", self.area), area)?;
        let ratio = "two ascending proportions above 0 and up to 100";
        Setting::check(ordered(self.ratio, 100.0), "augment.crop.ratio", format!("{:?}", self.ratio), ratio)
    }

    pub(super) fn window(&self, height: usize, width: usize, rng: &mut impl Rng) -> Window {
        let area = (height * width) as f64;
        let (low, high) = (f64::from(self.ratio.0), f64::from(self.ratio.1));
        for _ in 0..Self::ATTEMPTS {
            let target = area * f64::from(dice::between(rng, self.area.0, self.area.1));
            // Proportions and their inverses are equally likely.
            let ratio = f64::from(dice::between(rng, low.ln() as f32, high.ln() as f32)).exp();
            let (w, h) = ((target * ratio).sqrt().round() as usize, (target / ratio).sqrt().round() as usize);
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let top = dice::below(rng, height - h + 1);
                return Window { top, left: dice::below(rng, width - w + 1), height: h, width: w };
            }
        }
        let ratio = (width as f64 / height.max(1) as f64).clamp(low, high);
        let to = (1_000_000, (1_000_000.0 * ratio) as usize);
        Window::centre((height, width), to, 1.0)
    }
}
