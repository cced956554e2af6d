//! A window of a picture at another size.

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub top: usize,
    pub left: usize,
    pub height: usize,
    pub width: usize,
}

impl Window {
    /// The middle `share` of the largest rectangle with the proportions of `to` (height, width) that fits `from`.
    pub fn centre(from: (usize, usize), to: (usize, usize), share: f64) -> Self {
        let scale = (from.0 as f64 / to.0.max(1) as f64).min(from.1 as f64 / to.1.max(1) as f64) * share;
        let side = |to: usize, from: usize| ((to as f64 * scale).round() as usize).clamp(1, from.max(1));
        let (height, width) = (side(to.0, from.0), side(to.1, from.1));
        let start = |from: usize, side: usize| from.saturating_sub(side).div_ceil(2);
        Self { top: start(from.0, height), left: start(from.1, width), height, width }
    }
}

/// The weights that the pixels of one line get in each pixel of the resized line.
struct Line {
    /// First pixel and its weight, the next one's, ..., of each output pixel.
    taps: Vec<(usize, Vec<f32>)>,
}

impl Line {
    /// A triangle as wide as an output pixel is in the input, and at least one input pixel to each side: bilinear
    /// when growing, area-like when shrinking. PyTorch's `interpolate(mode="bilinear", antialias=True)`, and PIL's.
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to.max(1) as f64;
        let support = scale.max(1.0);
        let taps = (0..to).map(|out| {
            let centre = (out as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let last = ((centre + support + 0.5) as usize).min(from);
            let weight = |pixel: usize| (1.0 - ((pixel as f64 + 0.5 - centre) / support).abs()).max(0.0);
            let sum: f64 = (first..last).map(weight).sum();
            (first, (first..last).map(|pixel| (weight(pixel) / sum) as f32).collect())
        });
        Self { taps: taps.collect() }
    }
}

/// The `window` of a picture (`pixels`, channels last, of `from` = (height, width)) at the size `to`. A window or
/// pixels that do not fit leave black pixels.
pub(crate) fn resample(
    pixels: &[u8],
    from: (usize, usize),
    window: Window,
    to: (usize, usize),
    channels: usize,
) -> Vec<u8> {
    let row_len = from.1 * channels;
    let row = |row: usize| {
        let start = row * row_len + window.left * channels;
        pixels.get(start..start + window.width * channels).unwrap_or(&[])
    };
    if (window.height, window.width) == to {
        let mut out: Vec<u8> = (0..to.0).flat_map(|r| row(window.top + r)).copied().collect();
        out.resize(to.0 * to.1 * channels, 0);
        return out;
    }
    let (columns, rows) = (Line::new(window.width, to.1), Line::new(window.height, to.0));
    let wide = to.1 * channels;
    let mut narrow = vec![0f32; window.height * wide];
    for (index, out) in narrow.chunks_exact_mut(wide.max(1)).enumerate() {
        let source = row(window.top + index);
        for ((first, weights), out) in columns.taps.iter().zip(out.chunks_exact_mut(channels.max(1))) {
            let source = source.get(first * channels..).unwrap_or(&[]);
            for (pixel, weight) in source.chunks_exact(channels.max(1)).zip(weights) {
                out.iter_mut().zip(pixel).for_each(|(out, &byte)| *out += weight * f32::from(byte));
            }
        }
    }
    let mut out = Vec::with_capacity(to.0 * wide);
    let mut sum = vec![0f32; wide];
    for (first, weights) in &rows.taps {
        sum.fill(0.0);
        for (source, weight) in narrow.chunks_exact(wide.max(1)).skip(*first).zip(weights) {
            sum.iter_mut().zip(source).for_each(|(sum, value)| *sum += weight * value);
        }
        out.extend(sum.iter().map(|value| value.round() as u8));
    }
    out
}
