//! Layers forward, one after the other.

use candle_core::Tensor;
use eoinas_core::models::Activation;
use eoinas_kernels::Term;
use eoinas_kernels::curve::curve_forward;
use eoinas_kernels::elementwise::{dropout_forward, relu_forward};
use eoinas_kernels::head::{global_average_pool, linear_forward};
use eoinas_kernels::node::node_sum;
use eoinas_kernels::norm::{batch_stats, normalise};
use eoinas_kernels::scale::scale_forward;

use super::{Kind, LayerModule, LayerNetwork, LayerTape, Learning, Saved, curve, pool, present};
use crate::error::Result;
use crate::operation::{Context, Phase};

impl LayerNetwork {
    /// Logits `[n, classes]` of `images`, and what a backward pass through the layers that learn needs.
    pub(super) fn forward(
        &self,
        context: &mut Context<'_>,
        images: &Tensor,
        learning: Learning,
    ) -> Result<(Tensor, LayerTape)> {
        let needs = self.needs(learning);
        let mut tape = LayerTape {
            values: Vec::with_capacity(self.layers.len()),
            saved: Vec::with_capacity(self.layers.len()),
            samples: images.dim(0)?,
            needs,
        };
        for (index, layer) in self.layers.iter().enumerate() {
            context.go_on()?;
            context.keep = tape.needed(index);
            let (value, saved) = match layer.kind {
                Kind::Images => (images.clone(), Saved::Nothing),
                _ => self.run(context, &mut tape, index, layer)?,
            };
            tape.values.push(Some(value));
            tape.saved.push(saved);
            for &input in layer.inputs.iter().chain([&index]) {
                self.release(context, &mut tape, input, index);
            }
        }
        let last = self.layers.len().saturating_sub(1);
        // The logits are the caller's.
        let logits = present(tape.values.get_mut(last).and_then(Option::take))?;
        let (n, features) = (tape.samples, logits.dim(3)?);
        Ok((logits.reshape((n, features))?, tape))
    }

    /// Whether weights that learn lead to the output of each layer.
    fn needs(&self, learning: Learning) -> Vec<bool> {
        let first = match learning {
            Learning::Nothing => self.layers.len(),
            Learning::Head => self.head,
            Learning::All => 0,
        };
        let mut needs: Vec<bool> = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let below = layer.inputs.iter().any(|&input| needs.get(input) == Some(&true));
            needs.push(below || index >= first && layer.kind.learns());
        }
        needs
    }

    /// Hands back the output of `index` if `done` was its last reader and no backward pass needs it.
    fn release(&self, context: &Context<'_>, tape: &mut LayerTape, index: usize, done: usize) {
        let Some(layer) = self.layers.get(index).filter(|layer| layer.last_reader == done) else { return };
        let mut readers = self.layers.iter().enumerate().skip(index + 1).take(done.saturating_sub(index));
        let read_back = readers
            .any(|(reader, layer)| tape.needed(reader) && layer.kind.reads_input() && layer.inputs.contains(&index));
        if read_back || tape.needed(index) && layer.kind.reads_output() {
            return;
        }
        tape.drop_value(context, index, matches!(layer.kind, Kind::Images));
    }

    /// A layer's output, and what it keeps beside that.
    fn run(
        &self,
        context: &mut Context<'_>,
        tape: &mut LayerTape,
        index: usize,
        layer: &LayerModule,
    ) -> Result<(Tensor, Saved)> {
        let (n, [height, width, channels]) = (tape.samples, layer.shape);
        let shape = (n, height, width, channels);
        let input = layer.inputs.first().copied();
        let workspace = context.workspace;
        let x = present(input.and_then(|input| tape.value(input)))?;
        let plain = |value: Tensor| Ok((value, Saved::Nothing));
        match &layer.kind {
            Kind::Images => plain(x.clone()),
            Kind::Conv(conv) => {
                let (z, stats) = conv.forward(context, x)?;
                Ok((z, stats.map_or(Saved::Nothing, Saved::Stats)))
            }
            Kind::Norm(norm) => {
                let applied = match (norm.apply_known(context)?, input.and_then(|input| tape.saved.get(input))) {
                    (Some(known), _) => known,
                    (None, Some(Saved::Stats(stats))) => norm.apply(context, stats)?,
                    (None, _) => norm.apply(context, &batch_stats(x)?)?,
                };
                Ok((normalise(workspace, x, &applied.norm)?, Saved::Norm(applied)))
            }
            Kind::Activation(Activation::Relu) => plain(relu_forward(workspace, x)?),
            Kind::Activation(activation) => plain(curve_forward(workspace, x, curve(*activation)?)?),
            Kind::Pool(spec) => plain(pool::forward(workspace, spec, x, [height, width])?),
            Kind::GlobalAverage => plain(global_average_pool(workspace, &[x])?.reshape(shape)?),
            Kind::Linear { weight, bias } => {
                let (weight, bias) = (context.parameters.value(*weight)?, context.parameters.value(*bias)?);
                let x = x.reshape((n, weight.dim(0)?))?;
                plain(linear_forward(workspace, &x, weight, bias)?.reshape(shape)?)
            }
            Kind::Dropout { rate } if context.phase == Phase::Training && context.keep && *rate > 0.0 => {
                let mask = context.masks.keep_mask(x.elem_count(), *rate);
                Ok((dropout_forward(workspace, x, &mask, *rate)?, Saved::Mask(mask)))
            }
            Kind::Shortcut { stride } => plain(widened(&places(*stride, layer).take(x)?, channels)?),
            Kind::Shuffle { groups } => plain(shuffled(x, *groups)?),
            Kind::Add => {
                let terms = layer
                    .inputs
                    .iter()
                    .map(|&input| Ok(Term { z: present(tape.value(input))?, norm: None, gate: 1.0, sample: None }));
                plain(node_sum(workspace, shape, &terms.collect::<Result<Vec<_>>>()?)?)
            }
            Kind::Concat => {
                let values = layer.inputs.iter().map(|&input| present(tape.value(input)));
                plain(Tensor::cat(&values.collect::<Result<Vec<_>>>()?, 3)?)
            }
            Kind::Scale => {
                let factor = present(layer.inputs.get(1).and_then(|&factor| tape.value(factor)))?;
                plain(scale_forward(workspace, x, &factor.reshape((n, channels))?)?)
            }
            Kind::Dropout { .. } | Kind::Identity => {
                // The value itself where nobody else reads it.
                let input = present(input)?;
                let alone = self.layers.get(input).is_some_and(|of| {
                    of.last_reader == index
                        && !(tape.needed(input) && of.kind.reads_output())
                        && !matches!(of.kind, Kind::Images)
                });
                let read_elsewhere = self.layers.iter().filter(|layer| layer.inputs.contains(&input)).count() > 1;
                match alone && !read_elsewhere {
                    true => plain(present(tape.values.get_mut(input).and_then(Option::take))?),
                    false => plain(x.copy()?),
                }
            }
        }
    }
}

impl LayerTape {
    pub fn needed(&self, index: usize) -> bool {
        self.needs.get(index) == Some(&true)
    }

    pub fn value(&self, index: usize) -> Option<&Tensor> {
        self.values.get(index).and_then(Option::as_ref)
    }

    /// Hands the output of a layer back; that of the images is the caller's.
    pub fn drop_value(&mut self, context: &Context<'_>, index: usize, images: bool) {
        let value = self.values.get_mut(index).and_then(Option::take);
        if let Some(value) = value.filter(|_| !images) {
            context.workspace.recycle(value);
        }
    }
}

/// The pixels that a shortcut takes.
pub(super) fn places(stride: usize, layer: &LayerModule) -> super::pixels::Places {
    let [height, width, _] = layer.shape;
    super::pixels::Places { start: [0, 0], count: [height, width], stride }
}

/// Zeros behind the channels of `x`, up to so many.
fn widened(x: &Tensor, channels: usize) -> Result<Tensor> {
    let more = channels.saturating_sub(x.dim(3)?);
    Ok(if more > 0 { x.pad_with_zeros(3, 0, more)?.contiguous()? } else { x.clone() })
}

/// Channel `j` of group `i` of `groups` becomes channel `i` of group `j`.
pub(super) fn shuffled(x: &Tensor, groups: usize) -> Result<Tensor> {
    let (n, height, width, channels) = x.dims4()?;
    let grouped = x.reshape((n, height, width, groups, channels / groups.max(1)))?;
    Ok(grouped.transpose(3, 4)?.contiguous()?.reshape((n, height, width, channels))?)
}
