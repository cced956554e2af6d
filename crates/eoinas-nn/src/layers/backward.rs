//! Layers backward, from the logits' gradient to the weights that learn.

use candle_core::Tensor;
use eoinas_core::models::Activation;
use eoinas_kernels::InputGradient;
use eoinas_kernels::curve::curve_backward;
use eoinas_kernels::elementwise::{dropout_backward, relu_backward};
use eoinas_kernels::head::{global_average_pool_backward, linear_backward};
use eoinas_kernels::node::add_scaled;
use eoinas_kernels::norm::batch_norm_backward;
use eoinas_kernels::scale::scale_backward;

use super::forward::{places, shuffled};
use super::{Kind, LayerModule, LayerNetwork, LayerTape, Saved, curve, pool, present};
use crate::buffers::{unwritten_like, zeros};
use crate::error::{NnError, Result};
use crate::gradients::WeightGradients;
use crate::operation::Context;

impl LayerNetwork {
    /// Adds the gradients of all weights that learn, from the logits' gradient.
    pub(super) fn backward(
        &self,
        context: &Context<'_>,
        tape: LayerTape,
        dlogits: &Tensor,
        weights: &mut WeightGradients,
    ) -> Result<()> {
        let mut gradients: Vec<Option<Tensor>> = vec![None; self.layers.len()];
        if let Some(last) = gradients.last_mut() {
            let (n, outputs) = dlogits.dims2()?;
            *last = Some(dlogits.copy()?.reshape((n, 1, 1, outputs))?);
        }
        let mut way = Way { network: self, context, tape, gradients, weights };
        for (index, layer) in self.layers.iter().enumerate().rev() {
            context.go_on()?;
            if let Some(dy) = way.gradients.get_mut(index).and_then(Option::take) {
                way.layer(index, layer, dy)?;
            }
            way.tape.drop_value(context, index, matches!(layer.kind, Kind::Images));
        }
        Ok(())
    }

    /// Hands back what a forward pass without a backward one still holds.
    pub(super) fn recycle(&self, context: &Context<'_>, mut tape: LayerTape) {
        for (index, layer) in self.layers.iter().enumerate() {
            tape.drop_value(context, index, matches!(layer.kind, Kind::Images));
        }
    }
}

/// A backward pass.
struct Way<'a> {
    network: &'a LayerNetwork,
    context: &'a Context<'a>,
    tape: LayerTape,
    /// The gradient of each layer's output, as far as its readers have been passed.
    gradients: Vec<Option<Tensor>>,
    weights: &'a mut WeightGradients,
}

impl Way<'_> {
    /// One layer, from the gradient of its output, which is used up.
    fn layer(&mut self, index: usize, layer: &LayerModule, dy: Tensor) -> Result<()> {
        let (context, workspace) = (self.context, self.context.workspace);
        let input = present(layer.inputs.first().copied())?;
        let wanted = self.tape.needed(input);
        let shape = self.network.layers.get(input).map_or([0; 3], |layer| layer.shape);
        let n = self.tape.samples;
        let shape = (n, shape[0], shape[1], shape[2]);
        let saved = self.tape.saved.get_mut(index).map(|saved| std::mem::replace(saved, Saved::Nothing));
        let dx = match &layer.kind {
            Kind::Images => None,
            Kind::Conv(conv) => {
                let x = present(self.tape.value(input))?;
                let slot = self.gradients.get_mut(input);
                let fresh = slot.as_ref().is_some_and(|slot| slot.is_none());
                let target = match slot {
                    Some(slot) if wanted && conv.plain() => Some(match slot {
                        Some(there) => there.clone(),
                        none => none.insert(unwritten_like(workspace, x)?).clone(),
                    }),
                    _ => None,
                };
                let targets: Vec<&Tensor> = target.iter().collect();
                let request = match (&target, wanted) {
                    (Some(_), _) if fresh => InputGradient::WriteTo(&targets),
                    (Some(_), _) => InputGradient::AddTo(&targets),
                    (None, true) => InputGradient::Return,
                    (None, false) => InputGradient::Skip,
                };
                conv.backward(context, x, &dy, request, self.weights)?
            }
            Kind::Norm(_) => {
                let Some(Saved::Norm(applied)) = &saved else {
                    return Err(NnError::Fault("a BatchNorm goes back without its map"));
                };
                let x = present(self.tape.value(input))?;
                let (dx, sums) = batch_norm_backward(workspace, x, &applied.norm, &dy, true)?;
                applied.add_gradients(&sums, 1.0, self.weights)?;
                Some(dx)
            }
            Kind::Activation(activation) => {
                let of = if layer.kind.reads_output() { index } else { input };
                let value = present(self.tape.value(of))?;
                Some(match activation {
                    Activation::Relu => relu_backward(workspace, value, &dy)?,
                    activation => curve_backward(workspace, value, &dy, curve(*activation)?)?,
                })
            }
            Kind::Pool(spec) => {
                let x = self.tape.value(input).filter(|_| pool::reads_input(spec));
                Some(pool::backward(workspace, spec, x, &dy, [shape.1, shape.2])?)
            }
            Kind::GlobalAverage => {
                let dx = zeros(workspace, shape, dy.device())?;
                global_average_pool_backward(&dy.reshape((n, shape.3))?, &[&dx])?;
                Some(dx)
            }
            Kind::Linear { weight, bias } => {
                let value = context.parameters.value(*weight)?;
                let x = present(self.tape.value(input))?.reshape((n, value.dim(0)?))?;
                let dy = dy.reshape((n, value.dim(1)?))?;
                let found = linear_backward(workspace, &x, value, &dy, wanted, true)?;
                for (id, gradient) in [(*weight, found.weight), (*bias, found.bias)] {
                    gradient.map_or(Ok(()), |gradient| self.weights.add(id, gradient))?;
                }
                found.input.map(|dx| dx.reshape(shape)).transpose()?
            }
            Kind::Dropout { rate } => match &saved {
                Some(Saved::Mask(mask)) => {
                    let dx = unwritten_like(workspace, &dy)?;
                    dropout_backward(&dx, &dy, mask, *rate, 1.0, false)?;
                    Some(dx)
                }
                _ => return self.collect(input, dy),
            },
            Kind::Shortcut { stride } => {
                let dy = dy.narrow(3, 0, shape.3)?;
                Some(places(*stride, layer).give_back(&dy, [shape.1, shape.2])?)
            }
            Kind::Shuffle { groups } => Some(shuffled(&dy, shape.3 / groups.max(&1))?),
            Kind::Add => return self.share(layer, dy),
            Kind::Concat => {
                let mut from = 0;
                for &input in &layer.inputs {
                    let channels = self.network.layers.get(input).map_or(0, |layer| layer.shape[2]);
                    self.collect(input, dy.narrow(3, from, channels)?.contiguous()?)?;
                    from += channels;
                }
                None
            }
            Kind::Scale => {
                let second = present(layer.inputs.get(1).copied())?;
                let (x, factor) = (present(self.tape.value(input))?, present(self.tape.value(second))?);
                let (dx, dfactors) = scale_backward(workspace, x, &factor.reshape((n, shape.3))?, &dy)?;
                self.collect(second, dfactors.reshape((n, 1, 1, shape.3))?)?;
                Some(dx)
            }
            Kind::Identity => return self.collect(input, dy),
        };
        workspace.recycle(dy);
        dx.map_or(Ok(()), |dx| self.collect(input, dx))
    }

    /// Adds to the gradient of a layer's output, unless nobody wants it.
    fn collect(&mut self, index: usize, gradient: Tensor) -> Result<()> {
        let wanted = self.tape.needed(index);
        match self.gradients.get_mut(index).filter(|_| wanted) {
            Some(Some(there)) => {
                add_scaled(there, &gradient, 1.0, None)?;
                self.context.workspace.recycle(gradient);
            }
            Some(none) => *none = Some(gradient),
            None => self.context.workspace.recycle(gradient),
        }
        Ok(())
    }

    /// The same gradient for every summand.
    fn share(&mut self, layer: &LayerModule, gradient: Tensor) -> Result<()> {
        let Some((&last, before)) = layer.inputs.split_last() else { return Ok(()) };
        for &input in before {
            let wanted = self.tape.needed(input);
            match self.gradients.get_mut(input).filter(|_| wanted) {
                Some(Some(there)) => add_scaled(there, &gradient, 1.0, None)?,
                Some(none) => *none = Some(gradient.copy()?),
                None => {}
            }
        }
        self.collect(last, gradient)
    }
}
