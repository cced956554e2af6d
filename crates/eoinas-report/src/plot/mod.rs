//! Plots, drawn by plotters: each a [`Figure`] with its picture, what hovering shows, and its values as a table.

mod axes;
mod figure;
mod heat;
mod legend;
mod lines;
mod matrix;
mod scatter;

pub use figure::{Figure, Grid, Hover};
pub(crate) use heat::MAX_COLUMNS;
pub use heat::{HeatMap, HeatRow};
pub use lines::{LineChart, Series};
pub use matrix::Matrix;
pub use scatter::{Point, Scatter};
