//! The contract over the references, until each kernel has its fast code.

use candle_core::Tensor;

use crate::access::{GradientView, InputView, channel_tensor, write_all};
use crate::error::Result;
use crate::norm::{BatchStats, GradSums};
use crate::reference::Array;
use crate::reference::activation::{NormValues, activate, activate_backward, join, output_gradient, statistics};
use crate::view::InputGradient;
use crate::workspace::Workspace;

pub(crate) fn raw(view: &InputView<'_>) -> Array<f32> {
    let [n, h, w, _] = view.shape;
    let sources: Vec<_> = view.sources.iter().map(|(data, c)| Array::from_f32([n, h, w, *c], data)).collect();
    join(&sources)
}

fn norm(view: &InputView<'_>) -> Option<NormValues<f32>> {
    view.norm.map(|n| NormValues {
        mean: n.mean.to_vec(),
        rstd: n.rstd.to_vec(),
        scale: n.scale.to_vec(),
        shift: n.shift.to_vec(),
    })
}

pub(crate) fn activated(view: &InputView<'_>) -> Array<f32> {
    activate(&raw(view), norm(view).as_ref(), view.relu)
}

pub(crate) fn dz(view: &GradientView<'_>, shape: [usize; 4]) -> Array<f32> {
    let dy = Array::from_f32(shape, view.dy);
    let z = view.norm.map(|(z, abd)| (Array::from_f32(shape, z), abd));
    output_gradient(&dy, z.as_ref().map(|(z, abd)| (z, *abd)), view.gate, view.sample)
}

pub(crate) fn output(ws: &Workspace, z: Array<f32>) -> Result<(Tensor, BatchStats)> {
    let (mean, variance) = statistics(&z);
    let count = z.data.len() / z.shape[3];
    let tensor = ws.tensor(z.data, z.shape.to_vec())?;
    Ok((tensor, BatchStats { mean: channel_tensor(mean)?, variance: channel_tensor(variance)?, count }))
}

pub(crate) fn input_gradient(
    ws: &Workspace,
    dx: &Array<f32>,
    view: &InputView<'_>,
    request: InputGradient<'_>,
) -> Result<Option<(Tensor, Option<GradSums>)>> {
    let (dx, dy, dy_xhat) = activate_backward(dx, &raw(view), norm(view).as_ref(), view.relu);
    match request {
        InputGradient::Skip => Ok(None),
        InputGradient::Return => {
            let sums = match view.norm {
                None => None,
                Some(_) => Some(GradSums { dy: channel_tensor(dy)?, dy_xhat: channel_tensor(dy_xhat)? }),
            };
            Ok(Some((ws.tensor(dx.data, dx.shape.to_vec())?, sums)))
        }
        InputGradient::AddTo(targets) => {
            let channels: Vec<usize> = view.sources.iter().map(|s| s.1).collect();
            write_all(targets, &mut |slices| {
                let total: usize = channels.iter().sum();
                let mut offset = 0;
                for (slice, &c) in slices.iter_mut().zip(&channels) {
                    for (i, value) in slice.iter_mut().enumerate() {
                        *value += dx.data[i / c * total + offset + i % c];
                    }
                    offset += c;
                }
            })?;
            Ok(None)
        }
    }
}
