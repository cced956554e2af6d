//! Inputs that are nearly right, the same ones on every machine.

use eoinas_core::{SeedStream, Streams};
use rand::{Rng, RngExt};

/// What stands in the place of a number or a word, where limits and signs are forgotten.
const TOKENS: [&str; 14] = [
    "0",
    "-1",
    "1e999",
    "18446744073709551615",
    "9223372036854775808",
    "4294967296",
    "NaN",
    "null",
    "\"\"",
    "[]",
    "{}",
    "..",
    "\u{feff}",
    "é",
];

/// The `index`th input of a target: one of `seeds` with up to eight changes.
pub fn mutated(seeds: &[Vec<u8>], index: u64) -> Vec<u8> {
    let mut random = Streams::new(0).rng(SeedStream::Named("fuzz"), 0, index);
    let mut bytes = choose(seeds, &mut random).clone();
    for _ in 0..random.random_range(0..=8) {
        change(&mut bytes, seeds, &mut random);
    }
    bytes
}

fn choose<'a>(seeds: &'a [Vec<u8>], random: &mut impl Rng) -> &'a Vec<u8> {
    &seeds[random.random_range(0..seeds.len())]
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut impl Rng) {
    let (mut from, mut to) = (random.random_range(0..=bytes.len()), random.random_range(0..=bytes.len()));
    (from, to) = (from.min(to), from.max(to));
    // Most changes are small: a byte, a word or a line.
    to = to.min(from + (1 << random.random_range(0..10)));
    match random.random_range(0..8) {
        0 => bytes[from..to].iter_mut().take(1).for_each(|byte| *byte ^= 1 << random.random_range(0..8)),
        1 => bytes[from..to].iter_mut().take(4).for_each(|byte| *byte = random.random()),
        2 => drop(bytes.drain(from..to)),
        3 => {
            let part = bytes[from..to].to_vec();
            bytes.splice(from..from, part);
        }
        4 => bytes.truncate(from),
        5 => {
            let other = choose(seeds, random);
            let at = random.random_range(0..=other.len());
            let part = other[at..other.len().min(at + (to - from) + 1)].to_vec();
            bytes.splice(from..to, part);
        }
        // A token in the place of a number, from the next digit on.
        6 => {
            let digit = |byte: &u8| byte.is_ascii_digit() || b".-".contains(byte);
            let start = bytes[from..].iter().position(digit).map_or(from, |at| from + at);
            let end = bytes[start..].iter().position(|byte| !digit(byte)).map_or(bytes.len(), |at| start + at);
            bytes.splice(start..end, token(random).bytes());
        }
        _ => drop(bytes.splice(from..from, token(random).bytes())),
    }
}

fn token(random: &mut impl Rng) -> &'static str {
    TOKENS[random.random_range(0..TOKENS.len())]
}
