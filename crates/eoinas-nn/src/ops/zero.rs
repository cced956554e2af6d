//! `none`: zeros.

use candle_core::Tensor;

use crate::error::Result;
use crate::graph::{GraphBuilder, ValueId};
use crate::operation::{BackwardPass, Context, OpOutput, Operation};

/// `none`: zeros whatever the input; costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Zero;

impl Operation for Zero {
    fn forward(&self, _: &mut Context<'_>, _: &Tensor) -> Result<Option<OpOutput>> {
        Ok(None)
    }

    fn backward(&self, _: &mut Context<'_>, _: &mut OpOutput, _: BackwardPass<'_, '_>) -> Result<()> {
        Ok(())
    }

    fn trace(&self, _: &mut GraphBuilder<'_>, _: ValueId) -> Result<Option<ValueId>> {
        Ok(None)
    }
}
