//! Directions and slow changes over the image.

use super::plane::SIDE;
use crate::dice::{between, unit};
use rand::Rng;

/// A direction, as a vector of length 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Direction {
    pub x: f32,
    pub y: f32,
}

impl Direction {
    /// Any direction. A system's `sin` differs in the last bit from another's, `sqrt` never: so a point is drawn in
    /// the ring between two circles and moved onto the unit circle.
    pub fn draw(rng: &mut impl Rng) -> Self {
        loop {
            let (x, y) = (between(rng, -1.0, 1.0), between(rng, -1.0, 1.0));
            let square = x * x + y * y;
            if (0.01..=1.0).contains(&square) {
                let length = square.sqrt();
                return Self { x: x / length, y: y / length };
            }
        }
    }

    /// A direction to the right, up or down by a slope of at most `slope`.
    pub fn tilted(rng: &mut impl Rng, slope: f32) -> Self {
        let y = between(rng, -slope, slope);
        let length = (1.0 + y * y).sqrt();
        Self { x: 1.0 / length, y: y / length }
    }

    /// Coordinates of (x, y) along and across the direction.
    pub fn turn(self, x: f32, y: f32) -> (f32, f32) {
        (x * self.x + y * self.y, y * self.x - x * self.y)
    }
}

/// A linear change from -1 at one side to 1 at the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp(Direction);

impl Ramp {
    pub fn draw(rng: &mut impl Rng) -> Self {
        Self(Direction::draw(rng))
    }

    pub fn at(self, x: f32, y: f32) -> f32 {
        self.0.turn(x, y).0 / (SIDE as f32 / 2.0)
    }
}

/// Smooth random hills: random heights, -1 to 1, on a coarse grid with lines between them.
#[derive(Clone, Debug)]
pub(super) struct Hills {
    heights: [[f32; Self::POINTS]; Self::POINTS],
}

impl Hills {
    const POINTS: usize = 6;

    pub fn draw(rng: &mut impl Rng) -> Self {
        let mut heights = [[0.0; Self::POINTS]; Self::POINTS];
        for height in heights.iter_mut().flatten() {
            *height = 2.0 * unit(rng) - 1.0;
        }
        Self { heights }
    }

    pub fn at(&self, x: f32, y: f32) -> f32 {
        let place = |c: f32| {
            let scaled = (c / SIDE as f32 + 0.5).clamp(0.0, 1.0) * (Self::POINTS - 1) as f32;
            let cell = (scaled as usize).min(Self::POINTS - 2);
            (cell, scaled - cell as f32)
        };
        let ((column, right), (row, down)) = (place(x), place(y));
        let line = |row: usize| {
            let heights = &self.heights[row];
            heights[column] + (heights[column + 1] - heights[column]) * right
        };
        line(row) + (line(row + 1) - line(row)) * down
    }
}
