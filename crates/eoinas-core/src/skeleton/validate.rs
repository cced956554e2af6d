//! Whether a skeleton's numbers can be, alone and together.

use super::Skeleton;
use crate::error::CoreError;
use crate::network::NetworkSpec;
use crate::setting::Setting;
use crate::space::SearchSpace;

impl Skeleton {
    /// The most initial channels.
    pub(crate) const MOST_CHANNELS: usize = 1 << 14;

    /// What the number of initial channels is a multiple of: two where the stem takes one half of them first.
    pub(crate) fn channels_step(&self) -> usize {
        let splits = self.rules().stem.iter().any(|(output, _)| *output < self.channels);
        if splits { 2 } else { 1 }
    }

    /// Checks every field, alone and together with the cells of `space`: whether [`NetworkSpec::supernet`] can be.
    ///
    /// # Errors
    /// A number that cannot be; cells that do not go with the form, or that no layer has.
    pub fn validate(&self, space: &SearchSpace) -> Result<(), CoreError> {
        NetworkSpec::supernet(space, self).map(drop)
    }

    /// Checks the numbers, all but the size of the images: how often it is halved is known when the layers are.
    pub(crate) fn check_numbers(&self) -> Result<(), Setting> {
        for (field, got, max) in [
            ("channels", self.channels, Self::MOST_CHANNELS),
            ("cells", self.cells, 1 << 10),
            ("stem_multiplier", self.stem_multiplier, 1 << 6),
            ("classes", self.classes, 1 << 24),
            ("image_channels", self.image_channels, 1 << 12),
            ("height", self.height, 1 << 14),
            ("width", self.width, 1 << 14),
        ] {
            let expected = format!("a number from 1 to {max}");
            Setting::check((1..=max).contains(&got), format!("network.{field}"), got, expected)?;
        }
        let (channels, cells) = (self.channels, self.cells);
        let even = "an even number, of which the stem takes one half";
        Setting::check(channels.is_multiple_of(self.channels_step()), "network.channels", channels, even)?;
        let stages = self.form.stages();
        let multiple = format!("a multiple of {stages}, for the network has {stages} stages of equally many cells");
        Setting::check(cells.is_multiple_of(stages), "network.cells", cells, multiple)?;
        let named = self.layers.as_ref().map_or(cells, Vec::len);
        let expected = format!("{named}, as many as `network.layers` names");
        Setting::check(named == cells, "network.cells", cells, expected)
    }

    /// Whether images can be halved `halvings` times. Of a signal, which is one pixel high or wide, the other side is halved
    /// alone.
    pub(crate) fn check_image(&self, halvings: u32) -> Result<(), Setting> {
        let (short, long) = (self.height.min(self.width), self.height.max(self.width));
        // A larger side must not get to one pixel too early: before the last halving two must be left, counted with
        // rounding up.
        let min = halvings.checked_sub(1).map_or(1, |most| 1usize.checked_shl(most).unwrap_or(usize::MAX >> 1) + 1);
        let got = format!("{}x{} pixels", self.height, self.width);
        let size = match (self.height, self.width) {
            (1, 2..) => format!("1x{min}"),
            (2.., 1) => format!("{min}x1"),
            _ => format!("{min}x{min}"),
        };
        let expected = format!("at least {size} pixels, for the network halves them {halvings} times");
        Setting::check(long >= min && (short >= min || short == 1), "the size of the images", got, expected)
    }
}
