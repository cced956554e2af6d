//! Vectors of f32 behind one trait, and the choice of the widest kind that the CPU has, made at run time.
//!
//! A kernel is a struct that implements [`Kernel`]: generic over [`Simd`], marked `#[inline(always)]` all the way down.
//! [`Level::run`] compiles it once per kind of vector, inside a function that has the instructions enabled.

mod level;
mod portable;
#[cfg(test)]
mod tests;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use level::Level;
pub use vector::{Kernel, Simd};
