//! What the actors decide.

use super::space::Grows;

/// One decision about a candidate.
#[derive(Clone, Debug)]
pub(super) enum Decision<C> {
    /// For each layer that can be wider, by its token's place, whether it becomes so.
    Wider { from: C, layers: Vec<(usize, bool)> },
    /// The block, the place in it of the layer that gets another behind it, and that one's filter by its place in the list.
    Deeper { from: C, block: usize, place: usize, filter: usize },
}

impl<C: Clone> Decision<C> {
    /// What it was about.
    pub fn from(&self) -> &C {
        let (Self::Wider { from, .. } | Self::Deeper { from, .. }) = self;
        from
    }

    /// The candidate after it.
    pub fn applied(&self, growth: &impl Grows<Candidate = C>) -> C {
        match self {
            Self::Wider { from, layers } => {
                let wide = layers.iter().filter(|(_, wider)| *wider);
                wide.fold(from.clone(), |grown, (at, _)| growth.wider(&grown, *at).unwrap_or(grown))
            }
            Self::Deeper { from, block, place, filter } => {
                growth.deeper(from, *block, *place, *filter).unwrap_or_else(|| from.clone())
            }
        }
    }
}
