//! `skip_connect` at stride 1.

use candle_core::Tensor;
use eoinas_kernels::elementwise::{dropout_backward, dropout_forward};

use crate::error::Result;
use crate::graph::{GraphBuilder, ValueId};
use crate::operation::{BackwardPass, Context, OpOutput, Operation, Saved};

/// `skip_connect` at stride 1: the input itself, or what dropout leaves of it.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Operation for Identity {
    fn forward(&self, context: &mut Context<'_>, x: &Tensor) -> Result<Option<OpOutput>> {
        if context.skip_dropout == 0.0 {
            return Ok(Some(OpOutput { z: x.clone(), shares_input: true, norm: None, saved: Saved::Nothing }));
        }
        let mask = context.masks.keep_mask(x.elem_count(), context.skip_dropout);
        let z = dropout_forward(context.workspace, x, &mask, context.skip_dropout)?;
        Ok(Some(OpOutput { z, shares_input: false, norm: None, saved: Saved::Mask(mask) }))
    }

    fn backward(&self, context: &mut Context<'_>, output: &mut OpOutput, pass: BackwardPass<'_, '_>) -> Result<()> {
        let Some(target) = pass.input else { return Ok(()) };
        let gradient = pass.gradient;
        match &output.saved {
            Saved::Mask(mask) => {
                let (dx, add) = (target.tensor(), target.adds());
                dropout_backward(dx, gradient.dy, mask, context.skip_dropout, gradient.gate, add)?;
            }
            _ => target.collect(gradient.dy, gradient.gate, gradient.sample)?,
        }
        Ok(())
    }

    fn trace(&self, _: &mut GraphBuilder<'_>, x: ValueId) -> Result<Option<ValueId>> {
        Ok(Some(x))
    }

    fn is_identity(&self) -> bool {
        true
    }
}
