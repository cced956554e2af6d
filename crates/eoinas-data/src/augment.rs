//! From bytes to normalised numbers, with the usual augmentation on the way.

use crate::dataset::DatasetInfo;
use crate::dice;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// What is done to an image. Each image draws once, from its own stream: switching one part off leaves the others'
/// draws alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Augment {
    /// A random window of the image's own size is cut from the image padded by so many black pixels; 0 is off.
    pub pad: usize,
    /// Mirrors every second image left to right, where the data set allows it ([`DatasetInfo::flip`]).
    pub flip: bool,
    /// Side of a square that is set to the mean (DeVries and Taylor, 2017), centred anywhere in the image; 0 is off.
    pub cutout: usize,
}

impl Augment {
    /// Normalisation alone: for validation and test images.
    pub fn none() -> Self {
        Self::default()
    }

    /// Crop with 4 pixels of padding, and flip: the search's training images.
    pub fn search() -> Self {
        Self { pad: 4, flip: true, cutout: 0 }
    }

    /// As [`search`](Self::search), with a cutout of 16 pixels: the training of the found network on CIFAR.
    pub fn retrain() -> Self {
        Self { cutout: 16, ..Self::search() }
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
    /// Normalised value of each byte, a table of 256 per channel.
    table: Vec<[f32; 256]>,
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
        let scale = |mean: f32, std: f32| std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std);
        Self {
            augment: Augment { flip: augment.flip && info.flip, ..augment },
            height: info.height,
            width: info.width,
            channels: info.channels,
            table: info.mean.iter().zip(&info.std).map(|(&mean, &std)| scale(mean, std)).collect(),
        }
    }

    /// Writes the augmented, normalised image; `pixels` and `out` are \[height, width, channels\]. `rng` makes the
    /// generator of this image and is only called when something is random.
    pub fn apply<R: Rng>(&self, pixels: &[u8], out: &mut [f32], rng: impl FnOnce() -> R) {
        let pad = self.augment.pad;
        if !self.augment.is_random() {
            return self.apply_draw(pixels, out, Draw::default(), 0);
        }
        let rng = &mut rng();
        let draw = Draw {
            top: dice::below(rng, 2 * pad + 1),
            left: dice::below(rng, 2 * pad + 1),
            flip: dice::below(rng, 2) == 1 && self.augment.flip,
            row: dice::below(rng, self.height),
            column: dice::below(rng, self.width),
        };
        self.apply_draw(pixels, out, draw, pad);
        self.cut_out(out, draw);
    }

    fn apply_draw(&self, pixels: &[u8], out: &mut [f32], draw: Draw, pad: usize) {
        let row_len = self.width * self.channels;
        if row_len == 0 {
            return;
        }
        for (row, out_row) in out.chunks_exact_mut(row_len).enumerate() {
            // Rows outside the image are black, as if the bytes had been padded before normalising.
            let source = (row + draw.top)
                .checked_sub(pad)
                .and_then(|row| pixels.get(row * row_len..(row + 1) * row_len))
                .unwrap_or(&[]);
            let shift = draw.left as isize - pad as isize;
            match self.channels {
                1 => self.write_row::<1>(source, out_row, shift, draw.flip),
                3 => self.write_row::<3>(source, out_row, shift, draw.flip),
                _ => self.write_row_any(source, out_row, shift, draw.flip),
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    fn info(channels: usize, height: usize, width: usize) -> DatasetInfo {
        DatasetInfo {
            name: "t".into(),
            classes: vec!["a".into()],
            channels,
            height,
            width,
            mean: vec![0.5; channels],
            std: vec![0.25; channels],
            flip: true,
            notes: vec![],
        }
    }

    fn run(augmenter: &Augmenter, pixels: &[u8], position: u64) -> Vec<f32> {
        let mut out = vec![f32::NAN; pixels.len()];
        augmenter.apply(pixels, &mut out, || Streams::new(1).rng(SeedStream::Augment, 0, position));
        out
    }

    fn image(channels: usize, height: usize, width: usize) -> Vec<u8> {
        (0..channels * height * width).map(|i| (i * 7 % 251 + 1) as u8).collect()
    }

    #[test]
    fn none_only_normalises() {
        let pixels = image(3, 5, 4);
        let out = run(&Augmenter::new(Augment::none(), &info(3, 5, 4)), &pixels, 0);
        for (byte, value) in pixels.iter().zip(out) {
            assert_eq!(value, (f32::from(*byte) / 255.0 - 0.5) / 0.25);
        }
    }

    /// Every window, mirrored or not, by a plain index computation, for 1, 2 and 3 channels.
    #[test]
    fn crop_and_flip_equal_the_definition() {
        for channels in 1..=3 {
            let (height, width, pad) = (5, 6, 2);
            let pixels = image(channels, height, width);
            let augmenter = Augmenter::new(Augment { pad, flip: true, cutout: 0 }, &info(channels, height, width));
            for (top, left, flip) in (0..5).flat_map(|t| (0..5).flat_map(move |l| [(t, l, false), (t, l, true)])) {
                let mut out = vec![f32::NAN; pixels.len()];
                augmenter.apply_draw(&pixels, &mut out, Draw { top, left, flip, ..Draw::default() }, pad);
                for (i, value) in out.into_iter().enumerate() {
                    let (y, x, c) = (i / channels / width, i / channels % width, i % channels);
                    let x = if flip { width - 1 - x } else { x };
                    let (y, x) = ((y + top).wrapping_sub(pad), (x + left).wrapping_sub(pad));
                    let inside = y < height && x < width;
                    let byte = if inside { pixels[(y * width + x) * channels + c] } else { 0 };
                    assert_eq!(value, (f32::from(byte) / 255.0 - 0.5) / 0.25, "{channels} {top} {left} {flip} {i}");
                }
            }
        }
    }

    #[test]
    fn draws_cover_every_window_and_both_mirrors() {
        let pixels: Vec<u8> = (1..=64).collect();
        let augmenter = Augmenter::new(Augment { pad: 1, flip: true, cutout: 0 }, &info(1, 8, 8));
        let seen: std::collections::BTreeSet<Vec<u32>> =
            (0..400).map(|i| run(&augmenter, &pixels, i).iter().map(|v| v.to_bits()).collect()).collect();
        assert_eq!(seen.len(), 18);
        let digits =
            Augmenter::new(Augment { pad: 1, flip: true, cutout: 0 }, &DatasetInfo { flip: false, ..info(1, 8, 8) });
        let seen: std::collections::BTreeSet<Vec<u32>> =
            (0..400).map(|i| run(&digits, &pixels, i).iter().map(|v| v.to_bits()).collect()).collect();
        assert_eq!(seen.len(), 9);
    }

    #[test]
    fn cutout_zeroes_one_clipped_square_and_leaves_the_rest() {
        let pixels = image(3, 16, 16);
        let plain = run(&Augmenter::new(Augment::search(), &info(3, 16, 16)), &pixels, 5);
        let augmenter = Augmenter::new(Augment { cutout: 6, ..Augment::search() }, &info(3, 16, 16));
        for position in 0..200 {
            let cut = run(&augmenter, &pixels, position);
            let zeros = cut.iter().filter(|v| **v == 0.0).count();
            assert!((3 * 9..=3 * 36).contains(&zeros), "{zeros}");
        }
        let cut = run(&augmenter, &pixels, 5);
        assert!(plain.iter().zip(&cut).all(|(a, b)| a == b || *b == 0.0));
        let whole = Augmenter::new(Augment { cutout: 1000, ..Augment::none() }, &info(3, 16, 16));
        assert!(run(&whole, &pixels, 1).iter().all(|v| *v == 0.0));
    }

    #[test]
    fn sizes_that_do_not_fit_do_not_panic() {
        let augmenter = Augmenter::new(Augment::retrain(), &info(3, 8, 8));
        let mut out = vec![0.0; 10];
        augmenter.apply(&[1, 2, 3], &mut out, || Streams::new(1).rng(SeedStream::Augment, 0, 0));
    }
}
