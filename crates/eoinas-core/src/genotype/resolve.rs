//! From the names in a text to ops.

use crate::op::{BUILT_IN, Op};
use crate::space::SearchSpace;

/// Finds the op that a text names.
pub trait OpResolver {
    /// The op of this name, or `None` for a name that is not known.
    fn resolve(&self, name: &str) -> Option<Op>;

    /// Names that would do, for the text of an error. Default: those of the built-in ops.
    fn names(&self) -> Vec<String> {
        BUILT_IN.iter().map(|op| op.name().to_owned()).collect()
    }
}

/// The built-in ops alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltInOps;

impl OpResolver for BuiltInOps {
    fn resolve(&self, name: &str) -> Option<Op> {
        name.parse().ok()
    }
}

/// The candidates of the space, a user's own ops among them, and after them the built-in ops.
impl OpResolver for SearchSpace {
    fn resolve(&self, name: &str) -> Option<Op> {
        self.ops().iter().find(|op| op.name() == name).cloned().or_else(|| name.parse().ok())
    }

    fn names(&self) -> Vec<String> {
        self.ops().iter().map(|op| op.name().to_owned()).collect()
    }
}

impl<F: Fn(&str) -> Option<Op>> OpResolver for F {
    fn resolve(&self, name: &str) -> Option<Op> {
        self(name)
    }
}
