//! Drawing one image, from the back to the front.

use super::class::Class;
use super::light::{Direction, Hills, Ramp};
use super::plane::{Colour, Plane, SIDE, blend, coverage};
use super::shape::Shape;
use super::style::Style;
use super::texture::Texture;
use crate::dataset::Part;
use crate::dice::{below, between, unit};
use eoinas_core::{SeedStream, Streams};
use rand::Rng;

/// Image `index` of a part, row by row, channels last.
pub(super) fn image(streams: &Streams, part: Part, index: u64, class: &Class, style: &Style) -> Box<[u8]> {
    let rng = &mut streams.rng(SeedStream::Embedded, part as u64, index);
    let mut ground = colour(rng);
    blend(&mut ground, class.ground, style.usual);
    let mut plane = background(rng, ground);
    for _ in 0..2 + below(rng, style.behind) {
        clutter(rng, &mut plane, 1.5, 4.0);
    }
    let place = (between(rng, -style.away, style.away), between(rng, -style.away, style.away));
    object(rng, &mut plane, place, ground, class, style);
    for _ in 0..below(rng, style.before) {
        clutter(rng, &mut plane, 1.0, 2.5);
    }
    let light = (Ramp::draw(rng), between(rng, 0.0, 0.35), between(rng, 0.75, 1.15));
    plane.paint(0.0, 0.0, SIDE as f32, |x, y, pixel| {
        let brightness = light.2 * (1.0 + light.1 * light.0.at(x, y));
        *pixel = pixel.map(|value| value * brightness);
    });
    let mut noise = vec![0; 2 * 3 * SIDE * SIDE];
    rng.fill_bytes(&mut noise);
    let strength = between(rng, 0.02, style.noise);
    let (pairs, _) = noise.as_chunks::<2>();
    plane.into_bytes(|i, value| {
        // The sum of two uniform draws: -1 to 1, most often near 0.
        let sum = pairs.get(i).map_or(0, |pair| i32::from(pair[0]) + i32::from(pair[1]) - 255);
        value + strength * 2.0 * sum as f32 / 255.0
    })
}

fn colour(rng: &mut impl Rng) -> Colour {
    [unit(rng), unit(rng), unit(rng)]
}

/// A colour that differs enough from the others to be seen on them, `share` of it `usual`.
fn colour_unlike(rng: &mut impl Rng, others: &[Colour], usual: Colour, share: f32) -> Colour {
    const LEAST: f32 = 0.45;
    loop {
        let mut drawn = colour(rng);
        blend(&mut drawn, usual, share);
        let square = |other: &Colour| drawn.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        if others.iter().all(|other| square(other) > LEAST * LEAST) {
            return drawn;
        }
    }
}

/// A ground colour that fades into another and has soft hills, and in every second image a faint pattern.
fn background(rng: &mut impl Rng, ground: Colour) -> Plane {
    let (other, ramp, hills) = (colour(rng), Ramp::draw(rng), Hills::draw(rng));
    let tint = colour(rng).map(|value| value - 0.5);
    let pattern = Texture::ALL[below(rng, 2)];
    let (direction, period) = (Direction::draw(rng), between(rng, 4.0, 9.0));
    let strength = if below(rng, 2) == 0 { 0.0 } else { between(rng, 0.04, 0.14) };
    Plane::from_fn(|x, y| {
        let mut pixel = ground;
        blend(&mut pixel, other, 0.3 * (1.0 + ramp.at(x, y).clamp(-1.0, 1.0)));
        let (along, across) = direction.turn(x, y);
        let mix = pattern.mix(along / period, across / period, 0.5) - 0.5;
        let height = hills.at(x, y);
        let add = |(value, tint): (f32, f32)| value + 0.3 * height * tint + strength * mix;
        [add((pixel[0], tint[0])), add((pixel[1], tint[1])), add((pixel[2], tint[2]))]
    })
}

/// A small thing of one colour somewhere: an outline, or a line.
fn clutter(rng: &mut impl Rng, plane: &mut Plane, small: f32, large: f32) {
    let (x, y) = (between(rng, -17.0, 17.0), between(rng, -17.0, 17.0));
    let (paint, direction) = (colour(rng), Direction::draw(rng));
    let size = between(rng, small, large);
    let share = between(rng, 0.6, 1.0);
    if below(rng, 3) == 0 {
        let (length, half_width) = (2.5 * size, between(rng, 0.4, 0.9));
        plane.paint(x, y, length + 1.0, |x, y, pixel| {
            let (along, across) = direction.turn(x, y);
            blend(pixel, paint, share * coverage((along.abs() - length).max(across.abs() - half_width)));
        });
    } else {
        let shape = Shape::ALL[below(rng, Shape::ALL.len())];
        plane.paint(x, y, 1.5 * size + 1.0, |x, y, pixel| {
            let (along, across) = direction.turn(x / size, y / size);
            blend(pixel, paint, share * coverage(shape.distance(along, across) * size));
        });
    }
}

/// The thing that the class names.
fn object(rng: &mut impl Rng, plane: &mut Plane, place: (f32, f32), ground: Colour, class: &Class, style: &Style) {
    let size = between(rng, style.least_size, 14.0);
    let first = colour_unlike(rng, &[ground], class.colour, style.usual);
    let second = colour_unlike(rng, &[ground, first], class.colour, 0.0);
    let (turn, direction) = (Direction::tilted(rng, style.tilt), Direction::draw(rng));
    let (period, softness) = (between(rng, 3.5, 6.5), between(rng, 0.4, 0.9));
    let phase = (unit(rng), unit(rng));
    plane.paint(place.0, place.1, 1.5 * size + 1.0, |x, y, pixel| {
        let (u, v) = turn.turn(x / size, y / size);
        let share = coverage(class.shape.distance(u, v) * size);
        if share > 0.0 {
            let (along, across) = direction.turn(x, y);
            let mix = class.texture.mix(along / period + phase.0, across / period + phase.1, softness);
            let mut fill = first;
            blend(&mut fill, second, mix);
            blend(pixel, fill, share);
        }
    });
}
