//! What the steps of methods are made of, for methods of one's own as for those that are here.
//!
//! - [`Alternating`]: weights on a training batch, architecture on a validation batch, by gradients through paths
//!   (DARTS, GDAS, EoiNAS), drawn as [`Draws`] says. Its parts can be used alone: [`Alternating::sample`] draws a path,
//!   [`Alternating::weight_paths`] those of one step, [`Alternating::train_arch`] is the second half, and
//!   [`Alternating::step_with`] both with a regulariser.
//! - [`Path`]: one draw: the gates that the supernet runs, and the way from their gradients back to the architecture
//!   parameters.
//! - [`train_weights`]: an update of the weights by any paths.
//! - The virtual step of DARTS: [`Learner::with_moved_weights`](crate::Learner::with_moved_weights),
//!   [`Learner::virtual_step`](crate::Learner::virtual_step), and [`SecondOrder::gradient`](crate::methods::SecondOrder)
//!   made of them.
//! - [`one_hot`]: the gates of one op an edge; [`crate::evaluate`] and [`SearchContext::evaluate`](crate::SearchContext)
//!   say how good any gates are.
//! - [`finite`]: a number that is not finite ends the run; so does one in a state that [`saved`] makes JSON of.

mod alternating;
mod path;
mod state;
mod turns;
mod weights;

pub use alternating::{Alternating, Draws};
pub use path::{Path, one_hot};
pub use state::saved;
pub(crate) use turns::Turns;
pub use weights::{finite, train_weights};
