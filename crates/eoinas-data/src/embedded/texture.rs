//! The two fillings.

/// A pattern of two colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texture {
    Stripes,
    Checks,
}

impl Texture {
    pub const ALL: [Self; 2] = [Self::Stripes, Self::Checks];

    pub fn name(self) -> &'static str {
        match self {
            Self::Stripes => "striped",
            Self::Checks => "checked",
        }
    }

    /// Share of the second colour, 0 to 1, at a point given in periods along and across the pattern. `softness` is the
    /// width of the edge between the colours in periods.
    pub fn mix(self, along: f32, across: f32, softness: f32) -> f32 {
        let wave = |t: f32| {
            // A triangle wave, -1 to 1, of period 1, cut off to a soft square wave.
            let triangle = 4.0 * (t - (t + 0.5).floor()).abs() - 1.0;
            (triangle / softness).clamp(-1.0, 1.0)
        };
        let value = match self {
            Self::Stripes => wave(along),
            Self::Checks => wave(along) * wave(across),
        };
        0.5 + 0.5 * value
    }
}
