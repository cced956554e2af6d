//! The image while it is drawn: colours as `f32`, 0 to 1.

/// Rows and columns.
pub(super) const SIDE: usize = 32;

pub(super) type Colour = [f32; 3];

/// An image in the making.
pub(super) struct Plane {
    pixels: Vec<Colour>,
}

impl Plane {
    /// Each pixel from its centre, in pixels from the middle of the image.
    pub fn from_fn(mut colour: impl FnMut(f32, f32) -> Colour) -> Self {
        let pixels = (0..SIDE * SIDE).map(|i| colour(centre(i % SIDE), centre(i / SIDE))).collect();
        Self { pixels }
    }

    /// Changes each pixel within `reach` of (x, y), given its place relative to that point.
    pub fn paint(&mut self, x: f32, y: f32, reach: f32, mut paint: impl FnMut(f32, f32, &mut Colour)) {
        let span = |c: f32| {
            let middle = SIDE as f32 / 2.0;
            // `as` saturates, so a point outside of the image gives an empty or a cut span.
            let start = (c + middle - reach).floor() as usize;
            let end = ((c + middle + reach).floor() as isize + 1).clamp(0, SIDE as isize) as usize;
            start.min(end)..end
        };
        let columns = span(x);
        for row in span(y) {
            let pixels = self.pixels.iter_mut().enumerate().skip(row * SIDE + columns.start).take(columns.len());
            for (i, pixel) in pixels {
                paint(centre(i % SIDE) - x, centre(row) - y, pixel);
            }
        }
    }

    /// The pixels as bytes, after `last` has had a look at each number.
    pub fn into_bytes(self, mut last: impl FnMut(usize, f32) -> f32) -> Box<[u8]> {
        let numbers = self.pixels.into_iter().flatten().enumerate();
        numbers.map(|(i, value)| (last(i, value).clamp(0.0, 1.0) * 255.0 + 0.5) as u8).collect()
    }
}

fn centre(index: usize) -> f32 {
    index as f32 + 0.5 - SIDE as f32 / 2.0
}

/// Share of a pixel inside an outline whose distance, in pixels, is `distance`.
pub(super) fn coverage(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// `pixel` covered by `colour` with the given share.
pub(super) fn blend(pixel: &mut Colour, colour: Colour, share: f32) {
    for (pixel, colour) in pixel.iter_mut().zip(colour) {
        *pixel += (colour - *pixel) * share;
    }
}
