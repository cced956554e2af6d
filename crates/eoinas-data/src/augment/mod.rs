//! From bytes to normalised numbers, with the usual augmentation on the way.

mod crop;
mod jitter;
mod resample;
#[cfg(test)]
mod tests;

use crate::dataset::{DatasetInfo, Picture};
use crate::dice;
use crate::values::ValueKind;
use eoinas_core::Setting;
use rand::Rng;
use serde::{Deserialize, Serialize};

pub use crop::RandomCrop;
pub use jitter::ColourJitter;
pub(crate) use resample::{Window, resample};

/// What is done to an image. Each image draws once, from its own stream: switching one part off leaves the others'
/// draws alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// A random window of the sample's own size is cut from the sample padded by so many pixels, black ones or, of floats,
    /// the mean; 0 is off. Not for signals, whose one row would be shifted out of the window.
    pub pad: usize,
    /// Mirrors every second image left to right, where the data set allows it ([`DatasetInfo::flip`]).
    pub flip: bool,
    /// Side of a square that is set to the mean (DeVries and Taylor, 2017), centred anywhere in the image; 0 is off.
    pub cutout: usize,
    /// A random window of the picture is resized to the image's size, from the file's own pixels where the data set has
    /// them ([`crate::Dataset::picture`]); `None` is off. For pictures of bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<RandomCrop>,
    /// Brightness, contrast, saturation and hue of colour images are changed at random; `None` is off. For bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<ColourJitter>,
}

impl Augment {
    /// Normalisation alone: for validation and test images.
    pub fn none() -> Self {
        Self::default()
    }

    /// Crop with 4 pixels of padding, and flip: the search's training images.
    pub fn search() -> Self {
        Self { pad: 4, flip: true, ..Self::none() }
    }

    /// [`search`](Self::search) as far as the samples of `info` allow: signals are not cropped.
    pub fn search_for(info: &DatasetInfo) -> Self {
        if info.is_signal() { Self { flip: true, ..Self::none() } } else { Self::search() }
    }

    /// As [`search`](Self::search), with a cutout of 16 pixels: the training of the found network on CIFAR.
    pub fn retrain() -> Self {
        Self { cutout: 16, ..Self::search() }
    }

    /// Random window, flip and colours: the training of the found network on ImageNet and other large pictures.
    pub fn imagenet() -> Self {
        let (crop, jitter) = (Some(RandomCrop::default()), Some(ColourJitter::default()));
        Self { flip: true, crop, jitter, ..Self::none() }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// The one that cannot be.
    pub fn validate(&self) -> Result<(), Setting> {
        for (name, got) in [("augment.pad", self.pad), ("augment.cutout", self.cutout)] {
            Setting::check(got <= 4096, name, got, "at most 4096 pixels")?;
        }
        self.crop.map_or(Ok(()), |crop| crop.validate())?;
        self.jitter.map_or(Ok(()), |jitter| jitter.validate())
    }

    /// Checks every number, and that all of it can be done to the samples of `info`.
    ///
    /// # Errors
    /// The one that cannot be.
    pub fn validate_for(&self, info: &DatasetInfo) -> Result<(), Setting> {
        self.validate()?;
        let (signal, bytes) = (info.is_signal(), info.values == ValueKind::Bytes);
        let expected = format!("0, since samples of `{}` have a single row or column", info.name);
        Setting::check(self.pad == 0 || !signal, "augment.pad", self.pad, expected)?;
        let expected = format!("none, since samples of `{}` are no pictures of bytes", info.name);
        Setting::check(self.crop.is_none() || bytes && !signal, "augment.crop", "a random window", expected.as_str())?;
        Setting::check(self.jitter.is_none() || bytes, "augment.jitter", "a change of colours", expected)?;
        let most = 2 * info.height.max(info.width);
        let expected =
            format!("less than {most} pixels: from there on the square leaves nothing of any of these images");
        Setting::check(self.cutout < most, "augment.cutout", self.cutout, expected)
    }

    fn is_random(&self) -> bool {
        *self != Self::none()
    }
}

/// An [`Augment`] with the tables of one data set.
#[derive(Clone, Debug)]
pub struct Augmenter {
    augment: Augment,
    height: usize,
    width: usize,
    channels: usize,
    /// Normalised value of each byte, a table of 256 per channel; none for floats.
    table: Vec<[f32; 256]>,
    /// Mean and standard deviation of each channel.
    scale: Vec<(f32, f32)>,
}

/// What one image drew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Draw {
    /// First row and column of the window in the padded image.
    top: usize,
    left: usize,
    flip: bool,
    /// Centre of the cutout.
    row: usize,
    column: usize,
}

impl Augmenter {
    /// For the images of `info`; one that is not to be flipped switches flipping off.
    pub fn new(augment: Augment, info: &DatasetInfo) -> Self {
        let scale: Vec<(f32, f32)> = info.mean.iter().copied().zip(info.std.iter().copied()).collect();
        let table = |(mean, std): &(f32, f32)| std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
        let bytes = info.values == ValueKind::Bytes;
        Self {
            augment: Augment { flip: augment.flip && info.flip, ..augment },
            height: info.height,
            width: info.width,
            channels: info.channels,
            table: if bytes { scale.iter().map(table).collect() } else { Vec::new() },
            scale,
        }
    }

    /// Whether [`apply_picture`](Self::apply_picture) is to be called with the whole picture, where there is one.
    pub fn wants_picture(&self) -> bool {
        self.augment.crop.is_some()
    }

    /// Writes the augmented, normalised image; `pixels` and `out` are \[height, width, channels\]. `rng` makes the
    /// generator of this image and is only called when something is random.
    pub fn apply<R: Rng>(&self, pixels: &[u8], out: &mut [f32], rng: impl FnOnce() -> R) {
        if !self.augment.is_random() {
            return self.apply_draw(pixels, out, Draw::default(), 0);
        }
        let rng = &mut rng();
        let draw = self.draw(rng);
        if self.augment.crop.is_none() && self.augment.jitter.is_none() {
            self.apply_draw(pixels, out, draw, self.augment.pad);
            return self.cut_out(out, draw);
        }
        self.apply_changed(pixels, (self.height, self.width), out, draw, rng);
    }

    /// The same for floats. What padding brings in is the mean.
    pub fn apply_floats<R: Rng>(&self, floats: &[f32], out: &mut [f32], rng: impl FnOnce() -> R) {
        let draw = if self.augment.is_random() { self.draw(&mut rng()) } else { Draw::default() };
        self.each_row(floats, out, draw, self.augment.pad, |source, out, shift| {
            self.write_floats(source, out, shift, draw.flip);
        });
        self.cut_out(out, draw);
    }

    /// The same from a picture of any size, of which a random window is cut ([`Augment::crop`]).
    pub fn apply_picture<R: Rng>(&self, picture: &Picture, out: &mut [f32], rng: impl FnOnce() -> R) {
        let rng = &mut rng();
        let draw = self.draw(rng);
        self.apply_changed(&picture.pixels, (picture.height, picture.width), out, draw, rng);
    }

    fn draw(&self, rng: &mut impl Rng) -> Draw {
        let pad = self.augment.pad;
        Draw {
            top: dice::below(rng, 2 * pad + 1),
            left: dice::below(rng, 2 * pad + 1),
            flip: dice::below(rng, 2) == 1 && self.augment.flip,
            row: dice::below(rng, self.height),
            column: dice::below(rng, self.width),
        }
    }

    /// With another window or other colours, and then all the rest. The window draws last, as often as it must.
    fn apply_changed(&self, pixels: &[u8], size: (usize, usize), out: &mut [f32], draw: Draw, rng: &mut impl Rng) {
        let change = self.augment.jitter.unwrap_or(ColourJitter::NONE).draw(rng);
        let (height, width) = size;
        let window = match self.augment.crop {
            Some(crop) => crop.window(height, width, rng),
            None => Window { top: 0, left: 0, height, width },
        };
        let mut bytes = resample(pixels, size, window, (self.height, self.width), self.channels);
        if self.augment.jitter.is_some() && self.channels == 3 {
            change.apply(&mut bytes);
        }
        self.apply_draw(&bytes, out, draw, self.augment.pad);
        self.cut_out(out, draw);
    }

    fn apply_draw(&self, pixels: &[u8], out: &mut [f32], draw: Draw, pad: usize) {
        self.each_row(pixels, out, draw, pad, |source, out, shift| match self.channels {
            1 => self.write_row::<1>(source, out, shift, draw.flip),
            3 => self.write_row::<3>(source, out, shift, draw.flip),
            _ => self.write_row_any(source, out, shift, draw.flip),
        });
    }

    /// Calls `write` for each row of the window, with the row it is made of (none outside of the sample), the output and the
    /// shift of the columns.
    fn each_row<T>(
        &self,
        values: &[T],
        out: &mut [f32],
        draw: Draw,
        pad: usize,
        write: impl Fn(&[T], &mut [f32], isize),
    ) {
        let row_len = self.width * self.channels;
        if row_len == 0 {
            return;
        }
        let shift = draw.left as isize - pad as isize;
        for (row, out_row) in out.chunks_exact_mut(row_len).enumerate() {
            // Rows outside the image are black, as if the bytes had been padded before normalising.
            let source = (row + draw.top)
                .checked_sub(pad)
                .and_then(|row| values.get(row * row_len..(row + 1) * row_len))
                .unwrap_or(&[]);
            write(source, out_row, shift);
        }
    }

    /// One row, the number of channels known when compiling: the loop that an epoch spends its time in.
    fn write_row<const C: usize>(&self, source: &[u8], out: &mut [f32], shift: isize, flip: bool) {
        let (source, _) = source.as_chunks::<C>();
        let (out, _) = out.as_chunks_mut::<C>();
        let Some(table) = self.table.first_chunk::<C>() else { return };
        let black: [f32; C] = std::array::from_fn(|channel| table[channel][0]);
        let pixel = |column: isize| {
            let bytes = usize::try_from(column).ok().and_then(|column| source.get(column));
            bytes.map_or(black, |bytes| std::array::from_fn(|c| table[c][usize::from(bytes[c])]))
        };
        if flip {
            let last = self.width as isize - 1;
            for (column, out) in out.iter_mut().enumerate() {
                *out = pixel(last - column as isize + shift);
            }
        } else {
            for (column, out) in out.iter_mut().enumerate() {
                *out = pixel(column as isize + shift);
            }
        }
    }

    fn write_row_any(&self, source: &[u8], out: &mut [f32], shift: isize, flip: bool) {
        for (column, out) in out.chunks_exact_mut(self.channels).enumerate() {
            let column = if flip { self.width - 1 - column } else { column } as isize + shift;
            let inside = usize::try_from(column).ok().filter(|&column| column < self.width);
            for (channel, (out, table)) in out.iter_mut().zip(&self.table).enumerate() {
                let byte = inside.and_then(|column| source.get(column * self.channels + channel));
                *out = table[usize::from(byte.copied().unwrap_or(0))];
            }
        }
    }

    fn write_floats(&self, source: &[f32], out: &mut [f32], shift: isize, flip: bool) {
        for (column, out) in out.chunks_exact_mut(self.channels).enumerate() {
            let column = if flip { self.width - 1 - column } else { column } as isize + shift;
            let inside = usize::try_from(column).ok().filter(|&column| column < self.width);
            for (channel, (out, (mean, std))) in out.iter_mut().zip(&self.scale).enumerate() {
                let value = inside.and_then(|column| source.get(column * self.channels + channel));
                *out = value.map_or(0.0, |value| (value - mean) / std);
            }
        }
    }

    /// The square is clipped at the border, so that its centre may lie anywhere; zero is the mean after normalising.
    fn cut_out(&self, out: &mut [f32], draw: Draw) {
        let side = self.augment.cutout;
        let span = |centre: usize, size: usize| {
            let start = centre.saturating_sub(side / 2);
            start..(centre + side - side / 2).min(size).max(start)
        };
        let columns = span(draw.column, self.width);
        for row in span(draw.row, self.height) {
            let start = row * self.width;
            let cells = (start + columns.start) * self.channels..(start + columns.end) * self.channels;
            if let Some(cells) = out.get_mut(cells) {
                cells.fill(0.0);
            }
        }
    }
}
