//! The kernels on the CPU: one file or folder an op, as in `gpu`, and what they are made of.
//!
//! Work is split over images in a way that depends on the batch alone (`parallel`), each image is read into scratch memory
//! with everything pending applied (`image`, `ends`, `driver`), and inner loops are compiled for each kind of vector
//! (`simd`).

mod access;
mod channelwise;
pub(crate) mod conv;
pub(crate) mod curve;
mod driver;
pub(crate) mod elementwise;
mod ends;
mod gemm;
pub(crate) mod head;
mod image;
mod moments;
pub(crate) mod node;
pub(crate) mod norm;
pub(crate) mod optim;
pub(crate) mod parallel;
pub(crate) mod pattern;
pub(crate) mod pool;
pub(crate) mod scale;
mod scratch;
pub mod simd;
mod values;
