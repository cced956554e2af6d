//! The candidate operations, one file a family, and the registry that builds them by name.

mod conv_chain;
mod identity;
mod partial;
mod pool;
mod registry;
mod tape;
mod zero;

pub use conv_chain::ConvChain;
pub use identity::Identity;
pub use partial::{Partial, passed_by};
pub use pool::Pool;
pub use registry::{OperationBuilder, Operations};
pub use tape::TapeOp;
pub use zero::Zero;
