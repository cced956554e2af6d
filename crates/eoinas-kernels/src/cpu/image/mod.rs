//! One image in scratch memory, and the passes between it and the tensors: reading an input through its BatchNorm and
//! ReLU, reading a gradient through its affine map, and handing an input's gradient back.

mod back;
mod layout;
mod load;
mod strip;

pub(crate) use back::StoreInputGradient;
pub(crate) use layout::Layout;
pub(crate) use load::{LoadGradient, LoadInput, borrow_gradient, borrow_input};
