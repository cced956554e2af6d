//! The five outlines.

/// An outline, as the distance of a point to it: negative inside. The size is such that the outlines are about as
/// large as each other in a circle of radius 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Disc,
    Ring,
    Bar,
    Triangle,
    Cross,
}

impl Shape {
    pub const ALL: [Self; 5] = [Self::Disc, Self::Ring, Self::Bar, Self::Triangle, Self::Cross];

    pub fn name(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Ring => "ring",
            Self::Bar => "bar",
            Self::Triangle => "triangle",
            Self::Cross => "cross",
        }
    }

    pub fn distance(self, x: f32, y: f32) -> f32 {
        let bar = |x: f32, y: f32| (x.abs() - 0.95).max(y.abs() - 0.36);
        match self {
            Self::Disc => (x * x + y * y).sqrt() - 0.85,
            Self::Ring => ((x * x + y * y).sqrt() - 0.70).abs() - 0.26,
            Self::Bar => (x.abs() - 1.05).max(y.abs() - 0.42),
            // Three half planes, 120 degrees apart: (0, 1) and (+-sqrt(3)/2, -1/2).
            Self::Triangle => y.max(0.866_025_4 * x.abs() - 0.5 * y) - 0.55,
            Self::Cross => bar(x, y).min(bar(y, x)),
        }
    }
}
